"""Verdicts on a device: each fault of simulated recordings, what is unknown, and where its time went."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.analysis.gpu_verdict import figures, shift, time_split, verdict
from workbench.scenarios.gpu_recordings import CONDITIONS, Condition, recording


@pytest.mark.parametrize("condition", CONDITIONS)
def test_each_condition_is_told_apart(condition: Condition) -> None:
    """Of five seeded recordings of each condition all get their verdict; its evidence names figures with numbers."""
    for seed in range(5):
        baseline, window = recording(condition, seed)
        found = verdict(window, baseline)
        assert found.cause == condition
        assert all(s.now is not None and f"{s.now:.4g}" in found.words for s in found.evidence)
        assert bool(found.evidence) == (condition != "healthy")


def test_a_mig_without_utilisation_can_still_be_throttled() -> None:
    """With utilisation [N/A] the clock and 290 W carry the verdict, and the gap is named."""
    baseline, window = recording("throttle", 3)
    unknown = {"gpu_utilization_percent": float("nan"), "gpu_power_w": 290.0}
    found = verdict(window.assign(**unknown), baseline.assign(**unknown))
    assert (found.cause, "gpu_utilization_percent" in found.unknown) == ("throttle", True)


def test_nothing_measured_is_unknown_not_healthy() -> None:
    """A window without utilisation, clock and power has no verdict; null is never zero."""
    baseline, window = recording("healthy", 1)
    for empty in (window.iloc[:0], window[[]], window * float("nan")):
        assert verdict(empty, baseline).cause == "unknown"
    assert verdict(window, baseline.iloc[:0]).cause == "healthy"


def test_half_the_figures_claim_no_fault() -> None:
    """Without a figure that its rule needs no cause is named: a full queue alone is not starvation."""
    baseline, window = recording("queue_starvation", 2)
    found = verdict(window.drop(columns="requests_per_s"), baseline)
    assert found.cause == "healthy"
    assert "Not measured: requests_per_s" in found.words


@pytest.mark.parametrize(
    ("busy", "wait", "cause"),
    [
        (20.0, 99.0, "healthy"),
        (20.0, 126.0, "queue_starvation"),
        (80.0, 126.0, "healthy"),
        (0.0, 126.0, "queue_starvation"),
    ],
)
def test_a_wait_is_starvation_from_five_times_what_a_device_this_busy_explains(
    busy: float, wait: float, cause: str
) -> None:
    """A forward pass of 100 ms at 20 % busy explains 25 ms: 99 is under five times that, 126 over; at 80 %, 400 ms."""
    usual = {"gpu_utilization_percent": [busy] * 12, "forward_pass_ms": [100.0] * 12, "requests_per_s": [5.0] * 12}
    baseline = pd.DataFrame({**usual, "queue_wait_ms": [9.0] * 12})
    found = verdict(pd.DataFrame({**usual, "queue_wait_ms": [wait] * 12}), baseline)
    assert found.cause == cause
    assert ("queue_wait_over_expected" in found.words) == (cause == "queue_starvation")


@pytest.mark.parametrize("condition", ["vram_pressure", "gpu_memory_wait"])
def test_where_no_request_was_traced_the_waits_of_the_service_stand_in(condition: Condition) -> None:
    """The service's own waits give the fault its verdict; with those flat, or unknown too, nothing is claimed."""
    parts = [
        part.drop(columns=["queue_wait_ms", "forward_pass_ms", "queue_share_percent", "requests_per_s"]).assign(
            service_queue_wait_ms=part["queue_wait_ms"], service_queue_share_percent=part["queue_share_percent"]
        )
        for part in recording(condition, 4)
    ]
    baseline, window = parts
    found = verdict(window, baseline)
    assert found.cause == condition
    assert "service_queue" in found.words
    waits = ["service_queue_wait_ms", "service_queue_share_percent"]
    flat = window.assign(**{name: baseline[name].median() for name in waits})
    assert verdict(flat, baseline).cause == "healthy"
    unknown = verdict(window.drop(columns=waits), baseline)
    assert (unknown.cause, "queue_wait_ms" in unknown.unknown) == ("healthy", True)


def test_a_constant_baseline_has_a_floor() -> None:
    """A clock of exactly 1,980 MHz that shows 1,979 is half a deviation off, not infinitely many."""
    before, now = pd.DataFrame({"m": [1980.0] * 60}), pd.DataFrame({"m": [1979.0] * 60})
    assert shift("m", now, before).deviations == pytest.approx(-1 / 1.98)


def test_the_split_adds_up() -> None:
    """75 % busy, of which a third throttled; 10 of 25 idle points wait for requests; a tenth is unknown."""
    window = pd.DataFrame({
        "gpu_utilization_percent": [75.0] * 9 + [None],
        "gpu_throttled_percent": [100.0] * 3 + [0.0] * 7,
        "queue_wait_ms": [50.0] * 4 + [0.0] * 6,
    })  # fmt: skip
    found = time_split(window)
    assert found == pytest.approx({"busy": 45.0, "throttled": 22.5, "waiting": 10.0, "idle": 12.5, "unknown": 10.0})
    assert set(time_split(window.head(0)).values()) == {None}


def test_rows_of_the_table_become_figures() -> None:
    """Samples of two metrics at two times become two rows; a null value stays null."""
    rows = pd.DataFrame({"time_ns": [1, 1, 2, 2], "metric": ["a", "b"] * 2, "value": [1.0, 2.0, None, 4.0]})
    found = figures(rows)
    assert found["b"].tolist() == [2.0, 4.0]
    assert found["a"].isna().tolist() == [False, True]
