"""The board of generated incidents plans evenly, scores what was said, and can be wrong about calibration."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.incident_board import Judged, expected_error, lines
from benchmarks.incidents import Prediction, judge, plan
from workbench import plugins, scenarios

TRUTH = {
    "fault": "null_burst",
    "variant": "decoy",
    "causes": [{"entity": "feature:age", "also": ["dataset:people"], "kind": "null_burst"}],
    "decoys": ["host:a"],
    "topology_id": 7,
}


def said(*ranking: str, named: tuple[str, ...] = ()) -> Prediction:
    """Return a prediction that ranks these entities."""
    rules = {"robust z": ["host:a"], "traversal": ["dataset:people"]}
    return Prediction("one", list(ranking), "proven", 0.9, 1.0, list(named), ["null_burst"] * len(ranking), rules)


def test_every_fault_meets_every_variant_once_in_a_round() -> None:
    """After faults x variants incidents, each pair came exactly once, each with a seed of its own."""
    faults, variants = plugins.names("fault"), scenarios.VARIANTS
    planned = list(plan(len(faults) * len(variants), 500))
    assert set(Counter((fault, variant) for fault, variant, _ in planned).values()) == {1}
    assert [seed for _, _, seed in planned] == list(range(500, 500 + len(planned)))


def test_another_name_of_the_planted_place_counts_and_a_decoy_does_not() -> None:
    """The second of the ranking is the planted place under its other name; naming the decoy is counted."""
    found = judge(said("host:a", "dataset:people", named=("host:a",)), TRUTH)
    assert found.places == (2,)
    assert not found.first
    assert found.among_three
    assert found.decoy_named
    assert found.wrong_named
    assert found.solved_by == ("traversal",)


def test_calibration_error_of_a_boaster_is_what_is_boasted() -> None:
    """Always .95 sure and right half the time: off by .45; saying .5 instead: exactly calibrated."""
    right = np.array([0.0, 1.0] * 50)
    assert expected_error(np.full(100, 0.95), right) == pytest.approx(0.45)
    assert expected_error(np.full(100, 0.5), right) == pytest.approx(0.0)


def test_a_rule_that_solves_most_incidents_is_called_too_easy() -> None:
    """A single rule with two of three is above its limit of .60."""
    solved = [("traversal",), ("traversal",), ()]
    items = [
        Judged(str(i), "f", "cause", (1,), "proven", 0.9, False, False, True, 1.0, by, "t")
        for i, by in enumerate(solved)
    ]
    text = "\n".join(lines(items))
    assert "traversal" in text
    assert "0.667 (at most 0.60: TOO EASY)" in text
