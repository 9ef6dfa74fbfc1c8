"""``case.approve(cause, hook, plan)``: somebody allows exactly one run of exactly what they were shown."""

from __future__ import annotations

from typing import Any

from workbench.case.operations import Operation, Outcome, Standing
from workbench.errors import UsageError


def run(_: object, cause: str, hook: str, plan: str, steps: list[str], nth: int | None = None) -> Outcome:
    """Approve one run of a hook against a cause (``kind entity``); *plan* is the digest of *steps*, shown in full.

    *nth*, the place of the entry in the journal, tells approvals of one plan apart; it is filled in by itself.
    """
    shown = " ".join(repr(step) for step in steps)
    return Outcome(values={"cause": cause, "hook": hook, "plan": plan, "steps": list(steps)},
                   summary=f"Approved one run (no. {nth}) of {hook} against {cause}: {shown}")  # fmt: skip


def _settle(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if not arguments["steps"]:
        raise UsageError("An approval says what will run; no steps were given.")
    # Each approval is one entry of its own, for one run.
    return arguments if arguments["nth"] is not None else {**arguments, "nth": case.length()}


OPERATION = Operation("approve", "human", run, run.__doc__ or "", settle=_settle)
