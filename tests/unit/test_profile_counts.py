"""Counts of any stretch of buckets: read from entries or from running totals, they are the same."""

from itertools import pairwise

import numpy as np
import pytest

from workbench.analysis.packing import pack, unpack_each, unpack_levels_each
from workbench.analysis.profile_counts import Counts, entries, largest_gaps
from workbench.analysis.profile_rows import Unpacked
from workbench.errors import IntegrityError

BUCKETS = 40
WIDTHS = (30, 7)
BINS = sum(WIDTHS)
FIRST = np.array([0, WIDTHS[0]])


def dense(seed: int) -> np.ndarray:
    """Return counts of 40 buckets of a column of 30 bins and a text of 7 levels; each sixth bucket is empty."""
    made = np.random.default_rng(seed).poisson(0.7, (BUCKETS, BINS))
    made[::6] = 0
    return made


def held(counts: np.ndarray):
    """Return each column's entries, given in no order."""
    parts = []
    for low, wide in zip(FIRST, WIDTHS, strict=True):
        bucket, place = np.nonzero(counts[:, low : low + wide])
        mixed = np.random.default_rng(1).permutation(len(bucket))
        found = counts[bucket, place + low]
        parts.append(entries(bucket[mixed], place[mixed] + low, found[mixed]))
    return parts


def test_entries_and_running_totals_answer_alike() -> None:
    counts = dense(3)
    lazy, summed = Counts(held(counts), BUCKETS, BINS), Counts(held(counts), BUCKETS, BINS)
    summed.add_up()
    for asked in ([(0, 3)], [(5, 9), (20, 40)], [(0, 3), (7, 7)], [], [(0, BUCKETS)], [(1, 39)], [(2, 30)]):
        wanted = sum((counts[a:b].sum(axis=0) for a, b in asked), np.zeros(BINS))
        assert np.array_equal(lazy.of(asked), wanted)
        assert np.array_equal(summed.of(asked), wanted)
    assert lazy._totals is not None  # by now more was read than there is


@pytest.mark.parametrize("cuts", [np.arange(BUCKETS + 1), np.array([0, 7, 8, 30, 40])])
def test_the_largest_gap_is_that_of_all_bins(cuts: np.ndarray) -> None:
    """KS of the numbers and the largest share difference of the text, against both computed bin by bin."""
    counts = dense(4)
    before = np.random.default_rng(5).poisson(3.0, BINS).astype(float)
    before[[2, 31]] = 0
    found = largest_gaps(held(counts), FIRST, np.array([True, False]), before, cuts)
    for place, (a, b) in enumerate(pairwise(cuts.tolist())):
        now = counts[a:b].sum(axis=0)
        for number, part in enumerate((slice(0, 30), slice(30, 37))):
            if not now[part].sum():
                assert np.isnan(found[place, number])
                continue
            step = now[part] / now[part].sum() - before[part] / before[part].sum()
            wanted = np.abs(np.cumsum(step) if number == 0 else step).max()
            assert found[place, number] == pytest.approx(wanted, abs=1e-12)


def test_levels_are_read_together_and_a_wrong_text_is_named() -> None:
    assert unpack_levels_each(['{"a":1,"b":2}', "", '{"a":3}']) == [{"a": 1, "b": 2}, {}, {"a": 3}]
    for wrong in ('{"a":', '{"a":1},{"b":2}', "[1]", '{"a":"x"}', "7"):
        with pytest.raises(IntegrityError, match="Not packed levels"):
            unpack_levels_each(['{"a":1}', wrong])


def test_rows_read_again_unpack_to_the_same_whatever_was_kept() -> None:
    """Windows that begin or end earlier, later or elsewhere, and texts that changed meanwhile."""
    rng = np.random.default_rng(8)
    texts = [pack(np.sort(rng.choice(400, 20, replace=False)), rng.integers(1, 200, 20)) for _ in range(30)]
    kept, key = Unpacked(), ("amount", "", "grid")
    changed = [*texts[:5], pack(np.array([7]), np.array([3])), *texts[6:]]
    for of, a, b in ((texts, 5, 20), (texts, 5, 12), (texts, 0, 15), (texts, 10, 30), (texts, 0, 30), (changed, 0, 28),
                     (texts, 25, 30), (texts, 0, 4), (texts, 3, 3)):  # fmt: skip
        found, wanted = kept.each(key, list(range(a, b)), of[a:b]), unpack_each(of[a:b])
        assert all(np.array_equal(x, y) for x, y in zip(found, wanted, strict=True))
        assert all(values.dtype == np.int64 for values in found)
