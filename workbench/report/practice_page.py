"""The metrics of the practice as a plot: per stage the cases as points, with median and quartiles."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from markupsafe import Markup

from workbench.report.pages import stylesheet, template
from workbench.report.practice_metrics import STAGES, Metrics
from workbench.report.words import duration, share, title

_WIDTH, _ROW, _LEFT, _TOP = 720, 40, 170, 24


def drawing(metrics: Metrics) -> str:
    """Return an SVG: one row a stage, time from the begin on a logarithmic axis, one point a case."""
    stages = STAGES[1:]
    every = [v for c in metrics.cases for s in stages if (v := c.seconds(s)) is not None and v > 0]
    height = _TOP + _ROW * len(stages) + 26
    if not every:
        return ""
    low, high = math.log10(min(every)), math.log10(max(every))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)

    def x(seconds: float) -> float:
        return _LEFT + (math.log10(max(seconds, 10**low)) - low) / (high - low) * (_WIDTH - _LEFT - 20)

    parts = []
    for power in range(low, high + 1):
        at = x(10**power)
        parts.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{height - 24}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{height - 8}" text-anchor="middle">'
                     f"{duration(int(10**power * 1e9))}</text>")  # fmt: skip
    for row, stage in enumerate(stages):
        y = _TOP + _ROW * row + _ROW / 2
        parts.append(f'<text class="tick" x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(title(stage))}</text>')
        found = metrics.stages[stage]
        if found.low is not None and found.high is not None:
            parts.append(f'<rect class="band" x="{x(found.low):.1f}" y="{y - 9}" height="18" '
                         f'width="{max(x(found.high) - x(found.low), 1):.1f}"/>')  # fmt: skip
        if found.median is not None:
            parts.append(f'<line class="median" x1="{x(found.median):.1f}" x2="{x(found.median):.1f}" '
                         f'y1="{y - 12}" y2="{y + 12}"/>')  # fmt: skip
        parts += [f'<circle class="point" cx="{x(v):.1f}" cy="{y}" r="4"><title>{escape(c.case)}: '
                  f"{duration(int(v * 1e9))}</title></circle>"
                  for c in metrics.cases if (v := c.seconds(stage)) is not None]  # fmt: skip
    words = f"Time from the begin to each stage over {len(metrics.cases)} cases; bands are quartiles, lines medians."
    return (f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(words)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>')  # fmt: skip


def facts(metrics: Metrics) -> dict[str, str]:
    """Return the figures over all cases in words; unknown where nothing counts towards them."""

    def shown(value: float | None) -> str:
        return "unknown" if value is None else share(value)

    recurring = ", ".join(f"{title(k)} {n} times" for k, n in metrics.recurrence.items())
    return {
        "Cases": f"{len(metrics.cases)}{f', {len(metrics.unreadable)} unreadable' if metrics.unreadable else ''}",
        "False alarms": f"{shown(metrics.false_alarm_share)} of closed cases",
        "Recurrence": f"{shown(metrics.recurrence_share)} of named causes{f': {recurring}' if recurring else ''}",
        "Evidence coverage": f"{shown(metrics.evidence_coverage)} of sentences with a figure",
        "Replay rate": shown(metrics.replay_rate),
    }


def stage_rows(metrics: Metrics) -> list[list[str]]:
    """Return one row a stage in words: cases, median, quartiles, extremes."""

    def shown(seconds: float | None) -> str:
        return "unknown" if seconds is None else duration(int(seconds * 1e9))

    return [[title(stage), str(found.n), shown(found.median), shown(found.low), shown(found.high), shown(found.least),
             shown(found.most)] for stage, found in metrics.stages.items()]  # fmt: skip


STAGE_HEAD = ("from begin to", "cases", "median", "lower quartile", "upper quartile", "least", "most")


def write_page(metrics: Metrics, path: Path) -> Path:
    """Write the metrics as one HTML file: facts, plot and its table twin; no script and no address."""
    style = stylesheet()
    page = template("metrics.html.j2").render(
        facts=facts(metrics), svg=Markup(drawing(metrics)), head=STAGE_HEAD, rows=stage_rows(metrics),
        cases=[c.plain() for c in metrics.cases], style=Markup(style),
    )  # fmt: skip
    path.write_text(page, encoding="utf-8")
    return path
