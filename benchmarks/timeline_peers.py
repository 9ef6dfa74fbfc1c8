"""The timeline beside plain HoloViews/Bokeh, datashader and plotly-resampler: 10 M samples, zoomed in the same run.

    python -m benchmarks.timeline_peers [--peer PYTHON] [--only NAME ...] [--steps 20]

PYTHON is the interpreter of an environment of its own that holds holoviews, bokeh, panel, datashader and
plotly-resampler. Each serves the same four series of 2.5 M samples over 30 days to the same Chromium. A zoom halves or
doubles the view about its middle; time ends with the frame after the one in which all four series are drawn anew, from
the samples of the new view. A first, untimed visitor lets each peer compile and cache what it needs. A peer that draws
nothing within `PATIENCE_S` is said to draw nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Error as PlaywrightError

from benchmarks import front_end, timeline_widget
from workbench.errors import WorkbenchError

PATIENCE_S = 180
_HELD = """
import sys, numpy as np
folder, port = sys.argv[1], int(sys.argv[2])
times = np.load(folder + "/times.npy").astype("datetime64[ns]")
series = {name: np.load(f"{folder}/{name}.npy") for name in ("utilization", "memory", "temperature", "power")}
"""
_HOLOVIEWS = (
    _HELD
    + """
import holoviews as hv, panel as pn
hv.extension("bokeh")
def curve(name): return hv.Curve((times, series[name]), "time", name)
def board():
    made = hv.Layout([SHAPE for name in series]).cols(1).opts(shared_axes=True)
    return pn.pane.HoloViews(made, linked_axes=True)
pn.serve({"board": board, "blank": lambda: pn.pane.Str("")}, address="127.0.0.1", port=port, show=False)
"""
)
_PLOTLY = (
    _HELD
    + """
import dash, plotly.graph_objects as go
from plotly.subplots import make_subplots
from plotly_resampler import FigureResampler
made = FigureResampler(make_subplots(rows=4, cols=1, shared_xaxes=True), default_n_shown_samples=2000)
for row, (name, values) in enumerate(series.items(), 1):
    made.add_trace(go.Scattergl(name=name), hf_x=times, hf_y=values, row=row, col=1)
made.update_layout(width=1100, height=600)
app = dash.Dash("board")
app.layout = dash.html.Div([dash.dcc.Graph(id="board", figure=made)])
made.register_update_graph_callback(app, "board")
app.run(host="127.0.0.1", port=port, debug=False)
"""
)
PEERS = {
    "HoloViews/Bokeh": _HOLOVIEWS.replace("SHAPE", "curve(name).opts(width=1100, height=150)"),
    "datashader": "from holoviews.operation.datashader import rasterize"
                  + _HOLOVIEWS.replace("SHAPE", "rasterize(curve(name)).opts(width=1100, height=150)"),
    "plotly-resampler": _PLOTLY,
}  # fmt: skip
_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
BOKEH_READY = """() => { const doc = window.Bokeh?.documents?.[0]; if (!doc) return false;
  const found = [...doc._all_models.values()];
  window.ranges = [...new Set(found.filter((m) => m.type === "Figure" || m.type === "Plot").map((m) => m.x_range))];
  window.sources = found.filter((m) => m.type === "GlyphRenderer").map((m) => m.data_source);
  return window.ranges.length > 0 && window.sources.length >= 4 && document.querySelectorAll("div").length > 5; }"""
# HoloViews asks for a new picture on the event that Bokeh's own tools send after a zoom; ranges alone do not send it.
BOKEH_ZOOM = """async ([factor, fresh]) => {
  const begun = performance.now(), waits = [];
  const figures = (views) => [...views].flatMap((view) => [
    ...(view.trigger_ranges_update_event ? [view] : []), ...figures(view.child_views ?? [])]);
  const told = (one) => new Promise((done) => one.connect(one.properties.data.change, () => done()));
  if (fresh) waits.push(...window.sources.map(told));
  for (const range of window.ranges) {
    const c = (range.start + range.end) / 2, h = (range.end - range.start) / 2 * factor;
    range.setv({ start: c - h, end: c + h });
  }
  if (fresh) figures(window.Bokeh.index).forEach((view) => view.trigger_ranges_update_event());
  await Promise.all(waits);
  return await FRAMES - begun; }""".replace("FRAMES", _FRAMES)
PLOTLY_READY = """() => { window.gd = document.querySelector(".js-plotly-plot");
  return Boolean(window.gd?._fullLayout?.xaxis) && window.gd.data?.length === 4; }"""
PLOTLY_ZOOM = """async ([factor]) => {
  const gd = window.gd, axis = gd._fullLayout.xaxis, begun = performance.now(), held = gd.data.map((one) => one.x);
  const [a, b] = axis.range.map((t) => new Date(t + "Z").getTime()), c = (a + b) / 2, h = (b - a) / 2 * factor;
  const text = (t) => new Date(t).toISOString().slice(0, -1), changed = {};
  for (const name of ["xaxis", "xaxis2", "xaxis3", "xaxis4"]) {
    changed[`${name}.range[0]`] = text(c - h);
    changed[`${name}.range[1]`] = text(c + h);
  }
  Plotly.relayout(gd, changed);
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  while (gd.data.some((one, k) => one.x === held[k])) await frame();
  return await FRAMES - begun; }""".replace("FRAMES", _FRAMES)


def held(folder: Path, most: int) -> None:
    """Write the samples of the timeline's benchmark where peers find them, every so many that *most* are left."""
    figures = timeline_widget.samples()["figures"]
    every = max(1, timeline_widget.SAMPLES // most)
    for name, (times, values) in figures.items():
        np.save(folder / f"{name}.npy", values[::every])
        np.save(folder / "times.npy", times[::every])


def peer(name: str, python: str, folder: Path, steps: int) -> tuple[float, list[float]]:
    """Return seconds to the first drawing and ms of each zoom; a first visitor has made it compile what it needs."""
    port = front_end.free_port()
    bokeh = name != "plotly-resampler"
    path = "board" if bokeh else ""
    command = [python, "-c", PEERS[name], str(folder), str(port)]
    blank = f"http://127.0.0.1:{port}/{'blank' if bokeh else ''}"
    with front_end.served(command, blank, folder / "peer.log", {"PANEL_INLINE": "true"}), front_end.page() as opened:
        opened.set_default_timeout(PATIENCE_S * 1000)
        address = f"http://127.0.0.1:{port}/{path}"
        _visited(opened, name, address, 2)
        opened.goto(blank)
        return _visited(opened, name, address, steps)


def _visited(opened: Any, name: str, address: str, steps: int) -> tuple[float, list[float]]:
    """Open a peer's page, then zoom in for half of the steps and out again."""
    ready, zoom = (PLOTLY_READY, PLOTLY_ZOOM) if name == "plotly-resampler" else (BOKEH_READY, BOKEH_ZOOM)
    begun = time.monotonic()
    opened.goto(address, wait_until="commit")
    opened.wait_for_function(ready, timeout=PATIENCE_S * 1000)
    opened.evaluate(_FRAMES)
    first = time.monotonic() - begun
    opened.wait_for_timeout(1500)
    times = []
    for step in range(steps):
        factor = 0.5 if step < steps // 2 else 2.0
        late = f"new Promise((done) => setTimeout(() => done(null), {1000 * PATIENCE_S}))"
        found = opened.evaluate(f"(given) => Promise.race([({zoom})(given), {late}])", [factor, name == "datashader"])
        times.append(float("inf") if found is None else float(found))
        opened.wait_for_timeout(400)
    return first, times


def ours(host: str, folder: Path, steps: int) -> tuple[float, list[float]]:
    """Return the same of this project's timeline, zoomed by its keys with the same rests."""
    serving = (front_end.panel(folder, "benchmarks.timeline_widget:board") if host == "Panel"
               else front_end.lab(folder, timeline_widget.CELLS))  # fmt: skip
    with serving as address, front_end.page() as opened:
        first = (front_end.open_panel(opened, address) if host == "Panel"
                 else front_end.open_lab(opened, address, before=1))  # fmt: skip
        keys = "w" * (steps // 2) + "s" * (steps - steps // 2)
        return first, timeline_widget.zoom(opened, keys, rest_ms=400)


def line(name: str, first: float, times: Sequence[float]) -> str:
    """Return one line of the table."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name:<28}{first:>10.2f}{statistics.median(ordered):>10.0f}{p95:>10.0f}"


def main() -> None:
    """Print one line a tool."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", help="interpreter of an environment that holds the peers")
    parser.add_argument("--only", nargs="*", choices=["ours", *PEERS], default=["ours", *PEERS])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--samples", type=int, default=timeline_widget.SAMPLES, help="of the peers; ours draws all")
    asked = parser.parse_args()
    # Ended from outside, it ends its servers and browsers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="timeline-peers-"))
    try:
        held(folder, asked.samples)
        print(f"{asked.samples:,} samples; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'':<28}{'first, s':>10}{'zoom, ms':>10}{'p95':>10}")
        for host in ("Panel", "JupyterLab") if "ours" in asked.only else ():
            print(line(f"workbench in {host}", *ours(host, folder, asked.steps)), flush=True)
        for name in (n for n in PEERS if n in asked.only):
            if not asked.peer:
                print(f"{name:<28} skipped: name an interpreter that holds it with --peer")
                continue
            try:
                print(line(name, *peer(name, asked.peer, folder, asked.steps)), flush=True)
            except (PlaywrightError, WorkbenchError) as error:
                print(f"{name:<28} draws nothing: {str(error).splitlines()[0][:150]}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
