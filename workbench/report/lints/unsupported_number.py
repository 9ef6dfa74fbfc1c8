"""A figure without evidence, or with evidence that the index does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint

_TOLD = ("Evidence index", "Timeline", "")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find sentences with a figure and no chip, and chips that lead nowhere."""
    known = {chip for line in lines if line.section == "Evidence index" for chip in CHIP.findall(line.text)[:1]}
    for line in lines:
        if line.text.startswith("#") or line.section in _TOLD:
            continue
        chips = CHIP.findall(line.text)
        gone = [chip for chip in chips if chip not in known]
        if gone:
            yield line, f"cites {gone[0]}, which the evidence index does not hold"
        elif not chips and re.search(r"\d", line.bare):
            yield line, "holds a figure that no evidence backs"


LINT = Lint("number without evidence", "Cite the chip of the evidence that holds the figure, or take it out.", check)
