"""Rows far out: chance where rates are steady, the column's own factor where they wander, silence where none are."""

import numpy as np
import pandas as pd

from workbench.analysis import drift_far
from workbench.analysis.comparison import compare_frames
from workbench.analysis.profile_history import Distances

COLUMNS = 3000
QUIET = 28


def drawn(rng: np.random.Generator, mean: float, wander: float, *, days: int = QUIET) -> Distances:
    """Return a comparison whose rows far out have a rate that wanders by a factor, log-normally."""
    shape = (2, COLUMNS)
    before = rng.poisson(mean * np.exp(wander * rng.normal(size=(days, *shape)))).sum(axis=0)
    now = rng.poisson(mean * np.exp(wander * rng.normal(size=shape)))
    none, rows = np.full(COLUMNS, np.nan), np.full(COLUMNS, 1000.0)
    return Distances(days * rows, rows, none, none, none, none, none, none, before.astype(float), now.astype(float))


def judged(mean: float, wander: float) -> tuple[np.ndarray, drift_far.Wandering]:
    rng = np.random.default_rng(int(mean))
    learned = drift_far.learn([drawn(rng, mean, wander) for _ in range(QUIET)], by_chance=1.25, borrowed=4)
    return drift_far.p_values(drawn(rng, mean, wander), learned, QUIET), learned


def test_steady_rates_are_judged_by_chance() -> None:
    """Of 6,000 steady ends, at most 1.3 % lie beyond p = 0.01, and none of the medians is taken to wander."""
    p, learned = judged(200.0, 0.0)
    assert np.mean(learned.phi == 0) > 0.75
    assert 0.005 < np.mean(p < 0.01) < 0.013


def test_rates_that_wander_by_a_factor_raise_no_more_alarms_than_asked() -> None:
    """Rates a factor e^0.6 about: squares of their roots would call four times as many unusual as are."""
    p, learned = judged(200.0, 0.6)
    assert 0.25 < np.median(learned.phi) < 0.7
    assert 0.005 < np.mean(p < 0.01) < 0.016
    assert np.mean(p < 0.001) < 0.0025


def test_no_row_out_there_says_nothing() -> None:
    empty = drawn(np.random.default_rng(0), 0.0, 0.0)
    learned = drift_far.learn([empty] * QUIET, by_chance=1.25, borrowed=4)
    assert np.isnan(drift_far.p_values(empty, learned, QUIET)).all()
    assert (learned.phi == 0).all()
    assert (learned.squares == 1).all()


def test_a_column_of_three_numbers_has_no_ends_that_outvote_its_shares() -> None:
    """Shares 50, 30, 20 % become 47.5, 31.5, 21 % of 20,000 rows: KS 0.027, and nothing lies far out."""
    rng = np.random.default_rng(5)
    sides = [
        pd.DataFrame({"x": rng.choice([0.0, 1.0, 2.0], 20_000, p=p)}) for p in ([0.5, 0.3, 0.2], [0.475, 0.315, 0.21])
    ]
    decision = compare_frames(*sides, look_for_drivers="no").decision
    assert decision.drifted == ("x",)
    assert decision.figures["p_value"][0] < 1e-5
