"""Scenarios: each fault acts as a mechanism, its effect can be measured, and without a cause there is none."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from workbench import plugins, scenarios
from workbench.model.entities import split
from workbench.scenarios import figures, pipeline
from workbench.scenarios.incident import Incident, simulate
from workbench.scenarios.mechanisms import Surge
from workbench.scenarios.model import data_until, snapshot_digest
from workbench.scenarios.planning import plan_incident
from workbench.scenarios.world import DAY_S, build

SEED, DAYS = 5, 14


@cache
def incident(name: str, variant: str = "cause") -> Incident:
    return simulate(name, seed=SEED, days=DAYS, variant=variant)  # type: ignore[arg-type]


def after(one: Incident) -> np.ndarray:
    return one.rows.second >= one.plan.moment.onset_s + 600


def same_hours(one: Incident) -> np.ndarray:
    """Return the rows of the same hours on the days before."""
    hour = one.rows.second % DAY_S
    start, end = (s % DAY_S for s in (one.plan.moment.onset_s + 600, one.plan.moment.end_s - 1))
    return (one.rows.second < one.plan.moment.onset_s) & (hour >= start) & (hour < end)


def psi(reference: np.ndarray, current: np.ndarray, levels: int) -> float:
    p, q = (np.bincount(x, minlength=levels) / len(x) for x in (reference, current))
    return float(np.sum((q - p) * np.log(q / p)))


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 8])
def test_unmapped_partner_gives_a_psi_of_0_31_in_the_category(seed: int) -> None:
    world = build(seed, DAYS)
    plan = plan_incident(world, plugins.load("fault", "unmapped_category"), "cause")
    rows = pipeline.flow(world, plan, pipeline.draw(world, 0, plan.moment.end_s, "events", tuple(plan.of(Surge))))
    late = rows.second >= plan.moment.onset_s
    levels = len(world.categories) + 1
    assert psi(rows.mapped[~late], rows.mapped[late], levels) == pytest.approx(0.31, abs=0.1)
    assert psi(rows.category[~late], rows.category[late], levels - 1) < 0.02


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 8])
def test_silent_feed_takes_62_percent_of_the_volume(seed: int) -> None:
    world = build(seed, DAYS)
    fault = plugins.load("fault", "silent_feed")
    plan = plan_incident(world, fault, "cause")
    drawn = pipeline.draw(world, 0, plan.moment.end_s, "events", tuple(plan.of(Surge)))
    rows = pipeline.flow(world, plan, drawn)
    onset = plan.moment.onset_s + 600
    drop = 1 - np.sum(rows.second >= onset) / np.sum(drawn.second >= onset)
    assert drop == pytest.approx(0.62, abs=0.05)
    assert np.sum(rows.second < plan.moment.onset_s) == np.sum(drawn.second < plan.moment.onset_s)


def test_unmapped_events_score_higher_because_the_model_learnt_it() -> None:
    one = incident("unmapped_category")
    unknown = len(one.world.categories)
    moved = after(one) & (one.rows.mapped == unknown) & (one.rows.category != unknown)
    assert np.nanmean(one.scored.score[moved]) > 1.5 * np.nanmean(one.scored.score[same_hours(one)])


def test_wrong_snapshot_is_another_than_the_one_taken_that_day() -> None:
    one = incident("wrong_snapshot")
    bad = [t.training for t in one.trained if t.training.data != "current"]
    assert len(bad) == 1
    assert bad[0].snapshot != snapshot_digest(one.world, data_until(bad[0].start_s, "current"))
    assert one.plan.sources[0].entity == f"run:{bad[0].run_id}"
    assert {one.trained[i].training.run_id for i in np.unique(one.scored.champion[after(one)])} == {bad[0].run_id}


def test_stale_view_differs_between_serving_and_warehouse_only_after_the_stop() -> None:
    one = incident("training_serving_skew")
    store = one.served.failed[:, one.world.role("features")]
    differs = (np.nan_to_num(one.rows.served) != np.nan_to_num(one.rows.x)).any(1) & ~store
    assert not differs[one.rows.second < one.plan.moment.onset_s].any()
    assert differs[after(one)].mean() > 0.9


def test_schema_change_touches_one_feed_only() -> None:
    one, quiet = incident("schema_change"), incident("schema_change", "no_cause")
    changed = np.nan_to_num(one.rows.x[:, 0]) != np.nan_to_num(quiet.rows.x[:, 0])
    assert len(np.unique(one.rows.feed[changed])) == 1
    assert changed[after(one) & (one.rows.feed == one.rows.feed[changed][0])].mean() > 0.9
    assert not changed[one.rows.second < one.plan.moment.onset_s].any()


def test_null_burst_multiplies_the_null_rate_of_one_feature() -> None:
    one = incident("null_burst")
    name = one.plan.sources[0].entity.partition(":")[2]
    column = one.rows.x[:, [f.name for f in one.world.features].index(name)]
    before, since = np.isnan(column[same_hours(one)]).mean(), np.isnan(column[after(one)]).mean()
    assert since > 5 * before
    assert since > 0.1


def test_bad_deploy_changes_failures_or_times_of_its_service_only_after_the_release() -> None:
    one = incident("bad_deploy")
    name = one.plan.sources[0].entity.partition(":")[2]
    column = [s.name for s in one.world.services].index(name)
    failed, own = one.served.failed[:, column], one.served.own_ms[:, column]
    slower = np.median(own[after(one)]) / np.median(own[same_hours(one)])
    assert failed[after(one)].mean() > 0.05 or slower > 1.5
    assert failed[same_hours(one)].mean() < 0.02


def test_telemetry_fault_leaves_every_decision_as_it_was() -> None:
    one, quiet = incident("telemetry_fault"), incident("telemetry_fault", "no_cause")
    if not quiet.plan.decoys:
        assert np.array_equal(one.scored.decision, quiet.scored.decision)
    reported = [f for f in figures.business(one) if not f.labels]
    true = [f for f in figures.business(quiet) if not f.labels]
    since = int(one.plan.moment.onset_s // 900) + 1
    moved = [
        abs(np.nanmean(a.values[since:]) / np.nanmean(b.values[since:]) - 1)
        for a, b in zip(reported, true, strict=True)
    ]
    assert max(moved) > 0.08


@pytest.mark.parametrize("name", ["unmapped_category", "null_burst", "bad_deploy"])
def test_without_a_cause_the_hours_of_the_alert_are_like_all_others(name: str) -> None:
    one = incident(name, "no_cause")
    assert not one.plan.sources
    levels = len(one.world.categories) + 1
    assert psi(one.rows.mapped[same_hours(one)], one.rows.mapped[after(one)], levels) < 0.03
    good = one.scored.decision == 0
    assert abs(good[same_hours(one)].mean() - good[after(one)].mean()) < 0.04
    assert one.served.fallback[after(one)].mean() < 0.02
    assert len(one.firing) == 1


def test_two_causes_are_two_places_and_a_decoy_blames_neither() -> None:
    two = incident("null_burst", "two_cause")
    assert len({s.entity for s in two.plan.sources}) == 2
    assert len({s.kind for s in two.plan.sources}) == 2
    loud = incident("null_burst", "decoy")
    assert loud.plan.decoys
    guilty = {n for s in loud.plan.sources for n in (s.entity, *s.also)}
    assert not guilty & set(loud.plan.decoys)


@pytest.mark.parametrize("name", scenarios.names())
def test_planted_words_never_name_the_fault(name: str) -> None:
    world = build(SEED, DAYS)
    plan = plan_incident(world, plugins.load("fault", name), "cause")
    for source in plan.sources:
        assert source.kind == name
        assert all(split(e) for e in (source.entity, *source.also, source.first_failure))
    text = " ".join(f"{c.title} {c.body} {' '.join(c.files)}" for c in plan.commits).lower()
    assert name not in text
    assert not {"fault", "incident", "bug", "broken"} & set(text.split())


def test_names_and_sizes_differ_from_seed_to_seed() -> None:
    worlds = [build(seed, DAYS) for seed in range(30)]
    assert len({w.topology_id for w in worlds}) == 30
    assert len({w.domain.key for w in worlds}) >= 5
    assert len({len(w.services) for w in worlds}) >= 3
    assert len({len(w.features) for w in worlds}) >= 3
    assert len({len(w.feeds) for w in worlds}) == 3


def test_traffic_is_never_negative_even_a_year_before() -> None:
    second = np.arange(-400 * DAY_S, 0, 3600.0)
    assert min(build(seed, DAYS).load(second).min() for seed in range(40)) > 0
