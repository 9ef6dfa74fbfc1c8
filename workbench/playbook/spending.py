"""What serving costs, and which of devices, tokens and requests a change of it comes from, as findings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workbench.analysis.cost import Driver, drivers
from workbench.analysis.deviation import deviate
from workbench.case.reading import Answer, Reading
from workbench.model.findings import Finding
from workbench.model.window import MINUTE_NS
from workbench.playbook.times import Times, quiet_number
from workbench.playbook.words import figure, percent

SLOT_NS = 15 * MINUTE_NS
WORDS = {"devices": "rented devices", "tokens": "tokens of a request", "requests": "requests"}
SAID = {
    "cost": ("cost_per_hour", "spend_per_hour"),
    "tokens": ("tokens_mean", "tokens_per_request"),
    "devices": ("gpus_allocated", "gpu_allocated_count"),
}
"""Words in the names of metrics."""
EFFECT = 0.15
"""A change of cost is told from this share on."""


def cost_names(names: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return metric and entity of what serving costs, and of its drivers, as far as anybody sends them."""
    pairs = sorted({(str(m), str(e)) for m, e in zip(names["metric"], names["entity"], strict=True)})
    found = {name: next((p for p in pairs if any(word in p[0] for word in said)), None) for name, said in SAID.items()}
    owner = found["tokens"] or found["devices"]
    found["requests"] = next((p for p in pairs if "requests_per_second" in p[0] and owner and p[1] == owner[1]), None)
    return {name: pair for name, pair in found.items() if pair is not None}


def cost_frame(answer: Answer, chosen: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Return one row a quarter of an hour, columns cost and its drivers (requests in requests an hour)."""
    rows = answer.frame
    series = {}
    for name, (metric, entity) in chosen.items():
        own = rows[(rows["metric"] == metric) & (rows["entity"] == entity)]
        series[name] = own.groupby(own["time_ns"] // SLOT_NS * SLOT_NS)["value"].mean()
    frame = pd.DataFrame(series).sort_index()
    return frame.assign(requests=frame["requests"] * 3600) if "requests" in frame else frame


def ask(
    reading: Reading, names: pd.DataFrame, t: Times
) -> tuple[pd.DataFrame, Answer, dict[str, tuple[str, str]]] | None:
    """Return the cost and its drivers over the history; None where nobody sends a cost."""
    chosen = cost_names(names)
    if "cost" not in chosen or len(chosen) < 2:
        return None
    answer = reading.ask(
        "metric_series",
        start_ns=t.history_start_ns,
        end_ns=t.end_ns,
        entity=sorted({e for _, e in chosen.values()}),
        metric=sorted({m for m, _ in chosen.values()}),
    )
    return cost_frame(answer, chosen), answer, chosen


def split_change(frame: pd.DataFrame, t: Times) -> tuple[Driver, ...]:
    """Return what the change of cost inside the bad window comes from."""
    moments = frame.index.to_numpy(dtype=np.int64)
    number = np.asarray(quiet_number(moments, t.window, t.history_start_ns, days=7))
    history = frame[moments < t.onset_after_ns]
    usual = frame[(number >= 0) & (moments < t.onset_after_ns)]
    now = frame[(moments >= t.start_ns) & (moments < t.end_ns)]
    return drivers(history, usual, now) if len(history) and len(usual) and len(now) else ()


def cost_findings(reading: Reading, names: pd.DataFrame, t: Times) -> Iterator[Finding]:
    """Yield one finding for each driver of cost that left its usual range and makes up a fifth of the change."""
    asked = ask(reading, names, t)
    if asked is None:
        return
    frame, answer, chosen = asked
    split = split_change(frame, t)
    moments = frame.index.to_numpy(dtype=np.int64)
    for driver in split:
        if driver.name == "rest" or driver.name not in chosen or driver.share < 0.2:
            continue
        found = deviate(moments, frame[driver.name].to_numpy(dtype=float), t.window, t.history_start_ns,
                        scale="relative", floor=0.02)  # fmt: skip
        whole = deviate(moments, frame["cost"].to_numpy(dtype=float), t.window, t.history_start_ns,
                        scale="relative", floor=0.02)  # fmt: skip
        if found is None or whole is None or found.strength < 0.95 or whole.relative < EFFECT:
            continue
        each = f"; a request costs {figure(_each(frame, t))}" if "requests" in frame else ""
        yield Finding(
            f"Serving costs {figure(whole.now)} an hour, usually {figure(whole.usual)} (+{percent(whole.relative)}): "
            f"{percent(min(driver.share, 1.0))} of the rise comes from {WORDS[driver.name]}, {figure(found.now)} "
            f"against {figure(found.usual)}{each}.",
            chosen[driver.name][1],
            "cost_driver",
            (answer.evidence,),
            strength=min(found.strength, whole.strength),
            onset_ns=found.onset_ns,
            values={
                "driver": driver.name,
                "share": driver.share,
                "now": found.now,
                "usual": found.usual,
                "cost_now": whole.now,
                "cost_usual": whole.usual,
                "onset_after_ns": found.onset_after_ns,
            },
        )


def _each(frame: pd.DataFrame, t: Times) -> float:
    inside = frame[(frame.index >= t.start_ns) & (frame.index < t.end_ns)]
    total = float(inside["requests"].sum())
    return float(inside["cost"].sum()) / total if total > 0 else float("nan")
