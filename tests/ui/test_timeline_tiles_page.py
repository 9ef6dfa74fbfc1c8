"""What the page draws out of tiles, run by node: the envelope of every view is that of the samples, error 0."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from workbench_widgets.board import module
from workbench_widgets.gpu import GpuTimeline

NODE = shutil.which("node")
ZERO, SECOND = 1_770_714_960_000_000_000, 1_000_000_000
N, WIDTH = 400_000, 930
DRIVE = """
import { readFileSync } from "node:fs";
const [bytes_, views] = [readFileSync(process.argv[2]), JSON.parse(process.argv[3])];
const packs = [], asked = [];
for (let at = 0; at < bytes_.length;) {
  const size = Number(bytes_.readBigInt64LE(at));
  packs.push(bytes_.subarray(at + 8, at + 8 + size));
  at += 8 + size;
}
let held = null;
const set = (name, value) => asked.push([name, value]);
const tiles = new Tiles({ get: (name) => (name === "tiles" ? held : null), set, save_changes() {} });
for (const pack of packs) { held = new DataView(pack.buffer, pack.byteOffset, pack.length); tiles.take(); }
const found = views.map((view) => {
  const best = tiles.best(view, %d);
  if (!best) return null;
  const { t, low, high } = traced(best.pieces, view, (slab) => slab.lanes[0].series[0]);
  return { exact: best.exact, low, high, points: t.length, sorted: t.every((x, i) => i === 0 || t[i - 1] <= x) };
});
tiles.ask(views[0], %d, [0, 1e12], 0.5);
console.log(JSON.stringify({ found, asked }));
""" % (WIDTH, WIDTH)  # noqa: UP031


def level_of(size_ms: float) -> int:
    return max(0, int(np.floor(np.log2(size_ms * 1e6 / WIDTH))))


def test_each_view_is_drawn_with_the_extremes_of_its_samples(tmp_path: Path) -> None:
    """Twelve zooms by two of 400,000 samples with 47 dropouts: lowest and highest equal numpy's, in order, no NaN."""
    if NODE is None:
        pytest.skip("node is not installed; the page's own code cannot be run outside a browser.")
    dice = np.random.default_rng(4)
    times = ZERO + np.arange(N, dtype=np.int64) * SECOND
    values = 50 + dice.normal(0, 2, N)
    values[dice.choice(N, 47, replace=False)] = 0.0
    values[1000:1500] = np.nan
    made = GpuTimeline([{"name": "GPU-0", "figures": {"utilization": (times, values)}}])
    views, packs = [], []
    start, end = 0.0, float(N * 1000)
    for step in range(12):
        views.append({"start": start, "end": end})
        level = level_of(end - start)
        tile = 256 * 2**level / 1e6
        made.want = {"serial": step, "ranges": [[level, int(start // tile), int(end // tile)]]}
        packs.append(made.tiles)
        middle, size = start + (end - start) * 0.37, (end - start) / 2
        start, end = middle - size / 2, middle + size / 2
    file, script = tmp_path / "packs", tmp_path / "drive.mjs"
    file.write_bytes(b"".join(len(p).to_bytes(8, "little") + p for p in packs))
    script.write_text(module("timeline").replace("export default { render };", "") + DRIVE, encoding="utf-8")
    done = subprocess.run([NODE, str(script), str(file), json.dumps(views)], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    for view, one in zip(views, told["found"], strict=True):
        assert one["exact"]
        assert one["sorted"]
        width = 2 ** level_of(view["end"] - view["start"])
        first, last = (int(view[side] * 1e6) // width for side in ("start", "end"))
        inside = values[slice(*np.searchsorted(times - ZERO, [first * width, (last + 1) * width]))]
        if width < SECOND:  # samples as they are: one more on either side
            at = np.searchsorted(times - ZERO, [view["start"] * 1e6, view["end"] * 1e6])
            inside = values[max(0, at[0] - 1) : at[1] + 1]
        assert (one["low"], one["high"]) == (np.nanmin(inside), np.nanmax(inside))
        assert one["points"] <= 4 * WIDTH + 8
    (want,) = [value for name, value in told["asked"] if name == "want"]
    assert all(level != level_of(N * 1000) or last > first for level, first, last in want["ranges"])
    assert 1 <= sum(last - first + 1 for _, first, last in want["ranges"]) <= 16
