"""The server as an editor meets it: a client over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lrfix.pages import load_pages

pytest.importorskip("pygls")

from lsprotocol import types
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).resolve().parent.parent.parent
BUGGY = load_pages()["LR202"].bad[0].code.replace("  # LR202", "  # \U0001f525")
SOUND = load_pages()["LR401"].bad[0].code


class Editor:
    """A client with one document."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client, self.path, self.uri = client, path, path.as_uri()
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: list[str] = []
        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self.published.put_nowait(params))
        client.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self.messages.append(params.message))
        client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: None)

    def open(self, text: str) -> None:
        document = types.TextDocumentItem(self.uri, "python", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def change(self, version: int, text: str) -> None:
        document = types.VersionedTextDocumentIdentifier(uri=self.uri, version=version)
        whole = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    async def told(self) -> types.PublishDiagnosticsParams:
        return await asyncio.wait_for(self.published.get(), 60)

    async def actions(self, line: int) -> list[types.CodeAction]:
        place = types.Range(types.Position(line, 4), types.Position(line, 4))
        params = types.CodeActionParams(self.document, place, types.CodeActionContext([]))
        found = await self.client.text_document_code_action_async(params)
        return [action for action in found or [] if isinstance(action, types.CodeAction)]

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)


@pytest.fixture
def edit(tmp_path) -> Callable[[Callable[[Editor], Awaitable[Any]]], Any]:
    """Runs a coroutine with an editor whose server is a process of its own."""

    async def session(steps: Callable[[Editor], Awaitable[Any]]) -> Any:
        client = LanguageClient("test", "1")
        editor = Editor(client, tmp_path / "train.py")
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path}
        await client.start_io(sys.executable, "-m", "lrfix", "server", env=environment)
        capabilities = types.ClientCapabilities()
        await client.initialize_async(types.InitializeParams(capabilities, process_id=os.getpid(), root_uri=None))
        client.initialized(types.InitializedParams())
        try:
            return await steps(editor)
        finally:
            await client.shutdown_async(None)
            client.exit(None)
            await client.stop()

    return lambda steps: asyncio.run(asyncio.wait_for(session(steps), 120))


def applied(text: str, action: types.CodeAction) -> str:
    """The text after an action, its edits by UTF-16 units."""
    assert action.edit is not None and action.edit.document_changes
    (change,) = action.edit.document_changes
    assert isinstance(change, types.TextDocumentEdit)
    (one,) = change.edits
    assert isinstance(one, types.TextEdit)
    units = [line.encode("utf-16-le") for line in text.splitlines(keepends=True)] + [b""]

    def offset(position: types.Position) -> int:
        return sum(map(len, units[: position.line])) + 2 * position.character

    raw = text.encode("utf-16-le")
    return (raw[: offset(one.range.start)] + one.new_text.encode("utf-16-le") + raw[offset(one.range.end) :]).decode(
        "utf-16-le"
    )


def test_a_session(edit):
    async def steps(editor: Editor) -> None:
        editor.open("x = 1\n")
        assert not (await editor.told()).diagnostics
        # Typing is checked when it pauses, and the last text counts.
        editor.change(2, "def f(:\n")
        editor.change(3, BUGGY)
        told = await editor.told()
        (diagnostic,) = (each for each in told.diagnostics if each.code == "LR202")
        assert told.version == 3 and diagnostic.severity == types.DiagnosticSeverity.Error
        assert diagnostic.range.start == types.Position(9, 8)
        assert "example values chosen by lrfix" in diagnostic.message.lower()
        hovered = await editor.client.text_document_hover_async(
            types.HoverParams(editor.document, types.Position(9, 12))
        )
        assert hovered is not None and isinstance(hovered.contents, types.MarkupContent)
        assert "linear-warmup+cosine" in hovered.contents.value and "█" in hovered.contents.value
        (ignore,) = (each for each in await editor.actions(9) if each.title.startswith("lrfix: ignore LR202"))
        assert applied(BUGGY, ignore).splitlines()[9].endswith("# \U0001f525  # lrfix: ignore[LR202]")
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(editor.document))
        assert not (await editor.told()).diagnostics

    edit(steps)


def test_a_rewrite_is_proved_before_it_is_an_edit(edit):
    pytest.importorskip("torch")

    async def steps(editor: Editor) -> None:
        editor.open(SOUND)
        await editor.told()
        line = next(number for number, text in enumerate(SOUND.splitlines()) if "def factor" in text)
        (rewrite,) = (each for each in await editor.actions(line) if each.title.startswith("lrfix: rewrite"))
        assert rewrite.edit is None
        done = await editor.client.code_action_resolve_async(rewrite)
        assert "WarmupCosineLR(optimizer, total_steps, warmup_steps=warmup_steps)" in applied(SOUND, done)
        assert any("a step or more, WarmupCosineLR" in message for message in editor.messages)

    edit(steps)
