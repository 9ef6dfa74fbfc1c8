"""Faults of flags, prompts, clocks, caches, retries, replicas and single records: what they do, and who is named."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.incidents import SEALED
from workbench import plugins, scenarios
from workbench.analysis.clocks import skewed
from workbench.analysis.deviation import HOUR_NS
from workbench.analysis.repeats import repeated
from workbench.analysis.traced import against_hours
from workbench.bench import open_bench
from workbench.scenarios import figures, service_effects
from workbench.scenarios.incident import Incident, simulate
from workbench.scenarios.world import build

NAMES = (
    "clock_skew", "flag_rollout", "groundedness_drop", "poison_record", "queue_saturation", "retry_storm",
    "stale_features",
)  # fmt: skip
SEED, DAYS = 5, 12


@cache
def incident(name: str, variant: scenarios.Variant = "cause") -> Incident:
    """Simulate one incident once."""
    return simulate(name, seed=SEED, days=DAYS, variant=variant)


def after(one: Incident) -> np.ndarray:
    """Return the rows since ten minutes after the onset."""
    return one.rows.second >= one.plan.moment.onset_s + 600


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_alerts_and_its_signature_has_its_name(name: str) -> None:
    """The alert stands at least four spreads out, and a signature of that name exists."""
    one = incident(name)
    assert one.firing[0].deviation >= 4
    assert name in plugins.names("signature")
    assert one.plan.sources[0].kind == name


def test_a_flag_hurts_one_region_and_one_version_only() -> None:
    """Failures rise where flag, canary and region meet; everybody else fails in less than 1 %."""
    one = incident("flag_rollout")
    flag = next(
        k for k, f in enumerate(service_effects.flags(one.world)) if f"flag:{f.key}" == one.plan.sources[0].entity
    )
    service = service_effects.flags(one.world)[flag].service
    met = one.served.met
    hit = after(one) & met.on[flag] & met.canary[service]
    assert one.served.failed[hit, service].mean() > 0.1
    assert one.served.failed[after(one) & ~hit, service].mean() < 0.01
    assert len(np.unique(one.rows.region[after(one) & met.on[flag]])) == 1


def test_a_wrong_clock_moves_the_delay_and_no_duration() -> None:
    """The delay rises by the clock's offset; every service takes as long as on the days before."""
    one = incident("clock_skew")
    (figure,) = figures.timing(one)
    slot = int(one.plan.moment.onset_s // 900) + 1
    offset = float(service_effects.offset_s(one.plan, one.world.services[1].host, one.plan.moment.end_s))
    rise = np.nanmean(figure.values[slot:]) - np.nanmean(figure.values[:slot])
    assert rise == pytest.approx(offset, rel=0.05)
    calm = one.served.own_ms[~after(one)].mean(0)
    assert one.served.own_ms[after(one)].mean(0) == pytest.approx(calm, rel=0.05)


def test_a_cache_makes_features_old_for_hours_and_the_store_stays_fresh() -> None:
    """What is served differs from what was computed in more than a fifth of the rows; at first in hardly any."""
    one = incident("stale_features")
    view = next(v for v, w in enumerate(one.world.views) if w.kind == "activity")
    j = next(j for j, f in enumerate(one.world.features) if f.view == view)
    differ = ~np.isclose(one.rows.served[:, j], one.rows.x[:, j], equal_nan=True) & ~one.served.failed[:, 2]
    late = one.rows.second >= one.plan.moment.end_s - 2 * 3600
    assert differ[late].mean() > 0.2
    assert differ[~after(one)].mean() < 0.01


def test_retries_multiply_calls_and_not_requests() -> None:
    """The callee is called at least twice a request, its queue grows fivefold, its work does not."""
    one = incident("retry_storm")
    scorer = one.world.role("scorer")
    assert one.served.met.repeats[scorer][after(one)].mean() >= 1
    assert one.served.queue_ms[after(one)].mean() > 5 * one.served.queue_ms[~after(one)].mean()
    assert one.served.forward_ms[after(one)].mean() == pytest.approx(
        one.served.forward_ms[~after(one)].mean(), rel=0.05
    )


def test_a_poison_record_holds_back_part_of_one_feed() -> None:
    """Only the feed behind the record loses events, and all failing runs name one record."""
    from workbench.scenarios.writers import failures

    one = incident("poison_record")
    lost = one.held_back.sum(0)
    assert (lost > 0).sum() == 1
    late = [r.error for r in failures.runs(one) if r.start_s >= one.plan.moment.onset_s and "record id=" in r.error]
    found = repeated(late)
    assert found is not None
    assert found.failures >= 10


def test_a_new_prompt_lowers_the_score_and_leaves_decisions() -> None:
    """Groundedness falls by a twentieth at least; decisions are those of the twin without a cause."""
    one, twin = incident("groundedness_drop"), incident("groundedness_drop", "near_miss")
    score = service_effects.groundedness(one.world, one.plan, one.rows.second)
    assert score[~after(one)].mean() - score[after(one)].mean() > 0.05
    assert (one.scored.decision == twin.scored.decision).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_near_miss_harms_nobody(name: str) -> None:
    """Decisions, failures and queues of the near-miss are within 10 % of the usual."""
    one = incident(name, "near_miss")
    assert one.plan.sources == ()
    assert one.plan.decoys
    assert abs(one.served.fallback[after(one)].mean() - one.served.fallback[~after(one)].mean()) < 0.01


def test_flags_settings_and_prompts_change_in_every_system() -> None:
    """No kind of change event betrays the cause: three systems without any of these faults have all of them."""
    for seed in (1, 2, 3):
        world = build(seed, DAYS)
        assert len(service_effects.flags(world)) == 4
    calm = incident("telemetry_fault", "no_cause")
    kinds = {type(e).__name__ for e in calm.plan.effects}
    assert {"Toggle", "Setting", "Prompt"} <= kinds


def test_the_clock_that_explains_all_pairs_is_the_one() -> None:
    """A hub that is 5 s ahead moves its children back and itself forward; nothing else explains three pairs."""
    shifts = {("edge", "hub"): 5000.0, ("hub", "a"): -5000.0, ("hub", "b"): -5001.0, ("a", "c"): 0.0}
    found = skewed(shifts, least_ms=10)
    assert found is not None
    assert (found.host, round(found.offset_ms), found.others) == ("hub", 5000, ())
    assert found.explained > 0.99


def test_two_machines_alone_cannot_say_which_clock_is_wrong() -> None:
    found = skewed({("a", "b"): 700.0}, least_ms=10)
    assert found is not None
    assert found.others == ("b",)
    assert skewed({("a", "b"): 3.0}, least_ms=10) is None


def test_the_same_record_is_found_and_different_ones_are_not() -> None:
    """The id after ``id=`` in every message is named; ids that differ from failure to failure are none."""
    same = repeated([f"orders-3 at offset 88: cannot decode record id=tr-7788: try {n}00" for n in range(5)])
    assert same is not None
    assert (same.name, same.failures) == ("tr-7788", 5)
    assert repeated([f"deadlock, process {n}4711" for n in range(9)]) is None
    assert repeated(["id=tr-1 broke", "id=tr-1 broke"]) is None


def test_days_of_requests_are_enough_to_see_a_shift() -> None:
    """60 quiet hours with a spread of 1 and six hours 8 higher: strength above .99, onset in the first hour."""
    times = np.arange(0, 66, dtype=np.int64) * HOUR_NS
    values = 50 + np.random.default_rng(1).normal(0, 1, 66) + np.where(np.arange(66) >= 60, 8.0, 0.0)
    found = against_hours(times, values, (60 * HOUR_NS, 66 * HOUR_NS), scale="relative", floor=0.01)
    assert found is not None
    assert found.strength > 0.95
    assert found.onset_ns == 60 * HOUR_NS
    few = against_hours(times[58:], values[58:], (60 * HOUR_NS, 66 * HOUR_NS), scale="relative", floor=0.01)
    assert few is None


@pytest.mark.full
@pytest.mark.parametrize("seed", [3, 7])
@pytest.mark.parametrize("name", NAMES)
def test_the_cause_is_first_and_its_near_miss_is_not_proven(tmp_path: Path, name: str, seed: int) -> None:
    """On two tuning seeds the planted fault ranks first under its own name, and its near-miss is not proven."""
    for variant in ("cause", "near_miss"):
        folder = scenarios.create(name, seed=seed, days=13, variant=variant, out=tmp_path / variant)
        with open_bench(tmp_path / f"store-{variant}") as bench:
            bench.ingest(sorted(p for p in folder.iterdir() if p.name != SEALED))
            ranking = bench.investigate(bench.case("INC-1", alert=folder / "alert.json"))
        truth = json.loads((folder / SEALED).read_text(encoding="utf-8"))
        if variant == "cause":
            right = {truth["causes"][0]["entity"], *truth["causes"][0]["also"]}
            assert ranking.causes[0].kind == name
            assert ranking.causes[0].entity in right
        else:
            assert not [c for c in ranking.causes if c.kind == name and c.verdict == "proven"]


def test_flag_evaluations_are_read_from_events_attributes_and_logs(tmp_path: Path) -> None:
    """One evaluation each as span event, older span event, span attribute and log record: four rows."""
    from workbench.sources import Context, otlp
    from workbench.store import Store

    base = 1_772_366_400_000_000_000

    def pair(key: str, value: str) -> dict[str, object]:
        return {"key": key, "value": {"stringValue": value}}

    def span(number: int, **more: object) -> dict[str, object]:
        return {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "x", "startTimeUnixNano": str(base),
                "endTimeUnixNano": str(base + 10**6), **more}  # fmt: skip

    new = [pair("feature_flag.key", "a"), pair("feature_flag.result.variant", "on")]
    old = [pair("feature_flag.key", "b"), pair("feature_flag.variant", "off")]
    spans = [
        span(1, events=[{"name": "feature_flag.evaluation", "timeUnixNano": str(base), "attributes": new}]),
        span(2, events=[{"name": "feature_flag", "timeUnixNano": str(base), "attributes": old}]),
        span(3, attributes=new),
        span(4),
    ]
    record = {"timeUnixNano": str(base + 5), "traceId": f"{4:032x}", "spanId": f"{4:016x}", "attributes": old,
              "eventName": "feature_flag.evaluation"}  # fmt: skip
    resource = {"attributes": [pair("service.name", "gate")]}
    context = Context("prod", "here", base)
    traces = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    with Store.open(tmp_path / "store") as store:
        for signal, body in (("traces", traces), ("logs", logs)):
            store.append(otlp.decode(signal, json.dumps(body).encode(), "json", context).tables)  # type: ignore[arg-type]
        found: pd.DataFrame = store.ask("flag_evaluations", start_ns=base - 1, end_ns=base + 10**9).to_pandas()
    assert found[["flag", "variant", "service"]].values.tolist() == [
        ["a", "on", "gate"], ["b", "off", "gate"], ["a", "on", "gate"], ["b", "off", "gate"],
    ]  # fmt: skip
