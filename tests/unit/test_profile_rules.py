"""Rules of profiles that are easily forgotten: constant columns, a change of scale, too many levels, progress."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.comparison import compare_frames
from workbench.analysis.profile_history import History, distances
from workbench.analysis.profiles import count_levels, count_numbers, teach, teach_text
from workbench.intake.profiling import profile_file
from workbench.model.grid import HASHED, MOST_LEVELS
from workbench.model.window import HOUR_NS
from workbench.store import Store

FIRST = {"starts": np.array([0]), "ends": np.array([1])}
SECOND = {"starts": np.array([1]), "ends": np.array([2])}


def _both(before: np.ndarray, now: np.ndarray) -> History:
    grid = teach(before)
    values = np.concatenate([before, now])
    sizes = np.array([len(before), len(now)])
    return History([count_numbers("x", values, grid, starts=np.arange(2), ends=np.arange(1, 3), sizes=sizes)])


def test_a_constant_column_has_a_grid_of_its_own_value_and_sees_half_a_percent() -> None:
    """5.3 always: the same again is at distance 0, 5.31 at 1; whole numbers that are no more whole or rise by 1 too."""
    for value, moved in ((5.3, 5.31), (5.0, 5.005), (0.0, 1.0)):
        constant = np.full(500, value)
        for now, far in ((constant, 0.0), (np.full(500, moved), 1.0)):
            history = _both(constant, now)
            assert distances(history.columns, history.counts([(0, 1)]), history.counts([(1, 2)])).ks[0] == far


def test_a_change_of_scale_needs_no_new_grid() -> None:
    """Lognormal times a thousand on the old grid: KS within 0.001 of exact, W1 within 1 %, one grid."""
    rng = np.random.default_rng(1)
    before, now = rng.lognormal(size=20_000), 1000 * rng.lognormal(size=20_000)
    history = _both(before, now)
    found = distances(history.columns, history.counts([(0, 1)]), history.counts([(1, 2)]))
    exact = np.abs(np.sort(now) - np.sort(before)).mean()
    assert abs(found.w1[0] / exact - 1) <= 0.01
    both = np.sort(np.concatenate([before, now]))
    ks = np.abs(np.searchsorted(np.sort(before), both, "right") - np.searchsorted(np.sort(now), both, "right")).max()
    assert abs(found.ks[0] - ks / 20_000) <= 0.001


def test_more_than_50_000_levels_are_counted_by_digest_and_still_compare() -> None:
    """60,000 levels: at most 65,536 digests, no row lost; one level that takes a fifth of the rows moves it by .2."""
    levels = [f"user {i}" for i in range(60_000)]
    assert (teach_text(MOST_LEVELS).kind, teach_text(MOST_LEVELS + 1).kind) == ("levels", "hashed")
    rng = np.random.default_rng(2)
    codes = [rng.integers(0, 60_000, 200_000) for _ in range(2)]
    codes[1][:40_000] = 5
    sizes = np.array([200_000, 200_000])
    place = {"starts": np.arange(2), "ends": np.arange(1, 3), "sizes": sizes}
    profile = count_levels("user", np.concatenate(codes), levels, teach_text(60_000), **place)
    assert len(profile.levels) <= HASHED
    assert profile.entry_count.sum() == 400_000
    # Digests that some of n levels fall in estimate n: -m ln(1 - k/m).
    assert abs(-HASHED * np.log(1 - int(profile.distinct[0]) / HASHED) / len(np.unique(codes[0])) - 1) < 0.02
    history = History([profile])
    found = distances(history.columns, history.counts([(0, 1)]), history.counts([(1, 2)]))
    assert abs(found.ks[0] - 0.2) < 0.01


def test_a_column_in_one_frame_only_is_said_and_raises_nothing() -> None:
    """A vanished column is silent or drifted, a new one has no data; drivers are looked for in what both have."""
    rng = np.random.default_rng(3)
    before = pd.DataFrame({"kept": rng.normal(size=2000), "gone": 1.0, "kind": rng.choice(list("ab"), 2000)})
    now = before.drop(columns="gone").assign(new=2.0, kept=before["kept"] + 5)
    found = compare_frames(before, now)
    verdicts = dict(zip(found.columns["column"], found.columns["verdict"], strict=True))
    assert verdicts["kept"] == "drifted"
    assert verdicts["gone"] in {"drifted", "silent"}
    assert verdicts["kind"] == "ok"
    assert set(found.drivers["column"]) == {"kept"}


def test_progress_is_told_and_a_second_run_adds_nothing(tmp_path: Path) -> None:
    """3,000 rows in three files' worth of batches: progress rises to the last row; the second run adds 0 rows."""
    times = pd.date_range("2026-03-01", periods=3000, freq="1min", tz="UTC")
    pd.DataFrame({"at": times, "x": np.arange(3000.0)}).to_parquet(tmp_path / "t.parquet")
    told: list[tuple[str, int, int]] = []
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        for fresh in (2 * 50, 0):
            report = profile_file(store, tmp_path / "t.parquet", dataset="t", time_column="at", every_ns=HOUR_NS,
                                  progress=lambda *seen: told.append(seen))  # fmt: skip
            assert report.fresh == fresh
    assert {name for name, _, _ in told} == {"t.parquet"}
    assert told[-1][1] == 3000
