"""OTLP spans: identifiers, numbers, times and typed columns, in both encodings."""

from __future__ import annotations

import base64
import math
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.sources import Batch, Context
from workbench.sources.otlp import decode

CONTEXT = Context("prod", "sender", 1_800_000_000_000_000_000)
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
START = 1_544_712_660_300_000_001


def span(**changes: Any) -> dict[str, Any]:
    """Return a sound span, changed; None takes a member away."""
    made = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "predict",
        "kind": 2,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 7),
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def body(*spans: Any, resource: list[Any] | None = None) -> bytes:
    scope = {"scope": {"name": "lib"}, "spans": list(spans)}
    return orjson.dumps({"resourceSpans": [{"resource": {"attributes": resource or []}, "scopeSpans": [scope]}]})


def read(*spans: Any, resource: list[Any] | None = None) -> Batch:
    return decode("traces", body(*spans, resource=resource), "json", CONTEXT)


def rows(batch: Batch) -> list[dict[str, Any]]:
    return [row | {"attributes": dict(row["attributes"])} for row in batch.tables["spans"].to_pylist()]


def attribute(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": {kind: value}}


def protobuf(**fields: Any) -> bytes:
    request = ExportTraceServiceRequest()
    given = {"trace_id": bytes.fromhex(TRACE), "span_id": bytes.fromhex(SPAN)}
    times = {"start_time_unix_nano": START, "end_time_unix_nano": START + 7}
    request.resource_spans.add().scope_spans.add().spans.add(**(given | times | fields))
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("sent", "normal", "kept"),
    [
        (TRACE, TRACE, None),
        (TRACE.upper(), TRACE, TRACE.upper()),
        ("d269b633813fc60c", "0" * 16 + "d269b633813fc60c", "d269b633813fc60c"),
        (TRACE[1:], "0" + TRACE[1:], TRACE[1:]),
        (base64.b64encode(bytes.fromhex(TRACE)).decode(), TRACE, base64.b64encode(bytes.fromhex(TRACE)).decode()),
        ("5b8efff7-9803-8103-d269-b633813fc60c", TRACE, "5b8efff7-9803-8103-d269-b633813fc60c"),
    ],
)
def test_trace_ids_of_six_spellings_become_32_lower_case_hex_digits(sent: str, normal: str, kept: str | None) -> None:
    (row,) = rows(read(span(traceId=sent)))
    assert (row["trace_id"], row["sender_trace_id"]) == (normal, kept)


def test_the_24_bytes_that_come_of_hex_read_as_base64_are_undone() -> None:
    (row,) = rows(
        decode(
            "traces",
            protobuf(trace_id=base64.b64decode(TRACE), span_id=base64.b64decode(SPAN)),
            "protobuf",
            CONTEXT,
        )
    )
    assert (row["trace_id"], row["span_id"]) == (TRACE, SPAN)


def test_a_trace_id_of_8_bytes_is_padded_on_the_left() -> None:
    (row,) = rows(decode("traces", protobuf(trace_id=bytes.fromhex(TRACE)[8:]), "protobuf", CONTEXT))
    assert (row["trace_id"], row["sender_trace_id"]) == ("0" * 16 + TRACE[16:], TRACE[16:])


@pytest.mark.parametrize("sent", ["trace-123", "", "0" * 32, "zz" * 16, TRACE + "00", 17, None, ["a"]])
def test_a_trace_id_that_is_none_rejects_its_span_only(sent: object) -> None:
    batch = read(span(traceId=sent), span(spanId="00000000000000aa"))
    assert [row["span_id"] for row in rows(batch)] == ["00000000000000aa"]
    (rejection,) = batch.rejections
    assert "trace id" in rejection.reason
    assert rejection.content is not None
    assert rejection.length == len(rejection.content)


@pytest.mark.parametrize("sent", ["", "0" * 16, None])
def test_a_span_without_parent_is_a_root(sent: str | None) -> None:
    assert rows(read(span(parentSpanId=sent)))[0]["parent_span_id"] is None


def test_int_values_are_exact_as_text_and_as_number_up_to_2_63() -> None:
    sent = [
        attribute("text", "intValue", "9223372036854775807"),
        attribute("number", "intValue", 9223372036854775807),
        attribute("beyond_float", "intValue", 9007199254740993),
        attribute("beyond_int64", "intValue", "9223372036854775808"),
        attribute("negative", "intValue", "-1"),
    ]
    (row,) = rows(read(span(attributes=sent)))
    assert row["attributes"] == {
        "text": "9223372036854775807",
        "number": "9223372036854775807",
        "beyond_float": "9007199254740993",
        "beyond_int64": "9223372036854775808",
        "negative": "-1",
    }


def test_nan_is_null_in_all_four_spellings() -> None:
    (row,) = rows(read(span(attributes=[attribute("x", "doubleValue", None), attribute("y", "doubleValue", "NaN")])))
    assert row["attributes"] == {"x": None, "y": None}
    raw = body(span(attributes=[attribute("x", "doubleValue", 0.125)])).replace(b"0.125", b"NaN")
    (row,) = rows(decode("traces", raw, "json", CONTEXT))
    assert row["attributes"] == {"x": None}
    request = ExportTraceServiceRequest.FromString(protobuf())
    made = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="x")
    made.value.double_value = math.nan
    (row,) = rows(decode("traces", request.SerializeToString(), "protobuf", CONTEXT))
    assert row["attributes"] == {"x": None}


def test_other_kinds_of_value_become_text() -> None:
    sent = [
        attribute("list", "arrayValue", {"values": [{"stringValue": "b"}, {"intValue": "1"}, {"doubleValue": 0.5}]}),
        attribute("map", "kvlistValue", {"values": [attribute("z", "boolValue", True), attribute("a", "intValue", 2)]}),
        attribute("bytes", "bytesValue", "AAAwOQ=="),
        attribute("whole", "doubleValue", 5),
        attribute("infinite", "doubleValue", "-Infinity"),
        attribute("no", "boolValue", False),
        {"key": "nothing", "value": {}},
    ]
    assert rows(read(span(attributes=sent)))[0]["attributes"] == {
        "list": '["b",1,0.5]',
        "map": '{"a":2,"z":true}',
        "bytes": "AAAwOQ==",
        "whole": "5.0",
        "infinite": "-Infinity",
        "no": "false",
        "nothing": None,
    }


def test_times_are_exact_to_the_nanosecond_as_text_and_as_number() -> None:
    (row,) = rows(read(span(startTimeUnixNano=START, endTimeUnixNano=START + 7)))
    assert (row["start_ns"], row["end_ns"], row["duration_ns"]) == (START, START + 7, 7)
    assert float(START) != START  # a float would have lost it


@pytest.mark.parametrize("sent", [None, "0", 0, "", "soon", "1e18", 2**63, str(2**64), True, -5])
def test_a_start_that_is_no_time_rejects_its_span(sent: object) -> None:
    batch = read(span(startTimeUnixNano=sent))
    assert batch.tables["spans"].num_rows == 0
    assert "start time" in batch.rejections[0].reason


def test_a_child_that_outlives_its_parent_and_a_clock_that_runs_back_are_kept() -> None:
    child = span(spanId="00000000000000aa", parentSpanId=SPAN, endTimeUnixNano=str(START + 900))
    back = span(spanId="00000000000000bb", endTimeUnixNano=str(START - 3))
    batch = read(span(), child, back)
    assert [row["duration_ns"] for row in rows(batch)] == [7, 900, -3]
    assert batch.rejections == ()


def test_a_retry_gives_equal_rows_so_that_the_store_can_drop_them() -> None:
    twice = read(span(), span()).tables["spans"]
    assert twice.slice(0, 1).equals(twice.slice(1, 1))
    assert twice.slice(0, 1).equals(read(span()).tables["spans"])


def test_unknown_fields_and_old_names_are_no_obstacle() -> None:
    sent = {
        "resourceSpans": [
            {
                "resource": {"attributes": [], "entityRefs": [{}]},
                "instrumentationLibrarySpans": [{"spans": [span(futureField={"a": [1]})]}],
                "newThing": 1,
            }
        ],
        "another": None,
    }
    batch = decode("traces", orjson.dumps(sent), "json", CONTEXT)
    assert (batch.tables["spans"].num_rows, batch.rejections) == (1, ())


def test_enum_names_are_read_like_numbers_and_unknown_numbers_are_null() -> None:
    named = span(kind="SPAN_KIND_CLIENT", status={"code": "STATUS_CODE_ERROR", "message": "boom"})
    (row,) = rows(read(named))
    assert (row["kind"], row["status"], row["status_message"]) == ("client", "error", "boom")
    (row,) = rows(read(span(kind=77, status={"code": 9})))
    assert (row["kind"], row["status"]) == (None, None)


def test_typed_columns_leave_the_map_and_the_span_outranks_its_resource() -> None:
    resource = [
        attribute("service.name", "stringValue", "scoring"),
        attribute("host.name", "stringValue", "node-1"),
        attribute("k8s.pod.name", "stringValue", "pod-1"),
        attribute("cloud.availability_zone", "stringValue", "eu-1a"),
        attribute("deployment.environment", "stringValue", "staging"),
        attribute("mlflow.run_id", "stringValue", "of-resource"),
        attribute("team", "stringValue", "risk"),
    ]
    own = [
        attribute("mlflow.run_id", "stringValue", "of-span"),
        attribute("gen_ai.request.model", "stringValue", "llm"),
        attribute("mlflow.model.name", "stringValue", "fraud"),
        attribute("mlflow.model.version", "intValue", "7"),
        attribute("feature.version", "stringValue", "f3"),
        attribute("data.version", "stringValue", "d9"),
        attribute("prediction.id", "stringValue", "p-1"),
        attribute("gpu.index", "intValue", 0),
        attribute("url.path", "stringValue", "/x"),
    ]
    (row,) = rows(read(span(attributes=own), resource=resource))
    typed = {
        "environment": "staging",
        "service": "scoring",
        "host": "node-1",
        "region": "eu-1a",
        "run_id": "of-span",
        "model": "fraud",
        "model_version": "7",
        "feature_version": "f3",
        "data_version": "d9",
        "prediction_id": "p-1",
        "gpu": "0",
    }
    assert {name: row[name] for name in typed} == typed
    assert row["attributes"] == {"gen_ai.request.model": "llm", "url.path": "/x"}
    assert dict(row["resource"]) == {"k8s.pod.name": "pod-1", "otel.scope.name": "lib", "team": "risk"}


@pytest.mark.parametrize(
    ("sent", "queue_wait_ms", "forward_pass_ms"),
    [
        ({"queue_wait_ms": 3.5, "forward_pass_ms": 20.0}, 3.5, 20.0),
        ({"serving.queue_wait_ms": 1.0}, 1.0, None),
        ({"gen_ai.latency.time_in_queue": 0.25}, 250.0, None),
        ({"gen_ai.latency.time_in_model_prefill": 0.5, "gen_ai.latency.time_in_model_decode": 1.5}, None, 2000.0),
        ({"gen_ai.latency.time_in_model_prefill": 0.5}, None, None),
        ({"queue_wait_ms": math.inf}, None, None),
    ],
)
def test_latencies_come_in_milliseconds_and_stay_in_the_map(
    sent: dict[str, float], queue_wait_ms: float | None, forward_pass_ms: float | None
) -> None:
    attributes = [attribute(k, "doubleValue", "Infinity" if math.isinf(v) else v) for k, v in sent.items()]
    (row,) = rows(read(span(attributes=attributes)))
    assert (row["queue_wait_ms"], row["forward_pass_ms"]) == (queue_wait_ms, forward_pass_ms)
    assert set(row["attributes"]) == set(sent)


def test_a_latency_in_words_is_unknown() -> None:
    (row,) = rows(read(span(attributes=[attribute("queue_wait_ms", "stringValue", "long")])))
    assert row["queue_wait_ms"] is None


def test_events_and_links_are_json_with_exact_times() -> None:
    thrown = {
        "name": "exception",
        "timeUnixNano": str(START + 1),
        "attributes": [attribute("exception.type", "stringValue", "KeyError")],
    }
    (row,) = rows(read(span(events=[thrown], links=[{"traceId": TRACE.upper(), "spanId": SPAN}])))
    assert orjson.loads(row["events"]) == [
        {"name": "exception", "time_ns": START + 1, "attributes": {"exception.type": "KeyError"}}
    ]
    assert orjson.loads(row["links"]) == [{"trace_id": TRACE, "span_id": SPAN, "attributes": {}}]


def test_of_equal_names_the_last_counts_and_the_map_is_sorted() -> None:
    sent = [attribute(k, "stringValue", v) for k, v in [("b", "1"), ("a", "2"), ("b", "3")]]
    table = read(span(attributes=sent)).tables["spans"]
    assert table["attributes"][0].as_py() == [("a", "2"), ("b", "3")]


def test_broken_utf8_in_one_protobuf_name_becomes_a_replacement_character() -> None:
    raw = protobuf(name="abc").replace(b"abc", b"a\xffc")
    (row,) = rows(decode("traces", raw, "protobuf", CONTEXT))
    assert row["name"] == "a\ufffdc"


def test_protobuf_and_json_give_equal_rows() -> None:
    request = ExportTraceServiceRequest.FromString(protobuf(name="predict", kind=2))
    request.resource_spans[0].scope_spans[0].scope.name = "lib"
    made = request.resource_spans[0].scope_spans[0].spans[0]
    made.attributes.add(key="n").value.int_value = -(2**62)
    made.attributes.add(key="t").value.string_value = "x" * 300
    made.attributes.add(key="l").value.array_value.values.add().double_value = 0.5
    made.attributes.add(key="b").value.bytes_value = b"\0\1"
    twin = span(
        attributes=[
            attribute("n", "intValue", str(-(2**62))),
            attribute("t", "stringValue", "x" * 300),
            attribute("l", "arrayValue", {"values": [{"doubleValue": 0.5}]}),
            attribute("b", "bytesValue", "AAE"),
        ]
    )
    by_protobuf = decode("traces", request.SerializeToString(), "protobuf", CONTEXT)
    assert by_protobuf.tables["spans"].equals(read(twin).tables["spans"])


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**35 - 1, 2**56, 2**62, 2**63 - 1, -1, -(2**63)])
def test_integers_of_any_length_are_exact_in_protobuf(number: int) -> None:
    request = ExportTraceServiceRequest.FromString(protobuf())
    made = request.resource_spans[0].scope_spans[0].spans[0].attributes
    made.add(key="n").value.int_value = number
    made.add(key="a").value.array_value.values.add().int_value = number
    (row,) = rows(decode("traces", request.SerializeToString(), "protobuf", CONTEXT))
    assert row["attributes"] == {"n": str(number), "a": f"[{number}]"}
