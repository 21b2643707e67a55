"""How each form of a schedule is run: what builds it, what asks it at every step, where its rate then stands."""

from __future__ import annotations

from collections.abc import Sequence

from lrfix.driving.bench import Bench
from lrfix.driving.forms.running import Running
from lrfix.sites.model import Construction


def build(bench: Bench, construction: Construction | None, groups: int, base_lrs: Sequence[float] | None) -> Running:
    """Build the site of ``bench``; ``construction`` is the call that builds or asks it, None to judge it by itself."""
    form = bench.site.form
    if form in ("lambda", "subclass"):
        from lrfix.driving.forms.schedulers import Scheduler

        return Scheduler.built(bench, construction, groups, base_lrs)
    if form == "wrapper":
        from lrfix.driving.forms.wrappers import Wrapper

        return Wrapper.built(bench, construction, groups, base_lrs)
    if form == "setter":
        from lrfix.driving.forms.setters import build_setter

        return build_setter(bench, construction, groups, base_lrs)
    if form == "composition":
        from lrfix.driving.forms.compositions import build_composition

        return build_composition(bench, construction, groups, base_lrs)
    from lrfix.driving.forms.functions import build_function

    return build_function(bench, construction, groups)


__all__ = ["Running", "build"]
