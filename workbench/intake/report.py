"""What an intake did: per file its source, rows, duplicates and refusals with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["read", "unmapped", "unrecognised", "failed", "skipped"]


@dataclass(frozen=True)
class FileReport:
    """Say what became of one file, folder or address."""

    place: str
    outcome: Outcome
    source: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows read, by declared table, duplicates among them."""
    duplicates: int = 0
    rejections: Mapping[str, int] = field(default_factory=dict)
    """Things refused, by reason; each one stands in the quarantine."""
    reason: str = ""
    guess: Mapping[str, str] | None = None
    """For an unmapped table: what it could be (``as``, ``map``) and ``because`` of what."""


@dataclass(frozen=True)
class IngestReport:
    """Sum up one intake of files; ``linked`` is filled in by whoever links the rows afterwards."""

    files: tuple[FileReport, ...]
    masked: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    linked: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, int]:
        """Return rows read, by declared table."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.rows)
        return dict(sorted(total.items()))

    @property
    def duplicates(self) -> int:
        """Return how many rows were there already."""
        return sum(file.duplicates for file in self.files)

    @property
    def rejections(self) -> dict[str, int]:
        """Return things refused, by reason."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.rejections)
        return dict(sorted(total.items()))

    @property
    def not_read(self) -> tuple[FileReport, ...]:
        """Return the files of which something or everything could not be read."""
        return tuple(file for file in self.files if file.outcome != "read")

    def as_json(self) -> dict[str, Any]:
        """Return plain data for a program to read."""
        return {
            "files": [
                {
                    "place": f.place,
                    "outcome": f.outcome,
                    "source": f.source,
                    "rows": dict(f.rows),
                    "duplicates": f.duplicates,
                    "rejections": dict(f.rejections),
                    "reason": f.reason,
                    "guess": None if f.guess is None else dict(f.guess),
                }
                for f in self.files
            ],
            "rows": self.rows,
            "duplicates": self.duplicates,
            "rejections": self.rejections,
            "masked": dict(self.masked),
            "linked": dict(self.linked),
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """Return the report as plain lines, one a file, then the sums."""
        lines = [_line(file) for file in self.files]
        rows = ", ".join(f"{count} {table}" for table, count in self.rows.items()) or "no rows"
        lines.append(f"{len(self.files)} files: {rows}; {self.duplicates} duplicates; {self.seconds:.1f} s")
        for label, counts in (("Rejected", self.rejections), ("Masked", self.masked), ("Linked", self.linked)):
            if counts:
                lines.append(f"{label}: " + ", ".join(f"{count} x {what}" for what, count in counts.items()))
        return "\n".join(lines)


def _line(file: FileReport) -> str:
    if file.outcome != "read":
        line = f"{file.place}: {file.outcome}: {file.reason}"
        guess = file.guess or {}
        offered = f" Perhaps: --as {guess['as']} --map {guess.get('map', '')}" if "as" in guess else ""
        return line + offered + (f" ({guess['because']})" if "because" in guess else "")
    rows = ", ".join(f"{count} {table}" for table, count in file.rows.items()) or "no rows"
    refused = sum(file.rejections.values())
    return f"{file.place}: {file.source}: {rows}" + (f"; {refused} rejected" if refused else "")
