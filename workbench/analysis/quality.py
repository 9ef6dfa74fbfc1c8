"""Rows, missing cells, silence and schemas of data sets, each compared with its own history."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.deviation import HOUR_NS, Deviation, Scale, deviate

Window = tuple[int, int]
ROWS_FLOOR = 0.02
"""Smallest spread of row counts believed, as a share."""
NULLS_FLOOR = 0.003
"""Smallest spread of null rates believed."""
MIN_WRITES = 8
"""Writes in the history from which a rhythm can be told."""


@dataclass(frozen=True)
class SchemaChange:
    """What changed between two schemas of one data set."""

    dataset: str
    time_ns: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    retyped: tuple[str, ...]

    @property
    def touched(self) -> tuple[str, ...]:
        """Return columns that readers of the old schema miss or read differently."""
        return tuple(sorted({*self.removed, *self.retyped}))


def slow_window(times_ns: np.ndarray, window: Window) -> Window:
    """Return the window stretched back to hold the last sample of a series that is written seldom."""
    if ((times_ns >= window[0]) & (times_ns < window[1])).any() or len(times_ns) < 3:
        return window
    gap = int(np.median(np.diff(times_ns)))
    return min(window[0], window[1] - gap - HOUR_NS // 2), window[1]


def volume_changes(history: pd.DataFrame, window: Window, history_start_ns: int, *, every_ns: int) -> pd.DataFrame:
    """Return one row per entity and origin: rows per write now and usually, and how unusual that is.

    *history* has entity, origin, start_ns, rows and writes (null: rows are counted, not
    reported), in buckets of *every_ns*. Several reports of one write count once.
    """
    # The last bucket of counted rows is still filling; rows that a writer reports are whole.
    filling = history["writes"].isna() & (history["start_ns"] + every_ns > window[1])
    history = history[~filling]
    rows = history.assign(value=history["rows"].astype("float64") / history["writes"].astype("float64").fillna(1.0))
    return _deviations(rows, ["entity", "origin"], window, history_start_ns, "relative", ROWS_FLOOR)


def null_changes(history: pd.DataFrame, window: Window, history_start_ns: int) -> pd.DataFrame:
    """Return one row per entity, origin and column: null rate now and usually, and how unusual that is."""
    total = history["rows"].astype("float64")
    rate = history["nulls"].astype("float64") / total.where(total > 0)
    rows = history.assign(value=rate, counted=total)
    return _deviations(rows, ["entity", "origin", "column"], window, history_start_ns, "absolute", NULLS_FLOOR)


def _deviations(
    rows: pd.DataFrame, keys: list[str], window: Window, history_start_ns: int, scale: Scale, floor: float
) -> pd.DataFrame:
    found = []
    rows = rows.sort_values([*keys, "start_ns"])
    moments, measured = rows["start_ns"].to_numpy(dtype=np.int64), rows["value"].to_numpy(dtype=float)
    counted = rows["counted"].fillna(0.0).to_numpy(dtype=float) if "counted" in rows else None
    for key, place in sorted(rows.groupby(keys, sort=True).indices.items()):
        times, values = moments[place], measured[place]
        chosen = slow_window(times[np.isfinite(values)], window)
        counts = counted[place] if counted is not None else None
        deviation = deviate(
            times,
            values,
            chosen,
            history_start_ns,
            scale=scale,
            floor=floor,
            counts=counts,
        )
        if deviation is not None:
            found.append({**dict(zip(keys, key, strict=True)), **row_of(deviation)})
    return pd.DataFrame(found, columns=[*keys, *COLUMNS])


COLUMNS = ("now", "usual", "relative", "z", "p_value", "quiet", "onset_ns", "onset_after_ns")


def row_of(deviation: Deviation) -> dict[str, float | int | None]:
    """Return a deviation as a row of ``COLUMNS``."""
    return {
        "now": deviation.now,
        "usual": deviation.usual,
        "relative": deviation.relative,
        "z": deviation.z,
        "p_value": deviation.p_value,
        "quiet": deviation.quiet,
        "onset_ns": deviation.onset_ns,
        "onset_after_ns": deviation.onset_after_ns,
    }


def silences(history: pd.DataFrame, end_ns: int) -> pd.DataFrame:
    """Return data sets that were written in a rhythm and have not been since, longest silence first.

    *history* has entity, origin, start_ns, writes. Columns: entity, gap_ns, usual_ns, longest_ns,
    p_value, last_ns; only gaps longer than any seen before and twice the usual one.
    """
    found = []
    written = history[history["writes"].notna()].sort_values("start_ns")
    for entity, group in written.groupby("entity", sort=True):
        times = np.unique(group["start_ns"].to_numpy(dtype=np.int64))
        if len(times) < MIN_WRITES:
            continue
        gaps = np.diff(times)
        gap, usual, longest = end_ns - int(times[-1]), int(np.median(gaps)), int(gaps.max())
        if gap > 2 * usual and gap > longest:
            found.append(
                {
                    "entity": entity,
                    "gap_ns": gap,
                    "usual_ns": usual,
                    "longest_ns": longest,
                    "p_value": 1.0 / (1 + len(gaps)),
                    "last_ns": int(times[-1]),
                }
            )
    columns = ["entity", "gap_ns", "usual_ns", "longest_ns", "p_value", "last_ns"]
    return pd.DataFrame(found, columns=columns).sort_values(
        ["gap_ns", "entity"], ascending=[False, True], kind="stable"
    )


def schema_changes(history: pd.DataFrame) -> list[SchemaChange]:
    """Return what is different at the end from the schema before, one change a data set at most.

    *history* has dataset, time_ns, schema and previous_schema (JSON lists of {name, type}).
    Two writers that describe one data set in turns change nothing in the end; a first
    schema is no change.
    """
    found = []
    for dataset, group in history.sort_values(["dataset", "time_ns"], kind="stable").groupby("dataset", sort=True):
        first, last = group.iloc[0], group.iloc[-1]
        if not isinstance(first["previous_schema"], str):
            continue
        before, now = _types(first["previous_schema"]), _types(last["schema"])
        kept = now.keys() & before.keys()
        change = SchemaChange(
            str(dataset),
            int(first["time_ns"]),
            tuple(sorted(now.keys() - before.keys())),
            tuple(sorted(before.keys() - now.keys())),
            tuple(sorted(c for c in kept if now[c] != before[c])),
        )
        if change.added or change.touched:
            found.append(change)
    return found


def _types(schema: str) -> dict[str, str]:
    return {str(c.get("name")): str(c.get("type")) for c in json.loads(schema)}
