"""What changed between two revisions of a postmortem, sentence by sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.errors import UsageError
from workbench.report.verify_page import told

Kind = Literal["changed", "added", "removed"]


@dataclass(frozen=True)
class Change:
    """One sentence that is not the same in both revisions; empty where it is not there."""

    kind: Kind
    section: str
    before: str
    after: str

    def __str__(self) -> str:
        marks = {"changed": f"- {self.before}\n+ {self.after}", "added": f"+ {self.after}",
                 "removed": f"- {self.before}"}  # fmt: skip
        return f"{self.section}: {self.kind}\n{marks[self.kind]}"


def revisions(before: str | Path, after: str | Path) -> list[Change]:
    """Return every change between two written pages of one case, in reading order.

    Sentences are matched by section and by what they say, so that one put in between moves no other.
    Raise `UsageError` where a file is no postmortem, or of another case.
    """
    (old_case, old), (new_case, new) = told(before), told(after)
    if old_case != new_case:
        raise UsageError(f"Two revisions are of one case; {before} is of {old_case} and {after} of {new_case}.")
    sections = list(dict.fromkeys([*(name for name, _ in old), *(name for name, _ in new)]))
    return [change for section in sections for change in _section(
        section, [t for name, t in old if name == section], [t for name, t in new if name == section])]  # fmt: skip


def _section(name: str, old: list[str], new: list[str]) -> Iterator[Change]:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        paired = min(b - a, d - c)
        for i in range(paired):
            yield Change("changed", name, old[a + i], new[c + i])
        for text in old[a + paired : b]:
            yield Change("removed", name, text, "")
        for text in new[c + paired : d]:
            yield Change("added", name, "", text)
