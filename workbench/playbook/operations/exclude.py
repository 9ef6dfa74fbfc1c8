"""``case.exclude(condition)``: leave the rows that meet a condition out of the selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.analysis.conditions import negated
from workbench.case.operations import Operation, Outcome
from workbench.case.state import State
from workbench.playbook.selecting import narrowed, settle


def run(_: object, condition: str) -> Outcome:
    """Leave out of the selection what meets a condition, such as ``region = c``; the window stays."""
    return Outcome(summary=f"Without {condition}.")


def _apply(state: State, arguments: Mapping[str, Any]) -> State:
    return narrowed(state, negated(str(arguments["condition"])))


OPERATION = Operation("exclude", "human", run, run.__doc__ or "", settle=settle, apply=_apply)
