"""What is wrong with a device, in words: rules on robust deviations from its own baseline, with their evidence.

A rule is a conjunction: every condition must be known and hold. What is unknown never supports a
cause, and is named. Thresholds are in the unit of the figure, so that a calm baseline does not make
a harmless wobble large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.analysis.gpu_links import NVLINK_BUSY, PCIE_BUSY, column, with_links

Cause = Literal[
    "stuck_device", "throttle", "vram_pressure", "noisy_neighbour", "queue_starvation", "data_loader_starvation",
    "gpu_memory_wait", "pcie_limit", "nvlink_limit", "healthy", "unknown",
]  # fmt: skip
UTILIZATION, CLOCK, TEMPERATURE, POWER = (
    "gpu_utilization_percent", "gpu_sm_clock_mhz", "gpu_temperature_c", "gpu_power_w",
)  # fmt: skip
USED, TOTAL = "gpu_memory_used_bytes", "gpu_memory_total_bytes"
THROTTLED, OTHERS = "gpu_throttled_percent", "gpu_other_processes_percent"
QUEUE, REQUESTS, LOADER = "queue_wait_ms", "requests_per_s", "data_wait_percent"
FORWARD = "forward_pass_ms"
BEYOND = "queue_wait_over_expected"
"""Wait as a multiple of what a device this busy explains: of the busy share u a forward pass times u / (1 - u)."""
MEMORY = "gpu_memory_used_percent"
CONTROLLER, QUEUE_SHARE = "gpu_memory_utilization_percent", "queue_share_percent"
SERVICE_QUEUE, SERVICE_QUEUE_SHARE = "service_queue_wait_ms", "service_queue_share_percent"
"""What the service on a device says of all its requests: known only where nobody traced those of the device itself."""
SELDOM = frozenset({SERVICE_QUEUE, SERVICE_QUEUE_SHARE, NVLINK_BUSY})
"""Figures that most devices cannot have: their lack is not told as a gap."""
OTHERS_MEMORY, REASONS = "gpu_other_processes_memory_percent", "gpu_throttle_reasons"
SLOWED = 0x8 | 0x20 | 0x40 | 0x80
"""Bits of the reasons that mean trouble: hardware slowdown, thermal, power brake; a power cap is normal."""
SPREAD_AT_LEAST = 3.0
"""A change counts from this many robust standard deviations of single samples of the baseline."""


@dataclass(frozen=True)
class Shift:
    """Compare a figure's median in the window with the baseline's; None is unknown."""

    metric: str
    before: float | None
    now: float | None
    deviations: float | None
    """Change in robust standard deviations of the baseline's samples."""

    def words(self) -> str:
        """Say it in one clause."""
        if self.now is None:
            return f"{self.metric} is unknown"
        was = "unknown before" if self.before is None else f"{self.before:.4g} before"
        return f"{self.metric} {self.now:.4g} ({was})"


@dataclass(frozen=True)
class Condition:
    """Ask something of a figure: how it changed, or what it is now."""

    metric: str
    how: Literal["rises", "falls", "at least", "at most", "does not fall"]
    by: float
    """In the figure's unit; for rises and falls of *relative* figures a share of the value before."""
    relative: Literal["absolute", "relative"] = "absolute"

    def holds(self, shift: Shift) -> bool | None:
        """Return whether it holds; None where that is unknown."""
        if shift.now is None:
            return None
        if self.how == "at least":
            return shift.now >= self.by
        if self.how == "at most":
            return shift.now <= self.by
        if shift.before is None or shift.deviations is None:
            return None
        needed = self.by * abs(shift.before) if self.relative == "relative" else self.by
        change = shift.now - shift.before
        if self.how == "does not fall":
            return change > -needed
        sign = 1.0 if self.how == "rises" else -1.0
        return sign * change >= needed and sign * shift.deviations >= SPREAD_AT_LEAST


@dataclass(frozen=True)
class Rule:
    """Name a cause, what must hold together, what supports it, and what it means in words."""

    cause: Cause
    needs: tuple[tuple[Condition, ...], ...]
    """All groups must hold; of a group one condition is enough."""
    words: str


LINKS: tuple[tuple[Cause, str, str], ...] = (
    ("pcie_limit", PCIE_BUSY, "PCIe is full, and work became slower: the device waits for what the host moves."),
    ("nvlink_limit", NVLINK_BUSY, "NVLink is full, and work became slower: devices wait for each other's data."),
)
"""Cause, how full its link is, and what that means."""


def _full(cause: Cause, busy: str, words: str) -> Rule:
    """Return the rule of a link: protocol takes some of what lanes carry, so it is full well below 100 %."""
    return Rule(cause, (
        (Condition(busy, "at least", 70.0),), (Condition(busy, "rises", 20.0),),
        (Condition(FORWARD, "rises", 0.15, "relative"), Condition(QUEUE, "rises", 0.5, "relative"),
         Condition(SERVICE_QUEUE, "rises", 0.5, "relative")),
    ), words)  # fmt: skip


RULES: tuple[Rule, ...] = (
    Rule("stuck_device", (
        (Condition(UTILIZATION, "at least", 90.0),), (Condition(POWER, "falls", 0.4, "relative"),),
        (Condition(REQUESTS, "falls", 0.8, "relative"), Condition(QUEUE, "rises", 1.0, "relative")),
    ), "The device says that it is busy, yet draws little power and finishes nothing: it is stuck."),
    Rule("throttle", (
        (Condition(CLOCK, "falls", 0.1, "relative"),),
        (Condition(THROTTLED, "at least", 20.0), Condition(TEMPERATURE, "rises", 5.0)),
        (Condition(UTILIZATION, "does not fall", 15.0), Condition(POWER, "at least", 100.0)),
    ), "The device is busy at a lower clock: it is throttled."),
    Rule("noisy_neighbour", (
        (Condition(OTHERS, "rises", 10.0), Condition(OTHERS_MEMORY, "rises", 3.0)),
        (Condition(FORWARD, "rises", 0.15, "relative"), Condition(QUEUE, "rises", 0.5, "relative"),
         Condition(SERVICE_QUEUE, "rises", 0.5, "relative")),
    ), "Other processes on the device take its time, and our work became slower: a noisy neighbour."),
    Rule("vram_pressure", (
        (Condition(MEMORY, "at least", 92.0),), (Condition(MEMORY, "rises", 5.0),),
        (Condition(QUEUE, "rises", 0.5, "relative"), Condition(FORWARD, "rises", 0.15, "relative"),
         Condition(SERVICE_QUEUE, "rises", 0.5, "relative")),
    ), "The device's memory is full, and requests wait for it: VRAM pressure."),
    Rule("gpu_memory_wait", (
        (Condition(UTILIZATION, "at least", 55.0),), (Condition(CONTROLLER, "at least", 75.0),),
        (Condition(CONTROLLER, "rises", 20.0),),
        (Condition(QUEUE_SHARE, "at least", 35.0), Condition(SERVICE_QUEUE_SHARE, "at least", 35.0)),
        (Condition(QUEUE_SHARE, "rises", 20.0), Condition(SERVICE_QUEUE_SHARE, "rises", 20.0)),
    ), "The device is busy {gpu_utilization_percent:.0f} %, yet {queue_share_percent:.0f} % of request time is waiting "
       "for its memory."),
    *(_full(cause, busy, words) for cause, busy, words in LINKS),
    Rule("data_loader_starvation", (
        (Condition(UTILIZATION, "falls", 15.0),), (Condition(LOADER, "rises", 15.0),),
    ), "The device idles while its process waits for data: the data loader starves it."),
    Rule("queue_starvation", (
        (Condition(UTILIZATION, "falls", 15.0), Condition(UTILIZATION, "falls", 0.3, "relative"),
         Condition(BEYOND, "at least", 5.0)),
        (Condition(QUEUE, "rises", 0.5, "relative"),), (Condition(REQUESTS, "does not fall", 0.4, "relative"),),
    ), "The device idles while requests wait in the queue: they do not reach it."),
)  # fmt: skip
"""In order of precedence: a stuck or throttled device also makes queues grow."""


@dataclass(frozen=True)
class Verdict:
    """Say what is wrong, why we think so, what speaks for something else, and what nobody measured."""

    cause: Cause
    words: str
    evidence: tuple[Shift, ...]
    also: tuple[Cause, ...]
    """Further causes whose every condition holds."""
    unknown: tuple[str, ...]
    """Figures that a rule needed and nobody measured."""


def verdict(window: pd.DataFrame, baseline: pd.DataFrame) -> Verdict:
    """Return what is wrong with one device in *window* as against *baseline*.

    Both hold one row a sample and a column a figure (the names of this module); absent columns and
    nulls are unknown. Nothing known of utilisation, clock and power gives ``unknown``.
    """
    window, baseline = derived(window), derived(baseline)
    asked = dict.fromkeys(c.metric for rule in RULES for group in rule.needs for c in group)
    shifts = {metric: shift(metric, window, baseline) for metric in asked if metric != BEYOND}
    shifts[BEYOND] = _beyond(shifts[UTILIZATION], shifts[QUEUE], shifts[FORWARD])
    groups = [[c.metric for c in group] for rule in RULES for group in rule.needs]
    unmeasured = [group for group in groups if all(shifts[m].now is None for m in group)]
    missing = tuple(sorted({m for group in unmeasured for m in group} - SELDOM))
    hits = [rule for rule in RULES if all(any(c.holds(shifts[c.metric]) for c in group) for group in rule.needs)]
    if hits:
        best = hits[0]
        true = [c.metric for group in best.needs for c in group if c.holds(shifts[c.metric])]
        evidence = tuple(shifts[m] for m in dict.fromkeys(true))
        now = {m: s.now for m, s in shifts.items()}
        if now[QUEUE_SHARE] is None:
            now[QUEUE_SHARE] = now[SERVICE_QUEUE_SHARE]
        said = best.words.format_map(now)
        words = f"{said} {'; '.join(s.words() for s in evidence)}."
        return Verdict(best.cause, words, evidence, tuple(rule.cause for rule in hits[1:]), missing)
    if all(shifts[m].now is None for m in (UTILIZATION, CLOCK, POWER)):
        return Verdict("unknown", "Nobody measured utilisation, clock or power: nothing can be said of the device.",
                       (), (), missing)  # fmt: skip
    said = f" Not measured: {', '.join(missing)}." if missing else ""
    return Verdict("healthy", f"No rule for a sick device holds.{said}", (), (), missing)


def shift(metric: str, window: pd.DataFrame, baseline: pd.DataFrame) -> Shift:
    """Compare medians; the spread is 1.4826 x MAD of the baseline, at least 0.1 % of its median."""
    now, before = _known(window, metric), _known(baseline, metric)
    if not len(now):
        return Shift(metric, float(np.median(before)) if len(before) else None, None, None)
    if not len(before):
        return Shift(metric, None, float(np.median(now)), None)
    middle = float(np.median(before))
    spread = max(1.4826 * float(np.median(np.abs(before - middle))), 1e-3 * abs(middle), 1e-9)
    return Shift(metric, middle, float(np.median(now)), (float(np.median(now)) - middle) / spread)


def _beyond(used: Shift, queue: Shift, forward: Shift) -> Shift:
    """Compare waits with those of a queue whose server is as busy as the device: load of the day does not move it.

    Random arrivals give about 1 at any load, bursts a few times that; far above, what feeds the device holds back.
    """

    def multiple(percent: float | None, wait: float | None, work: float | None) -> float | None:
        if percent is None or wait is None or not work:
            return None
        # One percent either way: a device that seems idle or busy all the time would explain nothing or anything.
        busy = float(np.clip(percent / 100, 0.01, 0.99))
        return wait / work * (1 - busy) / busy

    before = multiple(used.before, queue.before, forward.before)
    return Shift(BEYOND, before, multiple(used.now, queue.now, forward.now), None)


def time_split(window: pd.DataFrame) -> dict[str, float | None]:
    """Return where the device's time went, in percent that add up to 100; all None where utilisation is unknown.

    ``busy`` at full clock, ``throttled`` (busy while a reason to slow down held), ``waiting`` (idle while
    requests waited), ``idle``, and ``unknown``: samples without a utilisation.
    """
    names = ("busy", "throttled", "waiting", "idle", "unknown")
    if UTILIZATION not in window or not len(window):
        return dict.fromkeys(names)
    window = derived(window)
    used = window[UTILIZATION].astype(float)
    known = used.notna()
    if not known.any():
        return dict.fromkeys(names)
    slow = column(window, THROTTLED).fillna(0.0).clip(0, 100) / 100
    queued = column(window, QUEUE).fillna(0.0) > 1.0
    n = len(window)
    work, rest = used[known].clip(0, 100), 100 - used[known].clip(0, 100)
    return {
        "busy": float((work * (1 - slow[known])).sum() / n), "throttled": float((work * slow[known]).sum() / n),
        "waiting": float(rest[queued[known]].sum() / n), "idle": float(rest[~queued[known]].sum() / n),
        "unknown": 100.0 * float((~known).sum()) / n,
    }  # fmt: skip


def figures(samples: pd.DataFrame, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Return rows of metric_samples of one device as one row a time and a column a figure; the last value wins."""
    chosen = samples if metrics is None else samples[samples["metric"].isin(metrics)]
    row, times = pd.factorize(chosen["time_ns"], sort=True)
    place, names = pd.factorize(chosen["metric"], sort=True)
    values = chosen["value"].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values) & (row >= 0) & (place >= 0)
    found = np.full((len(times), len(names)), np.nan)
    found[row[known], place[known]] = values[known]
    return pd.DataFrame(found, index=pd.Index(times, name="time_ns"), columns=pd.Index(names, name="metric"))


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the shares of memory in use, of links in use and of time slowed, where they follow from other figures."""
    frame = with_links(frame)
    if MEMORY not in frame and USED in frame and TOTAL in frame:
        frame = frame.assign(**{MEMORY: 100.0 * frame[USED] / frame[TOTAL].where(frame[TOTAL] > 0)})
    if THROTTLED not in frame and REASONS in frame:
        bits = frame[REASONS].fillna(0).astype("int64")
        slowed = pd.Series(np.where(bits & SLOWED, 100.0, 0.0), index=frame.index).where(frame[REASONS].notna())
        frame = frame.assign(**{THROTTLED: slowed})
    return frame


def others_memory(processes: pd.DataFrame, total_bytes: float) -> pd.Series[float]:
    """Return by time what share of memory, in percent, programs hold that were not there first.

    *processes*: rows of metric_samples of one device with labels, metric ``gpu_process_memory_bytes``. Ours
    is the program (its name, else its pid) that was seen at the most times, and of equals the larger.
    """
    own = processes[processes["metric"] == "gpu_process_memory_bytes"].dropna(subset=["value"])
    if own.empty or not total_bytes > 0:
        return pd.Series(dtype=float)
    labels = [dict(pairs) if pairs is not None else {} for pairs in own["labels"]]
    own = own.assign(program=[str(pairs.get("process_name") or pairs.get("pid") or "") for pairs in labels])
    by_time = own.pivot_table(index="time_ns", columns="program", values="value", aggfunc="sum", fill_value=0.0)
    ours = max(by_time.columns, key=lambda p: (int((by_time[p] > 0).sum()), float(by_time[p].sum()), p))
    foreign: pd.Series[float] = 100.0 * by_time.drop(columns=ours).sum(axis=1) / total_bytes
    return foreign


def _known(frame: pd.DataFrame, metric: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = np.asarray(column(frame, metric), dtype=np.float64)
    known: np.ndarray[tuple[int], np.dtype[np.float64]] = values[np.isfinite(values)]
    return known
