"""Real senders against the real server: the OpenTelemetry SDK's exporters and openlineage-python."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.transport.http import HttpConfig, HttpTransport
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import Status, StatusCode, format_trace_id

from workbench.intake.server import serving
from workbench.store import Store


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Open an empty store."""
    with Store.open(tmp_path_factory.mktemp("clients") / "store") as opened:
        yield opened


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    """Serve it."""
    with serving(store) as address:
        yield address


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_spans_of_the_opentelemetry_sdk_arrive_with_names_parents_and_errors(
    store: Store, url: str, compression: Compression
) -> None:
    """Two spans in protobuf, uncompressed, gzip and deflate: ids, parent, service, status, masked e-mail, exception."""
    results: list[SpanExportResult] = []

    class Recording(OTLPSpanExporter):
        def export(self, *arguments, **more):  # type: ignore[no-untyped-def]
            results.append(super().export(*arguments, **more))
            return results[-1]

    provider = TracerProvider(resource=Resource.create({"service.name": "checkout"}))
    provider.add_span_processor(SimpleSpanProcessor(Recording(endpoint=f"{url}/v1/traces", compression=compression)))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer") as outer:
        outer.set_attribute("user.email", "bob@example.org")
        with tracer.start_as_current_span("inner") as inner:
            inner.record_exception(ValueError("no stock"))
            inner.set_status(Status(StatusCode.ERROR, "no stock"))
    provider.shutdown()
    assert results == [SpanExportResult.SUCCESS] * 2
    spans = {row["name"]: row for row in store.ask("rows", table="spans").to_pylist()}
    assert set(spans) == {"outer", "inner"}
    assert spans["outer"]["trace_id"] == format_trace_id(outer.get_span_context().trace_id)
    assert spans["inner"]["parent_span_id"] == spans["outer"]["span_id"]
    assert spans["outer"]["service"] == "checkout"
    assert spans["inner"]["status"] == "error"
    assert "no stock" in spans["inner"]["events"]
    assert dict(spans["outer"]["attributes"])["user.email"].startswith("email_")


def test_events_of_openlineage_python_arrive_as_lineage(store: Store, url: str) -> None:
    """START and COMPLETE of one run give the edge raw.orders -> mart.orders and two states."""
    client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url)))
    run, job = Run(runId=str(uuid.uuid4())), Job(namespace="shop", name="load_orders")
    for state in (RunState.START, RunState.COMPLETE):
        client.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=run,
                job=job,
                producer="https://example.org/test",
                inputs=[InputDataset(namespace="db", name="raw.orders")],
                outputs=[OutputDataset(namespace="db", name="mart.orders")],
            )
        )
    states = store.ask("rows", table="job_runs", columns=["job_run", "state"]).to_pylist()
    assert sorted(row["state"] for row in states) == ["COMPLETE", "START"]
    assert {row["job_run"] for row in states} == {run.runId}
    edges = store.ask("rows", table="lineage_edges", columns=["upstream", "downstream"]).to_pylist()
    assert any("raw.orders" in e["upstream"] and "mart.orders" in e["downstream"] for e in edges)
