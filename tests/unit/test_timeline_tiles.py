"""Tiles of a timeline: bins hold the exact extremes of their samples, kernels their exact share, nothing is lost."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench_widgets.gpu import GpuTimeline
from workbench_widgets.kernels import Kernels
from workbench_widgets.pyramid import Pyramid
from workbench_widgets.tiles import BINS, MOST_SPANS, MOST_TILES

ZERO = 1_770_714_960_000_000_000
NS_PER_MS = 1_000_000


def unpacked(raw: bytes) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Return header and numbers of an answer, as the page reads them."""
    (length,) = struct.unpack("<q", raw[:8])
    return json.loads(raw[8 : 8 + length]), np.frombuffer(raw[8 + length :], "<f8")


def board(n: int = 300_000) -> tuple[GpuTimeline, NDArray[np.int64], NDArray[np.float64], Kernels]:
    """Return a device of n samples at uneven times with 47 dropouts and an unknown stretch, and 20,000 kernels."""
    dice = np.random.default_rng(7)
    times = ZERO + np.cumsum(dice.integers(1, 20_000_000, n))
    values = 50 + dice.normal(0, 1, n)
    values[dice.choice(n, 47, replace=False)] = 0.0
    values[n // 3 : n // 3 + 900] = np.nan
    begins = times[n // 2] + np.cumsum(dice.integers(5_000, 40_000, 20_000))
    kernels = Kernels(
        begins, begins + dice.integers(1_000, 5_000, 20_000), ["gemm", "copy"], dice.integers(0, 2, 20_000)
    )
    device = {"name": "GPU-0", "figures": {"utilization": (times, values)}, "kernels": kernels}
    return GpuTimeline([device]), times, values, kernels


def test_each_bin_of_every_level_holds_the_extremes_of_its_samples() -> None:
    """From bins of 1 ms to bins of 36 min, at random places: greatest error 0, empty bins null, samples exact."""
    made, times, values, _ = board()
    dice, kinds = np.random.default_rng(1), set()
    for level in range(20, 42, 3):
        last = int((times[-1] - made._zero_ns) >> level) // BINS
        first = int(dice.integers(0, last + 1))
        made.want = {"serial": level, "ranges": [[level, first, min(first + 2, last)]]}
        head, numbers = unpacked(made.tiles)
        (group,) = head["groups"]
        part = group["lanes"][0]["series"][0]
        kinds.add(part["how"])
        edges = made._zero_ns + (np.arange(first * BINS, (group["last"] + 1) * BINS + 1, dtype=np.int64) << level)
        at = np.searchsorted(times, edges)
        low, high = (numbers[part["at"] + k * part["n"] :][: part["n"]] for k in (0, 1))
        if part["how"] == "samples":
            near = slice(max(0, at[0] - 1), at[-1] + 1)
            assert np.array_equal(np.rint(low * NS_PER_MS).astype(np.int64), times[near] - made._zero_ns)
            assert np.array_equal(high, values[near], equal_nan=True)
            continue
        for i, (a, b) in enumerate(zip(at[:-1].tolist(), at[1:].tolist(), strict=True)):
            known = values[a:b][~np.isnan(values[a:b])]
            truth = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
            assert np.array_equal((low[i], high[i]), truth, equal_nan=True)
    assert kinds == {"samples", "bins"}


def test_a_gap_is_told_by_the_bin_in_which_it_begins() -> None:
    """One unknown stretch is one bin, of 900 unknown samples no bin has a value of its own."""
    times = ZERO + np.arange(10_000, dtype=np.int64) * 1000
    values = np.ones(10_000)
    values[3_000:3_900] = np.nan
    low, _, gaps = Pyramid(times, values).bins(ZERO + np.arange(101, dtype=np.int64) * 100_000)
    assert gaps.tolist() == [30]
    assert np.flatnonzero(np.isnan(low)).tolist() == list(range(30, 39))


def test_kernels_are_sent_by_share_and_one_by_one_where_they_are_few() -> None:
    """Shares times bins sum to the busy time within 1 ns a bin; a tile of 1,000 kernels or fewer names each."""
    made, times, _, kernels = board()
    busy = int(kernels.busy_ns(kernels.ends[-1:] + 1)[0])
    level = 20
    ranges = [[level, int((t - made._zero_ns) >> level) // BINS, int((t - made._zero_ns) >> level) // BINS + 3]
              for t in (kernels.starts[0],)]  # fmt: skip
    made.want = {"serial": 1, "ranges": ranges}
    head, numbers = unpacked(made.tiles)
    held = head["groups"][0]["lanes"][1]["kernels"]
    share, begun = (numbers[held["at"] + k * held["n"] :][: held["n"]] for k in (0, 1))
    assert (share * 2**level).sum() == pytest.approx(busy, abs=held["n"])
    assert (begun.sum(), held["spans"]) == (20_000, -1)
    tile = int((kernels.starts[9_000] - made._zero_ns) >> 14) // BINS
    made.want = {"serial": 3, "ranges": [[14, tile, tile]]}
    head, numbers = unpacked(made.tiles)
    held = head["groups"][0]["lanes"][1]["kernels"]
    start = made._zero_ns + ((tile * BINS) << 14)
    inside = (kernels.starts < start + (BINS << 14)) & (kernels.ends > start)
    assert held["spans"] == int(inside.sum()) <= MOST_SPANS
    spans = numbers[held["at"] + 2 * held["n"] :][: 2 * held["spans"]].reshape(2, -1)
    truth = np.stack((kernels.starts[inside], kernels.ends[inside])) - made._zero_ns
    assert np.abs(spans * NS_PER_MS - truth).max() < 1.0
    assert times[0] >= made._zero_ns


@pytest.mark.parametrize("ranges", [None, "x", [["a", 1, 2]], [[3, 5, 4]], [[-1, 0, 0]], [[60, 0, 0]], [[3, 0, 10**9]],
                                    [[True, 0, 0]], [[40, 2**60, 2**60]]])  # fmt: skip
def test_what_no_page_would_ask_is_left_out(ranges: object) -> None:
    """Levels, tiles and counts beyond bounds give an empty answer, not an error and not gigabytes."""
    made = board(1_000)[0]
    made.want = {"serial": 5, "ranges": ranges}
    head, numbers = unpacked(made.tiles)
    assert (head, len(numbers)) == ({"serial": 5, "groups": []}, 0)


def test_an_answer_holds_at_most_so_many_tiles() -> None:
    """Ranges beyond 64 tiles together are cut off."""
    made = board(1_000)[0]
    made.want = {"serial": 1, "ranges": [[10, 0, MOST_TILES - 2], [10, 100, 101]]}
    assert len(unpacked(made.tiles)[0]["groups"]) == 1
