"""A claim that rests on something live."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint, live, phrase

_WORDS = (
    r"\blive\b\s*[\])]|\blive\s*:",
    r"https?://\S*(?:dashboard|grafana|kibana|datadog|superset|prometheus|discover|explore|graph\b|/d/|now-\d)",
    r"\b(?:currently|now) (?:shows?|says|reads)\b|\bright now\b|\bas of (?:now|this moment|right now)\b"
    r"|\bat the moment\b|\bsee the (?:panel|dashboard|graph)\b",
)
_said = phrase("|".join(_WORDS), "rests on live evidence")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find words that point at something live, and chips whose index names no frozen file."""
    yield from _said(lines)
    moving = live(lines)
    for line in lines:
        if line.section == "Evidence index":
            continue
        if cited := [chip for chip in CHIP.findall(line.text) if chip in moving]:
            yield line, f"rests on {cited[0]}, which is live: the index names no frozen file of it"


LINT = Lint("live evidence", "Ask the question in the case, so that the answer is frozen, and cite its chip.", check)
