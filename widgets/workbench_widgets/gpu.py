"""The timeline of devices: lanes per device and program, bands where it was slowed, waits of requests laid over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench_widgets.board import _FOLDER, module, table
from workbench_widgets.pyramid import Pyramid
from workbench_widgets.timeline import NS_PER_MS, Timeline, _range

FIGURES = (("utilization", "Utilisation", "%"), ("memory", "Memory", "%"), ("temperature", "Temperature", "°C"),
           ("power", "Power", "W"))  # fmt: skip
UNKNOWN = "unknown: the device does not say"


class GpuTimeline(Timeline):
    """Draw devices over time.

    A device is a dict: name; figures by name (utilization, memory, temperature, power), each a pair of times (ns,
    sorted) and values (NaN is unknown); optionally throttled (triples of begin ns, end ns and why), waits (a pair:
    requests' queue waits in ms), programs (name → pair, MiB) and state (why there is nothing to draw).
    """

    _esm = module("timeline").replace("export default { render };", "") + (_FOLDER / "gpu.js").read_text("utf-8")

    def __init__(self, devices: Sequence[Mapping[str, Any]], *, changes: Sequence[Mapping[str, Any]] = (),
                 baseline: Sequence[tuple[int, int]] = (), title: str = "Devices", caption: str = "",
                 width: int = 900) -> None:  # fmt: skip
        """Lay the devices out as lanes; *baseline* shades windows (ns), *changes* are those of a timeline."""
        lanes, self._over, self._bands = [], [], []
        for device in devices:
            for lane, over in _lanes(device):
                lanes.append(lane)
                self._over.append(over)
                slowed = device.get("throttled") or () if lane["series"] else ()
                self._bands.append([[a / NS_PER_MS, b / NS_PER_MS, str(why)] for a, b, why in slowed])
        self._pyramids: dict[int, Pyramid] = {}
        super().__init__(lanes, changes=changes, baseline=baseline, title=title, caption=caption, width=width)

    def twin(self) -> str:
        """Return lanes, slowed stretches and waits as SVG and tables."""
        bands = [(lane["title"], round(a), round(b), why) for lane in self.lanes for a, b, why in lane["bands"]]
        over = [(lane["title"], one["name"], one["low"], one["high"], one["last"], "ms")
                for lane in self.lanes for one in lane["over"]]  # fmt: skip
        slowed = table(("Lane", "Slowed from, ms since 1970", "To", "Why"), bands) if bands else ""
        waits = table(("Lane", "Laid over", "Lowest", "Highest", "Last", "Unit"), over) if over else ""
        return super().twin() + slowed + waits

    def _places(self, one: Mapping[str, Any], first: int, last: int, most: int) -> NDArray[np.intp]:
        key = id(one["values"])
        if key not in self._pyramids:
            self._pyramids[key] = Pyramid(one["times"], one["values"])
        return self._pyramids[key].places(first, last, most)

    def _draw(self, change: object) -> None:
        with self.hold_sync():
            super()._draw(change)
            start, end = self.view["start"] * NS_PER_MS, self.view["end"] * NS_PER_MS
            most = 2 * min(4000, max(100, int(self.view.get("width") or 900)))
            offset = len(self.points) // 8
            buffers: list[NDArray[np.float64]] = []
            lanes = []
            for lane, over, bands in zip(self.lanes, self._over, self._bands, strict=True):
                drawn = []
                for one in over:
                    first = max(0, int(np.searchsorted(one["times"], start)) - 1)
                    last = min(len(one["times"]), int(np.searchsorted(one["times"], end, side="right")) + 1)
                    places = self._places(one, first, last, most)
                    shown = one["values"][places]
                    buffers += [one["times"][places] / NS_PER_MS, shown]
                    drawn.append({"name": one["name"], "offset": offset, "n": len(places), **_range(shown)})
                    offset += 2 * len(places)
                lanes.append({**lane, "over": drawn, "bands": bands})
            self.lanes = lanes
            self.points = self.points + b"".join(b.tobytes() for b in buffers)

    def _picture(self) -> str:
        start, size = self.view["start"], self.view["end"] - self.view["start"]
        marks = []
        for place, lane in enumerate(self.lanes):
            for a, b, why in lane["bands"]:
                left, right = (180 + 700 * min(max((t - start) / size, 0.0), 1.0) for t in (a, b))
                wide = max(right - left, 1)
                marks.append(f"<rect x='{left:.1f}' y='{60 * place + 4}' width='{wide:.1f}' height='50' "
                             f"fill='currentColor' opacity='0.15'><title>{escape(why)}</title></rect>")  # fmt: skip
        return super()._picture().removesuffix("</svg>") + "".join(marks) + "</svg>"


def _lanes(device: Mapping[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the lanes of a device, each with the series laid over it; a figure that nobody knows says so."""
    name, figures = str(device["name"]), device.get("figures") or {}
    if device.get("state"):
        return [({"title": name, "series": (), "state": str(device["state"])}, [])]
    waits = device.get("waits")
    over = [_one("queue wait", waits)] if waits is not None and len(waits[0]) else []
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for key, words, unit in FIGURES:
        if key not in figures:
            continue
        one = _one(words, figures[key])
        known = bool(np.isfinite(one["values"]).any())
        lane = {"title": f"{name} {words}", "unit": unit, "series": [one] if known else (),
                "state": "" if known else UNKNOWN}  # fmt: skip
        found.append((lane, over if key == "utilization" else []))
    programs = [_one(str(program), pair) for program, pair in (device.get("programs") or {}).items()]
    if programs:
        found.append(({"title": f"{name} programs", "unit": "MiB", "series": programs, "state": ""}, []))
    return found


def _one(name: str, pair: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "times": np.ascontiguousarray(pair[0], dtype=np.int64),
            "values": np.ascontiguousarray(pair[1], dtype=np.float64)}  # fmt: skip
