"""A document as data: sections of sentences, each with the evidence that it rests on; views only lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    title: Sentence
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    facts: tuple[Sentence, ...] = ()
    """Of the header."""
    lines: tuple[str, ...] = field(default=())
    """The journal as Python."""
    charts: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Drawings of frozen evidence with caption and table twin, by the name of the section that they stand in."""

    def sentences(self) -> Iterator[tuple[str, Sentence]]:
        """Yield every sentence and every row as (id, sentence), in reading order; ids are stable within a document."""
        yield "title-1", self.title
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


@dataclass(frozen=True)
class Filled:
    """Say how many of a document's fields hold something that is known, and name the others."""

    known: int
    total: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """Return 0..1."""
        return self.known / self.total if self.total else 0.0


def filled(document: Document) -> Filled:
    """Count the fields: header facts, lines of the summary, labelled facts, and each cell of the actions.

    Timeline, causes that were rejected and the evidence index count once each, so that long tables do not help.
    A field with several sentences is known when one of them is.
    """
    known: dict[str, bool] = {}
    for fact in document.facts:
        known[f"header: {fact.label}"] = _known(fact.text)
    for section in document.sections:
        if section.name in ("timeline", "rejected"):
            known[section.name] = bool(section.rows or section.sentences)
            continue
        for place, sentence in enumerate(section.sentences, start=1):
            name = f"{section.name}: {sentence.label or place}"
            known[name] = known.get(name, False) or _known(sentence.text)
        for number, row in enumerate(section.rows, start=1):
            for head, cell in zip(section.head, row.cells, strict=True):
                known[f"{section.name}: {head} {number}"] = _known(cell)
    known["evidence index"] = bool(document.sources)
    missing = tuple(name for name, has in known.items() if not has)
    return Filled(len(known) - len(missing), len(known), missing)


def _known(text: str) -> bool:
    return bool(text) and not text.startswith((UNKNOWN, "nobody yet", "No action has been agreed"))
