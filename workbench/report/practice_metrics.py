"""Metrics of the practice: how long each case took from stage to stage, and what they say together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pandas as pd

from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.replay import ReplayReport, replay
from workbench.case.state import without_undone
from workbench.errors import WorkbenchError
from workbench.model.findings import Ranking
from workbench.model.window import iso
from workbench.report.document import UNKNOWN
from workbench.report.postmortem import draft
from workbench.report.reading_case import CaseReader, entry_ns

STAGES = ("began", "detected", "acknowledged", "first_correct_lead", "mitigated", "verified", "published")
"""The stages of a case, in the order in which they are reached."""


@dataclass(frozen=True)
class Practice:
    """Say when a case reached each stage (ns UTC, None where it is not known or not reached), and what became of it."""

    case: str
    times: dict[str, int | None]
    false_alarm: bool | None
    """True where a person closed it without a named cause as no incident; None while it is open."""
    signature: str | None
    """Kind of its named cause."""
    evidence_coverage: float | None
    """Share of the postmortem's numeric sentences with a chip, 0..1."""
    replays: bool | None

    def seconds(self, stage: str) -> float | None:
        """Return the seconds from the begin (from the detection where the begin is unknown) to a stage."""
        start = self.times["began"] if self.times["began"] is not None else self.times["detected"]
        at = self.times[stage]
        return None if start is None or at is None else (at - start) / 1e9

    def plain(self) -> dict[str, Any]:
        """Return the case in plain values; times as ISO 8601 UTC."""
        return {"case": self.case, **{s: None if t is None else iso(t) for s, t in self.times.items()},
                "false_alarm": self.false_alarm, "signature": self.signature,
                "evidence_coverage": self.evidence_coverage, "replays": self.replays}  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """Say how a figure is spread over cases: how many, median, quartiles and extremes, in seconds."""

    n: int
    median: float | None
    low: float | None
    """Lower quartile."""
    high: float | None
    """Upper quartile."""
    least: float | None
    most: float | None


@dataclass(frozen=True)
class Metrics:
    """Hold what cases say together; shares are None where nothing counts towards them."""

    cases: tuple[Practice, ...]
    unreadable: tuple[str, ...]
    stages: dict[str, Spread]
    false_alarm_share: float | None
    recurrence: dict[str, int]
    """Signatures met more than once, with how often."""
    recurrence_share: float | None
    """Share of cases with a named cause whose signature had been met before."""
    evidence_coverage: float | None
    replay_rate: float | None

    def frame(self) -> pd.DataFrame:
        """Return one row a case: seconds from the begin to each stage, and what became of it."""
        rows = [{"case": c.case, **{s: c.seconds(s) for s in STAGES}, "false_alarm": c.false_alarm,
                 "signature": c.signature, "evidence_coverage": c.evidence_coverage, "replays": c.replays}
                for c in self.cases]  # fmt: skip
        columns = ["case", *STAGES, "false_alarm", "signature", "evidence_coverage", "replays"]
        return pd.DataFrame(rows, columns=columns)

    def plain(self) -> dict[str, Any]:
        """Return everything in plain values, for programs; unknown is None."""
        return {
            "count": len(self.cases), "unreadable": list(self.unreadable),
            "seconds_from_begin": {s: vars(spread) for s, spread in self.stages.items()},
            "false_alarm_share": self.false_alarm_share, "recurrence": self.recurrence,
            "recurrence_share": self.recurrence_share, "evidence_coverage": self.evidence_coverage,
            "replay_rate": self.replay_rate, "cases": [c.plain() for c in self.cases],
        }  # fmt: skip


def measure(folders: Iterable[Path], *, recompute: Callable[[Path], ReplayReport] | None = replay) -> Metrics:
    """Return the metrics of cases; with *recompute* None, replay is left unknown, which is quicker."""
    cases, unreadable = [], []
    for folder in folders:
        try:
            cases.append(practice(Case.open(folder), recompute))
        except (WorkbenchError, OSError) as error:
            unreadable.append(f"{folder.name}: {error}")
    stages = {s: spread([v for c in cases if (v := c.seconds(s)) is not None]) for s in STAGES[1:]}
    named = Counter(c.signature for c in cases if c.signature is not None)
    repeated = sum(n - 1 for n in named.values())
    return Metrics(
        tuple(cases), tuple(unreadable), stages, _share([c.false_alarm for c in cases]),
        {name: n for name, n in sorted(named.items()) if n > 1},
        repeated / named.total() if named else None,
        _mean([c.evidence_coverage for c in cases]), _share([c.replays for c in cases]),
    )  # fmt: skip


def practice(case: Case, recompute: Callable[[Path], ReplayReport] | None = replay) -> Practice:
    """Return the stages of one begun case."""
    of = CaseReader(case)
    closed = case.state.status in ("resolved", "closed")
    named = of.named[0].kind if of.named else None
    report = recompute(case.path) if recompute is not None else None
    return Practice(case.id, _times(of), (named is None) if closed else None, named, coverage(case),
                    None if report is None else report.ok)  # fmt: skip


def coverage(case: Case) -> float | None:
    """Return the share of the postmortem's sentences that hold a figure or a claim and carry a chip."""
    told = [s for _, s in draft(case).sentences() if not s.text.startswith(UNKNOWN)]
    numeric = [s for s in told if s.numeric]
    return sum(1 for s in numeric if s.evidence) / len(numeric) if numeric else None


def _times(of: CaseReader) -> dict[str, int | None]:
    entries = of.case.entries
    owned, mitigated = of.entries("assign"), of.status_entry("mitigated")
    detected = of.alert_ns if of.alert_ns is not None else entry_ns(entries[0])
    after = entry_ns(mitigated) if mitigated else None
    return {
        "began": of.onset_ns,
        "detected": detected,
        "acknowledged": entry_ns(owned[0]) if owned else entry_ns(entries[0]),
        "first_correct_lead": _first_lead(of),
        "mitigated": after,
        "verified": _verified(of, after),
        "published": _reviewed(of),
    }


def _first_lead(of: CaseReader) -> int | None:
    """Return when the cause that is named in the end first stood at rank 1."""
    if not of.named:
        return None
    wanted = (of.named[0].kind, of.named[0].entity)
    for entry in of.case.entries:
        ranking = _ranking(of, entry)
        if ranking is not None and ranking.causes and (ranking.causes[0].kind, ranking.causes[0].entity) == wanted:
            return entry_ns(entry)
    return None


def _ranking(of: CaseReader, entry: Entry) -> Ranking | None:
    if entry.mode != "computed":
        return None
    try:
        return of.case.outcome(entry.seq).ranking
    except WorkbenchError:
        return None


def _verified(of: CaseReader, mitigated_ns: int | None) -> int | None:
    """Return when a check was computed after the mitigation, or when the case was called resolved."""
    if mitigated_ns is not None:
        for entry in of.case.entries:
            if entry.mode == "computed" and entry_ns(entry) > mitigated_ns:
                return entry_ns(entry)
    resolved = of.status_entry("resolved")
    return entry_ns(resolved) if resolved else None


def _reviewed(of: CaseReader) -> int | None:
    """Return when the postmortem was first called reviewed or closed; what was taken back does not count."""
    return next((entry_ns(e) for e in without_undone(of.case.entries) if e.operation == "review"
                 and e.arguments["status"] in ("reviewed", "closed")), None)  # fmt: skip


def spread(values: Sequence[float]) -> Spread:
    """Return count, median, quartiles and extremes of figures; None where there are too few."""
    if not values:
        return Spread(0, None, None, None, None, None)
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (math.nan,) * 3
    known = len(values) > 1
    return Spread(len(values), median(values), low if known else None, high if known else None,
                  min(values), max(values))  # fmt: skip


def _share(found: Sequence[bool | None]) -> float | None:
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None


def _mean(found: Sequence[float | None]) -> float | None:
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None
