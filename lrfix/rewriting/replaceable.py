"""What stands in the way of replacing a schedule, as far as the text alone shows it: nothing is simulated for it."""

from __future__ import annotations

import ast

from lrfix.names import Names
from lrfix.rewriting.effects import (
    check_changes_nothing,
    check_drives_nothing,
    check_reads_no_group,
    check_tells_nobody,
    check_used_as_torchs,
)
from lrfix.rewriting.liveness import External
from lrfix.rewriting.model import NotRewritten
from lrfix.rewriting.users import (
    check_bases_unknown,
    check_class_unknown,
    check_functions_unknown,
    check_groups_settled,
    check_own_attributes,
    check_parts_unknown,
)
from lrfix.sites.model import IN_PLACE, REWRITTEN, ScheduleSite


def check_replaceable(names: Names, site: ScheduleSite, external: External) -> None:
    """Raises NotRewritten for what no edit is planned for, or none may be made: a form of schedule, or what the code
    around it does with the scheduler."""
    if site.form not in REWRITTEN:
        raise NotRewritten("this is a schedule of another form than any that rewrite replaces")
    if site.form in IN_PLACE:
        return
    if site.form == "composition":
        check_parts_unknown(names, external)
        check_class_unknown(names, site.constructions[0].call.func, external)
        check_groups_settled(names, site, external)
        return
    if isinstance(site.node, ast.ClassDef):
        check_own_attributes(names, site, site.node, external)
        check_drives_nothing(site.node)
        check_used_as_torchs(names, site.node)
    elif len(site.nodes) > 1:
        raise NotRewritten("each parameter group has a function of its own")
    check_changes_nothing(names, site.nodes)
    check_tells_nobody(names, site.nodes)
    check_reads_no_group(site.nodes)
    check_groups_settled(names, site, external)
    if site.form == "subclass" and isinstance(site.node, ast.ClassDef):
        check_bases_unknown(names, site.node, external)
    else:
        check_class_unknown(names, site.constructions[0].call.func, external)
        check_functions_unknown(names, external)


__all__ = ["check_replaceable"]
