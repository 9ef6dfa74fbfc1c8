"""``case.hunch(step)``: say where one would look first; the order of the steps follows."""

from __future__ import annotations

from typing import Any

from workbench import plugins
from workbench.case.operations import Operation, Outcome, Standing
from workbench.errors import UnknownNameError


def run(_: object, step: str) -> Outcome:
    """Put a step of the playbook first among those that can run; a newer hunch takes the older one's place."""
    return Outcome(values={"step": step}, summary=f"Hunch: look at {step} first.")


def _settle(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if arguments["step"] not in plugins.names("step"):
        raise UnknownNameError("step", arguments["step"], plugins.names("step"))
    return arguments


OPERATION = Operation("hunch", "human", run, run.__doc__ or "", settle=_settle, slot=lambda _: "hunch")
