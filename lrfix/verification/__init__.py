"""The proof that a rewritten schedule is the old one (or how it differs), run with torch in a separate process."""

from __future__ import annotations

from lrfix.verification.compare import verify, verify_many
from lrfix.verification.slice import NoProgram, Program, RefusedSlice, check_program
from lrfix.verification.values import (
    CallRequest,
    CallSetting,
    Difference,
    ResumeOutcome,
    Row,
    Scenario,
    ScenarioOutcome,
    Verification,
    VerificationRequest,
)

__all__ = [
    "CallRequest",
    "CallSetting",
    "Difference",
    "NoProgram",
    "Program",
    "RefusedSlice",
    "ResumeOutcome",
    "Row",
    "Scenario",
    "ScenarioOutcome",
    "Verification",
    "VerificationRequest",
    "check_program",
    "verify",
    "verify_many",
]
