"""A figure without evidence, or with evidence that the index does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint, indexed

_TOLD = ("Evidence index", "Timeline", "")
_FIGURE = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundreds?|thousands?|millions?|billions?|dozens?|thirds?|half of|quarter of|percent|doubled|tripled"
    r"|halved)\b", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find sentences with a figure, in digits or in words, and no chip, and chips that lead nowhere."""
    known = indexed(lines)
    for line in lines:
        if line.text.startswith("#") or line.section in _TOLD:
            continue
        chips = CHIP.findall(line.text)
        gone = [chip for chip in chips if chip not in known]
        if gone:
            yield line, f"cites {gone[0]}, which the evidence index does not hold"
        elif not chips and _FIGURE.search(line.bare):
            yield line, "holds a figure that no evidence backs"


LINT = Lint("number without evidence", "Cite the chip of the evidence that holds the figure, or take it out.", check)
