"""The lanes of the joined timeline: means are weighted, failures add up, and every surface draws the same lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.case.symptom import Symptom
from workbench.model.findings import Evidence, Finding
from workbench.model.window import MINUTE_NS, Window
from workbench.views import lanes as timeline_lanes
from workbench.views.lane_lines import Line, of_symptom, weighted
from workbench.views.lanes import BUSINESS, LANES, PARTS, PREDICTIONS, REQUESTS, Lane, lanes, near

START = 1_770_717_600_000_000_000
SIGNAL = "error_rate"


@dataclass
class Frozen:
    """A case as far as lanes see one: what was asked, with its answers."""

    frames: Mapping[str, pd.DataFrame]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    entity: str = "service:scorer"
    causes: tuple[Any, ...] = ()
    state: Any = field(default_factory=lambda: SimpleNamespace(in_force=(), rejected={}))

    @property
    def symptom(self) -> Symptom:
        return Symptom(self.entity, SIGNAL, Window(START + 60 * MINUTE_NS, START + 120 * MINUTE_NS), None, "prod")

    @property
    def evidence(self) -> dict[str, Evidence]:
        return {q: Evidence(q, q, f"{q}.parquet", "0" * 64, len(f)) for q, f in self.frames.items()}

    def frame(self, name: str) -> pd.DataFrame:
        return self.frames[name]


def drawn(case: Frozen) -> dict[str, Lane]:
    return {lane.title: lane for lane in lanes(cast(Case, case))}


def named(lane: Lane) -> dict[str, Line]:
    return {x.name: x for x in lane.lines}


def at(*minutes: int) -> list[int]:
    return [START + m * MINUTE_NS for m in minutes]


SPANS = pd.DataFrame({
    "start_ns": at(0, 0, 60, 60), "service": ["scorer", "edge", "scorer", "edge"], "count": [90, 10, 95, 5],
    "errors": [3, 4, 5, 6], "p50_ms": [1.0, 2.0, 3.0, 4.0], "p95_ms": [10.0, 20.0, 30.0, 40.0],
})  # fmt: skip


def test_the_mean_score_weighs_each_group_by_its_decisions() -> None:
    """9 decisions at 0.9 and 1 at 0.1 are 0.82, not 0.5; a group without scores weighs nothing but is counted."""
    rows = pd.DataFrame({"start_ns": at(0, 0, 0, 60, 60), "n": [9, 1, 5, 1, 3],
                         "mean_score": [0.9, 0.1, None, 0.2, 0.6]})  # fmt: skip
    found = named(drawn(Frozen({"prediction_series()": rows}))[PREDICTIONS])
    assert found["mean score"].values.tolist() == pytest.approx([0.82, 0.5])
    assert found["predictions"].values.tolist() == [15.0, 4.0]


def test_decisions_without_a_score_weigh_nothing_in_the_mean_score() -> None:
    """Of ten denials two have a score: 8 at 0.1 and those 2 at 0.6 are 0.2, not 0.38."""
    said = {"n": [8, 10, 5], "scored": [8, 2, 5], "mean_score": [0.1, 0.6, 0.3]}
    rows = pd.DataFrame({"start_ns": at(0, 0, 60), **said})
    found = named(drawn(Frozen({"prediction_series()": rows}))[PREDICTIONS])
    assert found["mean score"].values.tolist() == pytest.approx([0.2, 0.3])


def test_failed_requests_are_the_sum_over_services() -> None:
    """3 and 4 are 7, then 5 and 6 are 11; percentiles stay with their service, the busiest first."""
    found = named(drawn(Frozen({"span_percentiles()": SPANS}))[REQUESTS])
    assert found["failed requests"].values.tolist() == [7.0, 11.0]
    assert list(found) == ["p95 of scorer", "p50 of scorer", "p95 of edge", "failed requests"]
    assert found["p95 of edge"].values.tolist() == [20.0, 40.0]


def test_answers_of_other_buckets_are_not_added_to_each_other() -> None:
    """A finer answer about one service gives its percentiles; failures still come from the answer about all."""
    fine = pd.DataFrame({"start_ns": at(0, 5, 10), "service": "scorer", "count": 1, "errors": 9, "p50_ms": 1.0,
                         "p95_ms": [11.0, 12.0, 13.0]})  # fmt: skip
    found = named(drawn(Frozen({"span_percentiles(fine)": fine, "span_percentiles(all)": SPANS}))[REQUESTS])
    assert found["p95 of scorer"].values.tolist() == [11.0, 12.0, 13.0]
    assert found["failed requests"].values.tolist() == [7.0, 11.0]


def test_the_forward_pass_stands_on_the_queue_wait_weighted_by_requests() -> None:
    """3 requests that waited 10 ms and 1 that waited 50 wait 20 ms on average; both parts together are 25."""
    rows = pd.DataFrame({"start_ns": at(0, 0, 60), "n": [3, 1, 2], "mean_queue_wait_ms": [10.0, 50.0, 8.0],
                         "mean_forward_pass_ms": [5.0, 5.0, 6.0]})  # fmt: skip
    found = drawn(Frozen({"latency_parts()": rows}))[PARTS]
    assert [x.values.tolist() for x in found.lines] == [[20.0, 8.0], [25.0, 14.0]]


@pytest.mark.parametrize(("entity", "metric", "labels"), [
    ("service:scorer", SIGNAL, {}), ("service:scorer", f"service_{SIGNAL}", {}), ("host:a", SIGNAL, {"job": "scorer"}),
])  # fmt: skip
def test_the_symptom_is_found_by_entity_by_kind_and_signal_and_by_label(
    entity: str, metric: str, labels: dict[str, str]
) -> None:
    """Each of the three spellings is the symptom's own series; another service's is not."""
    rows = pd.DataFrame({"entity": [entity, entity, "service:other"], "metric": [metric, metric, SIGNAL],
                         "series": ["a", "a", "b"], "labels": [labels, labels, {"job": "other"}], "unit": "1",
                         "time_ns": at(0, 1, 0), "value": [0.1, 0.2, 0.9]})  # fmt: skip
    case = Frozen({"metric_series()": rows})
    assert of_symptom(cast(Case, case), rows)["value"].tolist() == [0.1, 0.2]
    assert named(drawn(case)[BUSINESS])[SIGNAL].values.tolist() == [0.1, 0.2]


def test_every_lane_stands_in_its_place_and_an_empty_one_says_why() -> None:
    """Seven lanes of lines and the changes; none is silent about being empty."""
    found = drawn(Frozen({}))
    assert (*found, "Changes") == LANES
    assert len(LANES) == 8
    assert all(lane.why and not lane.lines for lane in found.values())


def test_near_the_selection_only_lanes_with_two_points_are_left() -> None:
    """A line of ten hours keeps those from three lengths before the selection to one after it; the other lane goes."""
    long = Line("a", "ms", np.arange(600, dtype=np.int64) * MINUTE_NS + START - 300 * MINUTE_NS, np.ones(600))
    gone = Line("b", "ms", long.times[:50], long.values[:50])
    kept = near(cast(Case, Frozen({})), [Lane(REQUESTS, (long, gone)), Lane(PARTS, (gone,))])
    assert [(lane.title, [x.name for x in lane.lines]) for lane in kept] == [(REQUESTS, ["a"])]
    assert len(kept[0].lines[0].times) == 5 * 60


def test_the_lane_that_deviates_first_is_marked_with_its_onset_as_an_interval() -> None:
    """The queue 10 minutes before the symptom's own figure; what began days before marks no lane."""

    def finding(entity: str, signal: str, minutes: int) -> Finding:
        own = Evidence("E1", "spans()", "E1.parquet", "0" * 64, 2)
        return Finding("It rose.", entity, signal, (own,), strength=1.0, onset_ns=at(minutes)[0],
                       values={"onset_after_ns": at(minutes - 5)[0]})  # fmt: skip

    said = Outcome((finding("service:scorer", "queue_wait_ms", 50), finding("service:scorer", SIGNAL, 60),
                    finding("dataset:orders", "null_rate", -9000)))  # fmt: skip
    found = drawn(Frozen({}, {"serving": said}))
    assert [lane.title for lane in found.values() if lane.first] == [PARTS]
    assert found[PARTS].onset_ns == tuple(at(45, 50))
    assert found[BUSINESS].onset_ns == tuple(at(55, 60))
    assert found[timeline_lanes.DATA].onset_ns is None


def test_a_weight_of_zero_is_unknown_and_no_zero() -> None:
    """No decision at all has no mean."""
    rows = pd.DataFrame({"start_ns": [1, 2], "v": [0.5, 0.7], "n": [0, 2]})
    assert weighted(rows, "v", "n").isna().tolist() == [True, False]
