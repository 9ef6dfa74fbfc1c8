"""An impact without a figure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint

_WHEN = re.compile(r"\d{4}-\d\d-\d\d|\d\d?:\d\d(?::\d\d)?")
"""Dates and clock times say when, not how much."""


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find an impact section in which no line holds a figure."""
    own = [line for line in lines if line.section == "Impact" and line.text.strip()]
    body = [line for line in own if not line.text.startswith("#")]
    if own and not any(re.search(r"\d", _WHEN.sub("", line.bare)) for line in body):
        yield own[0], "says no figure of the impact"


LINT = Lint("impact without numbers", "Give decisions, users, business figure or money, each with its chip.", check)
