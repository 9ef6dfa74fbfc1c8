"""What a timeline's page holds of a long recording: exact extremes on fixed grids, sent ahead of the zoom.

Level k counts time in bins of 2^k ns from the timeline's zero; a tile is `BINS` neighbouring bins. So every drawn
extreme is that of all samples of its bin, a bin is never wider than a pixel, and what was sent once serves every later
view. Where samples are fewer than bins they are sent as they are, and serve every view below.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench_widgets.kernels import Kernels
from workbench_widgets.pyramid import Pyramid

BINS = 256
MOST_LEVEL = 52
MOST_TILES = 64
"""Tiles that one request may ask for."""
MOST_SPANS = 1_000
"""Kernels of a tile that are sent one by one."""
NS_PER_MS = 1_000_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tiled:
    """Hold what a lane draws: its series, the series laid over, its kernels."""

    series: Sequence[Pyramid]
    over: Sequence[Pyramid] = ()
    kernels: Kernels | None = None


def answer(want: Mapping[str, Any], lanes: Sequence[Tiled], zero_ns: int) -> bytes:
    """Return the tiles asked for: length of the header (8 bytes), the header as JSON, numbers as little-endian floats.

    *want* has ``serial`` and ``ranges``, triples of level, first tile and last tile; what is no such triple, or beyond
    `MOST_TILES`, is left out.
    """
    groups, numbers, offset = [], list[Floats](), 0
    for level, first, last in _allowed(want.get("ranges")):
        edges = zero_ns + (np.arange(first * BINS, (last + 1) * BINS + 1, dtype=np.int64) << level)
        drawn = []
        for lane in lanes:
            facts: dict[str, Any] = {}
            for part in ("series", "over"):
                facts[part] = []
                for pyramid in getattr(lane, part):
                    said, held = _series(pyramid, edges, zero_ns)
                    facts[part].append({**said, "at": offset})
                    numbers += held
                    offset += sum(map(len, held))
            if lane.kernels is not None:
                said, held = _kernels(lane.kernels, edges, zero_ns, last - first + 1)
                facts["kernels"] = {**said, "at": offset}
                numbers += held
                offset += sum(map(len, held))
            drawn.append(facts)
        groups.append({"level": level, "first": first, "last": last, "lanes": drawn})
    head = json.dumps({"serial": want.get("serial"), "groups": groups}).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<q", len(head)) + head + b"".join(n.astype("<f8").tobytes() for n in numbers)


def _allowed(ranges: object) -> list[tuple[int, int, int]]:
    found, left = [], MOST_TILES
    for one in ranges if isinstance(ranges, list) else []:
        if not (isinstance(one, list) and len(one) == 3 and all(type(n) is int for n in one)):
            continue
        level, first, last = one
        if 0 <= level <= MOST_LEVEL and first <= last < first + left and abs(last) * BINS < 2 ** (62 - level):
            found.append((level, first, last))
            left -= last - first + 1
    return found


def _series(held: Pyramid, edges: NDArray[np.int64], zero_ns: int) -> tuple[dict[str, Any], list[Floats]]:
    """Return a series' bins (lowest, highest), or its samples (ms from zero, value) where these are fewer."""
    first, last = (int(p) for p in np.searchsorted(held.times, edges[[0, -1]]))
    if last - first <= len(edges) - 1:
        # One more on either side, so that lines reach the edge.
        near = slice(max(0, first - 1), last + 1)
        times, values = (held.times[near] - zero_ns) / NS_PER_MS, held.values[near]
        return {"how": "samples", "n": len(values)}, [times, values]
    low, high, gaps = held.bins(edges)
    return {"how": "bins", "n": len(low), "gaps": gaps.tolist()}, [low, high]


def _kernels(held: Kernels, edges: NDArray[np.int64], zero_ns: int, tiles: int) -> tuple[dict[str, Any], list[Floats]]:
    """Return the busy share of each bin, the kernels that begin in it, and each kernel where they are few."""
    share = np.diff(held.busy_ns(edges)) / np.diff(edges)
    begun = np.diff(np.searchsorted(held.starts, edges)).astype(float)
    facts: dict[str, Any] = {"n": len(share), "rows": held.height, "spans": -1, "names": []}
    places = held.seen(int(edges[0]), int(edges[-1]))
    if len(places) > MOST_SPANS * tiles:
        return facts, [share, begun]
    used, codes = np.unique(held.codes[places], return_inverse=True)
    facts |= {"spans": len(places), "names": [held.names[c] for c in used.tolist()]}
    times = [(side[places] - zero_ns) / NS_PER_MS for side in (held.starts, held.ends)]
    return facts, [share, begun, *times, codes.astype(float), held.rows[places].astype(float)]
