"""``case.filter(condition)``: narrow the selection to the rows that meet a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.case.operations import Operation, Outcome
from workbench.case.state import State
from workbench.playbook.selecting import narrowed, settle


def run(_: object, condition: str) -> Outcome:
    """Narrow the selection to rows that meet a condition, such as ``region = c``; the window stays."""
    return Outcome(summary=f"Only where {condition}.")


def _apply(state: State, arguments: Mapping[str, Any]) -> State:
    return narrowed(state, str(arguments["condition"]))


OPERATION = Operation("filter", "human", run, run.__doc__ or "", settle=settle, apply=_apply)
