"""A row of the timeline without evidence."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows of the timeline without a chip."""
    for line in lines:
        if line.section == "Timeline" and line.cells and not CHIP.search(line.text):
            yield line, "has no evidence"


LINT = Lint("timeline row without evidence", "Cite the finding's evidence [E…] or the journal entry [J…].", check)
