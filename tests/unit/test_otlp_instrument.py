"""workbench.instrument, end to end: the real SDK and exporter, decoded into columns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pyarrow as pa
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

import workbench
import workbench.instrument
from workbench.errors import UsageError
from workbench.instrument import instrument
from workbench.sources import Batch, Context
from workbench.sources.otlp import decode


class Service:
    """A service that sends its spans to a receiver of its own."""

    def __init__(self, endpoint: str, received: list[Batch]) -> None:
        """Set up the SDK with the real exporter."""
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))
        self.tracer = self.provider.get_tracer("service")
        self._received = received

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what arrived, by span name."""
        rows = pa.concat_tables([batch.tables["spans"] for batch in self._received]).to_pylist()
        return {row["name"]: row | {"attributes": dict(row["attributes"])} for row in rows}


@pytest.fixture
def service() -> Iterator[Service]:
    received: list[Batch] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(decode("traces", body, "protobuf", Context("prod", "service", 1)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made = Service(f"http://127.0.0.1:{server.server_port}/v1/traces", received)
    try:
        yield made
    finally:
        made.provider.shutdown()
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_span_carries_run_model_feature_and_data_version(service: Service) -> None:
    instrument(
        run_id="run-1",
        model="fraud",
        model_version=7,
        feature_version="f3",
        data_version="2026-01-01",
        tracer_provider=service.provider,
    )
    with service.tracer.start_as_current_span("parent"), service.tracer.start_as_current_span("child"):
        pass
    for row in service.rows().values():
        stamped = [row[c] for c in ("run_id", "model", "model_version", "feature_version", "data_version")]
        assert stamped == ["run-1", "fraud", "7", "f3", "2026-01-01"]
        assert row["prediction_id"] is None


def test_values_are_asked_for_at_each_span_and_a_failing_answer_costs_only_itself(service: Service) -> None:
    version: ContextVar[str] = ContextVar("version")
    served = iter(["1", "2"])
    watch = instrument(
        model=lambda: f"fraud-{next(served)}",
        model_version=version,
        run_id=lambda: {}["missing"],
        tracer_provider=service.provider,
    )
    service.tracer.start_span("first").end()
    version.set("v9")
    copy_context().run(lambda: service.tracer.start_span("second").end())
    rows = service.rows()
    assert [(rows[n]["model"], rows[n]["model_version"], rows[n]["run_id"]) for n in ("first", "second")] == [
        ("fraud-1", None, None),
        ("fraud-2", "v9", None),
    ]
    assert set(watch.stamps) == {"model", "model_version", "run_id"}


def test_a_scope_stamps_the_open_span_and_those_inside_and_ends(service: Service) -> None:
    watch = instrument(model="fraud", model_version="7", tracer_provider=service.provider)
    with service.tracer.start_as_current_span("request"):
        with watch.predicting("order-17"), watch.scope(model_version="8-canary"):
            service.tracer.start_span("inside").end()
        service.tracer.start_span("after").end()
    rows = service.rows()
    assert [(rows[n]["prediction_id"], rows[n]["model_version"]) for n in ("request", "inside", "after")] == [
        ("order-17", "8-canary"),
        ("order-17", "8-canary"),
        (None, "7"),
    ]


def test_what_the_service_says_itself_is_left_alone(service: Service) -> None:
    instrument(run_id="run-1", tracer_provider=service.provider)
    service.tracer.start_span("own", attributes={"mlflow.run_id": "run-of-its-own"}).end()
    assert service.rows()["own"]["run_id"] == "run-of-its-own"


def test_fallbacks_timeouts_and_exceptions_are_recorded_on_the_open_span(service: Service) -> None:
    watch = instrument(model="fraud", tracer_provider=service.provider)
    with service.tracer.start_as_current_span("request"):
        watch.record_timeout("feature store", limit_ms=50)
        watch.record_fallback("feature store timed out", instead="yesterday's values")
        watch.record_exception(KeyError("merchant_category"))
    with pytest.raises(ValueError, match="boom"), service.tracer.start_as_current_span("failing"):
        raise ValueError("boom")
    rows = service.rows()
    attributes = rows["request"]["attributes"]
    assert attributes["fallback.reason"] == "feature store timed out"
    assert attributes["fallback.instead"] == "yesterday's values"
    assert (attributes["timeout.operation"], attributes["timeout.limit_ms"]) == ("feature store", "50.0")
    events = {event["name"]: event["attributes"] for event in orjson.loads(rows["request"]["events"])}
    assert set(events) == {"timeout", "fallback", "exception"}
    assert events["exception"]["exception.type"] == "KeyError"
    assert rows["request"]["status"] == "unset"
    assert rows["failing"]["status"] == "error"
    assert orjson.loads(rows["failing"]["events"])[0]["attributes"]["exception.message"] == "boom"


def test_recording_outside_a_span_does_nothing() -> None:
    watch = instrument(tracer_provider=TracerProvider())
    watch.record_fallback("no span is open")
    with watch.predicting("p"):
        watch.record_timeout("x", limit_ms=1)


def test_without_an_sdk_provider_it_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="pass tracer_provider="):
        instrument(model="fraud")


def test_the_public_name_can_be_called_also_after_its_module_was_imported(service: Service) -> None:
    for _ in range(2):
        assert workbench.instrument(model="m", tracer_provider=service.provider).stamps == {"model": "m"}
