"""An action without owner, due date or the check that verifies it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint

_OPEN = frozenset({"", "-", "–", "—", "?", "??", "???", "unknown", "tbd", "tba", "tbc", "n/a", "na", "none", "nobody",
                   "nobody yet", "nothing", "nothing yet", "to be decided", "to be done", "to follow", "later", "open",
                   "we will see", "wait and see"})  # fmt: skip
"""What stands where nothing has been agreed on."""
_EVERYBODY = frozenset({"everyone", "everybody", "all", "all of us", "us", "we", "the team", "team", "someone",
                        "somebody", "anyone", "anybody", "whoever"})  # fmt: skip
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows of the actions in which a needed cell is empty, a placeholder, or no answer to its question."""
    for line in lines:
        if line.section != "Actions" or not line.cells:
            continue
        owner, due, verify = (*(cell.lower() for cell in line.cells[2:5]), "", "", "")[:3]
        missing = [name for name, lacks in (
            ("owner", owner in _OPEN | _EVERYBODY),
            ("due date such as 2026-03-15", not _DATE.fullmatch(due)),
            ("verify-by check", verify in _OPEN),
        ) if lacks]  # fmt: skip
        if missing:
            yield line, f"has no {', no '.join(missing)}"


LINT = Lint("incomplete action", "Say case.action(…, owner=…, due=…, verify_by=…) again with the same words.", check)
