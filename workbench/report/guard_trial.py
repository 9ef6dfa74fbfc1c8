"""The guard tried on the frozen history: when it would have fired, and how often it would have fired for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.analysis.deviation import DAY_NS, QUIET_GAP_NS
from workbench.model.findings import Cause, Finding
from workbench.model.window import HOUR_NS, SECOND_NS
from workbench.report.document import UNKNOWN, Sentence, ids
from workbench.report.reading_case import CaseReader, entry_ns
from workbench.report.words import clock, duration, number, share

Kind = Literal["null_rate", "rows", "level", "gap"]
LEAST_INTERVALS = 24
"""Quiet intervals needed before a limit is set from them."""
_TAIL = 0.995
"""A limit stands beyond this share of the quiet intervals, so that the guard seldom fires for nothing."""
_SIGNALS = ("null_rate", "drift", "rows", "write_gap")


@dataclass(frozen=True)
class Trial:
    """Say what a guard with a limit would have done, checked at the end of each interval."""

    kind: Kind
    finding: Finding
    side: Literal["above", "below"]
    limit: float
    """A share for null rates and levels, rows an interval, or seconds between writes."""
    every_ns: int
    fired_ns: int | None
    """First time after the onset at which it would have fired; None where it would not have."""
    alarms: int
    """How often it would have fired in the quiet history."""
    intervals: int
    days: float
    evidence: str


@dataclass(frozen=True)
class _Watched:
    """The figure that a guard watches: values by begin of their interval, shapes ``(n,)``."""

    kind: Kind
    start_ns: np.ndarray
    values: np.ndarray
    every_ns: int


def trial(of: CaseReader, cause: Cause) -> Trial | None:
    """Try the guard of a cause on the frozen series of its first failure; None where no series holds the figure."""
    onset = cause.onset_ns
    for finding in candidates(of, cause):
        for item in finding.evidence:
            watched = _watched(of, finding, item.id)
            if watched is not None and onset is not None:
                found = _tried(finding, watched, onset, of.symptom.window.end_ns, item.id)
                if found is not None:
                    return found
    return None


def candidates(of: CaseReader, cause: Cause) -> Iterator[Finding]:
    """Yield the findings that a guard could watch, that of the first failure before the others."""
    origin = of.ranking.first_failure if of.ranking and cause.rank == 1 else None
    found = [f for f in cause.evidence_for if f.signal in _SIGNALS]
    yield from sorted(found, key=lambda f: f.entity != origin)


def _tried(finding: Finding, watched: _Watched, onset_ns: int, end_ns: int, evidence: str) -> Trial | None:
    starts, values = watched.start_ns, watched.values
    quiet = values[(starts + watched.every_ns <= onset_ns - QUIET_GAP_NS) & np.isfinite(values)]
    if len(quiet) < LEAST_INTERVALS:
        return None
    side: Literal["above", "below"] = "below" if watched.kind == "rows" and _fell(finding) else "above"
    usual = float(np.median(quiet))
    # Regular writes are never old at the check that follows them: two missed ones are what a guard may wait for.
    least = 2 * watched.every_ns / SECOND_NS if watched.kind == "gap" else max(2 * usual, 0.001)
    limit = (min(0.5 * usual, float(np.quantile(quiet, 1 - _TAIL))) if side == "below"
             else max(least, float(np.quantile(quiet, _TAIL))))  # fmt: skip
    beyond = values < limit if side == "below" else values > limit
    after = starts[beyond & (starts + watched.every_ns > onset_ns) & (starts + watched.every_ns <= end_ns)]
    alarms = quiet < limit if side == "below" else quiet > limit
    fired = int(after.min()) + watched.every_ns if len(after) else None
    span = float(starts[-1] - starts[0]) / DAY_NS
    return Trial(watched.kind, finding, side, limit, watched.every_ns, fired, int(alarms.sum()), len(quiet), span,
                 evidence)  # fmt: skip


def _fell(finding: Finding) -> bool:
    now, usual = finding.values.get("now"), finding.values.get("usual")
    return isinstance(now, int | float) and isinstance(usual, int | float) and now < usual


def _watched(of: CaseReader, finding: Finding, evidence: str) -> _Watched | None:
    """Return the series that a finding was made from, by what its answer's columns are."""
    frozen = of.frozen(evidence)
    if frozen is None:
        return None
    rows, arguments = frozen
    values, every = finding.values, int(arguments.get("every_ns") or HOUR_NS)
    if finding.signal == "null_rate" and {"nulls", "rows", "column"} <= set(rows.columns):
        mine = rows[(rows["entity"] == values.get("of")) & (rows["column"] == values.get("column"))
                    & (rows["origin"] == values.get("origin"))]  # fmt: skip
        counted = mine.groupby("start_ns")[["nulls", "rows"]].sum()
        return _of("null_rate", counted["nulls"] / counted["rows"].where(counted["rows"] > 0), every)
    if finding.signal == "rows" and {"entity", "rows"} <= set(rows.columns):
        mine = rows[(rows["entity"] == finding.entity) & (rows["origin"] == values.get("origin"))]
        return _of("rows", _without_holes(mine.groupby("start_ns")["rows"].sum(), of.symptom.window.end_ns), every)
    if finding.signal == "write_gap" and "start_ns" in rows.columns:
        return _gaps(rows[rows["entity"] == finding.entity], of.symptom.window.end_ns)
    if finding.signal == "drift" and isinstance(level := values.get("level"), str):
        return _level(rows, arguments, finding.entity.partition(":")[2], level)
    return None


def _of(kind: Kind, series: pd.Series, every_ns: int) -> _Watched | None:
    known = series.sort_index()
    if len(known) < 2:
        return None
    # What is written in batches is checked at each batch.
    every = max(every_ns, int(np.median(np.diff(known.index.to_numpy(dtype="int64")))))
    return _Watched(kind, known.index.to_numpy(dtype="int64"), known.to_numpy(dtype=float), every)


def _without_holes(series: pd.Series, end_ns: int) -> pd.Series:
    """Return a count with a zero for each usual interval in which nothing was written."""
    if len(series) < 2:
        return series
    starts = series.sort_index().index.to_numpy(dtype="int64")
    every = int(np.median(np.diff(starts)))
    slots = pd.Series(series.sort_index().to_numpy(dtype=float)).groupby((starts - starts[0]) // every).sum()
    full = slots.reindex(range(int((end_ns - starts[0]) // every)), fill_value=0.0)
    return pd.Series(full.to_numpy(), index=starts[0] + full.index.to_numpy(dtype="int64") * every)


def _gaps(rows: pd.DataFrame, end_ns: int) -> _Watched | None:
    """Return the age of the newest write at each usual interval."""
    writes = np.unique(rows["start_ns"].to_numpy(dtype="int64"))
    if len(writes) < 2:
        return None
    every = int(np.median(np.diff(writes)))
    at = np.arange(writes[0] + every, end_ns, every, dtype=np.int64)
    ages = (at - writes[np.searchsorted(writes, at, side="right") - 1]) / SECOND_NS
    return _Watched("gap", at - every, ages, every)


def _level(rows: pd.DataFrame, arguments: object, feature: str, level: str) -> _Watched | None:
    """Return the share of decisions in which a feature has a level, by the hour."""
    asked = dict(arguments) if isinstance(arguments, dict) else {}
    texts = list(asked.get("texts") or ())
    if feature not in texts or (column := f"texts.{texts.index(feature)}") not in rows.columns:
        return None
    hour = rows["time_ns"] - rows["time_ns"] % HOUR_NS
    return _of("level", (rows[column] == level).groupby(hour).mean(), HOUR_NS)


def lead_time(of: CaseReader, cause: Cause, tried: Trial | None, in_general: str) -> Sentence:
    """Return how much earlier the guard would have told than whoever did, and what it would have cost in alarms."""
    label = "Lead time a guard would have bought"
    told_ns = of.alert_ns if of.alert_ns is not None else entry_ns(of.case.entries[0])
    told = "the alert" if of.alert_ns is not None else "somebody opened the case"
    evidence = ids(e for f in cause.evidence_for for e in f.evidence)
    if tried is None:
        return _bound(of, cause, in_general, (*evidence, "J0"), label)
    chips = tuple(dict.fromkeys((tried.evidence, *evidence, "J0")))
    cost = (f"On the {tried.days:.0f} days before it {_fires(tried.alarms)} "
            f"({tried.intervals:,} checks).")  # fmt: skip
    check = f"checked every {duration(tried.every_ns)} against {_limit(tried)}"
    if tried.fired_ns is None:
        return Sentence(f"none: {check}, the guard does not fire by {clock(of.symptom.window.end_ns)}. {cost}",
                        chips, label)  # fmt: skip
    early = told_ns - tried.fired_ns
    when = f"{check}, the guard fires at {clock(tried.fired_ns)}"
    text = (f"{duration(early)}: {when}, before {told}. {cost}" if early > 0
            else f"none: {when}, {duration(-early)} after {told}. {cost}")  # fmt: skip
    return Sentence(text, chips, label)


def _bound(of: CaseReader, cause: Cause, in_general: str, chips: tuple[str, ...], label: str) -> Sentence:
    """Return an upper bound where no frozen series holds what the guard would watch."""
    if cause.onset_ns is None or of.alert_ns is None:
        return Sentence(f"{UNKNOWN} for this incident; in general: {in_general}", chips, label)
    early = of.alert_ns - cause.onset_ns
    text = (f"up to {duration(early)}, from the cause's onset {clock(cause.onset_ns)} to the alert; one interval of "
            "the check is still to be taken off, and no frozen series holds what it would watch." if early > 0
            else f"none: the cause is first seen {duration(-early)} after the alert.")  # fmt: skip
    return Sentence(text, chips, label)


def _fires(count: int) -> str:
    return {0: "never fires", 1: "fires once"}.get(count, f"fires {count:,} times")


def _limit(tried: Trial) -> str:
    if tried.kind == "gap":
        return f"a newest write {duration(int(tried.limit * SECOND_NS))} old"
    what = {"null_rate": "missing cells", "level": f"rows with {tried.finding.values.get('level')!r}",
            "rows": "rows"}[tried.kind]  # fmt: skip
    if tried.kind == "rows":
        return f"{'at least' if tried.side == 'below' else 'at most'} {number(tried.limit)} {what}"
    text = share(tried.limit) if tried.limit >= 0.1 else f"{100 * tried.limit:.2g} %"
    return f"at most {text} of {what}"
