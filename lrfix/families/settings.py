"""Settings of a study that the code itself fixes: what keys the parameter groups."""

from __future__ import annotations

from lrfix.domains.roles import Role, role_of
from lrfix.experiments.study import Study


def settle_key(study: Study) -> None:
    """Take a name that keys the parameter groups (``group[self.param_name]``) for the rate's."""
    run = study.run(0, use=None) if study.site.form != "lambda" else study.run(0)
    if run.failure is None or run.failure.kind != "KeyError" or run.failure.step > 0:
        return
    for path, value in {**run.leaves, **run.names}.items():
        if path not in study.settings and repr(value) == run.failure.message and role_of(path) is Role.UNKNOWN:
            study.settings[path] = "lr"
            return


__all__ = ["settle_key"]
