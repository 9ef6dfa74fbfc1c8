"""``case.hypothesis(statement)``: say what one believes, so that it can be confirmed or broken."""

from __future__ import annotations

from typing import Any

from workbench.case.operations import Operation, Outcome, Standing
from workbench.errors import UsageError
from workbench.model.entities import split


def run(_: object, statement: str, entity: str = "") -> Outcome:
    """Write down what could be the cause, in words or as a condition; *entity* is what it is about, ``kind:name``.

    A hypothesis is no finding: it stands in the case until evidence speaks for it or somebody rejects it.
    """
    about = f" ({entity})" if entity else ""
    return Outcome(values={"statement": statement, "entity": entity or None}, summary=f"Hypothesis: {statement}{about}")


def _settle(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if not arguments["statement"].strip():
        raise UsageError("A hypothesis needs words; an empty one was given.")
    if arguments["entity"]:
        split(arguments["entity"])
    return arguments


OPERATION = Operation("hypothesis", "human", run, run.__doc__ or "", settle=_settle)
