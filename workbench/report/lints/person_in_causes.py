"""A person named among the causes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint

_ACTED = re.compile(r"\b(?:by|because|since|when) ([A-Z][a-z]+ [A-Z][a-z]+)\b")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find owners of the case or of its actions, and names after by or because, in causes and rejected hypotheses."""
    owners = {line.cells[2].lower() for line in lines if line.section == "Actions" and len(line.cells) > 2}
    owners |= {CHIP.sub("", line.text).partition(":")[2].strip().lower() for line in lines
               if line.text.startswith("- Owner:")}  # fmt: skip
    owners -= {"", "unknown", "nobody yet"}
    for line in lines:
        if line.section != "Trigger and contributing factors":
            continue
        named = next((o for o in sorted(owners) if re.search(rf"\b{re.escape(o)}\b", line.bare.lower())), None)
        found = _ACTED.search(line.bare)
        if named or found:
            yield line, f"names a person as a cause: {named or (found and found[1])}"


LINT = Lint("person in causes", "Name the change, the missing check or the system instead of the person.", check)
