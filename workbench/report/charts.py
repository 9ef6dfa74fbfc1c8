"""Charts as SVG, drawn from frames: a series with its baseline band, and paired bars; colours come from the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from workbench.model.findings import Finding
from workbench.model.window import Baseline, Window
from workbench.report.words import clock, number

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 18, 24
_BUCKETS = 240
_BAND_BUCKETS = 48
_MOST_BARS = 12
_BEFORE = ("baseline", "reference", "before", "expected", "usual")
_NOW = ("selection", "current", "after", "incident", "observed", "now")


@dataclass(frozen=True)
class Chart:
    """A drawing with its caption and the same numbers as a table."""

    svg: str
    caption: str
    twin: pd.DataFrame


def chart(frame: pd.DataFrame, *, name: str, window: Window, baseline: Baseline | None) -> Chart | None:
    """Return a chart of a frame that holds a series or pairs of figures; None for any other frame."""
    if frame.empty:
        return None
    times = [c for c in frame.columns if str(c) in ("time_ns", "start_ns", "bucket_ns")]
    values = [c for c in frame.columns if c not in times and _numeric(frame[c])]
    if times and len(frame) >= 4 and values:
        value = "value" if "value" in values else values[0]
        return series(frame[times[0]], frame[value], name=name, window=window, baseline=baseline)
    before = next((c for c in values if any(word in str(c) for word in _BEFORE)), None)
    now = next((c for c in values if c != before and any(word in str(c) for word in _NOW)), None)
    labels = next((c for c in frame.columns if c not in values and c not in times and _label(frame[c])), None)
    if before is not None and now is not None and labels is not None:
        return pairs(frame[labels], frame[before], frame[now], name=name)
    if labels is not None and "contribution" in values:
        return bars(frame[labels], frame["contribution"], name=name)
    return None


def narrowed(frame: pd.DataFrame, finding: Finding) -> pd.DataFrame:
    """Return the rows of the finding's own signal and entity where the frame holds several."""
    _, _, name = finding.entity.partition(":")
    own = (("entity", finding.entity), ("service", name), ("dataset", name), ("metric", finding.signal),
           ("name", finding.signal), ("kpi", name), ("kpi", finding.signal))  # fmt: skip
    for column, wanted in own:
        if column in frame.columns and (frame[column] == wanted).any():
            frame = frame[frame[column] == wanted]
    return frame


def series(
    time_ns: pd.Series, value: pd.Series, *, name: str, window: Window, baseline: Baseline | None
) -> Chart | None:
    """Draw a series around the selection, the selection shaded, with the baseline's 10-90 % band and median.

    Shapes ``(n,)``; equal times are averaged. None where fewer than two points are near the selection.
    """
    known = pd.DataFrame({"t": time_ns.astype("Int64"), "v": value.astype("float64")}).dropna()
    known = known.groupby("t", sort=True)["v"].mean().reset_index()
    t, v = known["t"].to_numpy(dtype="int64"), known["v"].to_numpy(dtype="float64")
    start, end = window.start_ns - 3 * window.duration_ns, window.end_ns + window.duration_ns
    near = (t >= start) & (t < end) & np.isfinite(v)
    if near.sum() < 2:
        return None
    shown_t, shown_v = _thinned(t[near], v[near])
    band = _band(t, v, window, baseline)
    low, high = _limits(min([shown_v.min(), *(b[1] for b in band)]), max([shown_v.max(), *(b[3] for b in band)]))
    plot = _Plot(max(start, int(shown_t[0])), max(window.end_ns, int(shown_t[-1])), low, high)
    parts = [plot.shade(window), *plot.axes(), *plot.band(band), plot.line(shown_t, shown_v), *_series_legend(band)]
    inside = v[(t >= window.start_ns) & (t < window.end_ns)]
    usual = float(np.median([b[2] for b in band])) if band else None
    caption = _series_caption(name, inside, usual, window)
    twin = pd.DataFrame({"time": [clock(int(x)) for x in shown_t], name: [number(float(y)) for y in shown_v]})
    return Chart(_svg(parts, HEIGHT, caption), caption, twin.iloc[:: max(1, len(twin) // 48)])


def pairs(labels: pd.Series, before: pd.Series, now: pd.Series, *, name: str) -> Chart:
    """Draw two bars a category, baseline and selection, widest difference first, at most twelve; shapes ``(n,)``."""
    known = pd.DataFrame({"label": labels.astype(str), "baseline": before.astype("float64"),
                          "selection": now.astype("float64")}).fillna(0.0)  # fmt: skip
    gap = (known["selection"] - known["baseline"]).abs()
    known = known.iloc[np.lexsort((known["label"], -gap))].head(_MOST_BARS)
    scale = max(float(known[["baseline", "selection"]].abs().to_numpy().max()), 1e-300)
    parts, row = _pairs_legend(), 30
    for position, (label, was, is_now) in enumerate(known.itertuples(index=False)):
        top = _TOP + position * row
        shown = label if len(label) <= 24 else f"{label[:23]}…"
        parts.append(f'<text class="tick" x="188" y="{top + 15}" text-anchor="end">{escape(shown)}'
                     f"<title>{escape(label)}</title></text>")  # fmt: skip
        for kind, figure, offset in (("baseline", was, 2), ("selection", is_now, 12)):
            width = abs(figure) / scale * (WIDTH - 290)
            y = top + offset
            parts.append(f'<rect class="{kind}" x="196" y="{y}" width="{max(width, 1):.1f}" height="8" rx="2"/>')
            parts.append(f'<text class="tick" x="{204 + width:.1f}" y="{y + 8}">{number(figure)}</text>')
    first = known.iloc[0]
    caption = (f"{name}: {first['label']} went from {number(first['baseline'])} to {number(first['selection'])}, "
               "the largest change.")  # fmt: skip
    twin = known.assign(baseline=known["baseline"].map(number), selection=known["selection"].map(number))
    return Chart(_svg(parts, _TOP + row * len(known) + 8, caption), caption, twin)


def bars(labels: pd.Series, figures: pd.Series, *, name: str) -> Chart:
    """Draw one bar a category, widest first, at most twelve, those below zero named as such; shapes ``(n,)``."""
    known = pd.DataFrame({"label": labels.astype(str), "figure": figures.astype("float64")}).dropna()
    known = known.iloc[np.lexsort((known["label"], -known["figure"].abs()))].head(_MOST_BARS)
    scale = max(float(known["figure"].abs().max()), 1e-300) if len(known) else 1.0
    parts, row = [], 20
    for position, (label, figure) in enumerate(known.itertuples(index=False)):
        top = _TOP + position * row
        shown = label if len(label) <= 24 else f"{label[:23]}…"
        width = abs(figure) / scale * (WIDTH - 290)
        kind = "selection" if figure >= 0 else "baseline"
        parts.append(f'<text class="tick" x="188" y="{top + 10}" text-anchor="end">{escape(shown)}'
                     f"<title>{escape(label)}</title></text>")  # fmt: skip
        parts.append(f'<rect class="{kind}" x="196" y="{top + 2}" width="{max(width, 1):.1f}" height="9" rx="2"/>')
        parts.append(f'<text class="tick" x="{204 + width:.1f}" y="{top + 10}">{signed(figure)}</text>')
    first = f"{known.iloc[0]['label']} {signed(known.iloc[0]['figure'])}, the largest" if len(known) else "none"
    caption = f"{name}: {first}."
    twin = known.assign(figure=known["figure"].map(signed))
    return Chart(_svg(parts, _TOP + row * len(known) + 8, caption), caption, twin)


def signed(figure: float) -> str:
    """Return a figure with its sign, so that the direction is not told by colour alone."""
    return f"+{number(figure)}" if figure >= 0 else number(figure)


class _Plot:
    """Turn times and values into places on the drawing."""

    def __init__(self, start: int, end: int, low: float, high: float) -> None:
        self._start, self._end, self._low, self._high = start, end, low, high

    def x(self, time_ns: float) -> float:
        """Return the horizontal place of a time."""
        return _LEFT + (time_ns - self._start) / (self._end - self._start) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical place of a value."""
        return HEIGHT - _BOTTOM - (value - self._low) / (self._high - self._low) * (HEIGHT - _TOP - _BOTTOM)

    def shade(self, window: Window) -> str:
        """Return the selection as a shaded stretch."""
        left, right, bottom = self.x(window.start_ns), self.x(window.end_ns), HEIGHT - _BOTTOM
        return (
            f'<rect class="shade" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{bottom - _TOP}"/>'
            f'<line class="edge" x1="{left:.1f}" x2="{left:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            f'<text class="tick sel" x="{left + 4:.1f}" y="{_TOP + 10}">selection</text>'
        )

    def band(self, band: list[tuple[float, float, float, float]]) -> list[str]:
        """Return the baseline's 10-90 % as an area and its median as a line."""
        if len(band) < 2:
            return []
        upper = [f"{self.x(t):.1f},{self.y(high):.1f}" for t, _, _, high in band]
        lower = [f"{self.x(t):.1f},{self.y(low):.1f}" for t, low, _, _ in reversed(band)]
        middle = " ".join(f"{self.x(t):.1f},{self.y(mid):.1f}" for t, _, mid, _ in band)
        return [f'<polygon class="band" points="{" ".join(upper + lower)}"/>',
                f'<polyline class="median" points="{middle}"/>']  # fmt: skip

    def line(self, times: np.ndarray, values: np.ndarray) -> str:
        """Return the series as a line."""
        points = " ".join(f"{self.x(t):.1f},{self.y(v):.1f}" for t, v in zip(times, values, strict=True))
        return f'<polyline class="series" points="{points}"/>'

    def axes(self) -> list[str]:
        """Return lines at round values, and three times, the first with its zone."""
        ticks = []
        for value in round_values(self._low, self._high):
            y = self.y(value)
            ticks.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            ticks.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{number(value)}</text>')
        for fraction, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            time_ns = int(self._start + fraction * (self._end - self._start))
            shown = clock(time_ns) if fraction == 0.0 else clock(time_ns).removesuffix(" UTC")
            ticks.append(f'<text class="tick" x="{self.x(time_ns):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">'
                         f"{shown}</text>")  # fmt: skip
        return ticks


def _band(
    t: np.ndarray, v: np.ndarray, window: Window, baseline: Baseline | None
) -> list[tuple[float, float, float, float]]:
    """Return (time, 10 %, median, 90 %) of the baseline windows, laid over the selection."""
    if baseline is None:
        return []
    offsets, figures = [], []
    for w in baseline.windows:
        inside = (t >= w.start_ns) & (t < w.end_ns) & np.isfinite(v)
        offsets.append((t[inside] - w.start_ns) % window.duration_ns)
        figures.append(v[inside])
    offset, figure = np.concatenate(offsets), np.concatenate(figures)
    if len(figure) < 8:
        return []
    # Few points a window would leave buckets empty; the band is then drawn coarser.
    buckets = int(np.clip(len(figure) // len(baseline.windows), 2, _BAND_BUCKETS))
    index = (offset * buckets // window.duration_ns).astype(int)
    band = []
    for bucket in range(buckets):
        here = figure[index == bucket]
        if len(here):
            low, middle, high = (float(q) for q in np.quantile(here, [0.1, 0.5, 0.9]))
            band.append((window.start_ns + (bucket + 0.5) / buckets * window.duration_ns, low, middle, high))
    if not band:
        return []
    # The outer buckets reach to the edges of the selection.
    return [(window.start_ns, *band[0][1:]), *band, (window.end_ns, *band[-1][1:])]


def _thinned(t: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return least and greatest value of each bucket, so that no spike is lost."""
    if len(t) <= 2 * _BUCKETS:
        return t, v
    kept = [i for part in np.array_split(np.arange(len(t)), _BUCKETS)
            for i in sorted({part[np.argmin(v[part])], part[np.argmax(v[part])]})]  # fmt: skip
    return t[kept], v[kept]


def _limits(low: float, high: float) -> tuple[float, float]:
    if low == high:
        return low - (abs(low) or 1.0) * 0.1, high + (abs(high) or 1.0) * 0.1
    # A series of counts or shares is read from zero unless it stays far from it.
    low = 0.0 if 0 <= low < 0.5 * high else low - 0.06 * (high - low)
    return low, high + 0.06 * (high - low)


def round_values(low: float, high: float) -> list[float]:
    """Return three to six round values between two limits: multiples of 1, 2 or 5 and a power of ten.

    >>> round_values(0.65, 0.985)
    [0.7, 0.8, 0.9]
    """
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.8)
    return [round(n * step, 12) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _series_legend(band: list[tuple[float, float, float, float]]) -> list[str]:
    if not band:
        return []
    return [f'<rect class="band" x="{WIDTH - 246}" y="1" width="16" height="9"/>'
            f'<line class="median" x1="{WIDTH - 246}" x2="{WIDTH - 230}" y1="5.5" y2="5.5"/>'
            f'<text class="tick" x="{WIDTH - 224}" y="9">baseline: median, 10-90 %</text>']  # fmt: skip


def _pairs_legend() -> list[str]:
    return [f'<rect class="{kind}" x="{x}" y="1" width="16" height="8" rx="2"/>'
            f'<text class="tick" x="{x + 21}" y="9">{kind}</text>'
            for kind, x in (("baseline", 196), ("selection", 276))]  # fmt: skip


def _series_caption(name: str, inside: np.ndarray, usual: float | None, window: Window) -> str:
    if len(inside) == 0:
        return f"{name}: no data in {window.words()}."
    middle = float(np.median(inside))
    against = f", usually {number(usual)}" if usual is not None else ", no baseline to compare with"
    return f"{name}: median {number(middle)} in {window.words()}{against} (n = {len(inside)})."


def _svg(parts: list[str], height: int, caption: str) -> str:
    return (f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(caption)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>')  # fmt: skip


def _numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _label(column: pd.Series) -> bool:
    return bool(column.map(lambda value: isinstance(value, str)).all())
