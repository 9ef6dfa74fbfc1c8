"""The playbook: questions asked in order, and the failure modes that their answers speak for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.model.findings import Finding

if TYPE_CHECKING:
    from workbench.case.operations import Outcome
    from workbench.case.reading import Reading
    from workbench.playbook.view import View


@dataclass(frozen=True)
class Step:
    """One question of the playbook; its file name is the verb of the case that asks it."""

    number: int
    """Order among the automatic steps."""
    question: str
    why: str
    """What the answer is needed for."""
    needs: tuple[str, ...]
    """Declared tables that it reads; where they are empty it could not run."""
    run: Callable[[Reading], Outcome]


@dataclass(frozen=True)
class Lead:
    """One candidate cause that a signature proposes, before it is weighed against the others."""

    entity: str
    statement: str
    strength: float
    """0..1: how unusual the evidence is, calibrated on quiet windows."""
    onset_ns: int | None = None
    """First time that the deviation was seen."""
    onset_after_ns: int | None = None
    """Last time that all was well; the onset lies between."""
    evidence_for: tuple[Finding, ...] = ()
    evidence_against: tuple[Finding, ...] = ()
    explained: float | None = None
    """Share of the symptom's change that it accounts for; None where nobody can say."""
    specificity: float = 1.0
    """0..1: how well the evidence fits this failure and no other."""
    shown: bool = False
    """True where the mechanism itself was shown (the transform), not only that both moved."""
    covers: tuple[str, ...] = ()
    """Other entities in which the same deviation shows because of this one."""


@dataclass(frozen=True)
class Signature:
    """One failure mode: how it is recognised, what speaks for and against it, what to do."""

    name: str
    title: str
    pattern: str
    confirms: tuple[str, ...]
    refutes: tuple[str, ...]
    fix: str
    rollback: str
    guard: str
    """The check that would have caught it."""
    lead_time: str
    """How much earlier the guard would have spoken."""
    propose: Callable[[View], Iterable[Lead]]
    signals: tuple[str, ...] = field(default=())
    """Signals of findings that it looks at."""
