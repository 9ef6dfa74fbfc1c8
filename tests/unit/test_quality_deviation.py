"""Deviations are judged by the signal's own quiet windows; drops, nulls, silence and schemas are told in numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from workbench.analysis.deviation import DAY_NS, HOUR_NS, deviate, onset_between
from workbench.analysis.impact import split
from workbench.analysis.quality import null_changes, schema_changes, silences, volume_changes

DAYS = 30
WINDOW = (DAYS * DAY_NS + 10 * HOUR_NS, DAYS * DAY_NS + 16 * HOUR_NS)


def hourly(seed: int, *, noise: float = 0.03) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values of a signal with a daily rhythm around 1,000."""
    times = np.arange(0, WINDOW[1], HOUR_NS, dtype=np.int64)
    rhythm = 1 + 0.4 * np.sin(2 * np.pi * (times % DAY_NS) / DAY_NS)
    return times, 1_000 * rhythm * (1 + noise * np.random.default_rng(seed).standard_normal(len(times)))


def test_quiet_signals_rarely_look_strong() -> None:
    """Of 120 signals in which nothing happened, at most 5 % reach a strength of .99."""
    strong = 0
    for seed in range(120):
        found = deviate(*hourly(seed), WINDOW, 0, scale="relative", floor=0.001)
        assert found is not None
        strong += found.strength >= 0.99
    assert strong <= 6


def test_a_drop_of_30_percent_is_found_with_its_size_and_onset() -> None:
    """All of 30 drops by 30 % are strong, measured to 3 points, and begin within an hour of 11:00."""
    begin = WINDOW[0] + HOUR_NS
    for seed in range(30):
        times, values = hourly(seed)
        found = deviate(times, np.where(times >= begin, values * 0.7, values), WINDOW, 0, scale="relative", floor=0.001)
        assert found is not None
        assert found.strength >= 0.99
        inside = (times >= WINDOW[0]) & (times < WINDOW[1])
        real = np.where(times >= begin, values * 0.7, values)[inside].mean() / values[inside].mean() - 1
        assert abs(found.relative - real) <= 0.04
        assert found.onset_ns is not None
        assert abs(found.onset_ns - begin) <= HOUR_NS


def test_a_near_constant_signal_does_not_explode_and_too_little_history_says_nothing() -> None:
    """A step below the floor stays small; with one quiet day the p-value is 1."""
    times = np.arange(0, WINDOW[1], HOUR_NS, dtype=np.int64)
    nearly = np.where(times >= WINDOW[0], 100.0001, 100.0)
    found = deviate(times, nearly, WINDOW, 0, scale="relative", floor=0.001)
    assert found is not None
    assert abs(found.z) < 0.01
    young = deviate(times, nearly, WINDOW, WINDOW[0] - DAY_NS, scale="relative", floor=0.001)
    assert young is not None
    assert young.p_value == 1.0
    assert deviate(times, nearly, (WINDOW[1], WINDOW[1] + HOUR_NS), 0, scale="relative", floor=0.001) is None


def test_two_nulls_in_twenty_rows_are_chance_and_two_hundred_in_two_thousand_are_not() -> None:
    """The same share of missing cells counts only where it was counted from enough rows."""
    times = np.arange(0, WINDOW[1], HOUR_NS, dtype=np.int64)
    rng = np.random.default_rng(3)
    found = []
    for rows in (4, 400):
        nulls = np.where(times >= WINDOW[0], round(rows * 0.1 + 0.4), rng.binomial(rows, 0.01, len(times)))
        frame = pd.DataFrame(
            {
                "entity": "dataset:o",
                "origin": "table_rows",
                "column": "c",
                "start_ns": times,
                "rows": rows,
                "nulls": nulls,
            }
        )
        found.append(float(null_changes(frame, WINDOW, 0)["z"].iloc[0]))
    assert abs(found[0]) < 12 < found[1]


def test_rows_reported_twice_count_once_and_a_62_percent_drop_is_62_percent() -> None:
    """A batch told by its writer and by its reader is one batch."""
    times = np.arange(0, WINDOW[1], 2 * HOUR_NS, dtype=np.int64)
    rows = np.where(times >= WINDOW[0], 722_000, 1_900_000) * 2
    frame = pd.DataFrame(
        {"entity": "dataset:orders", "origin": "dataset_versions", "start_ns": times, "rows": rows, "writes": 2}
    )
    found = volume_changes(frame, WINDOW, 0, every_ns=HOUR_NS).iloc[0]
    assert found["usual"] == 1_900_000
    assert round(found["relative"], 2) == -0.62


def test_silence_is_a_gap_longer_than_any_before() -> None:
    """A data set written every 2 h and not for 7 h is silent; one that once paused 9 h is not."""
    end = WINDOW[1]
    steady = np.arange(0, end - 7 * HOUR_NS + 1, 2 * HOUR_NS, dtype=np.int64)
    steady = steady + (end - 7 * HOUR_NS - steady[-1])
    pausing = steady[(steady < 5 * DAY_NS) | (steady >= 5 * DAY_NS + 9 * HOUR_NS)]
    frame = pd.concat(
        [
            pd.DataFrame({"entity": name, "origin": "dataset_versions", "start_ns": t, "rows": 1, "writes": 1})
            for name, t in (("dataset:steady", steady), ("dataset:pausing", pausing))
        ]
    )
    found = silences(frame, end)
    assert found["entity"].tolist() == ["dataset:steady"]
    assert found["gap_ns"].tolist() == [7 * HOUR_NS]


def test_schema_changes_name_what_was_lost_gained_and_retyped() -> None:
    """Two writers that describe a data set in turns change nothing."""

    def schema(**columns: str) -> str:
        return json.dumps([{"name": n, "type": t} for n, t in columns.items()])

    a, b, c = schema(id="int", amount="decimal"), schema(id="text", amount_cents="int"), schema(id="int")
    history = pd.DataFrame(
        [
            ("orders", 1, b, a),
            ("turns", 1, c, a),
            ("turns", 2, a, c),
            ("new", 1, a, None),
        ],
        columns=["dataset", "time_ns", "schema", "previous_schema"],
    )
    (found,) = schema_changes(history)
    assert (found.dataset, found.added, found.removed, found.retyped) == (
        "orders",
        ("amount_cents",),
        ("amount",),
        ("id",),
    )
    assert found.touched == ("amount", "id")


def test_onset_is_not_looked_for_after_somebody_noticed() -> None:
    """A slow worsening is dated before the alert."""
    times = np.arange(0, 20 * HOUR_NS, HOUR_NS, dtype=np.int64)
    values = np.concatenate([np.zeros(10), np.arange(10.0)])
    _, late = onset_between(times, values, (10 * HOUR_NS, 20 * HOUR_NS))
    _, early = onset_between(times, values, (10 * HOUR_NS, 20 * HOUR_NS), by_ns=11 * HOUR_NS)
    assert late is not None
    assert early is not None
    assert early <= 11 * HOUR_NS < late


def test_the_change_of_an_outcome_is_split_over_what_moved() -> None:
    """A category that takes 14 points more and is approved 70 points less explains the drop; a bystander does not."""
    rng = np.random.default_rng(11)
    n = 12_000
    now = np.arange(n) >= 10_000
    unmapped = rng.random(n) < np.where(now, 0.16, 0.02)
    frame = pd.DataFrame(
        {
            "category": np.where(unmapped, "unmapped", rng.choice(["food", "fuel", "fashion"], n)),
            "amount": rng.lognormal(3, 1, n),
            "noise": np.where(now, rng.normal(0.6, 1, n), rng.normal(0, 1, n)),
        }
    )
    approved = (rng.random(n) < np.where(unmapped, 0.2, 0.9)).astype(float)
    quiet = np.where(now, -1, np.arange(n) // 1_000)
    found = split(frame, approved, now, quiet, {c: c for c in frame})
    assert abs(found.change + 0.14 * 0.7) < 0.02
    assert found.table.loc["category", "share"] > 0.8
    assert found.table.loc["category", "level"] == "unmapped"
    assert abs(found.table.loc["noise", "share"]) < 0.15
    assert abs(found.table["contribution"].sum() + found.rest - found.change) < 1e-12
