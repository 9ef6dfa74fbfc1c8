"""Where the time of requests goes, queue against forward pass, as findings about services."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workbench.analysis import gpu_verdict as gv
from workbench.analysis.deviation import Deviation, deviate
from workbench.model.findings import Finding
from workbench.playbook.devices import Requests
from workbench.playbook.times import Times
from workbench.playbook.words import figure, percent

EFFECT = 0.25
"""A part of a request's time is told from this relative change on."""
PARTS = ((gv.QUEUE, "wait in the queue"), (gv.FORWARD, "are in the forward pass"))


def split_findings(served: Requests, t: Times) -> Iterator[Finding]:
    """Yield for each service the parts of its requests' time that left their usual range, with their share."""
    if served.frame.empty:
        return
    for service in sorted({str(s) for s in served.frame["service"].dropna()}):
        bins = served.binned(service=service)
        whole = _mean(bins, "total_ms", t)
        for part, words in PARTS:
            found = _deviate(bins, part, t)
            if found is None or found.strength < 0.95 or abs(found.relative) < EFFECT:
                continue
            share, usual_share = (_share(bins, part, t, when) for when in ("now", "usual"))
            text = f"Requests at {service} {words} for {figure(found.now)} ms, usually {figure(found.usual)} ms"
            if share is not None and usual_share is not None:
                text += f": {percent(share)} of their time, usually {percent(usual_share)}"
            yield Finding(
                f"{text}.",
                f"service:{service}",
                part,
                served.evidence,
                strength=found.strength,
                onset_ns=found.onset_ns,
                values={
                    "now": found.now,
                    "usual": found.usual,
                    "share_now": share,
                    "share_usual": usual_share,
                    "total_ms": whole,
                    "sources": _sources(served.frame, service, part),
                    "contradictions": _contradictions(served.frame, service),
                    "z": float(np.clip(found.z, -1e6, 1e6)),
                    "onset_after_ns": found.onset_after_ns,
                },
            )


def _deviate(bins: pd.DataFrame, part: str, t: Times) -> Deviation | None:
    known = bins.dropna(subset=[part])
    if known.empty:
        return None
    return deviate(
        known["start_ns"].to_numpy(dtype=np.int64),
        known[part].to_numpy(dtype=float),
        t.window,
        int(known["start_ns"].min()),
        scale="relative",
        floor=0.05,
    )


def _inside(bins: pd.DataFrame, t: Times, when: str) -> pd.DataFrame:
    start = bins["start_ns"]
    return bins[(start >= t.start_ns) & (start < t.end_ns)] if when == "now" else bins[start < t.onset_after_ns]


def _mean(bins: pd.DataFrame, column: str, t: Times) -> float | None:
    values = _inside(bins, t, "now")[column].dropna()
    return float(values.mean()) if len(values) else None


def _share(bins: pd.DataFrame, part: str, t: Times, when: str) -> float | None:
    rows = _inside(bins, t, when).dropna(subset=[part])
    whole = float((rows["total_ms"] * rows["n"]).sum())
    return float((rows[part] * rows["n"]).sum()) / whole if whole > 0 else None


def _sources(frame: pd.DataFrame, service: str, part: str) -> str:
    named = frame[frame["service"] == service][f"{part.removesuffix('_ms')}_source"].dropna()
    return ", ".join(sorted({str(s) for s in named}))


def _contradictions(frame: pd.DataFrame, service: str) -> int:
    own = frame[frame["service"] == service]["contradictions"]
    return int(sum(1 for said in own if len(said)))
