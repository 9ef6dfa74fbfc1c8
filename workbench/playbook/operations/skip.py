"""``case.skip(step, reason)``: leave a step of the playbook out, and say why."""

from __future__ import annotations

from typing import Any

from workbench import plugins
from workbench.case.operations import Operation, Outcome, Standing
from workbench.errors import UnknownNameError, UsageError


def run(_: object, step: str, reason: str) -> Outcome:
    """Leave a step of the playbook out, with the reason; running it later takes the place of having skipped it."""
    return Outcome(values={"step": step, "reason": reason}, summary=f"Skipped {step}: {reason}")


def _settle(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if arguments["step"] not in plugins.names("step"):
        raise UnknownNameError("step", arguments["step"], plugins.names("step"))
    if not arguments["reason"].strip():
        raise UsageError(f"Skipping {arguments['step']} needs a reason; it stays in the case for others to read.")
    return arguments


OPERATION = Operation("skip", "human", run, run.__doc__ or "", settle=_settle, slot=lambda a: f"skip:{a['step']}")
