"""Widgets over a case: data from what is frozen, and every click that asks for something is one journal entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.case.case import Case
from workbench.case.human import cause_key
from workbench.errors import WorkbenchError
from workbench_widgets.board import Board
from workbench_widgets.causes import Causes


def wire(board: Board, case: Case) -> None:
    """Call the case's operation at each click, and show its line of Python or why it was refused."""

    def run(operation: str, arguments: Mapping[str, Any]) -> None:
        try:
            outcome = case.call(operation, **arguments)
        except WorkbenchError as error:
            board.said = {"line": "", "text": str(error)}
        else:
            board.said = {"line": case.lines()[-1], "text": outcome.summary}

    board.on_action(run)


def causes(case: Case) -> Causes:
    """Return the cause board of a case; rejecting there rejects in the case."""
    board = Causes(_causes(case), caption=f"{len(case.causes)} candidates; a ranking is a hypothesis, a path is proof.")
    wire(board, case)

    def refresh(_: object) -> None:
        board.causes = _causes(case)

    board.observe(refresh, names="said")
    return board


def _causes(case: Case) -> list[dict[str, Any]]:
    rejected = case.state.rejected
    return [
        {"rank": c.rank, "entity": c.entity, "kind": c.kind, "statement": c.statement, "confidence": c.confidence,
         "verdict": c.verdict, "factors": dict(c.factors), "for": [f.statement for f in c.evidence_for],
         "against": [f.statement for f in c.evidence_against], "rejected": rejected.get(cause_key(c), "")}
        for c in case.causes
    ]  # fmt: skip
