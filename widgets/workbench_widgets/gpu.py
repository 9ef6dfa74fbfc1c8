"""The timeline of devices: lanes per device and program, bands where it was slowed, waits of requests laid over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench_widgets.board import module, table
from workbench_widgets.kernels import Kernels
from workbench_widgets.tiles import NS_PER_MS, Tiled
from workbench_widgets.timeline import Timeline, _range

FIGURES = (("utilization", "Utilisation", "%"), ("memory", "Memory", "%"), ("temperature", "Temperature", "°C"),
           ("power", "Power", "W"))  # fmt: skip
_UUID = re.compile(r"([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LEAST_MS = 1e-3
"""The shortest view: one microsecond."""
SECOND_NS = 1_000_000_000
UNKNOWN = "unknown: the device does not say"


class GpuTimeline(Timeline):
    """Draw devices over time.

    A device is a dict: name; figures by name (utilization, memory, temperature, power), each a pair of times (ns,
    sorted) and values (NaN is unknown); optionally throttled (triples of begin ns, end ns and why), waits (a pair:
    requests' queue waits in ms), programs (name → pair, MiB), kernels (`Kernels`) and state (why there is nothing to
    draw). Times in the module count from `zero`, so that a view of one microsecond is exact to the nanosecond.
    """

    _esm = module("gpu")

    def __init__(self, devices: Sequence[Mapping[str, Any]], *, changes: Sequence[Mapping[str, Any]] = (),
                 baseline: Sequence[tuple[int, int]] = (), title: str = "Devices", caption: str = "",
                 width: int = 900) -> None:  # fmt: skip
        """Lay the devices out as lanes; *baseline* shades windows (ns), *changes* are those of a timeline."""
        lanes, self._over, self._bands = [], [], []
        self._kernels: list[Kernels | None] = []
        zero = _first(devices) // SECOND_NS * SECOND_NS
        for device in devices:
            for lane, over in _lanes(device):
                lanes.append(lane)
                self._over.append(over)
                slowed = device.get("throttled") or () if lane["series"] else ()
                ms = [(int(a - zero) / NS_PER_MS, int(b - zero) / NS_PER_MS, str(why)) for a, b, why in slowed]
                self._bands.append([list(band) for band in ms])
                self._kernels.append(lane.pop("kernels", None))
        super().__init__(lanes, changes=changes, baseline=baseline, title=title, caption=caption, width=width,
                         zero_ns=zero, least=LEAST_MS)  # fmt: skip
        self._reach_kernels()

    def _reach_kernels(self) -> None:
        """Let the axis hold every kernel, where no figure was sampled beside them."""
        held = [k for k in self._kernels if k is not None and len(k.starts)]
        if not held:
            return
        low, high = self._ms(min(int(k.starts[0]) for k in held)), self._ms(max(int(k.ends.max()) for k in held))
        apart = any(lane["series"] for lane in self.lanes)
        self.extent = [min(self.extent[0], low), max(self.extent[1], high)] if apart else [low, high]
        self.view = {**self.view, "start": self.extent[0], "end": self.extent[1]}

    def twin(self) -> str:
        """Return lanes, slowed stretches and waits as SVG and tables."""
        bands = [(lane["title"], round(self.zero + a), round(self.zero + b), why)
                 for lane in self.lanes for a, b, why in lane["bands"]]  # fmt: skip
        over = [(lane["title"], one["name"], one["low"], one["high"], one["last"], "ms")
                for lane in self.lanes for one in lane["over"]]  # fmt: skip
        slowed = table(("Lane", "Slowed from, ms since 1970", "To", "Why"), bands) if bands else ""
        waits = table(("Lane", "Laid over", "Lowest", "Highest", "Last", "Unit"), over) if over else ""
        notes = [(lane["title"], lane["note"]) for lane in self.lanes if lane.get("note")]
        kernels = table(("Lane", "Kernels in view"), notes) if notes else ""
        return super().twin() + slowed + waits + kernels

    def _lanes_tiled(self) -> list[Tiled]:
        parts = zip(super()._lanes_tiled(), self._over, self._kernels, strict=True)
        return [Tiled(lane.series, [self._pyramid(one) for one in over], held) for lane, over, held in parts]

    def _content(self) -> tuple[list[dict[str, Any]], list[NDArray[np.float64]]]:
        plain, buffers = super()._content()
        width = min(4000, max(100, int(self.view.get("width") or 900)))
        start, end = (self._zero_ns + round(self.view[side] * NS_PER_MS) for side in ("start", "end"))
        offset = sum(map(len, buffers))
        lanes = []
        for lane, over, bands, held in zip(plain, self._over, self._bands, self._kernels, strict=True):
            drawn = []
            for one in over:
                places = self._places(one, *self.seen(one["times"]), 2 * width)
                shown = one["values"][places]
                buffers += [(one["times"][places] - self._zero_ns) / NS_PER_MS, shown]
                drawn.append({"name": one["name"], "offset": offset, "n": len(places), **_range(shown)})
                offset += 2 * len(places)
            lanes.append({**lane, "over": drawn, "bands": bands})
            if held is not None:
                facts, numbers = held.draw(start, end, self._zero_ns, width)
                note = _noted(held, facts)
                lanes[-1] |= {"kernels": {**facts, "offset": offset}, "state": "", "note": note}
                buffers += numbers
                offset += sum(len(part) for part in numbers)
        return lanes, buffers

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
    # Of the id of a device the first eight digits tell it from the others, and leave room for what is drawn.
    name, figures = _UUID.sub(r"\1", str(device["name"])), device.get("figures") or {}
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
    if device.get("kernels") is not None:
        found.append(({"title": f"{name} kernels", "unit": "", "series": (), "state": "", "kernels": device["kernels"]},
                      []))  # fmt: skip
    return found


def _first(devices: Sequence[Mapping[str, Any]]) -> int:
    """Return the earliest time (ns) of anything that devices hold; 0 where they hold nothing."""
    pairs = [p for d in devices for p in (*(d.get("figures") or {}).values(), *(d.get("programs") or {}).values())]
    pairs += [d["waits"] for d in devices if d.get("waits") is not None]
    times = [int(np.asarray(pair[0])[0]) for pair in pairs if len(pair[0])]
    times += [int(d["kernels"].starts[0]) for d in devices if d.get("kernels") is not None and len(d["kernels"].starts)]
    return min(times, default=0)


def _noted(held: Kernels, facts: Mapping[str, Any]) -> str:
    """Say what a lane of kernels shows, for readers of the table."""
    if facts["how"] == "share":
        return f"{facts['of']:,} of {len(held.starts):,} kernels, as the share of time that any of them runs"
    names = ", ".join(facts["names"][:4]) + (" and others" if len(facts["names"]) > 4 else "")
    return f"{facts['n']:,} of {len(held.starts):,} kernels: {names}" if facts["n"] else "no kernel runs in this window"


def _one(name: str, pair: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "times": np.ascontiguousarray(pair[0], dtype=np.int64),
            "values": np.ascontiguousarray(pair[1], dtype=np.float64)}  # fmt: skip
