"""Real senders over HTTP to the real intake: OpenTelemetry's Python exporter, directly and through Rotel."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from workbench.intake.server import serving
from workbench.store import Store

WAIT_S = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def address(store: Store) -> Iterator[str]:
    with serving(store) as url:
        yield url


@pytest.fixture
def rotel(address: str, tmp_path: Path) -> Iterator[str]:
    """Run Rotel, taking OTLP/HTTP and sending it on to the intake; yield where it listens."""
    found = importlib.util.find_spec("rotel")
    if found is None or not found.submodule_search_locations:
        pytest.skip("rotel is not installed: pip install rotel.")
    agent = Path(found.submodule_search_locations[0]) / "rotel-agent"
    grpc, http = free_port(), free_port()
    command = [str(agent), "start", "--exporter", "otlp", "--otlp-exporter-endpoint", address]
    command += ["--otlp-exporter-protocol", "http", "--batch-timeout", "100ms"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    with (tmp_path / "rotel.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(lambda: listens(http) or process.poll() is not None)
            assert process.poll() is None, (tmp_path / "rotel.log").read_text()
            yield f"http://127.0.0.1:{http}"
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(ready: Callable[[], Any]) -> None:
    until = time.monotonic() + WAIT_S
    while not ready():
        assert time.monotonic() < until, f"not ready after {WAIT_S} s"
        time.sleep(0.05)


def send_spans(endpoint: str, compression: Compression = Compression.NoCompression) -> set[tuple[str, str]]:
    """Send 3 spans of one request with the real exporter; return their ids."""
    provider = TracerProvider(resource=Resource.create({"service.name": "scoring", "host.name": "node-1"}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", compression=compression, timeout=5)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("service")
    with tracer.start_as_current_span("POST /predict", kind=SpanKind.SERVER) as root:
        root.set_attributes({"mlflow.run_id": "run-1", "big": 2**62, "tags": ["a", "b"]})
        with tracer.start_as_current_span("queue") as queue:
            queue.set_attribute("queue_wait_ms", 3.5)
        with tracer.start_as_current_span("forward") as forward:
            forward.record_exception(ValueError("no such category"))
    provider.shutdown()
    context = (root.get_span_context(), queue.get_span_context(), forward.get_span_context())
    return {(f"{c.trace_id:032x}", f"{c.span_id:016x}") for c in context}


def check_spans(store: Store, sent: set[tuple[str, str]]) -> None:
    rows = store.ask("rows", table="spans").to_pylist()
    assert {(r["trace_id"], r["span_id"]) for r in rows} == sent
    by_name = {r["name"]: r for r in rows}
    root, queue, forward = by_name["POST /predict"], by_name["queue"], by_name["forward"]
    assert (root["kind"], root["service"], root["host"], root["run_id"]) == ("server", "scoring", "node-1", "run-1")
    assert dict(root["attributes"])["tags"] == '["a","b"]'
    assert dict(root["attributes"])["big"] == str(2**62)
    assert queue["queue_wait_ms"] == 3.5
    assert queue["parent_span_id"] == forward["parent_span_id"] == root["span_id"]
    assert "no such category" in forward["events"]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_3_spans_of_the_python_exporter_are_on_disk_once_it_is_answered(
    store: Store, address: str, compression: Compression
) -> None:
    check_spans(store, send_spans(address, compression))


def test_3_spans_come_through_rotel_unchanged(store: Store, address: str, rotel: str) -> None:
    sent = send_spans(rotel)
    wait_for(lambda: store.ask("rows", table="spans").num_rows >= 3)
    check_spans(store, sent)


def test_a_counter_and_a_histogram_of_the_python_sdk_arrive(store: Store, address: str) -> None:
    exporter = OTLPMetricExporter(endpoint=f"{address}/v1/metrics", timeout=5)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "scoring"}))
    meter = provider.get_meter("service")
    meter.create_counter("decisions").add(5)
    meter.create_histogram("latency", unit="ms").record(7.0)
    provider.shutdown()
    rows = store.ask("rows", table="metric_samples").to_pylist()
    values = {r["metric"]: r["value"] for r in rows if r["metric"] != "latency_bucket"}
    assert values == {"decisions": 5, "latency_count": 1, "latency_sum": 7, "latency_min": 7, "latency_max": 7}
    buckets = {dict(r["labels"])["le"]: r["value"] for r in rows if r["metric"] == "latency_bucket"}
    assert (buckets["5.0"], buckets["10.0"], buckets["+Inf"]) == (0, 1, 1)
