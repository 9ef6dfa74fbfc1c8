"""Narrow the selection of a case by conditions: what filter and exclude share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.analysis.conditions import checked, joined
from workbench.case.operations import Standing
from workbench.case.state import State
from workbench.errors import UsageError


def settle(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    """Check the condition; there must be a selection to narrow."""
    if case.state.symptom is None:
        raise UsageError("There is no selection to narrow; begin first: case.begin(entity, signal, window).")
    if not arguments["condition"].strip():
        raise UsageError("A filter needs a condition, such as region = c; an empty one was given.")
    return {**arguments, "condition": checked(arguments["condition"])}


def narrowed(state: State, condition: str) -> State:
    """Return the state with a narrower selection."""
    symptom = state.symptom
    return (
        state if symptom is None else replace(state, symptom=replace(symptom, where=joined(symptom.where, condition)))
    )
