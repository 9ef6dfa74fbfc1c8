"""The verdict on each device as a finding: its figures and its requests against the same hours of the days before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workbench.analysis import gpu_verdict as gv
from workbench.analysis.deviation import Deviation, deviate
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook.devices import BIN_NS, Requests, aligned
from workbench.playbook.times import Times, quiet_number
from workbench.playbook.words import percent, short

SHOWN = (gv.UTILIZATION, gv.MEMORY, gv.CONTROLLER, gv.CLOCK, gv.TEMPERATURE, gv.POWER, gv.QUEUE, gv.FORWARD,
         gv.QUEUE_SHARE)  # fmt: skip
"""Figures that a verdict states beside those that it rests on."""
AT_LEAST = 6
"""Samples that a window needs to be judged."""


def smoothed(frame: pd.DataFrame, t: Times) -> pd.DataFrame:
    """Return means over a twelfth of the bad window, half an hour at most: single samples of a device jump about."""
    width = max(1, min(BIN_NS, (t.end_ns - t.start_ns) // 12))
    known = gv.derived(frame).drop(columns=[gv.REASONS], errors="ignore")
    return known.groupby(known.index.to_numpy(dtype=np.int64) // width * width).mean()


def window_and_baseline(frame: pd.DataFrame, t: Times) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the samples of the bad window, and those of the same hours of the days before (else all before)."""
    moments = frame.index.to_numpy(dtype=np.int64)
    inside = frame[(moments >= t.start_ns) & (moments < t.end_ns)]
    number = np.asarray(quiet_number(moments, t.window, t.history_start_ns))
    same = frame[(number >= 0) & (moments < t.start_ns - BIN_NS)]
    if len(same) < AT_LEAST:
        return inside, frame[moments < t.start_ns - HOUR_NS]
    return inside, _without_rhythm(same)


def _without_rhythm(same: pd.DataFrame) -> pd.DataFrame:
    """Take the hours' own ups and downs off a baseline of several days: the window goes through the same ones.

    The mean of so few days takes a part of the noise with it; what is left is widened by as much.
    """
    hour = same.index.to_numpy(dtype=np.int64) % DAY_NS // HOUR_NS
    usual, days = same.groupby(hour).transform("mean"), same.groupby(hour).transform("count")
    wider = np.sqrt(days / (days - 1).clip(lower=1))
    return same.median() + (same - usual) * wider


def verdicts(
    samples: pd.DataFrame, evidence: Evidence, served: Requests, t: Times
) -> Iterator[tuple[Finding | None, dict[str, float | str | None]]]:
    """Yield for each device a finding where its verdict names a fault, and its line of the table of devices."""
    for entity, own in samples.groupby("entity", sort=True):
        frame = aligned(own, served.of_device(str(entity).partition(":")[2]))
        window, baseline = window_and_baseline(smoothed(frame, t), t)
        if len(window) < AT_LEAST or len(baseline) < AT_LEAST:
            continue
        verdict = gv.verdict(window, baseline)
        split = gv.time_split(window_and_baseline(frame, t)[0])
        line: dict[str, float | str | None] = {"device": str(entity), "verdict": verdict.cause, **split}
        healthy = verdict.cause in ("healthy", "unknown")
        found = (
            None if healthy else _finding(str(entity), verdict, split, frame, t, (evidence, *served.evidence), served)
        )
        yield found, line


def _finding(
    entity: str,
    verdict: gv.Verdict,
    split: dict[str, float | None],
    frame: pd.DataFrame,
    t: Times,
    evidence: tuple[Evidence, ...],
    served: Requests,
) -> Finding:
    best = _strongest(frame, verdict, t)
    name = entity.partition(":")[2]
    by_service = any(s.metric in (gv.SERVICE_QUEUE, gv.SERVICE_QUEUE_SHARE) for s in verdict.evidence)
    services = served.services(name) if by_service or name in set(served.frame["gpu"]) else []
    values: dict[str, float | int | str | None] = {
        "cause": verdict.cause,
        "also": ", ".join(verdict.also),
        "services": ", ".join(services),
        "requests_share": _share(served, name),
        **{f"time_{k}_percent": v for k, v in split.items()},
        **{f"{s.metric} now": s.now for s in verdict.evidence},
        **{f"{s.metric} usual": s.before for s in verdict.evidence},
        "onset_after_ns": best.onset_ns if best else None,
        "z": float(np.clip(best.z, -1e6, 1e6)) if best else None,
    }
    if best:
        values["onset_after_ns"] = best.onset_after_ns
    text = f"{short(entity)}: {verdict.words}"
    if split["busy"] is not None:
        text += f" Its time: {_split_words(split)}."
    return Finding(
        text,
        entity,
        "gpu_verdict",
        evidence,
        kind=verdict.cause,
        strength=best.strength if best else 0.5,
        values=values,
        onset_ns=best.onset_ns if best else None,
    )


def _split_words(split: dict[str, float | None]) -> str:
    parts = [(k, v) for k, v in split.items() if v is not None and v >= 0.5]
    return ", ".join(f"{percent(v / 100)} {k}" for k, v in parts)


def _share(served: Requests, gpu: str) -> float | None:
    """Return the device's share of the requests of the services that it serves."""
    frame = served.frame
    if frame.empty:
        return None
    services = set(frame[frame["gpu"] == gpu]["service"])
    of = frame[frame["service"].isin(services) & frame["gpu"].notna()]
    return float((of["gpu"] == gpu).mean()) if len(of) else None


def _strongest(frame: pd.DataFrame, verdict: gv.Verdict, t: Times) -> Deviation | None:
    """Return the clearest deviation among the figures that the verdict rests on, judged by their quiet windows."""
    best: Deviation | None = None
    full = gv.derived(frame)
    for shift in verdict.evidence:
        series = full.get(shift.metric, pd.Series(dtype=float)).dropna()
        if series.empty:
            continue
        found = deviate(
            series.index.to_numpy(dtype=np.int64),
            series.to_numpy(dtype=float),
            t.window,
            int(series.index.min()),
            scale="absolute" if shift.metric.endswith("_percent") else "relative",
            floor=1.0 if shift.metric.endswith("_percent") else 0.02,
        )
        if found is not None and (best is None or found.strength > best.strength):
            best = found
    return best
