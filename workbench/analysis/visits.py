"""Take traces apart into visits: what one service did for one call, with its own time and the time on the way to it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.errors import UsageError

COLUMNS = ("trace_id", "span_id", "parent_id", "service", "name", "start_ns", "duration_us")
MIN_USUAL = 20
"""Quiet spans of an operation needed to know its usual time."""
MIN_NOW = 3
FLOOR_US = 300.0
"""Smallest scale of a service's extra time per visit: a third of a millisecond harms nobody."""
FLOOR_SHARE = 0.05
"""... and as a share of the usual."""


def visits(spans: pd.DataFrame) -> pd.DataFrame:
    """Return *spans* with the columns visit, entry, caller, self_us, gap_us; each span once.

    *visit* is the row of the span by which its service was entered, *entry* whether it is that span, *caller*
    the calling service or empty. *self_us* is the time not spent in children. *gap_us* is, on an entry,
    how much longer the caller waited than the callee worked: network and queue, the callee's to explain.
    """
    if missing := [c for c in COLUMNS if c not in spans]:
        raise UsageError(f"Spans need the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}.")
    out = spans.drop_duplicates(["trace_id", "span_id"]).reset_index(drop=True)
    here = np.arange(len(out))
    rows = pd.Series(here, index=pd.MultiIndex.from_frame(out[["trace_id", "span_id"]]))
    found = rows.reindex(pd.MultiIndex.from_frame(out[["trace_id", "parent_id"]])).to_numpy(float)
    has = np.isfinite(found) & (found != here)
    parent = np.where(has, found, here).astype(np.int64)
    service, duration = out["service"].to_numpy(), out["duration_us"].to_numpy(float)
    entry = ~has | (service[parent] != service)
    visit = np.where(entry, here, parent)
    # Each pass doubles the distance climbed; a cycle of parents, which only garbage has, ends the climb as well.
    for _ in range(64):
        higher = visit[visit]
        if (higher == visit).all():
            break
        visit = higher
    below = np.bincount(parent[has], duration[has], len(out))
    called = entry & has
    return out.assign(
        visit=visit,
        entry=entry,
        caller=np.where(called, service[parent], ""),
        parent_visit=np.where(called, visit[parent], -1),
        self_us=np.clip(duration - below, 0.0, None),
        gap_us=np.where(called, duration[parent] - duration, np.nan),
    )


def extra_time(visited: pd.DataFrame, quiet: list[str]) -> pd.DataFrame:
    """Return robust deviations of extra time per visit: one row a service, one column a window.

    *visited* is what ``visits`` returns, with a column *window*. Extra time is the shift of the median from
    the quiet windows' median, of own time per operation and of the gap per caller and operation.
    """
    services = sorted(visited["service"].unique())
    windows = sorted(visited["window"].unique())
    per_visit = visited[visited["entry"]].groupby(["service", "window"]).size().unstack()
    count = per_visit.reindex(index=services, columns=windows).fillna(0.0).clip(lower=5.0)
    total = pd.DataFrame(0.0, index=services, columns=windows)
    for keys, value in ((["service", "name"], "self_us"), (["caller", "service", "name"], "gap_us")):
        moved = _shifted(visited[visited[value].notna()], keys, value, quiet)
        total += moved.reindex(index=services, columns=windows).fillna(0.0).clip(lower=0.0) / count
    usual = total[quiet].median(axis=1)
    spread = 1.4826 * total[quiet].sub(usual, axis=0).abs().median(axis=1)
    scale = np.maximum(spread, np.maximum(FLOOR_US, FLOOR_SHARE * usual.abs()))
    return total.sub(usual, axis=0).div(scale, axis=0)


def _shifted(rows: pd.DataFrame, keys: list[str], value: str, quiet: list[str]) -> pd.DataFrame:
    usual = rows[rows["window"].isin(quiet)].groupby(keys)[value].agg(["median", "size"])
    usual = usual.rename(columns={"median": "usual", "size": "quiet"}).reset_index()
    now = rows.groupby([*keys, "window"])[value].agg(["median", "size"]).reset_index().merge(usual, on=keys)
    now = now[(now["quiet"] >= MIN_USUAL) & (now["size"] >= MIN_NOW)]
    now = now.assign(moved=(now["median"] - now["usual"]) * now["size"])
    return now.groupby(["service", "window"])["moved"].sum().unstack()
