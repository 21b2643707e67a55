"""Carrying an edit out with libcst: everything that the edit does not name stays as it was, byte for byte."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from lrfix.rewriting.emission import LINE_LENGTH, call_text
from lrfix.rewriting.hunks import Hunk, applied, hunks, lines_of, offset_before
from lrfix.rewriting.imports import InsertedImport, import_lines
from lrfix.rewriting.model import ClassAlias, Edit, NewImport, NotRewritten, StatementReplacement
from lrfix.source import Source

_SUPPRESSION = re.compile(r"#\s*lrfix:\s*(ignore|skip)")
_Position = tuple[int, int]
_Import = TypeVar("_Import", cst.Import, cst.ImportFrom)


def edited(source: Source, edit: Edit, inserted: Sequence[InsertedImport]) -> str:
    """The text of ``source`` after ``edit``. Raises NotRewritten where libcst reads it in another way.

    libcst drops a form feed before a statement, and a line that holds only a backslash: what is edited is its text, and
    the edits are carried over to the text as it is.
    """
    try:
        module = cst.parse_module(source.text)
    except cst.ParserSyntaxError as error:
        raise NotRewritten(f"libcst cannot parse the file: {error.message.splitlines()[0]}") from None
    read = module.code
    if len(lines_of(read)) != len(lines_of(source.text)):
        raise NotRewritten("libcst leaves out a line of the file that holds only a backslash")
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    editor = _Editor(source, wrapper.module, edit, inserted)
    changed = wrapper.visit(editor)
    if editor.missing:
        raise NotRewritten(f"the code at line {min(editor.missing)[0]} could not be found again for editing")
    return changed.code if read == source.text else _carried_over(source.text, read, changed.code)


def _carried_over(text: str, read: str, changed: str) -> str:
    """``text`` with what turns ``read``, the same text but for what libcst dropped, into ``changed``."""
    dropped = hunks(text, read)
    moved = []
    for hunk in hunks(read, changed):
        start = offset_before(hunk.start, dropped)
        end = offset_before(hunk.end - 1, dropped) + 1 if hunk.end > hunk.start else start
        moved.append(Hunk(start, end, hunk.text))
    return applied(text, moved)


class _Editor(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, source: Source, module: cst.Module, edit: Edit, inserted: Sequence[InsertedImport]) -> None:
        super().__init__()
        self.module = module
        self.source = source
        self.calls = {self._start(r.call): r.text for r in edit.calls}
        self.spans = [source.span(r.call) for r in edit.calls]
        self.texts = {(self._start(r.node), self._end(r.node)): r for r in edit.texts}
        self.aliases = {self._start(a.node): a for a in edit.aliases}
        self.removed = {self._start(s) for s in edit.removed}
        self.replaced = {self._start(r.nodes[0]): r for r in edit.statements}
        self.lambdas = {self._start(r.node): r.text for r in edit.lambdas}
        self.swallowed = {self._start(node) for r in edit.statements for node in r.nodes[1:]}
        self.dead = {self._start(d.node): set(d.names) for d in edit.dead_imports}
        self.inserted = list(inserted)
        self.after = {self._start(i.after): True for i in inserted if i.after is not None}
        self.into: dict[_Position, list[NewImport]] = {}
        for each in inserted:
            if each.into is not None:
                self.into.setdefault(self._start(each.into), []).append(each.wanted)
        self.missing: set[_Position] = {*self.calls, *self.aliases, *self.removed, *self.dead, *self.after, *self.into}
        self.missing |= {*self.lambdas, *self.replaced, *self.swallowed, *(start for start, _ in self.texts)}
        self.comments: list[list[cst.Comment]] = []
        self.touched: list[bool] = []
        self.emptied: set[cst.CSTNode] = set()

    def _start(self, node: Any) -> _Position:
        start = self.source.span(node).start
        return start.line, start.column - 1

    def _end(self, node: Any) -> _Position:
        end = self.source.span(node).end
        return end.line, end.column - 1

    def _position(self, node: cst.CSTNode) -> _Position:
        start = self.get_metadata(PositionProvider, node).start
        return start.line, start.column

    # Names and texts

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._retold(original_node, updated_node)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return self._retold(original_node, updated_node)

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.BaseExpression:
        return self._retold(original_node, updated_node)

    def _retold(
        self, original: cst.CSTNode, updated: cst.Name | cst.Attribute | cst.SimpleString
    ) -> cst.Name | cst.Attribute | cst.SimpleString:
        position = self._position(original)
        if not self.texts or position not in self.missing:
            return updated
        end = self.get_metadata(PositionProvider, original).end
        told = self.texts.get((position, (end.line, end.column)))
        if told is None:
            return updated
        self.missing.discard(position)
        if told.within:
            assert isinstance(updated, cst.SimpleString)
            value = updated.value
            for pattern, text in told.within:
                value = re.sub(pattern, text, value)
            return updated.with_changes(value=value)
        return cst.Name(told.text, lpar=updated.lpar, rpar=updated.rpar)

    # Calls

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        self.comments.append([])
        self.touched.append(False)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        position = self._position(original_node)
        text = self.calls.get(position)
        # A chain such as f(x)(y) starts two calls at one place: the one that is replaced is told by its end.
        if text is None or not self._is_replaced(original_node, position):
            return updated_node
        return self._call(position, text, original_node).with_changes(lpar=updated_node.lpar, rpar=updated_node.rpar)

    def leave_Lambda(self, original_node: cst.Lambda, updated_node: cst.Lambda) -> cst.Lambda:
        position = self._position(original_node)
        text = self.lambdas.get(position)
        if text is None:
            return updated_node
        return updated_node.with_changes(body=self._call(position, text, original_node.body))

    def _call(self, position: _Position, text: str, original: cst.BaseExpression) -> cst.Call:
        """The call that takes the place of an expression, whose comments go above the statement."""
        self.missing.discard(position)
        if self.comments:
            self.comments[-1] += [c for c in _comments(original) if not _SUPPRESSION.match(c.value)]
            self.touched[-1] = True
        parsed = cst.parse_expression(
            text.replace("\n", self.module.default_newline), config=self.module.config_for_parsing
        )
        assert isinstance(parsed, cst.Call)
        return parsed

    def _is_replaced(self, node: cst.Call, position: _Position) -> bool:
        end = self.get_metadata(PositionProvider, node).end
        return any(
            (span.end.line, span.end.column - 1) == (end.line, end.column)
            for span in self.spans
            if (span.start.line, span.start.column - 1) == position
        )

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        comments, touched = self.comments.pop(), self.touched.pop()
        if not touched:
            return updated_node
        leading = [line for line in updated_node.leading_lines if not _suppresses(line.comment)]
        leading += [cst.EmptyLine(indent=True, comment=comment) for comment in comments]
        trailing = updated_node.trailing_whitespace
        if _suppresses(trailing.comment):
            trailing = trailing.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
        return updated_node.with_changes(leading_lines=leading, trailing_whitespace=trailing)

    # Imports

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        position = self._position(original_node)
        if position in self.into and not isinstance(updated_node.names, cst.ImportStar):
            self.missing.discard(position)
            names = list(updated_node.names)
            for wanted in self.into[position]:
                _add_name(names, wanted)
            updated_node = updated_node.with_changes(names=names)
        return self._without_dead(original_node, updated_node)

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        return self._without_dead(original_node, updated_node)

    def _without_dead(self, original: _Import, updated: _Import) -> _Import:
        position = self._position(original)
        dead = self.dead.get(position)
        if dead is None or isinstance(updated.names, cst.ImportStar):
            return updated
        self.missing.discard(position)
        kept = [alias for alias in updated.names if _local_name(alias) not in dead]
        if not kept:
            self.emptied.add(original)
            return updated
        last = updated.names[-1]
        if kept[-1] is not last:
            kept[-1] = kept[-1].with_changes(comma=last.comma)
        return updated.with_changes(names=kept)

    # Classes that stay under their name

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:
        alias = self.aliases.get(self._position(original_node))
        if alias is None:
            return updated_node
        self.missing.discard(self._position(original_node))
        return self._thin(alias, updated_node)

    def _thin(self, alias: ClassAlias, node: cst.ClassDef) -> cst.ClassDef:
        body: list[cst.BaseStatement] = []
        if isinstance(node.body, cst.IndentedBlock):
            first = node.body.body[0]
            if _is_docstring(first):
                body.append(first)
            body += [s for s in node.body.body if isinstance(s, cst.FunctionDef) and s.name.value == "__init__"][:1]
        unit = self.module.default_indent
        start = self.source.lines[alias.node.lineno - 1]
        own = node.body.indent if isinstance(node.body, cst.IndentedBlock) else None
        indent = start[: len(start) - len(start.lstrip())] + (own or unit) + unit
        arguments = alias.arguments
        call = call_text("super().__init__", arguments, len(indent.expandtabs(4)), 0, LINE_LENGTH, unit)
        statement = self._statement(call)
        if alias.signature is not None:
            definition = self._statement(f"def __init__({alias.signature}):\n{unit}pass\n")
            body.append(definition)
        initialiser = body[-1]
        assert isinstance(initialiser, cst.FunctionDef)
        suite = initialiser.body
        if not isinstance(suite, cst.IndentedBlock):
            suite = cst.IndentedBlock(body=[])
        kept = [s for s in suite.body[:1] if _is_docstring(s)]
        leading = initialiser.leading_lines if len(body) > 1 else ()
        body[-1] = initialiser.with_changes(
            body=suite.with_changes(body=[*kept, statement], footer=()),
            leading_lines=[line for line in leading if not _suppresses(line.comment)],
        )
        return node.with_changes(
            bases=[cst.Arg(cst.Name(alias.base))],
            lpar=cst.LeftParen(),
            rpar=cst.RightParen(),
            body=cst.IndentedBlock(body=body, header=_header(node), indent=own),
        )

    def _statement(self, text: str) -> Any:
        return cst.parse_statement(
            text.replace("\n", self.module.default_newline), config=self.module.config_for_parsing
        )

    # Statements that go

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body, rest = self._kept(original_node.body, updated_node.body, None)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        new = import_lines([i.wanted for i in self.inserted if i.into is None])
        statements = [self._statement(text + "\n") for text in new]
        at = next((i for i in self.inserted if i.into is None), None)
        if at is not None and at.after is None:
            first = list(updated_node.body)[:1]
            body, rest = self._kept(original_node.body, updated_node.body, None)
            if body and first and not any(line.comment is None for line in body[0].leading_lines[:1]):
                blank = cst.EmptyLine(indent=False)
                apart = 2 if isinstance(body[0], cst.FunctionDef | cst.ClassDef) else 1
                body[0] = body[0].with_changes(leading_lines=[*[blank] * apart, *body[0].leading_lines])
            body = [*statements, *body]
        else:
            body, rest = self._kept(original_node.body, updated_node.body, statements)
        return updated_node.with_changes(body=body, footer=[*rest, *updated_node.footer])

    def _kept(
        self, original: Sequence[Any], updated: Sequence[Any], new: list[Any] | None
    ) -> tuple[list[Any], list[Any]]:
        """The statements that stay; comments above those that go move to what follows (the rest, at the end)."""
        body: list[Any] = []
        carried: list[cst.EmptyLine] = []
        gap: list[cst.EmptyLine] = []
        first_gone = False
        for index, (old, statement) in enumerate(zip(original, updated, strict=True)):
            position = self._position(old)
            if position in self.swallowed:
                self.missing.discard(position)
                continue
            if position in self.replaced:
                self.missing.discard(position)
                statement = self._in_place(statement, self.replaced[position])
            gone = self._goes(old)
            if gone:
                if any(line.comment for line in statement.leading_lines):
                    carried += [line for line in statement.leading_lines if not _suppresses(line.comment)]
                elif new and self._is_anchor(old):
                    carried += statement.leading_lines
                elif body and not gap:
                    gap = list(statement.leading_lines)
                first_gone = first_gone or index == 0
            else:
                own = list(statement.leading_lines)
                if carried or (first_gone and not body and isinstance(statement, cst.SimpleStatementLine)):
                    # A comment that stays belongs to what now follows it.
                    own = _without_blanks(own)
                elif not own:
                    # What stood first of a group took the blank line above the group with it.
                    own = gap
                gap = []
                statement = statement.with_changes(leading_lines=[*carried, *own])
                carried = []
                body.append(statement)
            if new and self._is_anchor(old):
                self.missing.discard(self._position(old))
                added = list(new)
                if carried or (gone and gap):
                    added[0] = added[0].with_changes(leading_lines=carried or gap)
                    carried, gap = [], [] if gone else gap
                body += added
        return body, carried

    def _in_place(self, old: Any, replacement: StatementReplacement) -> Any:
        """The new statement where the old ones stood, with the comments that still speak of it."""
        leading = [line for line in old.leading_lines if not _suppresses(line.comment)]
        if not replacement.keeps_comments:
            leading = [line for line in leading if line.comment is None][:1]
        new = self._statement(replacement.text)
        if len(replacement.nodes) == 1 and isinstance(old, cst.SimpleStatementLine):
            trailing = old.trailing_whitespace
            if not _suppresses(trailing.comment):
                new = new.with_changes(trailing_whitespace=trailing)
        return new.with_changes(leading_lines=leading)

    def _is_anchor(self, node: Any) -> bool:
        return self._position(node) in self.after

    def _goes(self, node: Any) -> bool:
        if isinstance(node, cst.SimpleStatementLine):
            if len(node.body) == 1 and node.body[0] in self.emptied:
                return True
            if len(node.body) != 1 and self._position(node) in self.removed:
                return False
        position = self._position(node)
        if position in self.removed:
            self.missing.discard(position)
            return True
        return False


def _comments(node: cst.CSTNode) -> list[cst.Comment]:
    found = [node] if isinstance(node, cst.Comment) else []
    for child in node.children:
        found += _comments(child)
    return found


def _suppresses(comment: cst.Comment | None) -> bool:
    return comment is not None and _SUPPRESSION.match(comment.value) is not None


def _without_blanks(lines: list[cst.EmptyLine]) -> list[cst.EmptyLine]:
    while lines and lines[0].comment is None:
        lines = lines[1:]
    return lines


def _is_docstring(statement: Any) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def _add_name(names: list[cst.ImportAlias], wanted: NewImport) -> None:
    """One name more in an import: in its place where those of the file are in order, else at the end."""
    ordered = [_order(str(alias.name.value)) for alias in names]
    place = bisect(ordered, _order(wanted.name)) if ordered == sorted(ordered) else len(names)
    asname = cst.AsName(cst.Name(wanted.local)) if wanted.local != wanted.name else None
    between = [alias.comma for alias in names[:-1] if "#" not in cst.Module([]).code_for_node(alias)]
    separator = between[0] if between else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    last = names[-1]
    if place < len(names):
        names.insert(place, cst.ImportAlias(cst.Name(wanted.name), asname=asname, comma=separator))
        return
    names[-1] = last.with_changes(comma=separator)
    names.append(cst.ImportAlias(cst.Name(wanted.name), asname=asname, comma=last.comma))


def _order(name: str) -> tuple[int, str]:
    """The order of isort and ruff: constants, classes, the rest, whatever the case of their letters."""
    return 0 if name.isupper() else 1 if name[:1].isupper() else 2, name.lower()


def _local_name(alias: cst.ImportAlias) -> str:
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


def _header(node: cst.ClassDef) -> cst.TrailingWhitespace:
    body = node.body
    header = body.header if isinstance(body, cst.IndentedBlock) else cst.TrailingWhitespace()
    if _suppresses(header.comment):
        return header.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
    return header


__all__ = ["edited"]
