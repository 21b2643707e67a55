"""The rules: functions found by walking ``lrfix.rules``, each joined with its page."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from lrfix.findings import Severity, Violation
from lrfix.pages import Page, load_pages

#: A rule looks at one site's study (``lrfix.experiments.study.Study``) and yields what is wrong with it.
#: The registry is below the experiments, so the argument's type is not named here.
RuleFunction = Callable[[Any], Iterable[Violation]]
_Function = TypeVar("_Function", bound=RuleFunction)

#: Rules about lrfix's own comments have no site to look at: the engine reports them.
ENGINE_RULES = frozenset({"LR001"})

_CODE = re.compile(r"LR[1-9]\d\d")
_MARK = "__lrfix_code__"
_USES = "__lrfix_uses__"


class RegistryError(Exception):
    """Rules and pages do not fit together; the message begins with ``file:line``."""


@dataclass(frozen=True)
class Rule:
    """A rule and its page. What finds it is ``known`` or, for a rule that is looked for when it is asked, None."""

    page: Page
    known: RuleFunction | None = None

    @property
    def function(self) -> RuleFunction | None:
        """What finds the rule; None for the rules that the engine reports itself."""
        if self.known is not None or self.code in ENGINE_RULES:
            return self.known
        return _functions()[self.code]

    @property
    def judges_uses(self) -> bool:
        """Whether the rule also looks at the training code of a file as a whole (sites of the form ``training``)."""
        return bool(getattr(self.function, _USES, False))

    @property
    def code(self) -> str:
        return self.page.code

    @property
    def name(self) -> str:
        return self.page.name

    @property
    def severity(self) -> Severity:
        return self.page.severity


def rule(code: str, *, uses: bool = False) -> Callable[[_Function], _Function]:
    """Marks a function of one site's study as the rule ``code``: ``@rule("LR202")``.

    With ``uses`` it is asked about the training code of each file as well, a study of the form ``training``.
    """

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, code)
        setattr(function, _USES, uses)
        return function

    return mark


@lru_cache(maxsize=1)
def load_rules() -> Mapping[str, Rule]:
    """Every rule by code, in the order of the codes.

    A file without a schedule asks no rule, so their modules are imported when the first is asked; then RegistryError
    is raised where a rule lacks a page, a page lacks a rule, a code is malformed or given twice.
    """
    return {code: Rule(page) for code, page in sorted(load_pages().items())}


@lru_cache(maxsize=1)
def _functions() -> Mapping[str, RuleFunction]:
    """What finds each rule, by code. Raises RegistryError."""
    return {code: rule.known for code, rule in join(_walk(), load_pages()).items() if rule.known is not None}


def join(functions: Iterable[RuleFunction], pages: Mapping[str, Page]) -> Mapping[str, Rule]:
    """Functions marked with ``@rule`` and pages, as rules. Raises RegistryError."""
    by_code: dict[str, RuleFunction] = {}
    for function in functions:
        code = getattr(function, _MARK)
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise RegistryError(f"{_place(function)}: {code!r} is not a rule's code (LR101 ... LR999)")
        if code in by_code:
            raise RegistryError(f"{_place(function)}: {code} is already the rule at {_place(by_code[code])}")
        parameters = list(inspect.signature(function).parameters)
        if len(parameters) != 1:
            raise RegistryError(f"{_place(function)}: a rule takes one argument, the study; {code} takes {parameters}")
        if code not in pages:
            raise RegistryError(f"{_place(function)}: {code} has no page; write rules/{code}-<name>.md")
        by_code[code] = function
    for code, page in pages.items():
        if code not in by_code and code not in ENGINE_RULES:
            raise RegistryError(
                f"{page.path}:1: {code} has no rule; write a function with @rule({code!r}) in lrfix/rules"
            )
    for code in sorted(ENGINE_RULES):
        if code not in pages:
            raise RegistryError(f"{__file__}:1: {code} has no page; write rules/{code}-<name>.md")
    return {code: Rule(page, by_code.get(code)) for code, page in sorted(pages.items())}


def _walk() -> list[RuleFunction]:
    found: list[RuleFunction] = []
    rules = importlib.import_module("lrfix.rules")
    for info in sorted(pkgutil.walk_packages(rules.__path__, "lrfix.rules."), key=lambda info: info.name):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            # A rule imported into a neighbouring module must not count twice.
            if hasattr(value, _MARK) and getattr(value, "__module__", None) == info.name:
                found.append(value)
    return found


def _place(function: RuleFunction) -> str:
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


__all__ = ["ENGINE_RULES", "RegistryError", "Rule", "RuleFunction", "join", "load_rules", "rule"]
