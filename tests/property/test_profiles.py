"""Profiles add up: in any order, from any chunks, exactly in counts and to 1e-12 in sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.analysis import profiles
from workbench.analysis.packing import pack, unpack, unpack_each
from workbench.errors import IntegrityError, UsageError
from workbench.model.grid import Grid

ANY = arrays(np.float64, st.integers(0, 60), elements=st.floats(allow_nan=True, allow_infinity=True, width=64))
GRIDS = st.sampled_from([Grid("numbers", 0.0, 0.125), Grid("numbers", 50.0, 2.0), Grid("numbers", 3.0, 1.0, 12)])


def _one(values: np.ndarray, grid: Grid, start: int = 0) -> profiles.Profile:
    return profiles.count_numbers("x", values, grid, starts=np.array([start]), ends=np.array([start + 1]))


def _same(a: profiles.Profile, b: profiles.Profile) -> None:
    for name in (
        "starts",
        "rows",
        "nulls",
        "infinite",
        "distinct",
        "entry_bucket",
        "entry_bin",
        "entry_count",
        "min",
        "max",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@given(values=ANY, grid=GRIDS)
@settings(max_examples=150, deadline=None)
def test_every_value_is_counted_once_in_the_bin_that_the_grid_names(values: np.ndarray, grid: Grid) -> None:
    profile = _one(values, grid)
    assert int(profile.entry_count.sum() + profile.nulls[0] + profile.infinite[0]) == len(values)
    with np.errstate(over="ignore"):
        kept = values[np.isfinite(np.abs(values - grid.center) + grid.scale)]
    bins, counts = np.unique([grid.bin_of(float(v)) for v in kept], return_counts=True)
    np.testing.assert_array_equal(profile.entry_bin, bins)
    np.testing.assert_array_equal(profile.entry_count, counts)


@given(parts=st.lists(ANY, min_size=1, max_size=5), grid=GRIDS, seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_chunks_in_any_order_equal_the_whole(parts: list[np.ndarray], grid: Grid, seed: int) -> None:
    whole = _one(np.concatenate(parts), grid)
    shuffled = [parts[i] for i in np.random.default_rng(seed).permutation(len(parts))]
    _same(profiles.merge([_one(p, grid) for p in shuffled]), whole)


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=9), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_sums_agree_to_1e_12_and_buckets_equal_profiles_of_their_own(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, grid = rng.lognormal(3, 1, sum(sizes)), Grid("numbers", 20.0, 2.0)
    places = np.arange(len(sizes))
    every = profiles.count_numbers("x", values, grid, starts=places, ends=places + 1, sizes=np.array(sizes))
    cuts = np.cumsum(sizes)[:-1]
    parts = [_one(p, grid, start) for start, p in enumerate(np.split(values, cuts))]
    merged = profiles.merge(parts[::-1])
    _same(merged, every)
    np.testing.assert_allclose(merged.sum, every.sum, rtol=1e-12)
    np.testing.assert_allclose(merged.sumsq, every.sumsq, rtol=1e-12)


@given(st.dictionaries(st.integers(-(10**6), 10**6), st.integers(1, 10**7), max_size=50))
def test_packed_counts_come_back(counts: dict[int, int]) -> None:
    bins = np.array(sorted(counts), np.int64)
    values = np.array([counts[b] for b in bins.tolist()], np.int64)
    back = unpack(pack(bins, values))
    np.testing.assert_array_equal(back[0], bins)
    np.testing.assert_array_equal(back[1], values)


SPARSE = st.dictionaries(st.integers(-(10**6), 10**6), st.integers(1, 10**7), max_size=12)


@given(st.lists(SPARSE, max_size=8))
def test_many_texts_unpack_as_each_of_them_alone(tables: list[dict[int, int]]) -> None:
    texts = [pack(np.array(sorted(t), np.int64), np.array([t[b] for b in sorted(t)], np.int64)) for t in tables]
    bins, counts, sizes = unpack_each(texts)
    assert sizes.tolist() == [len(t) for t in tables]
    assert bins.tolist() == [b for t in tables for b in sorted(t)]
    assert counts.tolist() == [t[b] for t in tables for b in sorted(t)]


@pytest.mark.parametrize("text", ["x", "1", "1|!5", "1|!;", "1| x;", "1|~", "1|!9!9;", "1| 5;", "1|\u00e9", "|#",
                                  "1|!1234567890123456789;"])  # fmt: skip
def test_text_that_packs_no_counts_is_refused_by_its_own_name(text: str) -> None:
    with pytest.raises(IntegrityError, match="Not packed counts") as told:
        unpack_each(["0|$", text, "7|$!100;"])
    assert repr(text) in str(told.value)


def test_counts_of_two_grids_never_mix() -> None:
    with pytest.raises(UsageError, match="cannot be added"):
        profiles.merge([_one(np.ones(3), Grid("numbers", 0.0, 1.0)), _one(np.ones(3), Grid("numbers", 0.0, 0.5))])


@given(st.floats(-1e300, 1e300), st.integers(-200, 200), st.integers(7, 20))
def test_a_grid_comes_back_from_its_id_and_another_version_is_refused(center: float, power: int, bits: int) -> None:
    grid = Grid("numbers", center, 2.0**power, bits)
    assert Grid.parse(grid.id) == grid
    with pytest.raises(UsageError, match="version"):
        Grid.parse(grid.id.replace("numbers/1", "numbers/2"))


@given(arrays(np.int64, st.integers(1, 200), elements=st.integers(-50_000, 50_000)))
@settings(max_examples=60, deadline=None)
def test_integers_keep_their_exact_values(values: np.ndarray) -> None:
    profile = _one(values.astype(float), profiles.teach(values.astype(float)))
    seen = profiles.positions(profile.grid, profile.entry_bin)
    want, counts = np.unique(values, return_counts=True)
    np.testing.assert_array_equal(seen, want)
    np.testing.assert_array_equal(profile.entry_count, counts)
