"""The cause board: ranked causes, what their confidence is made of, evidence for and against, and rejection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import traitlets

from workbench_widgets.board import Board, module, table


class Causes(Board):
    """Show causes, best first.

    A cause is a dict: rank, entity, kind, statement, confidence (0..1), verdict,
    factors (name to 0..1), for and against (sentences), rejected (a reason, or
    empty). Rejecting asks for the operation reject with cause and reason.
    """

    _esm = module("causes")
    actions: ClassVar[tuple[str, ...]] = ("reject",)
    causes: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, causes: Sequence[Mapping[str, Any]], *, title: str = "Causes", caption: str = "") -> None:
        super().__init__(causes=[dict(cause) for cause in causes], title=title, caption=caption)

    def twin(self) -> str:
        """Return the causes as a table."""
        rows = [
            (c["rank"], c["entity"], c["kind"], c["statement"], c["confidence"], c["verdict"], len(c["for"]),
             len(c["against"]), c["rejected"])
            for c in self.causes
        ]  # fmt: skip
        head = ("Rank", "Entity", "Kind", "Statement", "Confidence", "Verdict", "For", "Against", "Rejected")
        return super().twin() + table(head, rows)
