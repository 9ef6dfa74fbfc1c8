"""The drift comparator: two brushes on a table's history, columns by evidence with paired bars, and what drives it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from workbench_widgets.board import Board, module, table

NS_PER_MS = 1_000_000
LANES = ("rows", "nulls", "drift")
FIGURES = ("name", "type", "verdict", "words", "effect", "q", "nulls_before", "nulls_now")
DRIVER = ("column", "segment", "explained", "share_before", "share_now")
_MOST_DRAWN = 600
"""Stretches of the strip in the twin."""


class Comparator(Board):
    """Show what is different about a table between two windows.

    `current` is ``[start, end]``, `baseline` a list of such pairs, all in ms since 1970; `rule` says how the baseline
    follows the current window (``same hours, 30 d``), or is empty where it was brushed. `against` names a baseline that
    has no place on the strip (``version 7``, ``environment staging``, ``training``), `stated` what the columns compare
    in words, and `ways` what may be chosen. Brushing sets `ask` (what:
    windows, with current and baseline); a brush that has settled sets `action` to the operation compare.
    `answered` is the serial of the newest ask that the columns answer.
    """

    _esm = module("comparator")
    actions: ClassVar[tuple[str, ...]] = ("compare",)
    dataset = traitlets.Unicode("").tag(sync=True)
    every = traitlets.Float(3_600_000.0).tag(sync=True)
    extent: traitlets.List[Any] = traitlets.List().tag(sync=True)
    history = traitlets.Bytes(b"").tag(sync=True)
    current: traitlets.List[Any] = traitlets.List().tag(sync=True)
    baseline: traitlets.List[Any] = traitlets.List().tag(sync=True)
    rule = traitlets.Unicode("").tag(sync=True)
    against = traitlets.Unicode("").tag(sync=True)
    stated = traitlets.Unicode("").tag(sync=True)
    ways: traitlets.List[Any] = traitlets.List().tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    bars = traitlets.Bytes(b"").tag(sync=True)
    # One text of JSON, a list of lists: hosts look into every value of a list, and a brush changes hundreds of labels.
    names = traitlets.Unicode("[]").tag(sync=True)
    drivers: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, dataset: str = "", *, title: str = "", caption: str = "") -> None:
        """Start empty; `lay` gives the strip, `show` the columns."""
        super().__init__(dataset=dataset, title=title or f"Compare two windows of {dataset or 'a table'}",
                         caption=caption)  # fmt: skip

    def lay(self, starts_ns: ArrayLike, lanes: Mapping[str, ArrayLike], *, every_ns: int, until_ns: int) -> None:
        """Draw the history strip: *lanes* gives rows, nulls and drift, each of shape (n,); NaN is unknown.

        *starts_ns* has shape (n,) and rises; *every_ns* is what windows snap to.
        """
        begins = np.asarray(starts_ns, dtype=np.float64) / NS_PER_MS
        held = [begins, *(np.asarray(lanes[name], dtype=np.float64) for name in LANES)]
        with self.hold_sync():
            self.every = every_ns / NS_PER_MS
            self.extent = [float(begins[0]), until_ns / NS_PER_MS] if len(begins) else []
            self.history = np.concatenate(held).tobytes()

    def show(self, columns: Sequence[Mapping[str, Any]], drivers: Sequence[Mapping[str, Any]] = ()) -> None:
        """Draw columns, the strongest evidence first, and the drivers.

        A column is a dict of what `FIGURES` names (verdict in words; effect is KS, of text the total variation), and
        of labels, reference and current: its bars, shares 0..1. A driver is a dict of what `DRIVER` names.
        """
        drawn, parts, names, offset = [], [], [], 0
        for column in columns:
            labels = [str(label) for label in column["labels"]]
            names.append(labels)
            pair = (np.asarray(column[side], dtype=np.float32) for side in ("reference", "current"))
            parts += list(pair)
            drawn.append({**{n: column.get(n) for n in FIGURES}, "offset": offset, "n": len(labels)})
            offset += 2 * len(labels)
        with self.hold_sync():
            self.columns = drawn
            self.bars = np.concatenate(parts).tobytes() if parts else b""
            self.names = json.dumps(names, ensure_ascii=False)
            self.drivers = [{name: driver.get(name) for name in DRIVER} for driver in drivers]

    def labels(self, place: int) -> list[str]:
        """Return what the bars of the column at *place* stand for."""
        return [str(label) for label in json.loads(self.names)[place]]

    def shares(self, place: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the bars (reference, current) of the column at *place*."""
        column, numbers = self.columns[place], np.frombuffer(self.bars, dtype=np.float32)
        first, n = column["offset"], column["n"]
        return numbers[first : first + n], numbers[first + n : first + 2 * n]

    def twin(self) -> str:
        """Return strip and bars as SVG, and columns and drivers as tables."""
        head = ("Column", "Kind", "Verdict", "What changed", "Effect (KS or share)", "q", "Nulls before", "Nulls now")
        rows = [[column[name] for name in FIGURES] for column in self.columns]
        pictures = "".join(
            f"<figure><figcaption>{escape(c['name'])}</figcaption>{self._paired(i)}</figure>"
            for i, c in enumerate(self.columns) if c["verdict"] == "drifted" and c["n"]
        )  # fmt: skip
        found = table(("Column", "Without these rows", "Share of the difference gone", "Share before", "Share now"),
                      [[driver[name] for name in DRIVER] for driver in self.drivers])  # fmt: skip
        stated = f"<p>Compared: {escape(self.stated)}</p>" if self.stated else ""
        return super().twin() + stated + self._strip() + table(head, rows) + pictures + (found if self.drivers else "")

    def lanes(self) -> NDArray[np.float64]:
        """Return the strip: begins (ms), rows, nulls and drift, shape (4, n)."""
        return np.frombuffer(self.history, dtype=np.float64).reshape(1 + len(LANES), -1)

    def _strip(self) -> str:
        if not self.extent or not self.history:
            return ""
        start, size = self.extent[0], max(self.extent[1] - self.extent[0], 1.0)
        times, *lanes = self.lanes()
        step = max(1, len(times) // _MOST_DRAWN)

        def x(t: float) -> float:
            return float(120 + 770 * (t - start) / size)

        parts = [
            f"<rect x='{x(a):.1f}' y='0' width='{max(x(b) - x(a), 1):.1f}' height='150' fill='currentColor' "
            f"opacity='{shade}'><title>{words}</title></rect>"
            for windows, shade, words in ((self.baseline, 0.1, "baseline"), ([self.current], 0.25, "current"))
            for a, b in windows if self.current
        ]  # fmt: skip
        for place, (name, values) in enumerate(zip(LANES, lanes, strict=True)):
            top = 50 * place
            high = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
            line = " ".join(f"{x(t):.1f},{top + 46 - 40 * v / (high or 1):.1f}"
                            for t, v in zip(times[::step], values[::step], strict=True) if np.isfinite(v))  # fmt: skip
            parts.append(f"<text x='0' y='{top + 28}' font-size='12'>{name}, to {high:.3g}</text>"
                         f"<polyline fill='none' stroke='currentColor' points='{line}'/>")  # fmt: skip
        return f"<svg role='img' aria-label='{escape(self.title)}' viewBox='0 0 900 152'>{''.join(parts)}</svg>"

    def _paired(self, place: int) -> str:
        before, now = self.shares(place)
        high = float(max(before.max(initial=0), now.max(initial=0))) or 1.0
        wide = 300 / max(len(before), 1)
        bars = "".join(
            f"<rect x='{i * wide + side * wide * 0.45:.1f}' y='{60 - 58 * share / high:.1f}' width='{wide * 0.42:.1f}' "
            f"height='{58 * share / high:.1f}' fill='currentColor' opacity='{0.4 + 0.5 * side}'/>"
            for i, pair in enumerate(zip(before, now, strict=True)) for side, share in enumerate(pair)
        )  # fmt: skip
        words = escape(f"{self.columns[place]['name']}: share of rows, baseline pale, current dark")
        return f"<svg role='img' aria-label='{words}' viewBox='0 0 300 62' width='300'>{bars}</svg>"
