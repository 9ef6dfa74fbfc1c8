"""Faults of data: each changes what it says and nothing before its onset; its near-miss changes no decision."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from workbench import plugins
from workbench.scenarios.incident import Incident, simulate
from workbench.scenarios.mechanisms_data import FanOut, NoTraining, Redeliver, Rename, Rescale, Season
from workbench.scenarios.planning import plan_incident
from workbench.scenarios.world import BATCH_S, build
from workbench.scenarios.writers import lineage_jobs
from workbench.scenarios.writers.tables import _as_sent

SEED, DAYS = 5, 14
AT_ONCE = ("unit_change", "category_rename", "duplicate_delivery", "join_fan_out", "calibration_slip")
DATA = (*AT_ONCE, "label_delay", "seasonal_drift")


@cache
def incident(name: str, variant: str = "cause") -> Incident:
    return simulate(name, seed=SEED, days=DAYS, variant=variant)  # type: ignore[arg-type]


def since(one: Incident) -> np.ndarray:
    return one.rows.second >= one.plan.moment.onset_s


@pytest.mark.parametrize("name", AT_ONCE)
def test_nothing_differs_before_the_onset_and_something_does_after(name: str) -> None:
    """What was captured before the onset is that of the twin without a cause; decisions after it are not."""
    one, quiet = incident(name), incident(name, "near_miss")
    assert np.array_equal(one.rows.x[~since(one)], quiet.rows.x[~since(quiet)], equal_nan=True)
    assert np.array_equal(one.rows.mapped[~since(one)], quiet.rows.mapped[~since(quiet)])
    ours, theirs = one.scored.score[since(one)], quiet.scored.score[since(quiet)]
    assert ours.shape != theirs.shape or not np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("name", DATA)
def test_a_fault_simulated_twice_is_the_same(name: str) -> None:
    """Every column of rows and scores is equal, byte for byte."""
    one, again = incident(name), simulate(name, seed=SEED, days=DAYS, variant="cause")
    for column, values in vars(one.rows).items():
        assert np.array_equal(values, vars(again.rows)[column], equal_nan=values.dtype.kind == "f"), column
    assert np.array_equal(one.scored.score, again.scored.score, equal_nan=True)


@pytest.mark.parametrize("name", [*DATA, "training_serving_skew"])
def test_a_near_miss_plants_nothing_and_moves_good_decisions_by_at_most_4_points(name: str) -> None:
    """No source, one thing that looks guilty, and the share of good decisions stays near that of the day before."""
    one = incident(name, "near_miss")
    assert not one.plan.sources
    assert len(one.plan.decoys) == 1
    good, second = one.scored.decision == 0, one.rows.second
    late = second >= one.plan.moment.felt_s
    day_before = (second >= one.plan.moment.felt_s - 86_400) & (second < one.plan.moment.end_s - 86_400)
    assert abs(good[late].mean() - good[day_before].mean()) < 0.04


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", DATA)
def test_every_data_fault_makes_an_alert_fire_by_its_own_strength(name: str, seed: int) -> None:
    """With full history, at most the middle strength is needed, and the alert starts in the hours before the end."""
    one = simulate(name, seed=seed, days=31, variant="cause")
    assert one.firing
    assert one.plan.moment.strength < 3
    hours = (one.plan.moment.end_s - one.firing[0].starts_s) / 3600
    assert hours <= (30 if name == "seasonal_drift" else 12)


def test_unit_change_multiplies_one_feature_by_100_or_1000() -> None:
    one, quiet = incident("unit_change"), incident("unit_change", "near_miss")
    effect = one.plan.of(Rescale)[0]
    assert effect.factor in (100.0, 1000.0)
    ratio = one.rows.x[since(one), effect.feature] / quiet.rows.x[since(quiet), effect.feature]
    moved = np.abs(ratio - 1) > 1e-3
    assert ratio[moved & np.isfinite(ratio)] == pytest.approx(effect.factor, rel=1e-3)
    assert moved.mean() > 0.1


def test_its_near_miss_sends_other_units_that_readers_convert() -> None:
    """Rows as captured are a hundred times larger while features are as they were."""
    one = incident("unit_change", "near_miss")
    effect = one.plan.of(Rescale)[0]
    rows = np.flatnonzero(since(one) & (one.rows.feed == effect.feed))
    assert _as_sent(one, rows, effect.feature) == pytest.approx(
        100 * one.rows.x[rows, effect.feature], rel=1e-5, nan_ok=True
    )


def test_renamed_levels_vanish_and_new_ones_take_exactly_their_rows() -> None:
    one = incident("category_rename")
    levels, known = one.plan.of(Rename)[0].levels, len(one.world.categories)
    late = one.rows.mapped[since(one)]
    assert not np.isin(late, levels).any()
    new = late[late > known]
    assert set((new - known - 1).tolist()) == set(levels)
    assert np.array_equal(new - known - 1, one.rows.category[since(one)][late > known])
    assert one.rows.mapped[~since(one)].max() <= known


def test_duplicates_share_the_key_of_their_event_and_follow_it_within_ten_minutes() -> None:
    one = incident("duplicate_delivery")
    copies = one.rows.copy == 1
    feed = one.plan.of(Redeliver)[0].feed
    assert set(one.rows.feed[copies].tolist()) == {feed}
    first = dict(zip(one.rows.event[~copies].tolist(), one.rows.second[~copies].tolist(), strict=True))
    late = one.rows.second[copies] - np.array([first[e] for e in one.rows.event[copies].tolist()])
    assert 60 <= late.min() <= late.max() <= 600
    ids = one.ids
    assert len(set(ids.order_id)) < len(ids.order_id)
    assert len(set(ids.prediction_id)) == len(ids.prediction_id)


def test_a_fan_out_gives_the_joined_data_set_more_rows_than_the_captured_one() -> None:
    """Raw rows are those of events; joined rows hold one more for every event of the partners whose keys are double."""
    one = incident("join_fan_out")
    fan = one.plan.of(FanOut)[0]
    counts = lineage_jobs._counts(one)
    raw, joined = counts.rows.sum(1), counts.joined
    batch = int(one.plan.moment.onset_s // BATCH_S)
    assert np.array_equal(raw[:batch], joined[:batch])
    share = float(one.world.provider_shares[list(fan.providers)].sum())
    assert joined[batch + 1] / raw[batch + 1] == pytest.approx(1 + fan.copies * share, abs=0.04)
    assert set(one.rows.provider[one.rows.copy == 2].tolist()) == set(fan.providers)


def test_dropped_duplicates_are_seen_at_the_topic_only() -> None:
    one = incident("duplicate_delivery", "near_miss")
    counts = lineage_jobs._counts(one)
    assert counts.repeats.sum() > 0
    assert np.array_equal(counts.rows.sum(1), counts.joined)
    assert not one.rows.copy.any()


def test_late_labels_leave_decisions_alone_and_halve_what_is_known_of_four_days_ago() -> None:
    from workbench.scenarios import figures

    one, quiet = incident("label_delay"), incident("label_delay", "near_miss")
    assert np.array_equal(one.scored.decision, quiet.scored.decision)
    told, usual = figures.labelled(one)[0].values, figures.labelled(quiet)[0].values
    assert told[-1] < 0.75 * usual[-1]
    assert (
        np.nanmax(np.abs(told[: int(one.plan.moment.onset_s // 900)] - usual[: int(one.plan.moment.onset_s // 900)]))
        == 0
    )


def test_a_season_moves_a_little_every_day_and_nobody_trains_meanwhile() -> None:
    one = simulate("seasonal_drift", seed=SEED, days=31, variant="cause")
    season = one.plan.of(Season)[0]
    values, day = one.rows.x[:, season.features[0]], (one.rows.second // 86_400).astype(int)
    means = np.array([np.nanmedian(values[day == d]) for d in range(day.max() + 1)])
    begun = int(season.start_s // 86_400)
    steps = np.abs(np.diff(np.log(means + 1e-9)))[begun + 1 :]
    assert steps.max() < 0.5 * steps.sum()
    stop = one.plan.of(NoTraining)[0].start_s
    assert all(t.training.start_s < stop for t in one.trained if np.isfinite(t.training.deployed_s))


def test_a_calibration_slip_moves_log_odds_of_equal_inputs_along_one_line() -> None:
    one, quiet = incident("calibration_slip"), incident("calibration_slip", "near_miss")
    a, b = (x.scored.score[since(x)].astype(float) for x in (one, quiet))
    held = np.isfinite(a) & np.isfinite(b) & (np.minimum(a, b) > 1e-4) & (np.maximum(a, b) < 0.999)
    odds, usual = (np.log(s[held] / (1 - s[held])) for s in (a, b))
    slope, shift = np.polyfit(usual, odds, 1)
    assert np.abs(odds - slope * usual - shift).max() < 0.02
    assert abs(shift) > 0.4


def test_slow_faults_are_noticed_hours_before_the_end_and_begin_days_before() -> None:
    world = build(SEED, 31)
    for name, days in (("seasonal_drift", 8), ("label_delay", 1)):
        moment = plan_incident(world, plugins.load("fault", name), "cause").moment
        assert moment.felt_s - moment.onset_s > days * 86_400 - 6 * 3600
        assert 3 <= (moment.end_s - moment.felt_s) / 3600 <= 9
