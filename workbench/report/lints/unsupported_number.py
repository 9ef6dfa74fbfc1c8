"""A figure without evidence, or with evidence that the index does not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.figures import in_digits, in_words
from workbench.report.lints import CHIP, Found, Line, Lint, indexed

_TOLD = ("Evidence index", "Timeline", "")
_RATIO = re.compile(
    r"\b(?:hundreds?|thousands?|millions?|billions?|dozens?|scores of|thirds?|(?:one|a|by) (?:half|third|quarter)"
    r"|half of"
    r"|quarters? of|percent|doubl(?:ed|ing)|tripl(?:ed|ing)|quadrupl(?:ed|ing)|halv(?:ed|ing)|twice (?:as|the|its"
    r"|what)|(?:three|four|five|ten)fold"
    r"|(?:two|three|four|five|six|seven|eight|nine|ten) (?:times|of (?:the|our)))\b(?!-)", re.IGNORECASE)  # fmt: skip
"""Figures in words that are no number by themselves."""


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
        elif not chips and _figure(line.bare):
            yield line, "holds a figure that no evidence backs"


def _figure(text: str) -> bool:
    """Say whether a text holds a figure, in digits or in words; versions, ids, dates and names hold none."""
    return any(in_digits(text)) or any(in_words(text)) or bool(_RATIO.search(text))


LINT = Lint("number without evidence", "Cite the chip of the evidence that holds the figure, or take it out.", check)
