"""Onsets name the moment of a change, with an interval, and stay silent without one."""

import numpy as np
import pytest

from workbench.analysis.onset import first_deviating, onset
from workbench.errors import CouldNotRunError

TIMES = np.arange(200, dtype=np.int64) * 60


def _series(seed: int, shift: float) -> np.ndarray:
    values = np.random.default_rng(seed).normal(10, 1, size=200)
    values[140:] += shift
    return values


def test_names_a_shift_of_three_deviations_within_three_samples() -> None:
    found = [onset(TIMES, _series(seed, 3.0)) for seed in range(50)]
    assert all(f is not None and abs(f.time - TIMES[140]) <= 180 for f in found)


def test_the_interval_holds_the_true_moment_in_at_least_ninety_percent() -> None:
    found = [onset(TIMES, _series(seed, 1.5)) for seed in range(200)]
    held = [f is not None and f.earliest <= TIMES[140] <= f.latest for f in found]
    assert np.mean(held) >= 0.9


def test_a_constant_level_has_an_onset_in_at_most_five_percent() -> None:
    assert np.mean([onset(TIMES, _series(seed, 0.0)) is not None for seed in range(200)]) <= 0.05


def test_missing_values_are_left_out_and_a_constant_signal_does_not_explode() -> None:
    values = np.full(200, 5.0)
    assert onset(TIMES, values) is None
    values[::3] = np.nan
    assert onset(TIMES, values) is None


def test_too_short_a_series_says_so() -> None:
    with pytest.raises(CouldNotRunError, match="at least 5 samples; there are 3"):
        onset(TIMES[:3], np.ones(3))


def test_the_first_deviating_signal_is_the_earliest_and_ties_go_by_name() -> None:
    late, early = onset(TIMES, _series(1, 5.0)), onset(TIMES[:150], _series(1, 5.0)[50:])
    assert late is not None
    assert early is not None
    assert first_deviating({"b": early, "a": late, "c": early}) == "b"
    assert first_deviating({}) is None
