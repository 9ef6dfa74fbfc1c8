"""Kineto: traces of the PyTorch profiler (NVIDIA, ROCm, CPU only), streamed, in exact integer ns.

Kernels are not kept in the store: a trace of a second holds ten thousand of them. What
enters the store is a summary of each device (``metric_samples``); ``trace`` reads a file
for ``workbench.analysis.gpu_trace``, which wants every kernel.
"""

from __future__ import annotations

import gzip
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from workbench.errors import SourceError
from workbench.model.intervals import span, total
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._gpu_metrics import device
from workbench.sources._json import canonical
from workbench.sources._kineto_events import Event, Stream, events, exact_ns
from workbench.sources._rows import Rows, digest

GPU_CATEGORIES = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
COMPUTATION, COMMUNICATION, MEMORY = 0, 1, 2
KINDS = ("computation", "communication", "memory")
_COMMUNICATION = re.compile(r"(nccl|rccl)", re.IGNORECASE)
_MEMORY = re.compile(r"(memcpy|memset|dma)", re.IGNORECASE)
_EPOCH_NS = 10**18
"""Times of early 2001: less is counted from a machine's start, not from 1970."""
_BIG = 2**63


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


def trace(what: BinaryIO | Path) -> KinetoTrace:
    """Read a trace, plain or gzip; memory grows with the device's events, not with the file."""
    if isinstance(what, Path):
        with what.open("rb") as plain:
            return trace(plain)
    magic = what.read(2)
    joined = cast(BinaryIO, io.BufferedReader(_Put(magic, what), 1 << 16))
    source = cast(BinaryIO, gzip.GzipFile(fileobj=joined)) if magic == b"\x1f\x8b" else joined
    stream, found, known = Stream(), KinetoTrace(), dict[str, int]()
    try:
        for event in events(source, stream):
            _take(event, found, known, stream)
    except (EOFError, OSError) as error:
        raise SourceError(f"The trace breaks off or is no gzip: {error}. Copy the file again, then retry.") from error
    _finish(stream, found)
    return found


class _Put(io.RawIOBase):
    """Put the bytes already read before the rest of a stream that cannot be sought in."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._start or self._rest.read(len(buffer))
        self._start = b""
        buffer[: len(data)] = data
        return len(data)


def _take(event: Event, found: KinetoTrace, known: dict[str, int], stream: Stream) -> None:
    found.events += 1
    if event.ph != "X":
        return
    category = event.cat or ""
    found.categories[category] += 1
    name = event.name or ""
    on_device = category in GPU_CATEGORIES
    correlation = _whole(event.args.correlation) if event.args is not None else None
    step = category == "user_annotation" and name.startswith("ProfilerStep")
    if not on_device and correlation is None and not step:
        return
    start = exact_ns(event.ts)
    if not on_device and not step and start is not None:
        found.launches.setdefault(cast(int, correlation), start)
        return
    length = exact_ns(event.dur)
    if start is None or length is None or length < 0:
        if on_device:
            stream.broken.append(("a kernel without a time that can be read", name.encode("utf-8", "replace")))
        return
    if step:
        found.steps.append((start, start + length))
    else:
        args = event.args
        found.device.append(_or(_whole(args.device if args else None)))
        found.stream.append(_or(_whole(args.stream if args else None)))
        found.start_ns.append(start)
        found.end_ns.append(start + length)
        found.kind.append(_kind(category, name))
        found.name.append(known.setdefault(name, len(known)))
        found.correlation.append(_or(correlation))
        if len(known) > len(found.names):
            found.names.append(_clean(name))


def _finish(stream: Stream, found: KinetoTrace) -> None:
    """Add what stands beside the events, and move times onto the wall clock where its base is said."""
    found.base_ns = _whole(stream.head.get("baseTimeNanoseconds"))
    distributed = stream.head.get("distributedInfo")
    found.rank = _whole(distributed.get("rank")) if isinstance(distributed, dict) else None
    said = stream.head.get("deviceProperties")
    found.devices = {
        number: _clean(entry["name"])
        for entry in (said if isinstance(said, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        and (number := _whole(entry.get("id"))) is not None
    }  # fmt: skip
    base = found.base_ns
    times = (found.start_ns, found.end_ns)
    if base and all(abs(base + t) < _BIG for column in times for t in (min(column, default=0), max(column, default=0))):
        found.start_ns, found.end_ns = (array("q", (base + t for t in column)) for column in times)
        found.launches = {c: base + t for c, t in found.launches.items()}
        found.steps = [(base + a, base + b) for a, b in found.steps]
    found.broken = tuple(stream.broken)


def _clean(text: str) -> str:
    """Return text that UTF-8 can hold: JSON may spell lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _kind(category: str, name: str) -> int:
    if category != "kernel" or _MEMORY.match(name):
        return MEMORY
    return COMMUNICATION if _COMMUNICATION.match(name) else COMPUTATION


def _whole(value: Any) -> int | None:  # whatever JSON holds
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _BIG else None


def _or(value: int | None) -> int:
    return -1 if value is None else value


def recognise(head: Head) -> float:
    """Recognise a list of trace events that the profiler's own words accompany."""
    start = head.start
    if b'"traceEvents"' not in start and not (b'"schemaVersion"' in start and b'"deviceProperties"' in start):
        return 0.0
    own = (b"deviceProperties", b"distributedInfo", b"PyTorch Profiler", b'"cpu_op"', b"baseTimeNanoseconds",
           b'"kernel"')  # fmt: skip
    return 0.95 if any(word in start for word in own) else 0.5


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield one batch: of each device how long the trace spans, its busy share and its time in kernels.

    The samples' time is the trace's end; where the trace's clock does not count from 1970,
    it is the time of receipt, and the label ``clock`` says so.
    """
    found = trace(what)
    rows = Rows("kineto", context, (METRICS,))
    for reason, content in found.broken:
        rows.reject(Rejection.of(reason, context.place, content))
    for number in sorted(set(found.device)):
        _summarise(found, number, rows, context)
    yield rows.batch()


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
    for metric, value, unit in figures:
        rows.add(METRICS, {
            "series": digest(entity, metric, canonical({})), "time_ns": end if own_clock else context.received_ns,
            "entity": entity, "metric": metric, "value": value, "unit": unit, "type": "gauge", "labels": labels,
        })  # fmt: skip


SOURCE = Source(
    name="kineto",
    title="PyTorch profiler",
    doc="Traces of the PyTorch profiler (Kineto): how long each device was busy, and in what kind of kernels.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
)
