"""Print how fast and how well the contrast finds what is different about a selection.

Speed: rows x attributes, singles and pairs, processor seconds and memory of a process of its own. Accuracy: a planted
single condition or pair among correlated attributes, truth in the first three; null data, in which nothing is planted,
reports anything. Seeds of the report were not looked at while tuning.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.contrast import contrast

LEVELS = (2, 3, 4, 6, 8, 12, 20)
TYPES = ("text", "category", "number")
FIRST_SEED = 7_000
SPEED_ROWS, SPEED_COLUMNS = 1_000_000, 100


def attributes(rows: int, columns: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return attributes with skewed levels; every fifth follows its neighbour nine times in ten."""
    found: dict[str, object] = {}
    before = np.zeros(rows, dtype=np.int64)
    for place in range(columns):
        kind = TYPES[place % len(TYPES)]
        if kind == "number":
            found[f"a{place:03d}"] = rng.lognormal(0, 1, rows)
            continue
        size = LEVELS[place % len(LEVELS)]
        share = rng.dirichlet(np.full(size, 1.5))
        codes = rng.choice(size, rows, p=share)
        if place % 5 == 4:
            codes = np.where(rng.random(rows) < 0.9, before % size, codes)
        before = codes
        names = np.array([f"v{level}" for level in range(size)], dtype=object)
        found[f"a{place:03d}"] = pd.Categorical.from_codes(codes, names) if kind == "category" else names[codes]
    return pd.DataFrame(found)


def planted(seed: int, order: int) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Return a frame, a selection, and the conditions that raise the chance of being selected."""
    rng = np.random.default_rng(seed)
    frame = attributes(20_000, 24, rng)
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    chosen = rng.choice(texts, order, replace=False).tolist()
    hit = np.ones(len(frame), dtype=bool)
    truth = []
    for name in chosen:
        shares = frame[name].astype(str).value_counts(normalize=True)
        fit = shares[(shares > 0.08) & (shares < 0.5)]
        level = str(rng.choice(fit.index.to_numpy() if len(fit) else shares.index.to_numpy()))
        hit &= (frame[name].astype(str) == level).to_numpy()
        truth.append(f"{name} = {level}")
    chance = np.where(hit, rng.uniform(0.12, 0.3), 0.03)
    return frame, rng.random(len(frame)) < chance, sorted(truth)


def accuracy(order: int, cases: int) -> str:
    """Return a line on planted conditions of one order."""
    hits = 0
    for seed in range(FIRST_SEED, FIRST_SEED + cases):
        frame, selection, truth = planted(seed + 1000 * order, order)
        first = contrast(frame, selection, max_order=2).table.head(3)
        names = [{row.condition, *row.same_as} for row in first.itertuples()]
        hits += any(" and ".join(truth) in each for each in names)
    bar = {1: 0.95, 2: 0.90}[order]
    what = {1: "single condition", 2: "pair"}[order]
    return f"planted {what:17s} in the first three  {hits:4d}/{cases}  {hits / cases:.3f}  bar {bar:.2f}"


def null(cases: int) -> str:
    """Return a line on data in which nothing is planted."""
    told = 0
    for seed in range(FIRST_SEED, FIRST_SEED + cases):
        rng = np.random.default_rng(seed + 9000)
        frame = attributes(20_000, 24, rng)
        told += bool(len(contrast(frame, rng.random(len(frame)) < 0.05).table))
    return f"null data, anything reported at q .05         {told:4d}/{cases}  {told / cases:.3f}  bar 0.05"


def _speed(rows: int, columns: int, say: multiprocessing.SimpleQueue) -> None:
    rng = np.random.default_rng(1)
    frame = attributes(rows, columns, rng)
    selection = rng.random(rows) < np.where(frame["a000"].to_numpy() == "v1", 0.08, 0.04)
    Path("/proc/self/clear_refs").write_text("5")  # what making the frame took is not the contrast's
    wall, used = time.perf_counter(), time.process_time()
    found = contrast(frame, selection, max_order=2)
    used, wall = time.process_time() - used, time.perf_counter() - wall
    peak = float(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])
    size = float(frame.memory_usage(deep=False).sum()) / 1e9
    say.put((used, wall, peak / 1e6, size, found.tested))


def speed(rows: int, columns: int) -> str:
    """Return a line on time and memory."""
    context = multiprocessing.get_context("spawn")
    say: multiprocessing.SimpleQueue = context.SimpleQueue()
    process = context.Process(target=_speed, args=(rows, columns, say))
    process.start()
    used, wall, peak, size, tested = say.get()
    process.join()
    return (
        f"{rows:,} rows x {columns} attributes, singles and pairs: {used:.2f} s of processor, {wall:.2f} s (bar 5 s);\n"
        f"  peak of the process {peak:.2f} GB (bar 1.5 GB), the frame {size:.2f} GB of it; {tested:,} conditions tested"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100, help="planted and null data sets of each kind")
    parser.add_argument("--rows", type=int, default=SPEED_ROWS)
    given = parser.parse_args()
    print(speed(given.rows, SPEED_COLUMNS), flush=True)
    for order in (1, 2):
        print(accuracy(order, given.cases), flush=True)
    print(null(given.cases), flush=True)


if __name__ == "__main__":
    main()
