"""What inferences cost by version, tenant and region, and where the month ends: frames behind ``case.cost()``."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost import Projection, allocate, month_end
from workbench.analysis.gpu_verdict import POWER, USED, UTILIZATION
from workbench.case.reading import Reading
from workbench.config import Prices
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook.times import Times

MOST_ROWS = 200_000
LEAST_DAYS = 3
SPAN_COLUMNS = ["trace_id", "span_id", "service", "gpu", "region", "model_version", "forward_pass_ms", "attributes"]
PREDICTION_COLUMNS = ["prediction_id", "trace_id", "model_version", "tokens_in", "tokens_out", "attributes"]
TENANT = ("tenant", "tenant.id", "tenant_id", "enduser.id", "customer")
TOKENS = (("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
          ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"))  # fmt: skip
BY = ("service", "gpu", "model_version", "tenant", "region")


def inferences(reading: Reading, t: Times) -> tuple[pd.DataFrame, str]:
    """Return one row an inference, and what the rows are: ``predictions`` or ``traced requests``.

    Columns of `BY`, forward_pass_ms and tokens; null is unknown. Predictions are counted where any are known; facts
    that they do not state are those of their trace.
    """
    spans = reading.ask("rows", table="spans", columns=SPAN_COLUMNS, start_ns=t.start_ns, end_ns=t.end_ns,
                        limit=MOST_ROWS).frame  # fmt: skip
    traces = _of_traces(spans)
    made = reading.ask("rows", table="predictions", columns=PREDICTION_COLUMNS, start_ns=t.start_ns, end_ns=t.end_ns,
                       limit=MOST_ROWS).frame  # fmt: skip
    if made.empty:
        known = traces[traces["forward_pass_ms"].notna() | traces["tokens"].notna()] if len(traces) else traces
        return known.reset_index(drop=True), "traced requests"
    own = pd.DataFrame({
        "trace_id": made["trace_id"], "model_version": made["model_version"],
        "tenant": [_said(held, TENANT) for held in made["attributes"]],
        "tokens": made[["tokens_in", "tokens_out"]].astype("Float64").sum(axis=1, min_count=1),
    })  # fmt: skip
    joined = own.merge(traces, on="trace_id", how="left", suffixes=("", "_of_trace"))
    for name in ("model_version", "tenant", "tokens"):
        joined[name] = joined[name].where(joined[name].notna(), joined.pop(f"{name}_of_trace"))
    # Several predictions of one request share its time.
    joined["forward_pass_ms"] /= joined.groupby("trace_id")["trace_id"].transform("size")
    return joined, "predictions"


def _of_traces(spans: pd.DataFrame) -> pd.DataFrame:
    """Return one row a trace: the first value that any of its spans states, and the sum of device time."""
    columns = ["trace_id", *BY, "forward_pass_ms", "tokens"]
    if spans.empty:
        return pd.DataFrame(columns=columns)
    work = spans.assign(tenant=[_said(held, TENANT) for held in spans["attributes"]],
                        tokens=[_tokens(held) for held in spans["attributes"]],
                        forward_pass_ms=spans["forward_pass_ms"].astype(float))  # fmt: skip
    # The service that held the device is the one to charge.
    work["service"] = work["service"].where(work["forward_pass_ms"].notna() | work["gpu"].notna())
    by = work.sort_values(["trace_id", "span_id"]).groupby("trace_id", sort=True)
    found = by[list(BY)].first()
    found["forward_pass_ms"] = by["forward_pass_ms"].sum(min_count=1)
    found["tokens"] = by["tokens"].sum(min_count=1)
    return found.reset_index()[columns]


def _said(held: object, keys: tuple[str, ...]) -> str | None:
    pairs = dict(held) if held is not None else {}  # type: ignore[call-overload]
    return next((str(pairs[k]) for k in keys if pairs.get(k)), None)


def _tokens(held: object) -> float:
    pairs = dict(held) if held is not None else {}  # type: ignore[call-overload]
    for names in TOKENS:
        known = [str(pairs[n]) for n in names if str(pairs.get(n, "")).isdigit()]
        if known:
            return float(sum(map(int, known)))
    return float("nan")


def shares(use: pd.DataFrame, total: float, by: str) -> pd.DataFrame:
    """Return what each group of *by* cost, by device time (by tokens where no time is known): a row a group."""
    known = use["forward_pass_ms"].notna().any()
    weighed = use if known or not use["tokens"].notna().any() else use.assign(forward_pass_ms=use["tokens"])
    return allocate(total, weighed.assign(**{by: use[by].astype(object).where(use[by].notna(), "unknown")}), [by])


def daily(reading: Reading, t: Times, devices: list[str], prices: Prices) -> pd.DataFrame:
    """Return what devices cost on each complete day of the window's month: columns day, gpu_hours, kwh, cost.

    An hour counts for each device that said anything within it; days without a sample are left out. Licences and
    observing are spread evenly over the month.
    """
    start, days = month(t.end_ns)
    last = (t.end_ns - start) // DAY_NS
    if last < 1:
        return pd.DataFrame(columns=["day", "gpu_hours", "kwh", "cost"])
    rows = reading.ask("metric_series", start_ns=start, end_ns=start + last * DAY_NS, entity=devices,
                       metric=[UTILIZATION, POWER, USED], points=4 * 24 * last).frame  # fmt: skip
    rows = rows.assign(hour=rows["time_ns"] // HOUR_NS, day=(rows["time_ns"] - start) // DAY_NS)
    hours = rows.drop_duplicates(["entity", "hour"]).groupby("day").size()
    power = rows[rows["metric"] == POWER].groupby(["day", "entity", "hour"])["value"].mean()
    kwh = power.groupby("day").sum(min_count=1) / 1000
    found = pd.DataFrame({"gpu_hours": hours, "kwh": kwh}).reset_index(names="day")
    cost = found["gpu_hours"] * (prices.gpu_hour if prices.gpu_hour is not None else np.nan)
    if prices.energy_kwh is not None:
        cost = cost + (found["kwh"].astype(float) * prices.energy_kwh).fillna(0.0)
    fixed = (prices.licence_month or 0.0) + (prices.observability_month or 0.0)
    return found.assign(cost=cost + fixed / days)


def month(time_ns: int) -> tuple[int, int]:
    """Return the begin (ns) and the days of the month that holds the moment before *time_ns*."""
    at = datetime.fromtimestamp((time_ns - 1) // 10**9, tz=UTC)
    begin = datetime(at.year, at.month, 1, tzinfo=UTC)
    return int(begin.timestamp()) * 10**9, calendar.monthrange(at.year, at.month)[1]


def projected(days: pd.DataFrame, t: Times, budget: float | None) -> tuple[Projection | None, dict[str, Any]]:
    """Return where the month ends, and it as values beside the budget; None below three complete days."""
    known = days.dropna(subset="cost") if len(days) else days
    if len(known) < LEAST_DAYS:
        return None, {"month_days_known": len(known)}
    found = month_end(known["cost"].astype(float).tolist(), month(t.end_ns)[1])
    values: Mapping[str, Any] = {
        "month_days_known": len(known), "month_so_far": found.so_far, "month_expected": found.expected,
        "month_low": found.low, "month_high": found.high, "month_level": found.level,
    }  # fmt: skip
    if budget is None:
        return found, dict(values)
    verdict = "over" if found.low > budget else "within" if found.high <= budget else "uncertain"
    return found, {**values, "budget": budget, "budget_verdict": verdict}
