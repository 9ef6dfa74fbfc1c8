"""An action without owner, due date or the check that verifies it."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint

_FIELDS = ((2, "owner"), (3, "due date"), (4, "verify-by check"))


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find rows of the actions in which a needed cell is empty or unknown."""
    for line in lines:
        if line.section == "Actions" and line.cells:
            missing = [name for at, name in _FIELDS
                       if len(line.cells) <= at or line.cells[at].lower() in ("", "-", "unknown", "tbd")]  # fmt: skip
            if missing:
                yield line, f"has no {', no '.join(missing)}"


LINT = Lint("incomplete action", "Say case.action(…, owner=…, due=…, verify_by=…) again with the same words.", check)
