"""The contrast table: conditions that set a selection apart from its baseline, ranked, with bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import traitlets

from workbench_widgets.board import Board, module, table

COLUMNS = ("condition", "share_in", "share_out", "lift", "lift_low", "lift_high", "support", "q")


class Contrast(Board):
    """Show conditions, most telling first.

    A row is a dict of condition, share_in and share_out (0..1), lift, lift_low,
    lift_high, support (rows) and q; unknown is None. Clicks ask for inspect,
    filter, exclude or hypothesis, each with the condition.
    """

    _esm = module("contrast")
    actions: ClassVar[tuple[str, ...]] = ("inspect", "filter", "exclude", "hypothesis")
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, title: str = "Contrast", caption: str = "") -> None:
        super().__init__(rows=[{n: row.get(n) for n in COLUMNS} for row in rows], title=title, caption=caption)

    def twin(self) -> str:
        """Return the conditions as a table."""
        return super().twin() + table(COLUMNS, [[row[name] for name in COLUMNS] for row in self.rows])
