"""Signs of data that went wrong: each is seen where it is planted, and noise and its look-alike give none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis import data_signs
from workbench.analysis.deviation import DAY_NS, HOUR_NS

END = 31 * DAY_NS
WINDOW = (END - 6 * HOUR_NS, END)


def normal(n: int, seed: int = 1) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(3, 0.7, n))


@pytest.mark.parametrize("factor", [100.0, 1000.0, 0.01])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_a_change_of_unit_is_seen_with_factor_and_share(factor: float, share: float) -> None:
    before, now = normal(5000), normal(800, 2)
    now[: int(share * len(now))] *= factor
    unit = data_signs.unit_change(before, now)
    assert unit is not None
    assert unit.factor == pytest.approx(factor)
    assert unit.share == pytest.approx(share, abs=0.05)


def test_defaults_of_zero_in_a_fifth_of_the_values_are_no_change_of_unit() -> None:
    now = normal(800, 2)
    now[:160] = 0.0
    assert data_signs.unit_change(normal(5000), now) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_drift_of_a_fifth_or_noise_is_no_change_of_unit(seed: int) -> None:
    assert data_signs.unit_change(normal(5000, seed), normal(800, seed + 50)) is None
    assert data_signs.unit_change(normal(5000, seed), 1.2 * normal(800, seed + 50)) is None


def levels(shares: dict[str, float], n: int, seed: int) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).choice(list(shares), n, p=list(shares.values())))


def test_renamed_levels_are_paired_by_share_and_name() -> None:
    before = levels({"home": 0.5, "fuel": 0.3, "travel": 0.2}, 5000, 1)
    now = levels({"home": 0.5, "FUEL": 0.3, "TRAVEL": 0.2}, 700, 2)
    assert [(r.before, r.now) for r in data_signs.renamed(before, now)] == [("fuel", "FUEL"), ("travel", "TRAVEL")]
    coded = levels({"home": 0.5, "ME02": 0.3, "ME03": 0.2}, 700, 2)
    assert [(r.before, r.now) for r in data_signs.renamed(before, coded)] == [("fuel", "ME02"), ("travel", "ME03")]


def test_a_level_that_falls_into_the_catch_all_is_no_rename() -> None:
    before = levels({"home": 0.5, "fuel": 0.3, "unknown": 0.2}, 5000, 1)
    assert data_signs.renamed(before, levels({"home": 0.5, "unknown": 0.5}, 700, 2)) == []
    assert data_signs.renamed(before, before.sample(700, random_state=1)) == []


def rank_days(move: np.ndarray, seed: int = 3) -> data_signs.Slow | None:
    """Return the sign for values moved by so many standard scores on each of 31 days, the last being the window."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(31), 400)
    values = rng.normal(0, 1, len(day)) + move[day]
    return data_signs.slow_move(values, day == 30, np.where(day < 30, 29 - day, -1))


def test_a_move_over_twelve_days_is_slow_and_one_of_today_is_not() -> None:
    season = 1.2 * np.clip((np.arange(31) - 18) / 12, 0, 1) ** 1.5
    slow = rank_days(season)
    assert slow is not None
    assert 6 <= slow.days <= 14
    assert rank_days(np.where(np.arange(31) == 30, 1.2, 0.0)) is None


@pytest.mark.parametrize("seed", range(6))
def test_days_without_a_trend_are_no_season(seed: int) -> None:
    wander = np.random.default_rng(seed + 100).normal(0, 0.03, 31)
    assert rank_days(wander, seed) is None


def volumes(now: float) -> pd.DataFrame:
    """Return a source and what is made from it, written every three hours; the last two batches at the ratio *now*."""
    rng = np.random.default_rng(4)
    times = np.arange(0, END, 3 * HOUR_NS)
    rows = rng.integers(1000, 4000, len(times)).astype(float)
    ratio = np.where(times >= WINDOW[0], now, 1.0)
    parts = [
        pd.DataFrame({"entity": name, "start_ns": times + late, "rows": rows * by, "writes": 1})
        for name, late, by in (("dataset:raw", 0, 1.0), ("dataset:joined", HOUR_NS // 2, ratio))
    ]
    return pd.concat(parts, ignore_index=True)


EDGES = pd.DataFrame({"upstream": ["dataset:raw"], "downstream": ["dataset:joined"]})


def test_rows_multiplied_by_a_join_show_as_a_ratio_beyond_its_history() -> None:
    [ratio] = data_signs.ratios(volumes(1.4), EDGES, WINDOW, 0)
    assert ratio.deviation.relative == pytest.approx(0.4, abs=0.01)
    assert ratio.deviation.strength > 0.99
    [quiet] = data_signs.ratios(volumes(1.0), EDGES, WINDOW, 0)
    assert abs(quiet.deviation.relative) < 1e-9


def test_repeated_keys_are_counted_within_a_day() -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.integers(0, END, 12_000))
    keys = pd.Series([f"k{i}" for i in range(len(times))])
    late = np.flatnonzero(times >= WINDOW[0])
    again = np.concatenate([times, times[late[::2]] + 60 * 10**9])
    both = data_signs.repeats(again, pd.concat([keys, keys[late[::2]]], ignore_index=True), WINDOW, 0)
    assert both is not None
    assert both.now == pytest.approx(1 / 3, abs=0.06)
    alone = data_signs.repeats(times, keys, WINDOW, 0)
    assert alone is not None
    assert alone.now == 0


@pytest.mark.parametrize("days", [16, 30])
@pytest.mark.parametrize(("held", "fewer"), [(True, True), (False, False)])
def test_labels_that_stop_arriving_are_told_from_a_steady_flow(held: bool, fewer: bool, days: int) -> None:
    rng = np.random.default_rng(6)
    begin = END - days * DAY_NS
    decided = rng.integers(begin, END, 20_000)
    arrived = decided + (rng.gamma(3, 1.3, len(decided)) + 1) * DAY_NS
    kept = arrived < (END - 30 * HOUR_NS if held else END)
    found = data_signs.arrivals(decided[kept], arrived[kept].astype(np.int64), END, begin)
    assert found is not None
    assert (found.deviation.relative < -0.9) == fewer
    assert (found.deviation.strength > 0.98) == fewer
    assert (found.behind > 0.1) == fewer


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_equal_inputs_scored_otherwise_show_and_drifted_inputs_do_not(shift: float) -> None:
    rng = np.random.default_rng(7)
    day = np.repeat(np.arange(31), 300)
    x = rng.normal(0, 1, len(day)) + 0.4 * (day == 30)
    odds = -2 + x + shift * (day == 30)
    frame = pd.DataFrame({"numbers.0": x})
    quiet = np.where(day < 30, 29 - day, -1)
    found = data_signs.score_shift(frame, 1 / (1 + np.exp(-odds)), day == 30, quiet, {"numbers.0": "x"})
    moved = found is not None and abs(found.shift) >= 0.15 and found.spreads >= 6
    assert moved == bool(shift)
    if found is not None and shift:
        assert found.shift == pytest.approx(shift, abs=0.15)
