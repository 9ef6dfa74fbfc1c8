"""Nezha's ranking of event patterns (Yu et al., ESEC/FSE 2023), by its definition.

Spans, log lines and alarms of metrics become events; an edge leads from each event of a span to the next, and from the
caller's event to the span it started. A pattern is an edge. Those that a normal minute has and the faulty minute
lacks are ranked by normal / (normal + faulty), deeper ones first; one whose own source is missing too is left out.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.event_rates import template

LATER = 2
"""Minutes after the injection whose window is searched."""
SEEN, LEAST = 5, 0.67
BUSY, SLOW_MS, FEW = 80.0, 300.0, 2
"""Alarms: percent of processor or memory, 90 % of extra waiting for a callee in ms, of more than so many calls."""

Event = tuple[str, str]


@dataclass
class Patterns:
    """Support of every edge of one minute, and how deep each event lies at most."""

    support: Counter[tuple[Event, Event]] = field(default_factory=Counter)
    depth: dict[Event, int] = field(default_factory=dict)


def rankings(folder: Path, injected: dict[str, pd.Timestamp]) -> dict[str, list[str]]:
    """Return the services of every case as Nezha ranks them; services without a pattern follow by name."""
    texts = dict.fromkeys(("window", "trace_id", "span_id", "parent_id", "service", "name"), str)
    spans = pd.read_parquet(folder / "spans.parquet").astype(texts)
    logs = pd.read_parquet(folder / "logs.parquet").astype({"window": str, "span_id": str, "log": str})
    metrics = pd.read_parquet(folder / "metrics.parquet").astype({"Time": str, "service": str})
    every = sorted(spans["service"].unique())
    by_window, lines = dict(tuple(spans.groupby("window"))), dict(tuple(logs.groupby("window")))
    normal: dict[str, Patterns] = {}
    for name in sorted(n for n in by_window if n.startswith("normal")):
        calm = _alarms(by_window[name], metrics, name.removeprefix("normal "))
        normal.setdefault(name.split()[1], mined(by_window[name], lines.get(name), calm))
    found = {}
    for case, at in injected.items():
        when = (at.floor("min") + pd.Timedelta(minutes=LATER)).strftime("%Y-%m-%d %H:%M")
        now = by_window.get(f"fault {when}")
        usual = normal.get(when.split()[0])
        told: list[str] = []
        if now is not None and usual is not None:
            alarms = _alarms(now, metrics, when)
            told = ranked(usual, mined(now, lines.get(f"fault {when}"), alarms), set(alarms))
        found[case] = told + [s for s in every if s not in told]
    return found


def _alarms(spans: pd.DataFrame, metrics: pd.DataFrame, when: str) -> dict[str, list[str]]:
    """Return service -> first alarm: processor, memory, or its callers waiting long after it has answered."""
    rows = metrics[metrics["Time"].str.startswith(when)]
    found: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        for name in ("CpuUsageRate(%)", "MemoryUsageRate(%)"):
            if row[name] > BUSY:
                found.setdefault(row["service"], [f"alarm {name}"])
    ends = spans.assign(end=spans["start_ns"] + spans["duration_us"] * 1000)
    callers = ends.drop_duplicates("span_id").set_index("span_id")[["service", "end"]]
    both = ends.join(callers, on="parent_id", rsuffix="_caller", how="inner")
    both = both[both["service"] != both["service_caller"]]
    for service, waits in ((both["end_caller"] - both["end"]) / 1e6).groupby(both["service"]):
        if len(waits) > FEW and np.percentile(waits, 90) > SLOW_MS:
            found.setdefault(str(service), ["alarm network"])
    return found


def mined(spans: pd.DataFrame, logs: pd.DataFrame | None, alarms: dict[str, list[str]]) -> Patterns:
    """Build the event graph of one minute and count its edges."""
    said: dict[str, list[tuple[int, str]]] = defaultdict(list)
    if logs is not None:
        for span, when, line in zip(logs["span_id"], logs["time_ns"], logs["log"], strict=True):
            said[span].append((int(when), template(line)))
    events: dict[str, list[tuple[int, Event]]] = {}
    parents: dict[str, str] = {}
    once = spans.drop_duplicates("span_id").sort_values("start_ns", kind="stable")
    for row in once.itertuples():
        start, inner = int(row.start_ns), said.get(row.span_id, [])
        end = max([start + int(row.duration_us * 1000), *(when + 1 for when, _ in inner)])
        chain = [(start, f"{row.name} start"), *inner, (end, f"{row.name} end")]
        chain += [(start + place, text) for place, text in enumerate(alarms.get(row.service, ()), start=1)]
        events[row.span_id] = [(when, (row.service, text)) for when, text in sorted(chain, key=lambda e: e[0])]
        parents[row.span_id] = row.parent_id
    found = Patterns()
    deep: dict[str, int] = {}
    for span, chain in events.items():
        caller = events.get(parents[span])
        deep[span] = deep.get(parents[span], 0) + 1
        for (_, one), (_, other) in itertools.pairwise(chain):
            found.support[one, other] += 1
        for _, event in chain:
            found.depth[event] = max(found.depth.get(event, 0), deep[span])
        if caller is not None:
            place = 0
            if caller[0][1][0] == chain[0][1][0]:
                place = bisect.bisect_right(caller, chain[0][0], key=lambda e: e[0]) - 1
            if 0 <= place < len(caller):
                found.support[caller[place][1], chain[0][1]] += 1
    return found


def ranked(normal: Patterns, now: Patterns, alarmed: set[str]) -> list[str]:
    """Rank services by the best of their missing patterns: share missing, then depth, then name."""
    score = {
        edge: seen / (seen + now.support[edge]) for edge, seen in normal.support.items() if seen > SEEN
    }  # fmt: skip
    score = {edge: value for edge, value in score.items() if value >= LEAST}
    into: dict[Event, float] = {}
    for (_, target), value in score.items():
        into[target] = max(into.get(target, 0.0), value)
    roots = {edge: value for edge, value in score.items() if into.get(edge[0], -1.0) < value}
    depth = {edge: normal.depth[edge[0]] for edge in roots}
    deepest: dict[str, int] = {}
    for edge in roots:
        deepest[edge[0][0]] = max(deepest.get(edge[0][0], 0), depth[edge])
    best: dict[str, tuple[float, int]] = {}
    for edge, value in roots.items():
        service = edge[0][0]
        if service not in alarmed or depth[edge] == deepest[service]:
            best[service] = max(best.get(service, (0.0, 0)), (value, depth[edge]))
    return sorted(best, key=lambda s: (-best[s][0], -best[s][1], s))
