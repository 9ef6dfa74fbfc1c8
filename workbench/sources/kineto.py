"""Kineto: traces of the PyTorch profiler (NVIDIA, ROCm, CPU only), streamed, in exact integer ns.

Kernels are not kept in the store: a trace of a second holds ten thousand of them. What
enters the store is a summary of each device (``metric_samples``); ``trace`` reads a file
for ``workbench.analysis.gpu_trace``, which wants every kernel.
"""

from __future__ import annotations

import gzip
import io
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from workbench.errors import SourceError
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Source
from workbench.sources._gpu_trace import KinetoTrace, kind_of, summary, valid_text
from workbench.sources._kineto_events import Event, Stream, events, exact_ns

GPU_CATEGORIES = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
_BIG = 2**63
_NEXT_BATCH = "enumerate(DataLoader)"
"""Name under which PyTorch marks that the training loop fetches its next batch."""


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
    wait = not on_device and name.startswith(_NEXT_BATCH)
    if not on_device and correlation is None and not step and not wait:
        return
    start = exact_ns(event.ts)
    if not on_device and not step and not wait and start is not None:
        found.launches.setdefault(cast(int, correlation), start)
        return
    length = exact_ns(event.dur)
    if start is None or length is None or length < 0:
        if on_device:
            stream.broken.append(("a kernel without a time that can be read", name.encode("utf-8", "replace")))
        return
    if step or wait:
        (found.steps if step else found.waits).append((start, start + length))
    else:
        args = event.args
        found.device.append(_or(_whole(args.device if args else None)))
        found.stream.append(_or(_whole(args.stream if args else None)))
        found.start_ns.append(start)
        found.end_ns.append(start + length)
        found.kind.append(kind_of(category, name))
        found.name.append(known.setdefault(name, len(known)))
        found.correlation.append(_or(correlation))
        if len(known) > len(found.names):
            found.names.append(valid_text(name))


def _finish(stream: Stream, found: KinetoTrace) -> None:
    """Add what stands beside the events, and move times onto the wall clock where its base is said."""
    found.base_ns = _whole(stream.head.get("baseTimeNanoseconds"))
    distributed = stream.head.get("distributedInfo")
    found.rank = _whole(distributed.get("rank")) if isinstance(distributed, dict) else None
    said = stream.head.get("deviceProperties")
    found.devices = {
        number: valid_text(entry["name"])
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
        found.waits = [(base + a, base + b) for a, b in found.waits]
    found.broken = tuple(stream.broken)


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
    yield summary(trace(what), "kineto", context)


SOURCE = Source(
    name="kineto",
    title="PyTorch profiler",
    doc="Traces of the PyTorch profiler (Kineto): how long each device was busy, and in what kind of kernels.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
)
