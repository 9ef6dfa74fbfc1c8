"""Evidence, findings, causes and rankings: what analysis says, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.errors import UsageError
from workbench.model.show import html

Verdict = Literal["proven", "suspected", "none"]
State = Literal["clear", "interesting", "could not run"]


@dataclass(frozen=True)
class Evidence:
    """Point to the frozen result that a statement rests on."""

    id: str
    """Chip shown to readers, such as ``E7``: the evidence's place in the bundle."""
    query: str
    """Named query and arguments, as one readable line."""
    file: str
    """Path inside the case's bundle."""
    sha256: str
    rows: int

    def _repr_html_(self) -> str:
        return html(self)


@dataclass(frozen=True)
class Finding:
    """State one fact in words, with the numbers in it and the evidence it rests on."""

    statement: str
    entity: str
    """``kind:name`` that it is about."""
    signal: str
    """What was looked at, such as null_rate, rows, psi, error_rate, p95_ms."""
    evidence: tuple[Evidence, ...]
    state: State = "interesting"
    kind: str = ""
    """Failure signature that this speaks for, or empty."""
    supports: bool = True
    """False when it speaks against *kind*."""
    strength: float = 0.0
    """0 (nothing unusual) .. 1 (as unusual as it gets), calibrated on quiet windows."""
    values: dict[str, float | int | str | None] = field(default_factory=dict)
    onset_ns: int | None = None

    def __post_init__(self) -> None:
        if not self.evidence:
            raise UsageError(f"A finding needs evidence; none was given for: {self.statement}")

    def _repr_html_(self) -> str:
        return html(self)


@dataclass(frozen=True)
class Cause:
    """Name one candidate cause with its confidence and what speaks for and against it."""

    rank: int
    entity: str
    kind: str
    statement: str
    confidence: float
    verdict: Verdict
    factors: dict[str, float] = field(default_factory=dict)
    """path, signal, time_order, specificity ...: what the confidence is made of."""
    evidence_for: tuple[Finding, ...] = ()
    evidence_against: tuple[Finding, ...] = ()
    onset_ns: int | None = None
    path: tuple[str, ...] = ()
    """Entities from the cause to the symptom."""

    def _repr_html_(self) -> str:
        return html(self)


@dataclass(frozen=True)
class Ranking:
    """Causes best first; *verdict* may be none, and the causes are then only leads."""

    causes: tuple[Cause, ...]
    verdict: Verdict
    unexplained: float | None = None
    """Share of the harm that no cause explains, 0..1; None when it cannot be said."""
    first_failure: str | None = None
    impact: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[Cause]:
        return iter(self.causes)

    def __len__(self) -> int:
        return len(self.causes)

    def _repr_html_(self) -> str:
        return html(self)
