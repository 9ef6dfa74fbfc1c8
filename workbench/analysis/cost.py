"""What serving costs by prediction, token, model version or tenant; what is wasted; the month's end; what drives it.

Prices are those of ``workbench.config.Prices``. A price or a use that nobody gave leaves its part unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from workbench.config import Prices
from workbench.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spend:
    """State what a span of time cost, in the configured currency; None is unknown."""

    gpu_hours: float
    allocated: float | None
    """GPU hours at their price, idle ones included."""
    wasted: float | None
    """The part of *allocated* in which the device idled; None where utilisation is unknown."""
    energy_kwh: float | None
    energy: float | None
    total: float | None
    """Sum of the parts that are known; None where none is."""
    measured_share: float
    """Share of the samples that have a utilisation."""
    licence: float | None = None
    """The window's part of the month's licences."""
    observability: float | None = None
    """The window's part of what observing costs; not within *total*."""
    observability_share: float | None = None
    """Of *total* and *observability* together."""


@dataclass(frozen=True)
class Projection:
    """Project a sum to the end of a period, with an interval."""

    so_far: float
    expected: float
    low: float
    high: float
    level: float
    """Nominal coverage of the interval."""


def spend(samples: pd.DataFrame, prices: Prices, interval_s: float, *, window_s: float | None = None,
          month_days: int = 30) -> Spend:  # fmt: skip
    """Return what devices cost: *samples* has one row a device and *interval_s*.

    Columns gpu_utilization_percent and gpu_power_w; absent or null is unknown. Each sample stands for
    *interval_s* seconds of one allocated device. Prices of a month of *month_days* days count by *window_s*.
    """
    hours = len(samples) * interval_s / 3600
    used, power = _column(samples, "gpu_utilization_percent"), _column(samples, "gpu_power_w")
    known = used.notna()
    allocated = None if prices.gpu_hour is None else hours * prices.gpu_hour
    idle = float((1 - used[known].clip(0, 100) / 100).mean()) if known.any() else None
    wasted = None if allocated is None or idle is None else allocated * float(known.mean()) * idle
    kwh = float(power.dropna().sum()) * interval_s / 3.6e6 if power.notna().any() else None
    energy = None if kwh is None or prices.energy_kwh is None else kwh * prices.energy_kwh
    part = None if window_s is None else window_s / (month_days * 86_400)
    licence, watching = (
        None if price is None or part is None else price * part
        for price in (prices.licence_month, prices.observability_month)
    )
    parts = [one for one in (allocated, energy, licence) if one is not None]
    total = sum(parts) if parts else None
    share = None if total is None or watching is None or total + watching <= 0 else watching / (total + watching)
    return Spend(hours, allocated, wasted, kwh, energy, total, float(known.mean()) if len(samples) else 0.0,
                 licence, watching, share)  # fmt: skip


def allocate(total: float, use: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Share a sum out by device time, a row a group of *by* (model_version, tenant, region, ...).

    *use*: one row a request with ``forward_pass_ms`` and, where known, ``tokens``. Answer: the columns of
    *by*, predictions, share_percent, cost, cost_per_prediction, cost_per_1000_tokens (null without
    tokens). Requests without a forward pass take part with the median of the others.
    """
    filled = use["forward_pass_ms"].astype(float)
    filled = filled.fillna(filled.median() if filled.notna().any() else 1.0).clip(lower=0)
    tokens = _column(use, "tokens")
    work = use[list(by)].assign(_work=filled, _tokens=tokens)
    grouped = work.groupby(list(by), dropna=False, sort=True)
    found = grouped["_work"].agg(["size", "sum"]).reset_index().rename(columns={"size": "predictions", "sum": "_work"})
    summed = grouped["_tokens"].sum(min_count=1).to_numpy(float)
    whole = float(found["_work"].sum())
    share = found["_work"] / whole if whole > 0 else found["predictions"] / found["predictions"].sum()
    found["share_percent"], found["cost"] = 100 * share, total * share
    found["cost_per_prediction"] = found["cost"] / found["predictions"]
    found["cost_per_1000_tokens"] = 1000 * found["cost"] / np.where(summed > 0, summed, np.nan)
    return found.drop(columns="_work")


def month_end(daily: Sequence[float], days_in_month: int, *, level: float = 0.9) -> Projection:
    """Project the month's sum from its complete days so far, at least three.

    Days left are drawn like the days seen: their mean, with the interval of Student's t for a sum of as
    many new days. Trends and weekly rhythm widen reality beyond it where only a few days were seen.
    """
    seen = np.asarray(daily, dtype=float)
    left = days_in_month - len(seen)
    if len(seen) < 3 or left < 0:
        raise UsageError(f"A month is projected from 3 to {days_in_month} complete days; got {len(seen)}.")
    mean, sd = float(seen.mean()), float(seen.std(ddof=1))
    spread = sd * float(np.sqrt(left + left**2 / len(seen))) * float(stats.t.ppf(0.5 + level / 2, len(seen) - 1))
    so_far = float(seen.sum())
    expected = so_far + left * mean
    return Projection(so_far, expected, max(so_far, expected - spread), expected + spread, level)


def _column(frame: pd.DataFrame, name: str) -> pd.Series[float]:
    return frame[name].astype(float) if name in frame else pd.Series(np.nan, index=frame.index)


@dataclass(frozen=True)
class Driver:
    """Say how much of a change in cost one thing accounts for, in the cost's unit."""

    name: Literal["devices", "tokens", "requests", "rest"]
    contribution: float
    share: float
    """Of the whole change; parts of both signs need not lie in 0..1."""
    now: float | None
    usual: float | None


def drivers(history: pd.DataFrame, usual: pd.DataFrame, now: pd.DataFrame) -> tuple[Driver, ...]:
    """Split the change of cost between *usual* and *now* into devices, tokens a request, requests and a rest.

    All have the columns cost, devices, tokens (of a request) and requests, one row a sample of equal
    length; what nobody measured is null and takes no part. What a device and a token cost follows from
    *history* by least squares (never below 0), so that no price list is needed.
    """
    known = [c for c in ("devices", "tokens", "requests") if c in history and history[c].notna().any()]
    before, after = ({c: float(f[c].mean()) for c in (*known, "cost") if f[c].notna().any()} for f in (usual, now))
    if "cost" not in before or "cost" not in after or any(c not in before or c not in after for c in known):
        return ()
    whole = after["cost"] - before["cost"]
    a, b = _unit_costs(history, known)
    tokens_before, tokens_after = before.get("tokens", 1.0), after.get("tokens", 1.0)
    parts: dict[str, float] = {}
    if "devices" in known:
        parts["devices"] = a * (after["devices"] - before["devices"])
    if "requests" in known:
        if "tokens" in known:
            parts["tokens"] = b * (tokens_after - tokens_before) * after["requests"]
        parts["requests"] = b * tokens_before * (after["requests"] - before["requests"])
    parts["rest"] = whole - sum(parts.values())
    names: tuple[Literal["devices", "tokens", "requests", "rest"], ...] = ("devices", "tokens", "requests", "rest")
    shares = {n: part / whole if whole else 0.0 for n, part in parts.items()}
    return tuple(Driver(n, parts[n], shares[n], after.get(n), before.get(n)) for n in names if n in parts)


def _unit_costs(history: pd.DataFrame, known: Sequence[str]) -> tuple[float, float]:
    """Return what a device and a token (a request, where tokens are unknown) cost, by least squares."""
    from scipy.optimize import nnls

    rows = history.dropna(subset=["cost", *known])
    work = (rows["requests"] if "requests" in known else pd.Series(0.0, index=rows.index)).astype(float)
    if "tokens" in known:
        work = work * rows["tokens"]
    # Without a count of devices what does not follow the work is taken as one device.
    rented = rows["devices"].astype(float) if "devices" in known else pd.Series(1.0, index=rows.index)
    if rows.empty:
        return 0.0, 0.0
    scale = max(float(work.abs().max()), 1e-12)
    found, _ = nnls(np.column_stack([rented, work / scale]), rows["cost"].to_numpy(dtype=float))
    return float(found[0]), float(found[1]) / scale
