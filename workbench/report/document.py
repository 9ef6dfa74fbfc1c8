"""A document as data: sections of sentences, each with the evidence that it rests on; views only lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from workbench.model.findings import Evidence

UNKNOWN = "unknown"
_FIGURE = re.compile(r"\d")


@dataclass(frozen=True)
class Sentence:
    """State one thing, with the ids of its evidence: ``E7`` for frozen answers, ``J3`` for journal entries."""

    text: str
    evidence: tuple[str, ...] = ()
    label: str = ""
    """What a fact is called, such as Owner; empty for plain sentences."""

    @property
    def numeric(self) -> bool:
        """Say whether the sentence holds a figure and so must carry a chip."""
        return bool(_FIGURE.search(self.text))


@dataclass(frozen=True)
class Row:
    """One line of the timeline or of the list of actions: cells, and one set of evidence for all of them."""

    cells: tuple[str, ...]
    evidence: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the row as one line of text."""
        return " | ".join(self.cells)


@dataclass(frozen=True)
class Section:
    """One part of the document, in reading order: sentences, then a table, then code."""

    name: str
    title: str
    sentences: tuple[Sentence, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    code: str = ""
    code_title: str = ""


@dataclass(frozen=True)
class Source:
    """Where a chip leads: frozen evidence or a journal entry, with its digest."""

    id: str
    query: str
    file: str
    sha256: str
    rows: int | None


@dataclass(frozen=True)
class Document:
    """A postmortem before it is laid out."""

    case: str
    title: str
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    facts: tuple[Sentence, ...] = ()
    """Of the header."""
    lines: tuple[str, ...] = field(default=())
    """The journal as Python."""

    def sentences(self) -> Iterator[tuple[str, Sentence]]:
        """Yield every sentence and every row as (id, sentence), in reading order; ids are stable within a document."""
        for place, fact in enumerate(self.facts, start=1):
            yield f"header-{place}", fact
        for section in self.sections:
            for place, sentence in enumerate(section.sentences, start=1):
                yield f"{section.name}-{place}", sentence
            for place, row in enumerate(section.rows, start=1):
                yield f"{section.name}-row-{place}", Sentence(row.text, row.evidence)


def ids(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """Return each evidence's id once, in order."""
    return tuple(dict.fromkeys(item.id for item in evidence))
