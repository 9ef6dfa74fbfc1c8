"""The harm in decisions, users and money, each with its interval or as an upper bound; unknown where nothing says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.model.window import SECOND_NS, Window
from workbench.report.document import UNKNOWN, Sentence
from workbench.report.postmortem_users import users
from workbench.report.reading_case import CaseReader
from workbench.report.words import duration, money

MIN_DAYS = 5
"""Baseline stretches needed before an interval means anything."""


@dataclass(frozen=True)
class Decided:
    """Count the decisions of a stretch, and how many were decided otherwise than the usual mix of outputs says."""

    made: int
    every_ns: int
    evidence: str
    otherwise: tuple[float, float, float] | None
    """Low, estimate, high, in decisions; None where there are too few baseline stretches."""
    stretches: int


def harm(of: CaseReader, stretch: Window) -> Iterator[Sentence]:
    """Yield predictions, users and money."""
    found = decided(of, stretch)
    if found is None:
        yield Sentence(f"{UNKNOWN}: no predictions were read.", (), "Predictions")
        yield users(of, stretch, None, of.scope_evidence or ("J0",))
        yield Sentence(f"{UNKNOWN}: no predictions were read that a price could be put on.", (), _label(of))
        return
    chips = (found.evidence, *of.scope_evidence)
    text = (f"{found.made:,} decisions were made in the buckets of {duration(found.every_ns)} that touch the affected "
            "stretch")  # fmt: skip
    if found.otherwise is None:
        yield Sentence(f"{text}; how many of them were wrong is unknown.", chips, "Predictions")
    else:
        low, middle, high = found.otherwise
        interval = f"(95 % interval {round(low):,} to {round(high):,})"
        yield Sentence(f"{text}; at least {round(middle):,} {interval} were decided otherwise than the mix of outputs "
                       f"in {found.stretches} baseline stretches says.", chips, "Predictions")  # fmt: skip
    yield users(of, stretch, found.made, chips)
    yield _money(of, found, chips)


def _money(of: CaseReader, found: Decided, chips: tuple[str, ...]) -> Sentence:
    prices = of.case.config.get("prices") or {}
    price, currency, label = prices.get("per_prediction"), _currency(of), _label(of)
    if not isinstance(price, int | float):
        return Sentence(f"{UNKNOWN}: [prices] per_prediction was not set when the case was begun, so no amount or "
                        "interval can be computed.", (), label)  # fmt: skip
    if found.otherwise is None:
        return Sentence(f"{UNKNOWN}: how many decisions were wrong is not known.", (), label)
    low, middle, high = (value * price for value in found.otherwise)
    interval = f"(95 % interval {money(low, currency)} to {money(high, currency)})"
    return Sentence(f"about {money(middle, currency)} over the affected stretch {interval}, at "
                    f"{money(price, currency)} a decision gone wrong, as set in the case's configuration.", chips,
                    label)  # fmt: skip


def _currency(of: CaseReader) -> str:
    return str(of.case.config.get("currency") or "C$")


def _label(of: CaseReader) -> str:
    return f"Money ({_currency(of)})"


def decided(of: CaseReader, stretch: Window) -> Decided | None:
    """Return what was decided inside a stretch, compared with the same hours of the baseline."""
    found = of.frame("prediction_series")
    if found is None or found[0].empty:
        return None
    rows, evidence = found
    every = int(rows["start_ns"].drop_duplicates().sort_values().diff().median() or SECOND_NS)
    inside = _mix(rows, stretch, every)
    baseline = of.symptom.baseline
    shift = stretch.start_ns - of.symptom.window.start_ns
    same = [Window(w.start_ns + shift, w.start_ns + shift + stretch.duration_ns)
            for w in (baseline.windows if baseline else ())]  # fmt: skip
    quiet = [mix for w in same if w.end_ns <= min(stretch.start_ns, of.symptom.window.start_ns)
             and (mix := _mix(rows, w, every)).sum() > 0]  # fmt: skip
    made = int(inside.sum())
    return Decided(made, every, evidence, _otherwise(inside, quiet) if made else None, len(quiet))


def _mix(rows: pd.DataFrame, window: Window, every_ns: int) -> pd.Series:
    """Return decisions by output in the buckets that touch a window."""
    near = rows[(rows["start_ns"] > window.start_ns - every_ns) & (rows["start_ns"] < window.end_ns)]
    return near.groupby("output")["n"].sum()


def _otherwise(inside: pd.Series, quiet: list[pd.Series]) -> tuple[float, float, float] | None:
    """Return low, estimate and high of the decisions that moved between outputs.

    The distance of two mixes (half the sum of absolute differences) is the least share that was decided otherwise.
    Quiet stretches are as far from their own whole as chance takes them; that distance is taken off.
    """
    if len(quiet) < MIN_DAYS:
        return None
    whole = pd.concat(quiet).groupby(level=0).sum()
    usual = whole / whole.sum()
    chance = np.array([_distance(mix / mix.sum(), usual) for mix in quiet])
    now, made = _distance(inside / inside.sum(), usual), float(inside.sum())
    low, middle, high = (max(now - float(q), 0.0) * made for q in np.quantile(chance, [0.975, 0.5, 0.025]))
    return low, middle, high


def _distance(left: pd.Series, right: pd.Series) -> float:
    return float(left.sub(right, fill_value=0.0).abs().sum() / 2)
