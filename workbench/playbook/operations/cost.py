"""``case.cost(...)``: what serving cost in the selection, what of it was wasted, and what a change comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost import spend
from workbench.analysis.gpu_verdict import POWER, UTILIZATION
from workbench.case.operations import Operation, Outcome, Standing
from workbench.case.reading import Reading
from workbench.config import Prices
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.window import DAY_NS
from workbench.playbook import costs
from workbench.playbook.devices import device_samples
from workbench.playbook.spending import ask, cost_findings, split_change
from workbench.playbook.times import Times, times
from workbench.playbook.words import figure, percent

BUDGET = {"over": "over", "within": "within", "uncertain": "which may or may not hold against"}


def run(
    reading: Reading, gpu_hour: float | None = None, energy_kwh: float | None = None, by: str = "service", *,
    licence_month: float | None = None, observability_month: float | None = None, budget_month: float | None = None,
    currency: str | None = None,
) -> Outcome:  # fmt: skip
    """Say what serving cost in the selection, by whom, what was wasted, where the month ends, and why it changed.

    Prices are those of the case's configuration ([prices] and currency) unless given; without a price only hours and
    kWh are told. *by* is service, gpu, model_version, tenant or region. Cost is shared out by device time, and told by
    inference and by 1,000 tokens. Where a metric says what serving costs an hour, its change is split into devices,
    tokens and requests.
    """
    if by not in costs.BY:
        raise UsageError(f"Cost is shared out by {', '.join(costs.BY[:-1])} or {costs.BY[-1]}; got {by!r}.")
    prices = Prices(gpu_hour=gpu_hour, energy_kwh=energy_kwh, licence_month=licence_month,
                    observability_month=observability_month, budget_month=budget_month)  # fmt: skip
    sign = currency or ""
    t = times(reading)
    names = reading.ask("metric_names", start_ns=t.end_ns - DAY_NS, end_ns=t.end_ns).frame
    values, frames, words = _devices(reading, t, prices, by, sign)
    findings = tuple(cost_findings(reading, names, t))
    asked = ask(reading, names, t)
    if asked is not None:
        split = split_change(asked[0], t)
        frames["drivers"] = pd.DataFrame(
            [[d.name, d.contribution, d.share, d.now, d.usual] for d in split],
            columns=["driver", "contribution", "share", "now", "usual"],
        )
    if not values and asked is None:
        raise CouldNotRunError("no GPU sends figures and no metric says what serving costs; send either")
    summary = " ".join([*words, *(f.statement for f in findings[:1])]) or "Serving costs what it usually does."
    return Outcome(findings, values, frames, summary)


def settle(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    """Write the configured prices into the call, so that the case says later what it was computed with."""
    config = getattr(case, "config", {})
    held = {**(config.get("prices") or {}), "currency": config.get("currency")}
    return {name: held.get(name) if value is None else value for name, value in arguments.items()}


def _devices(
    reading: Reading, t: Times, prices: Prices, by: str, sign: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], list[str]]:
    samples = device_samples(reading, t.start_ns, t.end_ns)
    if samples is None:
        return {}, {}, []
    rows = samples.frame[samples.frame["metric"].isin([UTILIZATION, POWER])]
    table = rows.pivot_table(
        index=["entity", "time_ns"], columns="metric", values="value", aggfunc="last", dropna=False
    )
    table = table.reset_index().sort_values("time_ns")
    if table.empty:
        return {}, {}, []
    gaps = table.groupby("entity")["time_ns"].diff().dropna()
    every_s = float(np.median(gaps)) / 1e9 if len(gaps) else (t.end_ns - t.start_ns) / 1e9
    found = spend(table, prices, every_s, window_s=(t.end_ns - t.start_ns) / 1e9, month_days=costs.month(t.end_ns)[1])
    values: dict[str, Any] = {**vars(found), "sample_interval_s": every_s, "currency": sign}
    words = [f"{figure(found.gpu_hours)} GPU hours"]
    if found.energy_kwh is not None:
        words[0] += f" and {figure(found.energy_kwh)} kWh"
    if found.total is not None:
        words[0] += f" cost {sign}{figure(found.total)}"
    if found.allocated is not None and found.wasted is not None and found.allocated > 0:
        words[0] += (
            f", of which {sign}{figure(found.wasted)} ({percent(found.wasted / found.allocated)} of GPU hours) idle"
        )
    words[0] += "."
    if found.observability_share is not None:
        words.append(f"Observing takes {percent(found.observability_share)} of all that is spent.")
    frames = _shared(reading, t, by, found.total, found.gpu_hours, sign, values, words)
    days = costs.daily(reading, t, sorted({str(e) for e in table["entity"]}), prices)
    end, told = costs.projected(days, t, prices.budget_month)
    values |= told
    if len(days):
        frames["days"] = days
    if end is not None:
        line = f"The month ends at {sign}{figure(end.expected)} ({sign}{figure(end.low)} to {sign}{figure(end.high)})"
        if prices.budget_month is not None:
            line += f", {BUDGET[told['budget_verdict']]} its budget of {sign}{figure(prices.budget_month)}"
        words.append(f"{line}.")
    return values, frames, words


def _shared(
    reading: Reading, t: Times, by: str, total: float | None, hours: float, sign: str, values: dict[str, Any],
    words: list[str],
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """Return what each group cost; of one inference only where all are known, not where some are traced."""
    use, kind = costs.inferences(reading, t)
    if use.empty:
        return {}
    shared = costs.shares(use, total if total is not None else hours, by)
    values["allocated_unit"] = "GPU hours" if total is None else sign or "currency of the prices"
    if kind == "traced requests":
        # Traces are a sample: what one of them cost is no cost of a request.
        kept = shared.rename(columns={"predictions": "traced_requests"})
        return {"allocated": kept[[by, "traced_requests", "share_percent", "cost"]]}
    tokens = float(use["tokens"].sum(min_count=1)) if use["tokens"].notna().any() else None
    if total is not None:
        values |= {"inferences": len(use), "cost_per_inference": total / len(use)}
        line = f"An inference costs {sign}{figure(total / len(use))}"
        if tokens:
            values["cost_per_1000_tokens"] = 1000 * total / tokens
            line += f", 1,000 tokens {sign}{figure(1000 * total / tokens)}"
        words.append(f"{line}.")
    return {"allocated": shared}


OPERATION = Operation("cost", "computed", run, run.__doc__ or "", settle=settle)
