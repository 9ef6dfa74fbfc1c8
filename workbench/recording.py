"""Record devices beside a run: a context manager for training code, and a sampler for a notebook's kernel."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbench.errors import SourceError, UsageError
from workbench.model.window import parse_duration_ns
from workbench.sources import nvml

RECONNECT_NS = 10_000_000_000
"""How long a driver that does not answer is left alone before it is asked again."""
_MOST_EVENTS = 64


class Sampler:
    """Take samples of every NVIDIA device and of this host, and outlive drivers that go away.

    While a driver does not answer, the devices that it knew are null; it is started anew every ten seconds. `trouble`
    is the sentence that says what is wrong now, or empty.
    """

    def __init__(self, library: Any = None) -> None:  # the module pynvml, or its stand-in
        """Begin without a driver: the first sample looks for one."""
        self.trouble = ""
        self._library, self._connected, self._tried_ns = library, None, -RECONNECT_NS
        self._known: dict[str, Mapping[str, str]] = {}
        self._events: Any = None
        self._xids: dict[str, float] = {}

    def lines(self, now_ns: int) -> list[nvml.Line]:
        """Return one line a device, MIG instance and program, and one of the host."""
        return [*self.devices(now_ns), nvml.sample_host(now_ns)]

    def devices(self, now_ns: int) -> list[nvml.Line]:
        """Return one line a device, MIG instance and program."""
        if self._connected is None and now_ns - self._tried_ns >= RECONNECT_NS:
            self._connect(now_ns)
        found: list[nvml.Line] = [] if self._connected is None else nvml.sample(self._connected, now_ns)
        if not found:
            if self._connected is not None:
                self._let_go(now_ns)
            return [nvml.unknown(now_ns, entity, labels) for entity, labels in self._known.items()]
        self._hear()
        for line in found:
            if "pid" not in line["labels"] and "gpu_utilization_percent" in line["figures"]:
                heard = self._xids.get(line["entity"], 0.0) if self._events is not None else None
                line["figures"]["gpu_last_xid"] = heard
        self._known |= {line["entity"]: line["labels"] for line in found if "pid" not in line["labels"]}
        return found

    def _connect(self, now_ns: int) -> None:
        self._tried_ns = now_ns
        try:
            self._connected = nvml.connect(self._library)
        except SourceError as error:
            self.trouble = str(error)
            return
        self.trouble = ""
        self._events = nvml.xid_events(self._connected)

    def _let_go(self, now_ns: int) -> None:
        """Forget a driver that no longer says how many devices there are: it was reset, or unloaded."""
        nvml.disconnect(self._connected)
        self._connected, self._events, self._tried_ns = None, None, now_ns
        self.trouble = "The NVIDIA driver no longer answers; it is asked again every ten seconds."

    def _hear(self) -> None:
        """Take the errors (XID) that devices have raised since the last sample."""
        for _ in range(_MOST_EVENTS if self._events is not None else 0):
            event = nvml.next_xid(self._connected, self._events)
            if event is None:
                return
            self._xids[event[0]] = event[1]


class Recorder:
    """Sample every NVIDIA device, and this host, in a thread of its own, until stopped.

    Each line of *out* (JSON, as ``workbench record gpu --to file`` writes; ``workbench ingest`` reads it) carries
    the MLflow run and the trace that were active where the recorder was started. Without a driver the host
    alone is recorded, and `trouble` says why. The caller's work is never interrupted by a failed sample.
    """

    def __init__(
        self,
        out: Path | str,
        *,
        interval: str = "1s",
        run_id: str | None = None,
        library: Any = None,  # the module pynvml, or its stand-in
    ) -> None:
        """Take the file that lines are added to, and how often; *run_id* stands in for the active run."""
        self.out, self.step_ns = Path(out), parse_duration_ns(interval)
        if self.step_ns <= 0:
            raise UsageError(f"An interval is longer than nothing; got {interval!r}.")
        self.samples, self.trouble = 0, ""
        self.labels: Mapping[str, str] = {}
        self._run_id, self._library = run_id, library
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to sample; the run and trace of this moment stand on every line."""
        if self._thread is not None:
            raise UsageError("This recorder runs already; stop it first, or make another.")
        self.labels = context(self._run_id)
        self._over.clear()
        self._thread = threading.Thread(target=self._record, name="workbench-gpu-recorder", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> int:
        """Stop, and return how many samples were taken."""
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None
        return self.samples

    def __enter__(self) -> Self:
        """Begin to sample."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        """Stop; what the block raised goes on."""
        self.stop()

    def _record(self) -> None:
        sampler, beat, begin = Sampler(self._library), 0, time.monotonic_ns()
        with self.out.open("a", encoding="utf-8") as file:
            while not self._over.is_set():
                for line in sampler.lines(time.time_ns()):
                    file.write(json.dumps({**line, "labels": {**line["labels"], **self.labels}}) + "\n")
                file.flush()
                self.samples, self.trouble = self.samples + 1, sampler.trouble or self.trouble
                beat = max(beat + 1, (time.monotonic_ns() - begin) // self.step_ns)
                self._over.wait(max(0.0, (begin + beat * self.step_ns - time.monotonic_ns()) / 1e9))


def context(run_id: str | None = None) -> dict[str, str]:
    """Return labels of the active MLflow run and trace; libraries that nobody has imported are not imported."""
    found: dict[str, str] = {}
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None and run_id is None else None
    named = run_id or (active.info.run_id if active is not None else None)
    if named:
        found["run_id"] = str(named)
    tracing = sys.modules.get("opentelemetry.trace")
    if tracing is not None:
        span = tracing.get_current_span().get_span_context()
        if span.is_valid:
            found |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    return found
