"""Laws that every drift metric keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import plugins
from workbench.analysis.drift import Pair

METRICS = plugins.load_all("drift metric")
COUNTS = st.lists(st.integers(1, 1000), min_size=2, max_size=30)


@pytest.mark.parametrize("name", sorted(METRICS))
@given(counts=COUNTS)
@settings(max_examples=50, deadline=None)
def test_a_window_compared_with_itself_scores_zero(name: str, counts: list[int]) -> None:
    rows = np.array(counts, float)
    assert METRICS[name].score(Pair(rows, rows.copy(), np.arange(len(rows), dtype=float))) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", sorted(METRICS))
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_scores_stay_inside_their_declared_range(name: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 30))
    draw = st.lists(st.integers(0, 1000), min_size=size, max_size=size).filter(any)
    reference, current = (np.array(data.draw(draw), float) for _ in range(2))
    metric = METRICS[name]
    score = metric.score(Pair(reference, current, np.arange(size, dtype=float)))
    assert metric.low - 1e-9 <= score <= metric.high + 1e-9


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_hundredfold_change_of_scale_is_seen(name: str) -> None:
    before = np.random.default_rng(1).lognormal(size=5000)
    metric = METRICS[name]
    assert metric.score(Pair.of_numbers(before, before * 100)) > metric.threshold


def test_ks_and_wasserstein_equal_the_exact_two_sample_values() -> None:
    from scipy import stats

    rng = np.random.default_rng(2)
    before, now = rng.normal(size=700), rng.normal(0.3, 1.2, size=900)
    pair = Pair.of_numbers(before, now)
    assert METRICS["ks"].score(pair) == pytest.approx(stats.ks_2samp(before, now).statistic, abs=1e-12)
    wanted = stats.wasserstein_distance(before, now) / before.std()
    assert METRICS["wasserstein"].score(pair) == pytest.approx(wanted, rel=1e-9)
