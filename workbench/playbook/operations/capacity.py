"""``case.capacity(...)``: when memory of devices, a queue or the month's budget runs out at this growth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.analysis.forecast import AT_LEAST, RunsOut, runs_out
from workbench.analysis.gpu_verdict import TOTAL, USED
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.window import DAY_NS, HOUR_NS, parse_duration_ns
from workbench.playbook.times import Times, times
from workbench.playbook.words import clock, figure, short

MEMORY = "memory of the device, %"
QUEUED = ("queue_depth", "queue_length", "queue_size", "requests_waiting", "consumer_lag")
MOST_SERIES = 20
COLUMNS = ["what", "entity", "now", "limit", "growth_per_day", "expected_ns", "earliest_ns", "latest_ns", "coverage",
           "forecasts"]  # fmt: skip
FULL_PERCENT = 100.0


def run(
    reading: Reading, horizon: str = "30d", memory_limit: float = FULL_PERCENT, queue_limit: float | None = None,
    metric: str = "", limit: float | None = None,
) -> Outcome:  # fmt: skip
    """Say when memory of devices, a queue, or any *metric* meets its limit if it grows on as it did.

    *memory_limit* is in percent of a device's memory; a queue is only forecast where *queue_limit* says how many it
    may hold; *metric* and *limit* name a figure of one's own, such as a budget spent so far. Each date has an interval
    from the forecast's own past errors, and the share of past intervals that held what came stands beside it.
    """
    if bool(metric) != (limit is not None):
        raise UsageError("Give metric and limit together: which figure, and where it ends.")
    ahead = parse_duration_ns(horizon)
    t = times(reading)
    rows = [*_memory(reading, t, memory_limit, ahead)]
    if queue_limit is not None:
        rows += _own(reading, t, QUEUED, queue_limit, ahead)
    if metric and limit is not None:
        rows += _own(reading, t, (metric,), limit, ahead)
    if not rows:
        raise CouldNotRunError(f"no figure with a limit was sent over {AT_LEAST} hours or days of history; send device "
                               "memory, or name a metric and its limit")  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(["expected_ns", "earliest_ns"], ignore_index=True)
    return Outcome(values={"figures": len(table), "run_out": int(table["expected_ns"].notna().sum())},
                   frames={"capacity": table.astype({c: "Int64" for c in COLUMNS if c.endswith("_ns")})},
                   summary=_summary(table.iloc[0], horizon))  # fmt: skip


def _summary(first: pd.Series, horizon: str) -> str:
    name = f"{first['what']} ({short(str(first['entity']))})"
    if pd.isna(first["expected_ns"]):
        may = "" if pd.isna(first["earliest_ns"]) else f"; at worst on {clock(int(first['earliest_ns']))}"
        return f"Nothing meets its limit within {horizon}: nearest is {name}{may}."
    late = "later than that horizon" if pd.isna(first["latest_ns"]) else clock(int(first["latest_ns"]))
    early = clock(int(first["earliest_ns"])) if pd.notna(first["earliest_ns"]) else "now"
    held = "unknown" if pd.isna(first["coverage"]) else f"{100 * float(first['coverage']):.0f} %"
    grown = f"{figure(float(first['now']))} of {figure(float(first['limit']))}"
    when = f"{clock(int(first['expected_ns']))} ({early} to {late})"
    return f"First to run out: {name}, {grown}, on {when}; of past intervals {held} held what came."


def _memory(reading: Reading, t: Times, limit: float, ahead: int) -> list[list[Any]]:
    answer = reading.ask("metric_series", start_ns=t.history_start_ns, end_ns=t.end_ns, metric=[USED, TOTAL],
                         points=4 * 24 * 31).frame  # fmt: skip
    found = []
    for entity, own in answer.groupby("entity", sort=True):
        table = own.pivot_table(index="time_ns", columns="metric", values="value", aggfunc="max")
        if {USED, TOTAL} <= set(table):
            share = 100 * table[USED] / table[TOTAL].max()
            found += _line(MEMORY, str(entity), share.dropna(), limit, ahead)
    return found[:MOST_SERIES]


def _own(reading: Reading, t: Times, words: tuple[str, ...], limit: float, ahead: int) -> list[list[Any]]:
    names = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns).frame
    chosen = sorted({str(m) for m in names["metric"] if any(word in str(m) for word in words)})
    if not chosen:
        return []
    rows = reading.ask("metric_series", start_ns=t.history_start_ns, end_ns=t.end_ns, metric=chosen,
                       points=4 * 24 * 31).frame  # fmt: skip
    found = []
    for (metric, entity), own in rows.groupby(["metric", "entity"], sort=True):
        found += _line(str(metric), str(entity), own.groupby("time_ns")["value"].max().dropna(), limit, ahead)
    return found[:MOST_SERIES]


def _line(what: str, entity: str, values: pd.Series, limit: float, ahead: int) -> list[list[Any]]:
    """Return one row of the answer; none where history is too short. Days are taken where enough are known."""
    if values.empty:
        return []
    spanned = int(values.index.max() - values.index.min())
    every = DAY_NS if spanned >= (AT_LEAST + 1) * DAY_NS else HOUR_NS
    try:
        found: RunsOut = runs_out(values.index.tolist(), values.tolist(), limit, every_ns=every, horizon_ns=ahead)
    except UsageError:
        return []
    return [[what, entity, float(values.iloc[-1]), limit, found.growth_per_day, found.expected_ns, found.earliest_ns,
             found.latest_ns, found.coverage, found.forecasts]]  # fmt: skip


OPERATION = Operation("capacity", "computed", run, run.__doc__ or "")
