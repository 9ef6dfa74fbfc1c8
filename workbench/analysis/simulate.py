"""What a figure would have been without the cause: what went unharmed, weighted to look like what was harmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MIN_DONORS = 10
"""Unharmed rows that a stratum needs before it stands for harmed ones."""
MIN_OVERLAP = 0.8
"""Share of the harmed rows that unharmed ones must stand for; below it nothing is said."""
MIN_ROWS = 30
Z95 = 1.959963984540054
RESAMPLES = 200


@dataclass(frozen=True)
class Estimate:
    """Hold a figure as it was and as it would have been, with a 95 % interval; None where it cannot be estimated."""

    was: float | None
    would: float | None
    low: float | None
    high: float | None
    overlap: float
    """Share of the harmed rows, 0..1, whose stratum has enough unharmed ones."""
    harmed: int
    donors: int
    why_not: str = ""
    """Why it cannot be estimated; empty where it can."""

    @property
    def effect(self) -> float | None:
        """Return what would have been less what was."""
        return None if self.was is None or self.would is None else self.would - self.was


def strata(frame: pd.DataFrame, columns: list[str], *, bins: int = 4) -> pd.Series:
    """Return one text a row naming its stratum: categories as they are, numbers in quantiles; missing is its own."""
    parts = []
    for name in columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > bins:
            coded = pd.qcut(values.rank(method="first"), bins, labels=False).astype("Int64")
            parts.append(coded.astype("string").fillna("missing"))
        else:
            parts.append(values.astype("string").fillna("missing"))
    if not parts:
        return pd.Series("all", index=frame.index)
    found = parts[0]
    for part in parts[1:]:
        found = found.str.cat(part, sep="|")
    return found


def mean(values: Floats, harmed: NDArray[np.bool_], stratum: pd.Series) -> Estimate:
    """Return the mean of the harmed rows and what it would have been, from the unharmed ones of the same strata.

    *values* and *harmed* ``(n,)``; rows without a value are left out. The interval is
    that of a stratified mean: each stratum's own variance, weighted by its share of the harmed rows.
    """
    table, overlap, refused = _matched(values, harmed, stratum)
    if refused is not None:
        return refused
    weight = table["harmed"].to_numpy(float)
    weight = weight / weight.sum()
    would = float(weight @ table["mean"].to_numpy(float))
    error = float(np.sqrt((weight**2) @ (table["var"].to_numpy(float) / table["donors"].to_numpy(float))))
    known = np.isfinite(values)
    return Estimate(float(values[known & harmed].mean()), would, would - Z95 * error, would + Z95 * error, overlap,
                    int((known & harmed).sum()), int(table["donors"].sum()))  # fmt: skip


def quantile(values: Floats, harmed: NDArray[np.bool_], stratum: pd.Series, share: float, *, seed: int = 0) -> Estimate:
    """Return a quantile (*share* 0..1) of the harmed rows and what it would have been; interval by resampling."""
    table, overlap, refused = _matched(values, harmed, stratum)
    if refused is not None:
        return refused
    known = np.isfinite(values)
    names = stratum.to_numpy(dtype=object)
    donors = known & ~harmed & np.isin(names, table.index.to_numpy(dtype=object))
    each = (table["harmed"] / table["donors"]).to_dict()
    weight = np.array([each[name] for name in names[donors]], dtype=float)
    kept = values[donors]
    order = np.argsort(kept, kind="stable")
    kept, weight = kept[order], weight[order]
    chance = np.random.default_rng(seed)
    drawn = np.sort([_quantile(kept, weight * chance.multinomial(len(kept), np.full(len(kept), 1 / len(kept))), share)
                     for _ in range(RESAMPLES)])  # fmt: skip
    low, high = float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))
    was = float(np.quantile(values[known & harmed], share))
    would = _quantile(kept, weight, share)
    return Estimate(was, would, low, high, overlap, int((known & harmed).sum()), len(kept))


def _quantile(ordered: Floats, weight: Floats, share: float) -> float:
    total = np.cumsum(weight)
    place = min(int(np.searchsorted(total, share * total[-1])), len(ordered) - 1)
    return float(ordered[place])


def _matched(
    values: Floats, harmed: NDArray[np.bool_], stratum: pd.Series
) -> tuple[pd.DataFrame, float, Estimate | None]:
    """Return the strata with enough donors, the overlap, and a refusal where that is too little."""
    known = np.isfinite(values)
    rows = pd.DataFrame({"stratum": stratum.to_numpy(dtype=object), "value": values, "harmed": harmed})[known]
    counted = rows.groupby("stratum")["harmed"].agg(["sum", "count"])
    free = rows[~rows["harmed"]].groupby("stratum")["value"].agg(["count", "mean", "var"])
    table = pd.DataFrame({"harmed": counted["sum"], "donors": free["count"], "mean": free["mean"], "var": free["var"]})
    n, m = int(rows["harmed"].sum()), int((~rows["harmed"]).sum())
    usable = table[(table["harmed"] > 0) & (table["donors"].fillna(0) >= MIN_DONORS)].fillna({"var": 0.0})
    overlap = float(usable["harmed"].sum() / n) if n else 0.0
    was = float(rows.loc[rows["harmed"], "value"].mean()) if n else None
    why = ""
    if n < MIN_ROWS:
        why = f"only {n} harmed rows are kept; {MIN_ROWS} are needed"
    elif m < MIN_ROWS:
        why = f"only {m} unharmed rows are kept to compare with; {MIN_ROWS} are needed"
    elif overlap < MIN_OVERLAP:
        why = (f"unharmed rows look like only {overlap:.0%} of the harmed ones; {MIN_OVERLAP:.0%} is needed, or the "
               "answer would be about others")  # fmt: skip
    return usable, overlap, Estimate(was, None, None, None, overlap, n, m, why) if why else None
