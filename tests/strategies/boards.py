"""One sample of every widget: ordinary content, or any text wherever a sender's text stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench_widgets.causes import Causes
from workbench_widgets.comparator import Comparator
from workbench_widgets.contrast import Contrast
from workbench_widgets.gpu import GpuTimeline
from workbench_widgets.lineage import Lineage
from workbench_widgets.stepper import Stepper
from workbench_widgets.timeline import Timeline
from workbench_widgets.waterfall import Waterfall

HOSTILE = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>'
START = 1_770_714_960_000_000_000
MINUTE = 60_000_000_000
HOUR_MS = 3_600_000
START_MS = 1_770_000_000_000 // HOUR_MS * HOUR_MS
BUCKETS = 480


def timeline(title: str = "Accuracy fell at 13:42") -> Timeline:
    """Return three lanes of ten hours: one drops, one has a gap, one could not be asked."""
    times = START + MINUTE * np.arange(600)
    score = 0.8 + 0.02 * np.sin(np.arange(600) / 20)
    score[360:] -= 0.18
    waits = 11 + 2 * np.cos(np.arange(600) / 9)
    waits[350:] += 57
    waits[100:140] = np.nan
    lanes: list[dict[str, Any]] = [
        {"title": "Confidence", "unit": "", "series": [{"name": title, "times": times, "values": score}],
         "first": True, "onset": [START + 355 * MINUTE, START + 362 * MINUTE]},
        {"title": "Requests", "unit": "ms", "series": [{"name": "queue_wait", "times": times, "values": waits},
                                                      {"name": "forward_pass", "times": times, "values": waits / 3}]},
        {"title": "GPU", "state": "source down: no figures since 09:16"},
    ]  # fmt: skip
    changes = [{"time_ns": START + 340 * MINUTE, "kind": "deploy", "title": f"v42 {title}"}]
    return Timeline(lanes, changes=changes, title=title, caption="Queue wait rose from 11 ms to 68 ms.")


def causes(text: str = "'unknown' in ad_vertical rose from 1.2 % to 14 %") -> Causes:
    """Return two causes, one of them rejected."""
    one = {"rank": 1, "entity": "feature:ad_vertical", "kind": "unmapped_category", "statement": text, "for": [text],
           "confidence": 0.811, "verdict": "suspected", "factors": {"path": 1.0, "symptom": 0.73}, "against": [],
           "rejected": ""}  # fmt: skip
    return Causes([one, {**one, "rank": 2, "entity": "column:clicks", "rejected": text}], caption="2 candidates.")


def contrast(text: str = "model_version = v42 and region = c") -> Contrast:
    """Return two conditions, one without an interval."""
    one = {"condition": text, "share_in": 0.58, "share_out": 0.02, "lift": 29.0, "lift_low": 21.0, "lift_high": 40.0,
           "support": 410, "q": 1e-9}  # fmt: skip
    return Contrast([one, {**one, "condition": "region = c", "lift": 2.1, "lift_low": None}], caption="Errors.")


def lineage(text: str = "orders") -> Lineage:
    """Return a path of three and a stub; one of them deviates by itself, one inherits it."""
    nodes = [
        {"name": f"dataset:{text}", "kind": "dataset", "layer": 0, "row": 0.5, "hidden_up": 12, "health": "nulls 31 %",
         "origin": "own", "proven": True, "detail": text},
        {"name": "job:shop/clean", "kind": "job", "layer": 0, "row": 1.5, "health": "well"},
        {"name": "feature:amount", "kind": "feature", "layer": 1, "row": 1.0, "origin": "inherited", "proven": True,
         "health": "drift .31", "change": "changed"},
        {"name": "model:fraud", "kind": "model", "layer": 2, "row": 1.0, "proven": True, "hidden_down": 3},
    ]  # fmt: skip
    edges = [{"source": f"dataset:{text}", "target": "feature:amount", "proven": True, "rule": "column_lineage"},
             {"source": "job:shop/clean", "target": "feature:amount", "change": "appeared"},
             {"source": "feature:amount", "target": "model:fraud", "proven": True}]  # fmt: skip
    times = {"start": START / 1e6, "end": START / 1e6 + 864e5, "at": None, "against": None}
    return Lineage(nodes, edges, focus="model:fraud", times=times, signals=["null_rate", "drift"], caption="4 of 19.")


def waterfall(text: str = "predict") -> Waterfall:
    """Return a trace of four spans: one failed, one whose parent is missing; and a comparison."""
    one = {"depth": 1, "status": "ok", "queue": None, "forward": None, "flags": [], "logs": [], "links": []}
    spans = [
        {**one, "id": "a", "depth": 0, "service": "edge", "name": "POST /v1", "start": 0.0, "duration": 100.0,
         "self": 10.0, "critical": [[0.0, 5.0], [95.0, 100.0]]},
        {**one, "id": "b", "service": "predictor", "name": text, "start": 5.0, "duration": 90.0, "self": 90.0,
         "critical": [[5.0, 95.0]], "queue": 62.0, "forward": 20.0, "links": ["run:5f2c"]},
        {**one, "id": "c", "service": "session", "name": "check", "start": 10.0, "duration": 20.0, "self": 20.0,
         "critical": [], "status": "error", "logs": [{"at": 12.0, "severity": "error", "body": text}]},
        {**one, "id": "d", "depth": 0, "service": "lost", "name": "orphan", "start": 30.0, "duration": 9.0,
         "self": 9.0, "critical": [[30.0, 39.0]], "flags": ["its parent span is missing"]},
    ]  # fmt: skip
    rows = [{"service": "predictor", "name": text, "a": 31.0, "b": 90.0, "more": 59.0, "low": 51.0, "high": 66.0}]
    return Waterfall(spans, trace="0af7", against="baseline", operations=rows, traces=["0af7"], caption="100 ms.")


def stepper(text: str = "Requests are 36 % slower since 13:42.") -> Stepper:
    """Return three steps: one interesting, one skipped, one to do and suggested; and one that writes an action."""
    one = {"why": "It matters.", "cost": "", "summary": "", "reason": "", "kind": "step"}
    steps = [
        {**one, "name": "scope", "number": 2, "question": "What is wrong?", "state": "interesting", "summary": text,
         "took": "Took 1.4 s, read 8,412 rows of 6 queries."},
        {**one, "name": "hardware", "number": 9, "question": "Are machines well?", "state": "skipped", "reason": text},
        {**one, "name": "serving", "number": 8, "question": "Who is slow?", "state": "to do"},
        {**one, "name": "action", "number": 11, "question": "What is done?", "state": "to do", "kind": "form"},
    ]  # fmt: skip
    return Stepper(steps, suggested={"step": "serving", "why": "It is the most telling step left."})


def comparator(text: str = "merchant_category") -> Comparator:
    """Return 20 days by the hour, two drifted columns of six, one silent, and a driver; drift rises at the end."""
    dice = np.random.default_rng(3)
    made = Comparator("features.transactions", caption="2 of 6 columns drifted.")
    drift = 0.04 + 0.01 * dice.random(BUCKETS)
    drift[-2:] = 0.62
    nulls = 0.01 * dice.random(BUCKETS)
    nulls[100:110] = np.nan
    begins = (START_MS + HOUR_MS * np.arange(BUCKETS)) * 1_000_000
    lanes = {"rows": 1400 + 300 * np.sin(np.arange(BUCKETS) / 24 * 2 * np.pi), "nulls": nulls, "drift": drift}
    made.lay(begins, lanes, every_ns=HOUR_MS * 1_000_000, until_ns=(START_MS + BUCKETS * HOUR_MS) * 1_000_000)
    last = START_MS + BUCKETS * HOUR_MS
    made.current = [last - 2 * HOUR_MS, last]
    made.baseline = [[last - (24 * k + 2) * HOUR_MS, last - 24 * k * HOUR_MS] for k in range(1, 15)]
    made.rule = "same hours, 30 d"
    grid = np.linspace(-2, 2, 24)
    bell, moved = np.exp(-(grid**2)), np.exp(-((grid - 1) ** 2) * 2)
    edges = [f"{10 + 4 * e:.3g}" for e in grid]
    one = {"type": "number", "verdict": "ok", "effect": 0.02, "q": 0.7, "nulls_before": 0.01, "nulls_now": 0.01,
           "labels": edges, "reference": bell / bell.sum(), "current": bell / bell.sum()}  # fmt: skip
    made.show(
        [{**one, "name": "amount", "verdict": "drifted", "effect": 0.62, "q": 1e-9, "current": moved / moved.sum(),
          "words": "all of amount looks multiplied: x100 of what it was (a change of unit)"},
         {**one, "name": text, "type": "text", "verdict": "drifted", "effect": 0.31, "q": 1e-6, "nulls_now": 0.31,
          "labels": ["groceries", "fuel", f"{text} new", "(other)"], "reference": [0.5, 0.3, 0.0, 0.2],
          "current": [0.3, 0.2, 0.4, 0.1], "words": f"new value {text}"},
         *({**one, "name": f"feature_{i}", "words": f"feature_{i} is as before"} for i in range(3)),
         {**one, "name": "device_id", "verdict": "silent", "effect": None, "q": None, "nulls_now": None, "labels": [],
          "reference": [], "current": [], "words": "device_id: silent"}],
        [{"column": text, "segment": f"{text} = provider_zeta", "explained": 0.98, "share_before": 0.0,
          "share_now": 0.4}],
    )  # fmt: skip
    return made


def gpu(name: str = "GPU-0") -> GpuTimeline:
    """Return a throttled device with waits and two programs, a MIG that says nothing, and a lost one."""
    times = START + MINUTE * np.arange(600)
    used = 60 + 10 * np.sin(np.arange(600) / 30)
    used[100:130] = np.nan
    waits = np.where(np.arange(600) > 360, 80.0, 4.0)
    devices: list[dict[str, Any]] = [
        {"name": name,
         "figures": {"utilization": (times, used), "temperature": (times, used + 5), "power": (times, used)},
         "throttled": [(START + 360 * MINUTE, START + 600 * MINUTE, f"thermal {name}")], "waits": (times, waits),
         "programs": {f"serve {name}": (times, used * 100), "other": (times[400:], used[400:] * 10)}},
        {"name": "MIG-1", "figures": {"utilization": (times, np.full(600, np.nan))}},
        {"name": "GPU-2", "state": "lost since 09:16"},
    ]  # fmt: skip
    changes = [{"time_ns": START + 340 * MINUTE, "kind": "deploy", "title": f"v42 {name}"}]
    return GpuTimeline(devices, changes=changes, title=f"Devices {name}", caption="Busy 75 %, yet requests wait.")


BOARDS = {"causes": causes, "comparator": comparator, "contrast": contrast, "gpu": gpu, "lineage": lineage,
          "stepper": stepper, "timeline": timeline, "waterfall": waterfall}  # fmt: skip
