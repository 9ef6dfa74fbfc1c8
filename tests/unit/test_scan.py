"""The scan statistic over slices, by hand and on planted slices."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.scan import scan_slices
from workbench.errors import CouldNotRunError, UsageError


def cells(bad_c: int) -> pd.DataFrame:
    """Return two regions of 100 sessions each; region d has 5 bad ones."""
    return pd.DataFrame({"region": ["c", "d"], "bad": [bad_c, 5], "total": [100, 100]})


def test_the_score_is_kulldorffs_ratio() -> None:
    """20 bad where 5 are usual, 5 where 5 are: 20 ln 4 + 5 ln 1 - 25 ln 2.5."""
    found = scan_slices(cells(20), cells(5), attributes=["region"])
    assert found["slice"].tolist() == ["region=c", "region=d"]
    assert found.at[0, "expected"] == pytest.approx(5.0)
    assert found.at[0, "score"] == pytest.approx(20 * math.log(4) - 25 * math.log(2.5))
    assert found.at[1, "score"] == 0.0


def test_nothing_scores_where_rates_are_as_usual() -> None:
    """Equal rates inside and outside give exactly 0."""
    assert scan_slices(cells(5), cells(5), attributes=["region"])["score"].max() == 0.0


def test_a_planted_pair_beats_its_parts_and_triples_on_10_seeds() -> None:
    """Version v2 in region 1 fails at 30 % instead of 2 %."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        grid = pd.MultiIndex.from_product([list("abc"), list("123"), ["v1", "v2"]], names=["isp", "region", "version"])
        total = rng.integers(150, 300, len(grid))
        hit = (grid.get_level_values("region") == "1") & (grid.get_level_values("version") == "v2")
        before = pd.DataFrame({"bad": rng.binomial(total, 0.02), "total": total}, index=grid).reset_index()
        now = before.assign(bad=rng.binomial(total, np.where(hit, 0.3, 0.02)))
        found = scan_slices(now, before, attributes=["isp", "region", "version"])
        assert found.at[0, "slice"] == "region=1&version=v2"


def test_missing_columns_and_an_uncounted_past_are_refused() -> None:
    """Neither can be scanned."""
    with pytest.raises(UsageError, match="isp"):
        scan_slices(cells(5), cells(5), attributes=["isp"])
    with pytest.raises(CouldNotRunError, match="nothing counted before"):
        scan_slices(cells(5), cells(5).assign(total=0), attributes=["region"])
