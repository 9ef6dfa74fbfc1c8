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


def test_a_finer_slice_wins_only_where_it_leaves_nothing_behind() -> None:
    """Platform p, 40 of 100 bad where 4 are usual: alone it explains all 72; beside an equally bad q, only half."""
    cells_of = {"region": ["c", "c", "d", "d"], "platform": ["p", "q", "p", "q"], "total": [100] * 4}
    before = pd.DataFrame({**cells_of, "bad": [4, 4, 4, 4]})
    both = scan_slices(before.assign(bad=[40, 40, 4, 4]), before, attributes=["region", "platform"])
    assert both.at[0, "slice"] == "region=c"
    assert both.at[0, "explained"] == pytest.approx(1.0)
    assert both.set_index("slice").at["platform=p&region=c", "explained"] == pytest.approx(0.5)
    one = scan_slices(before.assign(bad=[40, 4, 4, 4]), before, attributes=["region", "platform"])
    assert one.at[0, "slice"] == "platform=p&region=c"
    assert one.at[0, "explained"] == pytest.approx(1.0)


def test_a_cell_that_is_always_bad_explains_no_surplus() -> None:
    """Region c fails at 20 % every day, d at 1 %: only what rises in d is a surplus."""
    usual = pd.DataFrame({"region": ["c", "d"], "bad": [2000, 100], "total": [10_000, 10_000]})
    now = pd.DataFrame({"region": ["c", "d"], "bad": [20, 5], "total": [100, 100]})
    found = scan_slices(now, usual, attributes=["region"]).set_index("slice")
    assert found.at["region=c", "explained"] < 0.03
    assert found.at["region=d", "explained"] > 0.97


def test_rows_without_an_attribute_belong_to_no_slice_of_it() -> None:
    """A missing level is left out of that attribute's slices, as grouping leaves it out, and stays in the others."""
    rows = pd.DataFrame({"region": ["c", None], "isp": ["x", "x"], "bad": [20, 10], "total": [100, 100]})
    found = scan_slices(rows, rows.assign(bad=1), attributes=["region", "isp"]).set_index("slice")
    assert sorted(found.index) == ["isp=x", "isp=x&region=c", "region=c"]
    assert found.at["isp=x", "bad"] == 30
