"""A row of the timeline whose time is missing or relative."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint

_ABSOLUTE = re.compile(r"\b\d\d?[:h.]\d\d")
_RELATIVE = re.compile(
    r"\b[TD]\s?[+\u2212-]|^[+\u2212-]\s?\d|\b(?:after|later|before|ago|next|previous|same|soon|then|meanwhile|early"
    r"|late"
    r"|morning|afternoon|evening|night|noon|yesterday|today|tomorrow|day)\b", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows whose first cell gives no clock time, or one that hangs on another row."""
    for line in lines:
        if line.section != "Timeline" or not line.cells:
            continue
        when = line.cells[0]
        if not _ABSOLUTE.search(when):
            yield line, f"has no time: {when}" if when else "has no time"
        elif _RELATIVE.search(when):
            yield line, f"has a time that hangs on another: {when}"


LINT = Lint("timeline row without time", "Give date and clock time with their zone, such as 2026-03-15 13:40 UTC.",
            check)  # fmt: skip
