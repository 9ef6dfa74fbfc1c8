"""Accuracy of the drift bench: false alarms, recall of planted effects, car_loan, rows that drive a change."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import drift_tables as made
from benchmarks.drift_say import say
from workbench.analysis.comparison import compare_frames
from workbench.analysis.drift_decision import EFFECT_FLOOR
from workbench.analysis.drivers import drivers

SEEDS = 90_000
"""Seeds from here on are reported; none of them was looked at while anything was tuned."""


def quiet(rows: int, tables: int) -> None:
    alarms = {
        kind: sum(bool(made.decided(kind, rows, SEEDS + i)[0].drifted) for i in range(tables)) for kind in made.KINDS
    }
    share = sum(alarms.values()) / (tables * len(made.KINDS))
    detail = ", ".join(f"{k} {n}/{tables}" for k, n in alarms.items())
    say(f"false alarms, quiet comparisons of {rows:,} rows", f"{share:.1%}", "<= 5 %", share <= 0.05)
    print(f"    {detail}")


def planted(rows: int, tables: int) -> None:
    """Plant one effect a table, keep those whose own test has power >= .99, and count those found."""
    rng = np.random.default_rng(SEEDS + rows)
    found, curve = [], []
    for kind in made.KINDS:
        for number in range(tables):
            effect = made.EFFECTS[number % len(made.EFFECTS)]
            texts = [c for c in range(made.COLUMNS) if made.is_text(c) == (effect == "levels")]
            size = float(np.exp(rng.uniform(np.log(0.05), np.log(0.8))) * min(1.0, (2000 / rows) ** 0.5 * 2))
            plant = made.Plant(int(rng.choice(texts)), effect, size)
            strong = made.power(kind, rows, plant, SEEDS + 1000 * number, draws=40 if rows <= 2000 else 20)
            decision, _ = made.decided(kind, rows, SEEDS + 500 + number, plant)
            row = decision.columns.set_index("column").loc[f"c{plant.column:02d}"]
            hit = f"c{plant.column:02d}" in decision.drifted
            (found if strong >= 0.99 else curve).append((strong, hit, kind, effect, size, max(row["ks"], row["tv"])))
    hits = sum(item[1] for item in found)
    share = hits / max(len(found), 1)
    say(
        f"recall, planted effects of power >= .99, {rows:,} rows",
        f"{hits}/{len(found)} = {share:.3f}",
        ">= .95",
        share >= 0.95,
    )
    for low, high in ((0.0, 0.25), (0.25, 0.75), (0.75, 0.99)):
        some = [item[1] for item in curve if low <= item[0] < high]
        if some:
            print(f"    own test's power {low:.2f} .. {high:.2f}: found {sum(some)} of {len(some)}")
    for item in found:
        if not item[1]:
            print(f"    missed: {item[2]} {item[3]} size {item[4]:.3f} effect {item[5]:.4f} (floor {EFFECT_FLOOR})")


def car_loan() -> None:
    data = os.environ.get("WORKBENCH_CONFORMANCE_DATA")
    if not data:
        say("car_loan", "WORKBENCH_CONFORMANCE_DATA is not set", "skipped")
        return
    folder = Path(data) / "drift" / "car_loan"
    reference, analysis = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "analysis"))
    shared = [c for c in analysis.columns if c in reference.columns and c not in {"id", "timestamp", "period"}]
    before = compare_frames(reference[shared], analysis[shared].head(25_000), look_for_drivers="no").decision
    after = compare_frames(reference[shared], analysis[shared].iloc[25_000:], look_for_drivers="no").decision
    say(
        "car_loan before row 25,000",
        f"drifted: {', '.join(before.drifted) or 'none'}",
        "no car_value",
        "car_value" not in before.drifted,
    )
    say(
        "car_loan from row 25,000",
        f"drifted: {', '.join(after.drifted[:5])}",
        "car_value",
        "car_value" in after.drifted,
    )


def causes(tables: int) -> None:
    """Plant a shift in a single value or a pair of values, weak and nested ones too; count truths in the top 3."""
    hits = {"single": 0, "pair": 0}
    for kind in hits:
        for number in range(tables):
            rng = np.random.default_rng([SEEDS, number, kind == "pair"])
            frames = []
            for _ in range(2):
                n = 20_000
                frame = {f"s{i}": rng.integers(0, 3 + 3 * i, n).astype(str) for i in range(5)}
                # A nested column: each of its values belongs to one value of s1.
                frame["nested"] = np.char.add(np.char.add(frame["s1"], "."), rng.integers(0, 2, n).astype(str))
                frame |= {f"x{i}": rng.normal(size=n) for i in range(4)}
                frame["goal"] = rng.lognormal(size=n)
                frames.append(pd.DataFrame(frame))
            names = ["s0", "s1", "s2", "s3", "s4", "nested"]
            chosen = rng.choice(names[:5] if kind == "pair" else names, 2 if kind == "pair" else 1, replace=False)
            values = [str(rng.choice(frames[1][c].unique())) for c in sorted(chosen)]
            where = np.logical_and.reduce([frames[1][c] == v for c, v in zip(sorted(chosen), values, strict=True)])
            frames[1].loc[where, "goal"] *= float(rng.choice([1.5, 2, 4, 100]))
            top = drivers(*frames, "goal").head(3)["segment"]
            truth = {f"{c} = {v}" for c, v in zip(sorted(chosen), values, strict=True)}
            hits[kind] += any(set(segment.split(" and ")) == truth for segment in top)
    for kind, bar in (("single", 0.95), ("pair", 0.9)):
        say(
            f"driver attribution, planted {kind}, truth in top 3",
            f"{hits[kind]}/{tables} = {hits[kind] / tables:.2f}",
            f">= {bar}",
            hits[kind] / tables >= bar,
        )
