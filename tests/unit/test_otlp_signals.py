"""OTLP logs and metrics as rows, and replies to senders."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from workbench.sources import Batch, Context
from workbench.sources.otlp import Signal, decode, reply

CONTEXT = Context("prod", "sender", 1)
TIME = 1_544_712_660_300_000_001
SERVICE = [{"key": "service.name", "value": {"stringValue": "scoring"}}]


def metrics(*sent: Any, resource: Any = SERVICE) -> Batch:
    scope = {"metrics": list(sent)}
    document = {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [scope]}]}
    return decode("metrics", orjson.dumps(document), "json", CONTEXT)


def samples(batch: Batch) -> list[tuple[str, str | None, float | None, str]]:
    """Return metric, le or quantile, value and type of each sample."""
    found = []
    for row in batch.tables["metric_samples"].to_pylist():
        labels = dict(row["labels"])
        found.append((row["metric"], labels.get("le", labels.get("quantile")), row["value"], row["type"]))
    return found


def point(**more: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(TIME), **more}


def logs(*records: Any) -> Batch:
    document = {"resourceLogs": [{"resource": {"attributes": SERVICE}, "scopeLogs": [{"logRecords": list(records)}]}]}
    return decode("logs", orjson.dumps(document), "json", CONTEXT)


def test_gauges_and_sums_carry_their_type() -> None:
    batch = metrics(
        {"name": "g", "unit": "ms", "gauge": {"dataPoints": [point(asDouble=1.5)]}},
        {"name": "c", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point(asInt="5")]}},
        {"name": "d", "sum": {"isMonotonic": True, "aggregationTemporality": 1, "dataPoints": [point(asInt=6)]}},
        {"name": "u", "sum": {"aggregationTemporality": 2, "dataPoints": [point(asInt=-7)]}},
    )
    assert samples(batch) == [
        ("g", None, 1.5, "gauge"),
        ("c", None, 5.0, "counter"),
        ("d", None, 6.0, "delta"),
        ("u", None, -7.0, "gauge"),
    ]
    first = batch.tables["metric_samples"].to_pylist()[0]
    assert (first["time_ns"], first["unit"], first["entity"]) == (TIME, "ms", "service:scoring")


@pytest.mark.parametrize("sent", [{"asDouble": None}, {"asDouble": "NaN"}, {}, {"asInt": 5, "flags": 1}])
def test_a_point_without_a_figure_is_unknown_and_never_0(sent: dict[str, Any]) -> None:
    assert samples(metrics({"name": "g", "gauge": {"dataPoints": [point(**sent)]}})) == [("g", None, None, "gauge")]


def test_a_histogram_of_3_buckets_becomes_cumulative_counts() -> None:
    sent = point(count="7", sum=9.5, bucketCounts=["1", "2", "4"], explicitBounds=[1, 5], min=0.5)
    held = {"aggregationTemporality": 2, "dataPoints": [sent]}
    assert samples(metrics({"name": "h", "histogram": held})) == [
        ("h_count", None, 7.0, "histogram"),
        ("h_sum", None, 9.5, "histogram"),
        ("h_min", None, 0.5, "gauge"),
        ("h_bucket", "1.0", 1.0, "histogram"),
        ("h_bucket", "5.0", 3.0, "histogram"),
        ("h_bucket", "+Inf", 7.0, "histogram"),
    ]


def test_an_exponential_histogram_at_scale_1_has_bounds_of_powers_of_the_root_of_2() -> None:
    sent = point(
        count=9,
        scale=1,
        zeroCount=2,
        positive={"offset": 1, "bucketCounts": [3, 1]},
        negative={"offset": 0, "bucketCounts": [1, 2]},
    )
    held = {"aggregationTemporality": 1, "dataPoints": [sent]}
    found = samples(metrics({"name": "e", "exponentialHistogram": held}))[1:]
    assert [(float(le or 0), value) for _, le, value, _ in found] == [
        (pytest.approx(-(2**0.5)), 2.0),
        (-1.0, 3.0),
        (0.0, 5.0),
        (pytest.approx(2.0), 8.0),
        (pytest.approx(2**1.5), 9.0),
        (float("inf"), 9.0),
    ]
    assert {kind for *_, kind in found} == {"histogram_delta"}


def test_a_summary_becomes_quantiles() -> None:
    sent = point(count=4, sum=8, quantileValues=[{"quantile": 0.5, "value": 2}, {"quantile": 1, "value": "NaN"}])
    assert samples(metrics({"name": "s", "summary": {"dataPoints": [sent]}})) == [
        ("s_count", None, 4.0, "summary"),
        ("s_sum", None, 8.0, "summary"),
        ("s", "0.5", 2.0, "summary"),
        ("s", "1.0", None, "summary"),
    ]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"bucketCounts": [1, 2], "explicitBounds": [1, 2, 3]}, "2 buckets do not fit 3 bounds"),
        ({"bucketCounts": [-1, 2], "explicitBounds": [1]}, "a bucket count is no whole number"),
        ({"bucketCounts": [1] * 2000, "explicitBounds": [1] * 1999}, "2000 buckets; at most 1024 are read"),
        ({"timeUnixNano": "0"}, "no time in nanoseconds"),
    ],
)
def test_a_histogram_that_contradicts_itself_is_rejected_alone(sent: dict[str, Any], reason: str) -> None:
    batch = metrics({"name": "h", "histogram": {"dataPoints": [point() | sent, point(count=1)]}})
    assert [metric for metric, *_ in samples(batch)] == ["h_count"]
    assert [r.reason for r in batch.rejections] == [f"data point: {reason}"]


@pytest.mark.parametrize("scale", [10**9, -(10**9), 64, -64, "x"])
def test_no_scale_of_an_exponential_histogram_overflows(scale: object) -> None:
    sent = point(count=1, scale=scale, positive={"offset": 2**31 - 1, "bucketCounts": [1, 1]})
    batch = metrics({"name": "e", "exponentialHistogram": {"dataPoints": [sent]}})
    assert len(batch.rejections) + batch.tables["metric_samples"].num_rows > 0


@pytest.mark.parametrize(
    ("name", "resource", "labels", "entity"),
    [
        ("latency", {"service.name": "a", "host.name": "h"}, {}, "service:a"),
        ("system.cpu.utilization", {"service.name": "a", "host.name": "h"}, {}, "host:h"),
        ("x", {"host.name": "h"}, {}, "host:h"),
        ("hw.gpu.utilization", {"host.name": "h"}, {"hw.id": "GPU-1"}, "gpu:GPU-1"),
        ("gpu_utilization", {"host.name": "h"}, {"gpu.index": "3"}, "gpu:h/3"),
        ("x", {}, {}, "source:otlp"),
    ],
)
def test_a_figure_describes_the_gpu_host_or_service_that_it_names(
    name: str, resource: dict[str, str], labels: dict[str, str], entity: str
) -> None:
    def listed(texts: dict[str, str]) -> list[Any]:
        return [{"key": k, "value": {"stringValue": v}} for k, v in texts.items()]

    sent = {"name": name, "gauge": {"dataPoints": [point(asInt=1, attributes=listed(labels))]}}
    (row,) = metrics(sent, resource=listed(resource)).tables["metric_samples"].to_pylist()
    assert row["entity"] == entity


def test_two_processes_of_a_service_are_two_series_and_a_retry_is_the_same() -> None:
    def series(instance: str) -> str:
        resource = [*SERVICE, {"key": "service.instance.id", "value": {"stringValue": instance}}]
        sent = {"name": "g", "gauge": {"dataPoints": [point(asInt=1)]}}
        (row,) = metrics(sent, resource=resource).tables["metric_samples"].to_pylist()
        return str(row["series"])

    assert series("1") == series("1") != series("2")


def test_a_log_record_keeps_time_ids_body_and_its_resource() -> None:
    sent = {
        "timeUnixNano": str(TIME),
        "severityNumber": 17,
        "body": {"kvlistValue": {"values": [{"key": "b", "value": {"intValue": "1"}}]}},
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "eventName": "checkout",
        "attributes": [{"key": "a", "value": {"boolValue": True}}],
    }
    (row,) = logs(sent).tables["logs"].to_pylist()
    assert (row["time_ns"], row["severity"], row["body"]) == (TIME, "error", '{"b":1}')
    assert (row["trace_id"], row["span_id"]) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (row["service"], dict(row["attributes"])) == ("scoring", {"a": "true", "event.name": "checkout"})


@pytest.mark.parametrize(
    ("sent", "severity"),
    [
        ({"severityNumber": 1}, "trace"),
        ({"severityNumber": 8}, "debug"),
        ({"severityNumber": "SEVERITY_NUMBER_WARN2"}, "warn"),
        ({"severityText": "Information"}, "info"),
        ({"severityNumber": 24, "severityText": "info"}, "fatal"),
        ({"severityText": "loud"}, None),
        ({}, None),
    ],
)
def test_severity_is_one_of_six_words_or_unknown(sent: dict[str, Any], severity: str | None) -> None:
    (row,) = logs({"timeUnixNano": TIME, **sent}).tables["logs"].to_pylist()
    assert row["severity"] == severity


def test_a_log_record_without_time_takes_that_of_observation_and_without_both_is_rejected() -> None:
    batch = logs({"observedTimeUnixNano": TIME}, {"body": {"stringValue": "x"}}, "no object")
    assert batch.tables["logs"]["time_ns"].to_pylist() == [TIME]
    assert len(batch.rejections) == 2


def test_the_id_of_a_log_record_is_that_of_its_content() -> None:
    one, two = (
        {"timeUnixNano": TIME, "body": {"stringValue": "x"}},
        {"timeUnixNano": TIME, "body": {"stringValue": "y"}},
    )
    ids = logs(one, one, two).tables["logs"]["log_id"].to_pylist()
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("signal", "response", "counted"),
    [
        ("traces", ExportTraceServiceResponse, "rejected_spans"),
        ("metrics", ExportMetricsServiceResponse, "rejected_data_points"),
        ("logs", ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
def test_replies_are_read_by_opentelemetrys_own_classes(signal: Signal, response: Any, counted: str) -> None:
    assert reply(signal, "protobuf") == b""
    partial = response.FromString(reply(signal, "protobuf", 300, "no \ud800 time" * 40)).partial_success
    assert (getattr(partial, counted), partial.error_message) == (300, "no ? time" * 40)
    assert orjson.loads(reply(signal, "json")) == {}
    camel = counted.split("_")[0] + "".join(word.title() for word in counted.split("_")[1:])
    assert orjson.loads(reply(signal, "json", 3, "x")) == {"partialSuccess": {camel: "3", "errorMessage": "x"}}
