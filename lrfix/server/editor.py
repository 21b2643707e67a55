"""The protocol, spoken by pygls (the extra ``lsp``). Texts are checked one after the other in a thread of their own.

A text is checked when its typing pauses; of what has been typed over meanwhile nothing is told.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from lrfix import __version__
from lrfix.findings import Finding, Position, Severity, Span
from lrfix.output.examples import told
from lrfix.server import checked as checking
from lrfix.server.checked import Checked

#: Seconds that a text stays as it is before it is checked.
PAUSE = 0.3
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_REWRITE = "lrfix.rewrite"


class Server(LanguageServer):
    """``checked`` is the last text of each document that was checked, by its address."""

    def __init__(self) -> None:
        super().__init__("lrfix", __version__)
        self.checked: dict[str, Checked] = {}
        # One at a time: schedules of a file share what the analysis remembers.
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="lrfix")
        self.told: set[str] = set()

    def version_of(self, uri: str) -> int:
        return self.workspace.get_text_document(uri).version or 0

    async def check(self, uri: str, pause: float = 0.0) -> Checked | None:
        """The document as it is now, checked; None where it has changed meanwhile, or is no file of Python's."""
        version = self.version_of(uri)
        await asyncio.sleep(pause)
        path = to_fs_path(uri)
        if path is None or uri not in self.workspace.text_documents or self.version_of(uri) != version:
            return None
        known = self.checked.get(uri)
        if known is None or known.version != version:
            text = self.workspace.get_text_document(uri).source
            loop = asyncio.get_running_loop()
            known = await loop.run_in_executor(self.worker, partial(checking.check, path, text, version))
        if uri not in self.workspace.text_documents or self.version_of(uri) != version:
            return None
        self.checked[uri] = known
        return known

    def range(self, checked: Checked, span: Span) -> types.Range:
        """A span in the units of the client: UTF-16, unless it has asked for others."""
        return types.Range(self._position(checked, span.start), self._position(checked, span.end))

    def _position(self, checked: Checked, position: Position) -> types.Position:
        lines = checked.lines
        line = lines[position.line - 1] if position.line <= len(lines) else ""
        units = self.workspace.position_codec.client_num_units(line[: position.column - 1])
        return types.Position(position.line - 1, units)

    def place(self, checked: Checked, position: types.Position) -> Position:
        """A position of the client as lrfix counts."""
        lines = checked.lines
        line = lines[position.line] if position.line < len(lines) else ""
        codec, column = self.workspace.position_codec, 0
        while column < len(line) and codec.client_num_units(line[:column]) < position.character:
            column += 1
        return Position(position.line + 1, column + 1)

    def publish(self, uri: str, checked: Checked) -> None:
        """Everything that is to be said of a text, in the place of what was said before."""
        diagnostics = [self._diagnostic(uri, checked, finding) for finding in checked.result.findings]
        diagnostics += [
            types.Diagnostic(types.Range(types.Position(0, 0), types.Position(0, 0)), error.message, source="lrfix")
            for error in checked.result.errors
            if error.kind == "internal"  # what does not parse the editor says itself
        ]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, diagnostics, version=checked.version)
        )
        if checked.problem is not None and checked.problem not in self.told:
            self.told.add(checked.problem)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"lrfix: {checked.problem}"))

    def _diagnostic(self, uri: str, checked: Checked, finding: Finding) -> types.Diagnostic:
        related = [
            types.DiagnosticRelatedInformation(types.Location(uri, self.range(checked, each.span)), each.text)
            for each in finding.related
            if each.path == checked.path
        ]
        return types.Diagnostic(
            self.range(checked, finding.span),
            told(finding),
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source="lrfix",
            related_information=related or None,
        )

    def edit(self, uri: str, checked: Checked, new: str) -> types.WorkspaceEdit:
        span, text = checking.change(checked.text, new)
        document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=checked.version)
        return types.WorkspaceEdit(
            document_changes=[types.TextDocumentEdit(document, [types.TextEdit(self.range(checked, span), text)])]
        )


def build() -> Server:
    """A server with all that it answers; ``start_io()`` runs it on standard input and output."""
    server = Server()

    async def look(uri: str, pause: float) -> None:
        checked = await server.check(uri, pause)
        if checked is not None:
            server.publish(uri, checked)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await look(params.text_document.uri, 0.0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        await look(params.text_document.uri, PAUSE)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.checked.pop(uri, None)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        checked = await server.check(params.text_document.uri)
        site = checked.site_at(server.place(checked, params.position)) if checked is not None else None
        if checked is None or site is None:
            return None
        index = checked.result.sites.index(site)
        findings = tuple(each for each in checked.result.findings if each.site == index)
        content = types.MarkupContent(types.MarkupKind.Markdown, checking.described(site, findings))
        return types.Hover(content, server.range(checked, site.span))

    kinds = [types.CodeActionKind.QuickFix, types.CodeActionKind.RefactorRewrite]

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)
    )
    async def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        checked = await server.check(uri)
        if checked is None:
            return []
        found = []
        for finding in checked.findings_in(params.range.start.line + 1, params.range.end.line + 1):
            new = checking.ignoring(checked, finding)
            if new is not None:
                title = f"lrfix: ignore {finding.code} ({finding.name}) here"
                edit = server.edit(uri, checked, new)
                found.append(types.CodeAction(title, kind=types.CodeActionKind.QuickFix, edit=edit))
        if checked.rewritable and checked.site_at(server.place(checked, params.range.start)) is not None:
            data = {"name": _REWRITE, "uri": uri, "version": checked.version}
            title = "lrfix: rewrite the schedules of this file, proved by running old and new"
            found.append(types.CodeAction(title, kind=types.CodeActionKind.RefactorRewrite, data=data))
        return found

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolved(action: types.CodeAction) -> types.CodeAction:
        data: Any = action.data
        if not isinstance(data, dict) or data.get("name") != _REWRITE:
            return action
        checked = server.checked.get(str(data["uri"]))
        if checked is None or checked.version != data["version"]:
            return action
        loop = asyncio.get_running_loop()
        new, words = await loop.run_in_executor(server.worker, checking.rewritten, checked)
        kind = types.MessageType.Info if new is not None else types.MessageType.Warning
        server.window_show_message(types.ShowMessageParams(kind, f"lrfix: {'; '.join(words) or 'nothing to rewrite'}"))
        if new is not None:
            action.edit = server.edit(str(data["uri"]), checked, new)
        return action

    return server


__all__ = ["PAUSE", "Server", "build"]
