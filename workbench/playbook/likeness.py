"""Cases teach: which closed case looked like this one, what its cause was, and what helped then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.case.case import Case
from workbench.model.findings import Finding
from workbench.playbook.symptoms import family

CLOSE = "close"
NOTED = 0.9
"""Strength from which a finding belongs to the picture of a case."""
SYMPTOM, DIRECTION, LEAD = 1.0, 0.5, 2.0
"""What the kind of harm, each direction and the best lead's kind weigh beside one finding of strength 1."""
ALIKE = 0.5
"""Likeness from which an earlier case is worth a word."""


@dataclass(frozen=True)
class Like:
    """An earlier case, how alike it is (0..1), and what it taught."""

    case_id: str
    likeness: float
    cause: str
    """``kind entity``; empty where no cause was found."""
    helped: str

    def words(self) -> str:
        """Return it as one sentence."""
        kind, _, entity = self.cause.partition(" ")
        found = f"{kind.replace('_', ' ')} of {entity}" if self.cause else "no cause was found"
        helped = f" What helped then: {self.helped}" if self.helped else ""
        return f"Like {self.case_id} ({self.likeness:.2f}): {found}.{helped}"


def picture(case: Case) -> Mapping[str, float]:
    """Return what a case looks like, without names: what deviated, which way, and what leads; feature -> weight.

    Names differ from system to system and hosts come and go, so only kinds of entities count.
    """
    found: dict[str, float] = {}
    if case.symptom is not None:
        found[f"symptom {case.symptom.entity.partition(':')[0]} {family(case.symptom.signal)}"] = SYMPTOM
    for outcome in case.outcomes.values():
        for finding in outcome.findings:
            if finding.state == "interesting" and finding.strength >= NOTED:
                for name, weight in _features(finding):
                    found[name] = max(found.get(name, 0.0), weight)
    best = next((c for c in case.causes if c.verdict != "none"), None)
    if best is not None:
        found[f"lead {best.kind}"] = LEAD * best.confidence
    return found


def _features(finding: Finding) -> Iterable[tuple[str, float]]:
    what = f"{finding.signal} of {finding.entity.partition(':')[0]}"
    yield what, finding.strength
    now, usual = finding.values.get("now"), finding.values.get("usual")
    if isinstance(now, int | float) and isinstance(usual, int | float) and now != usual:
        yield f"{what} {'up' if now > usual else 'down'}", DIRECTION * finding.strength


def likeness(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the weighted Jaccard index of two pictures, 0..1: the lesser weights over the greater ones, summed."""
    names = sorted({*one, *other})
    greater = sum(max(one.get(n, 0.0), other.get(n, 0.0)) for n in names)
    lesser = sum(min(one.get(n, 0.0), other.get(n, 0.0)) for n in names)
    return lesser / greater if greater else 0.0


def alike(case: Case, earlier: Iterable[Case], *, most: int = 3) -> list[Like]:
    """Return the closed cases that look like *case*, the most alike first; ties by id."""
    own = picture(case)
    found = []
    for other in earlier:
        closed = other.state.newest(CLOSE)
        if closed is None or other.id == case.id:
            continue
        near = round(likeness(own, picture(other)), 9)
        if near >= ALIKE:
            told = closed.arguments
            found.append(Like(other.id, near, str(told["cause"] or ""), str(told["helped"] or "")))
    return sorted(found, key=lambda like: (-like.likeness, like.case_id))[:most]
