"""The values of a rewrite: readings of a site, the edit that carries one out, and what became of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lrfix.findings import Finding, Span

if TYPE_CHECKING:
    from lrfix.recognition.model import ScheduleSpec
    from lrfix.verification import CallRequest, Verification, VerificationRequest

Kind = Literal["equivalent", "limited", "repair"]
"""``limited``: the same curve in every setting that somebody is seen to choose, another in some that are only legal."""


class NotRewritten(Exception):
    """Why a site is left as it is, in words for the person who runs the rewrite.

    ``offered`` are the keys of readings that it would be rewritten by on request.
    """

    def __init__(self, reason: str, offered: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.offered = offered


@dataclass(frozen=True)
class Reading:
    """One meaning that a site's code may have. ``key`` is what ``--reading`` takes; the lowest ``rank`` is chosen."""

    key: str
    description: str
    spec: ScheduleSpec
    rank: int
    because: str


@dataclass(frozen=True)
class CallReplacement:
    """A call of the user's file and the text that takes its place."""

    call: ast.Call
    text: str


@dataclass(frozen=True)
class LambdaReplacement:
    """A lambda of the user's file and the expression that becomes its body."""

    node: ast.Lambda
    text: str


@dataclass(frozen=True)
class TextReplacement:
    """A name, a dotted name or a text of the user's file and the expression that takes its place.

    With ``within`` a text keeps all of itself but what the patterns match, each with what is put there.
    """

    node: ast.expr
    text: str
    within: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ClassAlias:
    """A class that stays under its name: a thin subclass of ``base`` whose constructor only passes on.

    ``arguments`` are those of ``super().__init__``. ``signature`` is the text of the parameters where the class had no
    constructor of its own.
    """

    node: ast.ClassDef
    base: str
    arguments: tuple[str, ...]
    signature: str | None = None


@dataclass(frozen=True)
class StatementReplacement:
    """Consecutive statements of one block and the text of the one statement that takes their place.

    ``keeps_comments``: the comments above the first of them speak of all, and stay.
    """

    nodes: tuple[ast.stmt, ...]
    text: str
    keeps_comments: bool


@dataclass(frozen=True)
class DeadImport:
    """Names that an import statement no longer has to bind."""

    node: ast.Import | ast.ImportFrom
    names: tuple[str, ...]


@dataclass(frozen=True)
class NewImport:
    """``from module import name as local``."""

    module: str
    name: str
    local: str

    @property
    def text(self) -> str:
        if not self.name:
            return f"import {self.module}"
        renamed = f" as {self.local}" if self.local != self.name else ""
        return f"from {self.module} import {self.name}{renamed}"


@dataclass(frozen=True)
class Edit:
    """Everything that changes in one file for one site, by nodes of the file's ``ast``."""

    calls: tuple[CallReplacement, ...] = ()
    texts: tuple[TextReplacement, ...] = ()
    statements: tuple[StatementReplacement, ...] = ()
    lambdas: tuple[LambdaReplacement, ...] = ()
    aliases: tuple[ClassAlias, ...] = ()
    removed: tuple[ast.stmt, ...] = ()
    dead_imports: tuple[DeadImport, ...] = ()
    new_imports: tuple[NewImport, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """A verification to run, and the rates that the new version must have by the reading's own parameters."""

    request: VerificationRequest | CallRequest
    label: str
    expected: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class SiteRewrite:
    """One site of a file and what is proposed for it.

    ``limits`` say how far old and new are equal: up to an end that nothing goes beyond, or but for settings that are
    legal and that nobody is seen to use, in which case the rewrite is ``limited``. ``torchs``: the new scheduler is one
    of torch's own.
    """

    path: str
    span: Span
    name: str | None
    kind: Kind
    family: str
    reading: Reading
    readings: tuple[Reading, ...]
    before: str
    after: str
    scheduler: str
    proofs: tuple[Proof, ...]
    identity: tuple[str, ...]
    codes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    bundled: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    torchs: bool = False

    @property
    def standing(self) -> str:
        """What the rewrite is, in words: "equivalent up to its end at `total`"."""
        kind = "equivalent" if self.kind == "limited" else self.kind
        return " ".join((kind, ", ".join(self.limits))).strip()

    @property
    def imported(self) -> tuple[str, ...]:
        """The names of lrfix that the new code uses."""
        return () if self.torchs else self.bundled or (self.scheduler,)


@dataclass(frozen=True)
class LeftAlone:
    """A site that is not rewritten, and why. ``failed``: its proof failed; ``refused``: it may not be run."""

    path: str
    span: Span
    name: str | None
    form: str
    reason: str
    failed: bool = False
    refused: bool = False
    offered: tuple[str, ...] = ()
    rewrite: SiteRewrite | None = None
    verifications: tuple[Verification, ...] = ()


@dataclass(frozen=True)
class OwnRepair:
    """One edit of the user's own code: the finding that it answers, what it does, and the rates that it changes.

    ``alone`` is the text of the file with this edit and no other, where that was seen to mend the finding too; None
    where the edits were tried one after another only.
    """

    finding: Finding
    says: str
    curve: str
    alone: str | None = None


@dataclass(frozen=True)
class FileRewrite:
    """What is proposed for one file: ``before`` and ``after`` are its whole text.

    ``skipped`` says why a file was not looked at, ``error`` why it could not be; ``error_kind`` is as in findings.
    """

    path: str
    before: str
    after: str
    sites: tuple[SiteRewrite, ...] = ()
    left: tuple[LeftAlone, ...] = ()
    error: str | None = None
    error_kind: str | None = None
    skipped: str | None = None
    repairs: tuple[OwnRepair, ...] = ()
    verifications: Mapping[tuple[str, ...], tuple[Verification, ...]] = field(default_factory=dict)

    @property
    def readings(self) -> tuple[str, ...]:
        """The keys of all readings that the file's schedules have, taken or not."""
        kept = (left.rewrite for left in self.left if left.rewrite is not None)
        taken = [reading.key for site in (*self.sites, *kept) for reading in site.readings]
        return (*taken, *(key for left in self.left for key in left.offered))

    @property
    def changed(self) -> bool:
        return self.before != self.after
