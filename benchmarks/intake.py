"""End-to-end intake: spans a second through HTTP, masking and fsync with 4 senders, beside an MLflow tracking server.

Run ``python benchmarks/intake.py [--seconds 20] [--json]``. Both servers are real processes
on this machine and take the same pre-encoded bodies, each with ids of its own; senders
run in a third process. The peer takes the first bodies of the same list.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_A_BODY = 500
SENDERS = 4
FLOOR_SPANS_PER_S = 20_000
FLOOR_RATIO = 30
MOST_RSS_MIB = 512
_SERVER = (
    "import sys; from workbench.intake.server import serve; from workbench.store import Store; "
    "serve(Store.open(sys.argv[1]), port=int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Outcome:
    """What a run of senders saw."""

    spans: int
    seconds: float
    refused: int
    waits_s: np.ndarray
    """Seconds from sending a body to its acknowledgement."""
    peak_rss_mib: float

    @property
    def spans_per_s(self) -> float:
        """Acknowledged spans a second of wall clock."""
        return self.spans / self.seconds


class Bodies:
    """Make request bodies that differ in every trace and span id only, fast enough to keep 4 senders busy."""

    def __init__(self, spans: int) -> None:
        """Encode one body and note where its ids stand."""
        request, trace_marks, span_marks = _template(spans)
        self._body = np.frombuffer(request, np.uint8)
        self._trace_at = [_places(request, mark) for mark in trace_marks]
        self._span_at = [_places(request, mark) for mark in span_marks]

    def next(self) -> bytes:
        """Return a body with fresh ids."""
        body = self._body.copy()
        for width, marks in ((16, self._trace_at), (8, self._span_at)):
            fresh = np.frombuffer(secrets.token_bytes(width * len(marks)), np.uint8).reshape(-1, width)
            for places, value in zip(marks, fresh, strict=True):
                for at in places:
                    body[at : at + width] = value
        return body.tobytes()


def _template(spans: int) -> tuple[bytes, list[bytes], list[bytes]]:
    """Return one body of traces of five spans, with the ids in it, as a web service with a model sends them."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    for key, value in (("service.name", "scoring"), ("host.name", "node-7"), ("service.version", "4.2.0")):
        resource.resource.attributes.add(key=key).value.string_value = value
    scope = resource.scope_spans.add()
    trace_marks = [secrets.token_bytes(16) for _ in range(spans // 5)]
    span_marks = [secrets.token_bytes(8) for _ in range(spans)]
    begin_ns = time.time_ns()
    for row in range(spans):
        trace, place = divmod(row, 5)
        span = scope.spans.add(trace_id=trace_marks[trace], span_id=span_marks[row], kind=2)
        span.name = ("POST /score", "features.get", "redis GET", "model.predict", "db INSERT")[place]
        span.start_time_unix_nano = begin_ns + row * 10_000
        span.end_time_unix_nano = span.start_time_unix_nano + 5_000_000 + row
        if place:
            span.parent_span_id = span_marks[row - place]
        texts = {"http.request.method": "POST", "url.path": f"/score/{row % 40}",
                 "user.email": f"user{row % 97}@example.org",
                 "ml.model.name": "fraud", "ml.model.version": "12", "order.id": f"o-{begin_ns + row}"}  # fmt: skip
        for key, value in texts.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="http.response.status_code").value.int_value = 200
        span.attributes.add(key="feature.freshness_s").value.double_value = row / 7
    return request.SerializeToString(), trace_marks, span_marks


def _places(body: bytes, mark: bytes) -> list[int]:
    places, at = [], body.find(mark)
    while at >= 0:
        places.append(at)
        at = body.find(mark, at + 1)
    return places


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], port: int, ready: str, *, wait_s: float = 90.0, **environment: str
) -> Iterator[psutil.Process]:
    """Run a server for as long as the block lasts, from when it answers 200 at *ready*."""
    server = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    process = psutil.Process(server.pid)
    try:
        until = time.monotonic() + wait_s
        while _status(port, ready) != 200:
            if server.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"The server did not start: {' '.join(command[:4])}")
            time.sleep(0.1)
        yield process
    finally:
        for child in process.children(recursive=True) if server.poll() is None else []:
            child.terminate()
        server.terminate()
        server.wait(timeout=30)


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def send(port: int, bodies: list[bytes], seconds: float, process: psutil.Process, headers: dict[str, str]) -> Outcome:
    """Send the bodies from 4 threads, each once, until they or the seconds end; refused ones are counted."""
    left = iter(bodies)
    lock = threading.Lock()
    waits: list[float] = []
    refused = 0
    last = began = time.perf_counter()

    def work() -> None:
        nonlocal refused, last
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while time.perf_counter() - began < seconds:
            with lock:
                body = next(left, None)
            if body is None:
                break
            sent = time.perf_counter()
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            done = time.perf_counter()
            with lock:
                if answer.status == 200:
                    waits.append(done - sent)
                    last = max(last, done)
                else:
                    refused += 1
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    peak = 0.0
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, sum(p.memory_info().rss for p in [process, *process.children(recursive=True)]) / 2**20)
        time.sleep(0.2)
    return Outcome(len(waits) * SPANS_A_BODY, last - began, refused, np.array(waits), peak)


def measure_own(bodies: list[bytes], seconds: float, folder: Path) -> Outcome:
    """Measure this workbench's server, and check that the store holds what was acknowledged."""
    from workbench.store import Store

    port = free_port()
    command = [sys.executable, "-c", _SERVER, str(folder / "store"), str(port)]
    headers = {"Content-Type": "application/x-protobuf"}
    with running(command, port, "/readyz") as process:
        send(port, [Bodies(50).next() for _ in range(8)], 5, process, headers)
        outcome = send(port, bodies, seconds, process, headers)
    with Store.open(folder / "store", mode="read") as store:
        held = store.counts()["spans"] - 8 * 50
    if held != outcome.spans:
        raise SystemExit(f"Acknowledged {outcome.spans} spans, the store holds {held}.")
    return outcome


def measure_mlflow(bodies: list[bytes], seconds: float, folder: Path) -> Outcome:
    """Measure an MLflow tracking server on SQLite with the same bodies."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination",
        str(folder / "artifacts"),
    ]  # fmt: skip
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    with running(command, port, "/health", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1") as process:
        return send(port, bodies, seconds, process, headers)


def main() -> None:
    """Measure both, print the figures, and say where a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--peer-seconds", type=float, default=15.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    maker = Bodies(SPANS_A_BODY)
    bodies = [maker.next() for _ in range(int(arguments.seconds * 60_000 / SPANS_A_BODY))]
    with tempfile.TemporaryDirectory() as folder:
        own = measure_own(bodies, arguments.seconds, Path(folder))
        peer = measure_mlflow(bodies, arguments.peer_seconds, Path(folder))
    figures = {
        "spans_per_s": round(own.spans_per_s),
        "floor_spans_per_s": FLOOR_SPANS_PER_S,
        "mlflow_spans_per_s": round(peer.spans_per_s),
        "ratio": round(own.spans_per_s / peer.spans_per_s, 1) if peer.spans else None,
        "floor_ratio": FLOOR_RATIO,
        "spans": own.spans,
        "ack_p50_ms": round(float(np.quantile(own.waits_s, 0.5)) * 1e3, 1),
        "ack_p99_ms": round(float(np.quantile(own.waits_s, 0.99)) * 1e3, 1),
        "refused": own.refused,
        "peak_rss_mib": round(own.peak_rss_mib),
        "most_rss_mib": MOST_RSS_MIB,
        "mlflow_peak_rss_mib": round(peer.peak_rss_mib),
        "bytes_a_body": len(bodies[0]),
        "spans_a_body": SPANS_A_BODY,
        "senders": SENDERS,
    }
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:>22}  {value}")
    ratio = figures["ratio"]
    if own.spans_per_s < FLOOR_SPANS_PER_S or own.peak_rss_mib > MOST_RSS_MIB or (ratio or 0) < FLOOR_RATIO:
        raise SystemExit("A floor is missed.")


if __name__ == "__main__":
    main()
