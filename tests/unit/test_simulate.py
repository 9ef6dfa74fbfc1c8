"""What would have been: the truth lies in the interval as often as promised, and no overlap is said, not guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.simulate import mean, quantile, strata


def made(seed: int, n: int = 4000) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return rows of two regions: the bad version decides mostly in the richer one and takes 0.2 off each value."""
    chance = np.random.default_rng(seed)
    region = chance.choice(["north", "south"], n)
    harmed = chance.random(n) < np.where(region == "north", 0.7, 0.2)
    base = np.where(region == "north", 0.8, 0.3) + chance.normal(0, 0.1, n)
    return pd.DataFrame({"region": region}), base - 0.2 * harmed, harmed


def test_the_interval_holds_the_truth_in_at_least_90_of_100_systems() -> None:
    """Unharmed value of the harmed mix; the plain difference of means would be off by 0.25."""
    hits = 0
    for seed in range(100):
        rows, values, harmed = made(seed)
        found = mean(values, harmed, strata(rows, ["region"]))
        truth = float((values + 0.2 * harmed)[harmed].mean())
        assert found.low is not None
        assert found.high is not None
        # The truth is the harmed rows' own draw; its noise is as large as the estimate's.
        spread = (found.high - found.low) / 2
        hits += abs((found.would or 0) - truth) <= spread * 2**0.5
    assert hits >= 90
    assert found.effect == pytest.approx(0.2, abs=0.03)


def test_the_quantile_is_that_of_the_unharmed_with_the_harmed_ones_mix() -> None:
    """p95 of a mix of two normal laws, within its own interval."""
    rows, values, harmed = made(7, 20_000)
    found = quantile(values, harmed, strata(rows, ["region"]), 0.95)
    truth = float(np.quantile((values + 0.2 * harmed)[harmed], 0.95))
    assert found.would == pytest.approx(truth, abs=0.02)
    assert found.low is not None
    assert found.low <= truth <= (found.high or 0)


@pytest.mark.parametrize(("harmed_region", "free_region", "why"), [
    ("north", "south", "look like only 0%"), ("north", None, "only 0 unharmed"), (None, "south", "only 0 harmed"),
])  # fmt: skip
def test_without_overlap_nothing_is_estimated(harmed_region: str | None, free_region: str | None, why: str) -> None:
    """The reason is said; the figure as it was stays."""
    regions = [r for r in (harmed_region, free_region) if r for _ in range(100)]
    harmed = np.array([r == harmed_region for r in regions])
    found = mean(np.arange(len(regions), dtype=float), harmed, strata(pd.DataFrame({"r": regions}), ["r"]))
    assert why in found.why_not
    assert (found.would, found.low, found.high, found.effect) == (None, None, None, None)


def test_strata_keep_missing_apart_and_cut_numbers_into_quarters() -> None:
    """Five strata: four quarters and the missing."""
    frame = pd.DataFrame({"x": [*range(100), None]})
    assert strata(frame, ["x"]).nunique() == 5
    assert set(strata(frame, [])) == {"all"}
