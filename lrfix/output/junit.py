"""JUnit's XML: one suite a file that has something to say, one test case a finding or error; advice fails none."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree as xml

from lrfix.findings import FileError, Finding, Severity
from lrfix.output.document import Document
from lrfix.output.examples import told

#: What XML 1.0 cannot say.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(document: Document) -> str:
    """The report as text, with a final newline. Where there is nothing to report, one case says so by passing."""
    reported: list[Finding | FileError] = sorted([*document.findings, *document.errors], key=lambda each: each.path)
    root = xml.Element("testsuites", name="lrfix")
    for path, members in groupby(reported, key=lambda each: each.path):
        _suite(root, path, [*members])
    if not reported:
        suite = xml.SubElement(root, "testsuite", name="lrfix", tests="1", failures="0", errors="0")
        xml.SubElement(suite, "testcase", name="no findings", classname="lrfix")
    xml.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _suite(root: xml.Element, path: str, members: list[Finding | FileError]) -> None:
    failures = sum(isinstance(each, Finding) and each.severity is not Severity.INFO for each in members)
    errors = sum(isinstance(each, FileError) for each in members)
    suite = xml.SubElement(
        root, "testsuite", name=_plain(path), tests=str(len(members)), failures=str(failures), errors=str(errors)
    )
    for each in members:
        if isinstance(each, FileError):
            case = xml.SubElement(suite, "testcase", name=f"{each.kind} error", classname=_plain(path))
            xml.SubElement(case, "error", message=_plain(each.message))
            continue
        start = each.span.start
        cell = f"cell {each.cell.number}:" if each.cell is not None else ""
        name = f"{each.code} {each.name} ({cell}{start.line}:{start.column})"
        case = xml.SubElement(suite, "testcase", name=name, classname=_plain(path), line=str(start.line))
        text = f"{path}:{cell}{start.line}:{start.column}: {told(each)}"
        if each.severity is Severity.INFO:
            xml.SubElement(case, "system-out").text = _plain(text)
        else:
            failure = xml.SubElement(case, "failure", message=_plain(told(each)), type=each.severity.value)
            failure.text = _plain(text)


def _plain(text: str) -> str:
    return _FORBIDDEN.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


__all__ = ["render"]
