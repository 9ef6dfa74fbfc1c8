"""Contrast mining: planted conditions are found, null data stay silent, duplicates are one group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.analysis.contrast import contrast
from workbench.errors import CouldNotRunError, UsageError

ROWS = 4000


def frame(seed: int) -> tuple[pd.DataFrame, np.random.Generator]:
    """Return 12 attributes of 4 to 6 levels and two numbers, without any structure."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {f"a{i}": rng.integers(0, 4 + i % 3, ROWS).astype(str) for i in range(12)}
    columns["latency"] = rng.lognormal(3, 1, ROWS)
    columns["amount"] = rng.normal(10, 3, ROWS)
    return pd.DataFrame(columns), rng


def test_a_planted_condition_is_in_the_top_three_on_20_seeds() -> None:
    """Rows with a3 = 1 are bad at 15 % instead of 5 %."""
    hits = 0
    for seed in range(20):
        rows, rng = frame(seed)
        bad = rng.random(ROWS) < np.where(rows["a3"] == "1", 0.15, 0.05)
        hits += "a3 = 1" in list(contrast(rows, bad, max_order=2))[:3]
    assert hits >= 19


def test_a_planted_pair_is_in_the_top_three_on_20_seeds() -> None:
    """Only rows with both conditions are bad more often; either alone hardly shows."""
    hits = 0
    for seed in range(20):
        rows, rng = frame(seed)
        bad = rng.random(ROWS) < np.where((rows["a3"] == "1") & (rows["a5"] == "2"), 0.4, 0.03)
        hits += "a3 = 1 and a5 = 2" in list(contrast(rows, bad, max_order=2))[:3]
    assert hits >= 18


def test_null_data_report_anything_on_at_most_2_of_40_seeds() -> None:
    """At q .05: nothing was planted, singles and pairs were tested."""
    reported = 0
    for seed in range(100, 140):
        rows, rng = frame(seed)
        reported += len(contrast(rows, rng.random(ROWS) < 0.1, max_order=2)) > 0
    assert reported <= 2


def test_a_planted_triple_is_named_as_a_triple() -> None:
    """Three flags together break; each pair of them is only half of it."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({name: rng.choice(["on", "off"], ROWS) for name in ("x", "y", "z", "u", "v")})
    together = (rows == "on")[["x", "y", "z"]].all(axis=1)
    found = contrast(rows, rng.random(ROWS) < np.where(together, 0.6, 0.02))
    assert found.table.at[0, "condition"] == "x = on and y = on and z = on"
    assert found.table.at[0, "order"] == 3


def counted() -> pd.DataFrame:
    """Return 400 rows: 100 selected of which 60 are of region c, and 300 others of which 30 are."""
    return pd.DataFrame({"region": ["c"] * 60 + ["d"] * 40 + ["c"] * 30 + ["d"] * 270, "bad": [1] * 100 + [0] * 300})


def test_shares_lift_and_p_value_can_be_counted_by_hand() -> None:
    """60 of 100 against 30 of 300: lift 6, hypergeometric tail, four conditions told apart by one column."""
    rows = counted()
    first = contrast(rows, rows["bad"] == 1, by=["region"]).table.iloc[0]
    assert (first["condition"], first["in_selection"], first["in_baseline"]) == ("region = c", 60, 30)
    assert (first["share_selection"], first["share_baseline"]) == pytest.approx((0.6, 0.1))
    assert first["lift"] == pytest.approx(6.0)
    assert first["lift_low"] == pytest.approx(6.0 * np.exp(-1.96 * np.sqrt(1 / 60 - 1 / 100 + 1 / 30 - 1 / 300)))
    assert first["p_value"] == pytest.approx(stats.hypergeom.sf(59, 400, 90, 100))


def test_duplicates_of_a_column_are_folded_into_one_group() -> None:
    """The model and its build say the same of every row: one line, the other named in it."""
    rows = counted().assign(zone=lambda f: "z-" + f["region"])
    found = contrast(rows, rows["bad"] == 1, by=["region", "zone"])
    assert list(found) == ["region = c"]
    assert "zone = z-c" in found.table.at[0, "same_as"]


def test_nulls_are_a_condition_of_their_own() -> None:
    """A feature missing in 80 of 100 bad rows and in no other."""
    rows = pd.DataFrame({"coupon": [None] * 80 + [5.0] * 20 + [5.0] * 300})
    assert next(iter(contrast(rows, np.arange(400) < 100))) == "coupon is null"


def test_columns_in_any_order_and_any_selection_type_give_the_same_table() -> None:
    """A mask may be a list, an array or a series; columns may be permuted."""
    rows, rng = frame(3)
    bad = pd.Series(rng.random(ROWS) < np.where(rows["a1"] == "0", 0.3, 0.05))
    one = contrast(rows, bad, max_order=2).table
    other = contrast(rows[rows.columns[::-1]], bad.tolist(), max_order=2).table
    pd.testing.assert_frame_equal(one.drop(columns="same_as"), other.drop(columns="same_as"))


def test_a_wrong_mask_and_an_empty_selection_are_refused() -> None:
    """What was seen stands in the message."""
    rows = counted()
    with pytest.raises(UsageError, match=r"mask of 400 values; its shape is \(3,\)"):
        contrast(rows, [True, False, True])
    with pytest.raises(CouldNotRunError, match="0 of 400 rows are selected"):
        contrast(rows, np.zeros(400, dtype=bool))
