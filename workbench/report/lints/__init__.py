"""Lints of a written postmortem: each file looks at its lines for one thing and says how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_FROZEN = re.compile(r"\bevidence/\w+\.parquet\b|\bjournal\.jsonl\b")
LABEL = re.compile(r"^- (?:\*\*[^*]*\*\*|What should have caught it|Lead time a guard would have bought):")
CHIP = re.compile(r"\[[EJ]\d+\]")


@dataclass(frozen=True)
class Line:
    """One line of a postmortem's Markdown: its number from 1, the section it stands in, its text."""

    number: int
    section: str
    text: str

    @property
    def bare(self) -> str:
        """Return the text without its chips."""
        return CHIP.sub("", self.text)

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of a table's row; empty for its head, its rule and other lines."""
        if not self.text.startswith("|") or self.text.startswith(("|---", "| When |", "| Action |")):
            return ()
        return tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", self.text.strip())[1:-1])


Found = tuple[Line, str]
"""A line, and what is wrong with it."""


@dataclass(frozen=True)
class Lint:
    """One rule: what it looks for, and how to mend what it finds."""

    title: str
    fix: str
    check: Callable[[tuple[Line, ...]], Iterable[Found]]


def indexed(lines: Iterable[Line]) -> set[str]:
    """Return the chips that the evidence index holds."""
    return {chip for line in lines if line.section == "Evidence index" for chip in CHIP.findall(line.text)[:1]}


def live(lines: Iterable[Line]) -> set[str]:
    """Return the chips whose entry of the index names no frozen file of the case: a panel, a link, a query of today."""
    index = [line for line in lines if line.section == "Evidence index"]
    return {chip for line in index if not _FROZEN.search(line.text) for chip in CHIP.findall(line.text)[:1]}


def phrase(pattern: str, message: str) -> Callable[[tuple[Line, ...]], Iterator[Found]]:
    """Return a check that finds a phrase, without regard to case."""
    wanted = re.compile(pattern, re.IGNORECASE)

    def check(lines: tuple[Line, ...]) -> Iterator[Found]:
        for line in lines:
            # A label is the template's, not somebody's words.
            if wanted.search(LABEL.sub("", line.text)):
                yield line, message

    return check
