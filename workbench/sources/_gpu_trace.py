"""What a profiler's trace says of devices, whichever profiler wrote it: every kernel as columns, and a summary."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.model.intervals import span, total
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Rejection
from workbench.sources._gpu_metrics import device
from workbench.sources._json import canonical
from workbench.sources._rows import Rows, digest

COMPUTATION, COMMUNICATION, MEMORY = 0, 1, 2
KINDS = ("computation", "communication", "memory")
_COMMUNICATION = re.compile(r"(nccl|rccl)", re.IGNORECASE)
_MEMORY = re.compile(r"(memcpy|memset|dma)", re.IGNORECASE)
_EPOCH_NS = 10**18
"""Times of early 2001: less is counted from a machine's start, not from 1970."""


@dataclass
class KinetoTrace:
    """Hold the device's work of one trace as columns of equal length n, and what is known beside it."""

    device: array[int] = field(default_factory=lambda: array("q"))
    stream: array[int] = field(default_factory=lambda: array("q"))
    start_ns: array[int] = field(default_factory=lambda: array("q"))
    end_ns: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("b"))
    """Position in KINDS."""
    name: array[int] = field(default_factory=lambda: array("q"))
    """Position in *names*."""
    correlation: array[int] = field(default_factory=lambda: array("q"))
    """Links a kernel to its launch; -1 is unknown."""
    names: list[str] = field(default_factory=list)
    launches: dict[int, int] = field(default_factory=dict)
    """Correlation to the begin of the launch on the host, ns."""
    steps: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each profiler step, ns."""
    waits: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each wait of the training loop for its next batch, ns."""
    categories: Counter[str] = field(default_factory=Counter)
    """Complete events of each category."""
    events: int = 0
    base_ns: int | None = None
    rank: int | None = None
    devices: Mapping[int, str] = field(default_factory=dict)
    """Device number to its name."""
    broken: tuple[tuple[str, bytes], ...] = ()
    """What could not be read: the reason and its bytes."""

    @property
    def has_wall_clock(self) -> bool:
        """Say whether times count from 1970."""
        return bool(self.start_ns) and min(self.start_ns) >= _EPOCH_NS

    def columns(self) -> dict[str, Any]:
        """Return the columns that ``analysis.gpu_trace`` wants, each of length n; a launch that is unknown is -1."""
        launched = array("q", (self.launches.get(c, -1) if c >= 0 else -1 for c in self.correlation))
        return {"device": self.device, "stream": self.stream, "start_ns": self.start_ns, "end_ns": self.end_ns,
                "kind": self.kind, "name": self.name, "launched_ns": launched}  # fmt: skip


def valid_text(text: str) -> str:
    """Return text that UTF-8 can hold: JSON may spell lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def kind_of(category: str, name: str) -> int:
    """Return what kind of work a kernel, copy or fill is, as a position in KINDS."""
    if category != "kernel" or _MEMORY.match(name):
        return MEMORY
    return COMMUNICATION if _COMMUNICATION.match(name) else COMPUTATION


def summary(found: KinetoTrace, source: str, context: Context) -> Batch:
    """Return what a trace says of each of its devices, and what of it was broken."""
    rows = Rows(source, context, (METRICS,))
    for reason, content in found.broken:
        rows.reject(Rejection.of(reason, context.place, content))
    for number in sorted(set(found.device)):
        _summarise(found, number, rows, context)
    return rows.batch()


def _summarise(found: KinetoTrace, number: int, rows: Rows, context: Context) -> None:
    at = [i for i, of in enumerate(found.device) if of == number]
    work = [(found.start_ns[i], found.end_ns[i]) for i in at]
    begin, end = span(work)
    busy, own_clock = total(work), found.has_wall_clock
    index = "unknown" if number < 0 else str(number)
    entity = f"gpu:{device(None, context.place, index)}"
    labels = {"index": index, "clock": "trace" if own_clock else "received"}
    labels |= {"model_name": found.devices[number]} if number in found.devices else {}
    labels |= {"rank": str(found.rank)} if found.rank is not None else {}
    figures: list[tuple[str, float | None, str]] = [
        ("gpu_trace_span_s", (end - begin) / 1e9, "s"),
        ("gpu_trace_busy_percent", 100.0 * busy / (end - begin) if end > begin else None, "%"),
    ]
    for kind, name in enumerate(KINDS):
        length = sum(found.end_ns[i] - found.start_ns[i] for i in at if found.kind[i] == kind)
        figures.append((f"gpu_trace_{name}_s", length / 1e9, "s"))
    waits = [(max(a, begin), min(b, end)) for a, b in found.waits]
    if found.waits and end > begin:  # a trace that marks no wait does not say that there was none
        waited = total([(a, b) for a, b in waits if b > a])
        figures.append(("data_wait_percent", 100.0 * waited / (end - begin), "%"))
    for metric, value, unit in figures:
        rows.add(METRICS, {
            "series": digest(entity, metric, canonical({})), "time_ns": end if own_clock else context.received_ns,
            "entity": entity, "metric": metric, "value": value, "unit": unit, "type": "gauge", "labels": labels,
        })  # fmt: skip
