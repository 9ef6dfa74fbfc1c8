"""A row of the timeline without evidence."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint, indexed


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows of the timeline without a chip, or with one that the evidence index does not hold."""
    known = indexed(lines)
    for line in lines:
        if line.section != "Timeline" or not line.cells:
            continue
        chips = CHIP.findall(line.text)
        if not chips:
            yield line, "has no evidence"
        elif gone := [chip for chip in chips if chip not in known]:
            yield line, f"cites {gone[0]}, which the evidence index does not hold"


LINT = Lint("timeline row without evidence", "Cite the finding's evidence [E…] or the journal entry [J…].", check)
