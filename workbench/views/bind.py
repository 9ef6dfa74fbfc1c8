"""Widgets over a case: data from what is frozen, and every click that asks for something is one journal entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.case.case import Case
from workbench.case.human import cause_key
from workbench.errors import WorkbenchError
from workbench_widgets.board import Board
from workbench_widgets.causes import Causes

Refresh = Callable[[], None]


def wire(board: Board, case: Case, refresh: Refresh | None = None) -> None:
    """Call the case's operation at each click, and show its line of Python or why it was refused.

    *refresh* draws the board anew from the case after each click, before the line is shown.
    """

    def run(operation: str, arguments: Mapping[str, Any]) -> None:
        # The serial makes the same answer twice two answers: the front end then offers the cell again.
        serial = int(board.said.get("serial", 0)) + 1
        try:
            outcome = case.call(operation, **arguments)
        except WorkbenchError as error:
            said = {"line": "", "text": str(error), "serial": serial}
        else:
            said = {"line": line_of(case, operation), "text": outcome.summary, "serial": serial}
        if refresh is not None:
            refresh()
        board.said = said

    board.on_action(run)


def line_of(case: Case, operation: str) -> str:
    """Return the newest line of an operation; a call that already stood has its line further up."""
    lines = case.lines()
    found = [e.seq for e in case.entries if e.operation == operation]
    return lines[found[-1]] if found else lines[-1]


def causes(case: Case) -> Causes:
    """Return the cause board of a case; rejecting there rejects in the case."""
    board = Causes(_causes(case), caption=f"{len(case.causes)} candidates; a ranking is a hypothesis, a path is proof.")

    def refresh() -> None:
        board.causes = _causes(case)

    wire(board, case, refresh)
    return board


def _causes(case: Case) -> list[dict[str, Any]]:
    rejected = case.state.rejected
    return [
        {"rank": c.rank, "entity": c.entity, "kind": c.kind, "statement": c.statement, "confidence": c.confidence,
         "verdict": c.verdict, "factors": dict(c.factors), "for": [f.statement for f in c.evidence_for],
         "against": [f.statement for f in c.evidence_against], "rejected": rejected.get(cause_key(c), "")}
        for c in case.causes
    ]  # fmt: skip
