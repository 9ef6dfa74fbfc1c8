"""Forecasts: when memory, a queue or a budget runs out, and how often past intervals held the truth."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.forecast import runs_out
from workbench.errors import UsageError

HOUR = 3_600_000_000_000
DAY = 24 * HOUR


def test_memory_that_grows_a_point_a_day_is_full_in_20_days() -> None:
    """At 1 %/day from 40 %, 80 % is reached 20 days after the 40 days seen, to a day, and the interval holds it."""
    dice = np.random.default_rng(4)
    times = np.arange(40 * 24) * HOUR
    values = 40 + times / DAY + 3 * np.sin(times / DAY * 2 * np.pi) + dice.normal(0, 0.3, len(times))
    values[::17] = np.nan
    found = runs_out(times.tolist(), values.tolist(), 103.0, every_ns=DAY, horizon_ns=90 * DAY)
    assert found.growth_per_day == pytest.approx(1.0, abs=0.05)
    assert found.expected_ns is not None
    assert found.earliest_ns is not None
    assert found.expected_ns / DAY == pytest.approx(60, abs=1.5)
    assert found.earliest_ns <= found.expected_ns


def test_what_does_not_grow_never_runs_out() -> None:
    """A level queue has no date within a quarter."""
    dice = np.random.default_rng(1)
    times = np.arange(60) * DAY
    found = runs_out(times.tolist(), dice.normal(50, 1, 60).tolist(), 200.0, every_ns=DAY, horizon_ns=90 * DAY)
    assert found.expected_ns is None


def test_of_past_intervals_four_in_five_held_the_truth() -> None:
    """Over 8 random walks with a trend, intervals said to hold 90 % held 78 % or more of futures 10 days ahead."""
    held = []
    for seed in range(8):
        dice = np.random.default_rng(seed)
        values = np.cumsum(dice.normal(0.5, 1.0, 60))
        found = runs_out((np.arange(60) * DAY).tolist(), values.tolist(), 1e9, every_ns=DAY, horizon_ns=10 * DAY)
        assert found.coverage is not None
        assert found.forecasts >= 25
        held.append(found.coverage)
    assert np.mean(held) >= 0.78


def test_too_little_history_says_so() -> None:
    """Five values are too few, and unknown ones none."""
    with pytest.raises(UsageError, match="10 intervals"):
        runs_out([k * DAY for k in range(5)], [1.0] * 5, 9.0, every_ns=DAY, horizon_ns=DAY)
    with pytest.raises(UsageError, match="unknown"):
        runs_out([0, DAY], [float("nan")] * 2, 9.0, every_ns=DAY, horizon_ns=DAY)
