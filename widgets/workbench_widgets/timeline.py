"""The joined timeline: lanes on one axis, one brush, change glyphs; spikes survive downsampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import NDArray

from workbench_widgets import tiles
from workbench_widgets.board import Board, module, table
from workbench_widgets.pyramid import Pyramid
from workbench_widgets.tiles import NS_PER_MS, Tiled


class Timeline(Board):
    """Draw lanes of time series.

    A lane is a dict: title, unit, series (dicts of name, times in ns sorted,
    values with NaN for unknown, and unit where it is not the lane's), and optionally first, onset ``[ns, ns]`` and
    state (why there is nothing to draw). Series of one unit share a scale. Changes are dicts of time_ns, kind
    and title.
    `selection` is ``[start, end]`` in ms since 1970, or empty. `view`, `extent`, points, changes and baseline count
    ms from `zero` (ms since 1970), and no view is shorter than `least` ms. `shown` is the view that the points
    are of. Pages ask for tiles by `want` (``serial`` and ``ranges``) and draw from them: they follow the hand at once.
    """

    _esm = module("timeline")
    actions: ClassVar[tuple[str, ...]] = ("select",)
    lanes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    points = traitlets.Bytes(b"").tag(sync=True)
    changes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    baseline: traitlets.List[Any] = traitlets.List().tag(sync=True)
    selection: traitlets.List[Any] = traitlets.List().tag(sync=True)
    extent: traitlets.List[Any] = traitlets.List().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    shown: traitlets.List[Any] = traitlets.List().tag(sync=True)
    zero = traitlets.Float(0.0).tag(sync=True)
    least = traitlets.Float(1000.0).tag(sync=True)
    want = traitlets.Dict().tag(sync=True)
    tiles = traitlets.Bytes(b"").tag(sync=True)

    def __init__(self, lanes: Sequence[Mapping[str, Any]], *, changes: Sequence[Mapping[str, Any]] = (),
                 baseline: Sequence[tuple[int, int]] = (), title: str = "Joined timeline", caption: str = "",
                 width: int = 900, zero_ns: int = 0, least: float = 1000.0) -> None:  # fmt: skip
        """Lay the lanes out; *zero_ns* (whole seconds) and *least* (ms) let a view be shorter than floats of ms do."""
        self._zero_ns = zero_ns
        self._kept = [_kept(lane, zero_ns) for lane in lanes]
        self._pyramids: dict[int, Pyramid] = {}
        self._tiled: list[Tiled] = []
        ends = [t for lane in self._kept for one in lane["series"] if len(one["times"])
                for t in (one["times"][0], one["times"][-1])]  # fmt: skip
        ends += [change["time_ns"] for change in changes]
        start, end = (self._ms(min(ends)), self._ms(max(ends))) if ends else (0.0, 1.0)
        end = max(end, start + 1.0)
        super().__init__(
            zero=zero_ns / NS_PER_MS, least=least, title=title, caption=caption, extent=[start, end],
            view={"start": start, "end": end, "width": width},
            changes=[{"t": self._ms(c["time_ns"]), "kind": str(c["kind"]), "title": str(c["title"])}
                     for c in sorted(changes, key=lambda c: c["time_ns"])],
            baseline=[[self._ms(a), self._ms(b)] for a, b in baseline],
        )  # fmt: skip
        self._draw(None)
        self.observe(self._draw, names="view")
        self.observe(self._answer, names="want")

    @property
    def selection_ns(self) -> tuple[int, int] | None:
        """What was brushed, in ns since 1970; None where nothing is."""
        return (round(self.selection[0]) * NS_PER_MS, round(self.selection[1]) * NS_PER_MS) if self.selection else None

    def twin(self) -> str:
        """Return the lanes as SVG lines and as a table."""
        rows = [(lane["title"], one["name"], one["low"], one["high"], one["last"], one["unit"])
                for lane in self.lanes for one in lane["series"]]  # fmt: skip
        silent = [(lane["title"], lane["state"], None, None, None, "") for lane in self.lanes if lane["state"]]
        head = ("Lane", "Series", "Lowest", "Highest", "Last", "Unit")
        changes = table(("Change, ms since 1970", "Kind", "What"),
                        [(str(round(self.zero + c["t"])), c["kind"], c["title"]) for c in self.changes])  # fmt: skip
        return super().twin() + self._picture() + table(head, rows + silent) + (changes if self.changes else "")

    def _ms(self, time_ns: int) -> float:
        return int(time_ns - self._zero_ns) / NS_PER_MS

    def seen(self, times: NDArray[np.int64]) -> tuple[int, int]:
        """Return the places [first, last) of the view, with one on either side, so that lines reach the edge."""
        start, end = (self._zero_ns + round(self.view[side] * NS_PER_MS) for side in ("start", "end"))
        first = max(0, int(np.searchsorted(times, start)) - 1)
        return first, min(len(times), int(np.searchsorted(times, end, side="right")) + 1)

    def _draw(self, _: object) -> None:
        lanes, buffers = self._content()
        with self.hold_sync():
            self.lanes = lanes
            self.points = np.concatenate(buffers).tobytes() if buffers else b""
            self.shown = [self.view["start"], self.view["end"]]

    def _content(self) -> tuple[list[dict[str, Any]], list[NDArray[np.float64]]]:
        """Return the lanes of the view, and the numbers that their offsets count in."""
        most = 2 * min(4000, max(100, int(self.view.get("width") or 900)))
        buffers: list[NDArray[np.float64]] = []
        offset, lanes = 0, []
        for lane in self._kept:
            drawn = []
            for one in lane["series"]:
                times, values = one["times"], one["values"]
                first, last = self.seen(times)
                places = self._places(one, first, last, most)
                shown = values[places]
                buffers += [(times[places] - self._zero_ns) / NS_PER_MS, shown]
                drawn.append({"name": one["name"], "unit": one["unit"], "offset": offset, "n": len(places),
                              "of": last - first, **_range(shown)})  # fmt: skip
                offset += 2 * len(places)
            lows = [d["low"] for d in drawn if d["low"] is not None]
            highs = [d["high"] for d in drawn if d["high"] is not None]
            state = lane["state"] or ("" if lows else "no data in this window")
            lanes.append({**lane, "series": _scaled(drawn), "state": state, "low": min(lows, default=None),
                          "high": max(highs, default=None)})  # fmt: skip
        return lanes, buffers

    def _answer(self, _: object) -> None:
        if not self.want:
            return
        if not self._tiled:
            self._tiled = self._lanes_tiled()
        self.tiles = tiles.answer(self.want, self._tiled, self._zero_ns)

    def _lanes_tiled(self) -> list[Tiled]:
        return [Tiled([self._pyramid(one) for one in lane["series"]]) for lane in self._kept]

    def _pyramid(self, one: Mapping[str, Any]) -> Pyramid:
        key = id(one["values"])
        if key not in self._pyramids:
            self._pyramids[key] = Pyramid(one["times"], one["values"])
        return self._pyramids[key]

    def _places(self, one: Mapping[str, Any], first: int, last: int, most: int) -> NDArray[np.int64]:
        return self._pyramid(one).places(first, last, most)

    def _picture(self) -> str:
        start, end = self.view["start"], self.view["end"]
        numbers = np.frombuffer(self.points, dtype=np.float64)
        parts = []
        for place, lane in enumerate(self.lanes):
            top = 60 * place
            parts.append(f"<text x='0' y='{top + 30}' font-size='12'>{escape(lane['title'])}</text>")
            for one in lane["series"]:
                low, high = one["scale"] or (0.0, 0.0)
                spread = high - low or 1
                x, y = np.split(numbers[one["offset"] : one["offset"] + 2 * one["n"]], 2)
                known = ~np.isnan(y)
                line = " ".join(
                    f"{180 + 700 * (a - start) / (end - start):.1f},{top + 52 - 44 * (b - low) / spread:.1f}"
                    for a, b in zip(x[known], y[known], strict=True)
                )
                parts.append(f"<polyline fill='none' stroke='currentColor' points='{line}'/>")
        size = 60 * len(self.lanes)
        return f"<svg role='img' aria-label='{escape(self.title)}' viewBox='0 0 900 {size}'>{''.join(parts)}</svg>"


def _kept(lane: Mapping[str, Any], zero_ns: int) -> dict[str, Any]:
    series = []
    for one in lane.get("series", ()):
        times = np.ascontiguousarray(one["times"], dtype=np.int64)
        values = np.ascontiguousarray(one["values"], dtype=np.float64)
        unit = str(one.get("unit") or lane.get("unit") or "")
        series.append({"name": str(one["name"]), "unit": unit, "times": times, "values": values})
    onset = [(t - zero_ns) / NS_PER_MS for t in lane.get("onset") or ()]
    return {"title": str(lane["title"]), "unit": str(lane.get("unit") or ""), "series": series, "onset": onset,
            "first": bool(lane.get("first")), "state": str(lane.get("state") or "")}  # fmt: skip


def _scaled(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return series with the scale that those of one unit share: ``[lowest, highest]``, or empty for unknown."""
    found: dict[str, list[float]] = {}
    for one in drawn:
        found.setdefault(one["unit"], []).extend(one[end] for end in ("low", "high") if one[end] is not None)
    return [{**one, "scale": [min(known), max(known)] if (known := found[one["unit"]]) else []} for one in drawn]


def _range(values: NDArray[np.float64]) -> dict[str, float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"low": None, "high": None, "last": None}
    return {"low": float(known.min()), "high": float(known.max()), "last": float(known[-1])}
