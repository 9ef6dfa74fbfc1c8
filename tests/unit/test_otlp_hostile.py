"""OTLP bodies that are broken on purpose: a batch or a rejection, never an exception."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.model.tables import TABLES
from workbench.sources import Batch, Context
from workbench.sources._otlp_values import as_json
from workbench.sources.otlp import SOURCE, Encoding, Signal, decode

CONTEXT = Context("prod", "sender", 1)
START = 1_800_000_000_000_000_000


def requests() -> dict[Signal, Any]:
    """Return one sound request of each signal, with every kind of value and metric."""
    traces = ExportTraceServiceRequest()
    scope = traces.resource_spans.add()
    scope.resource.attributes.add(key="service.name").value.string_value = "scoring"
    spans = scope.scope_spans.add().spans
    for i in range(3):
        span = spans.add(trace_id=bytes([i + 1] * 16), span_id=bytes([i + 1] * 8), name=f"s{i}", kind=i)
        span.start_time_unix_nano, span.end_time_unix_nano = START, START + i
        span.attributes.add(key="queue_wait_ms").value.double_value = 1.5
        span.attributes.add(key="n").value.int_value = 7
        span.attributes.add(key="l").value.array_value.values.add().string_value = "x"
        span.events.add(name="exception", time_unix_nano=START).attributes.add(key="k").value.bool_value = True
        span.links.add(trace_id=b"\1" * 16, span_id=b"\1" * 8)
        span.status.code, span.status.message = 2, "boom"
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START, severity_number=17)
    record.body.string_value = "failed"
    metrics = ExportMetricsServiceRequest()
    made = metrics.resource_metrics.add().scope_metrics.add().metrics
    made.add(name="g").gauge.data_points.add(time_unix_nano=START, as_double=1.5)
    made.add(name="s").sum.data_points.add(time_unix_nano=START, as_int=3)
    made.add(name="h").histogram.data_points.add(
        time_unix_nano=START, count=2, bucket_counts=[1, 1], explicit_bounds=[1.0]
    )
    point = made.add(name="e").exponential_histogram.data_points.add(time_unix_nano=START, count=2, scale=1)
    point.positive.bucket_counts.extend([1, 1])
    made.add(name="q").summary.data_points.add(time_unix_nano=START, count=1).quantile_values.add(quantile=0.5)
    return {"traces": traces, "logs": logs, "metrics": metrics}


def bodies() -> list[tuple[Signal, Encoding, bytes]]:
    made: list[tuple[Signal, Encoding, bytes]] = []
    for signal, request in requests().items():
        made.append((signal, "protobuf", request.SerializeToString()))
        made.append((signal, "json", orjson.dumps(as_json(request))))
    return made


_TOKENS = (
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"-1",
    b"1e400",
    b"true",
    b'"\\ud800"',
    b"NaN",
    b"18446744073709551616",
    b"[[[[",
)


def mutated(raw: bytes, dice: random.Random) -> bytes:
    """Change some bytes: flip, cut, double, insert, or put a JSON token in another's place."""
    changed = bytearray(raw)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at, to = sorted(dice.choices(range(len(changed) + 1), k=2))
        match dice.randrange(10):
            case 0 | 6 | 7 | 8 | 9 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at : min(to, at + 20)]
            case 2:
                changed[at:at] = changed[at : min(to, at + 40)]
            case 3:
                changed[at:at] = dice.randbytes(dice.randint(1, 8))
            case 4:
                del changed[at:]
            case _:
                ends = [i for i in range(at, min(len(changed), at + 40)) if changed[i : i + 1] in b",]}:"]
                changed[at : ends[0] if ends else at] = dice.choice(_TOKENS)
    return bytes(changed)


def check(batch: Batch) -> None:
    """Assert that a batch holds declared tables without gaps, and rejections with reasons."""
    for name, rows in batch.tables.items():
        rows.validate(full=True)
        for column in TABLES[name]:
            assert not column.required or rows[column.name].null_count == 0
    assert all(rejection.reason and rejection.place for rejection in batch.rejections)
    assert batch.tables or batch.rejections


def fuzz(count: int, seed: int) -> Iterator[Batch]:
    dice, sound = random.Random(seed), bodies()
    for _ in range(count):
        signal, encoding, raw = dice.choice(sound)
        yield decode(signal, mutated(raw, dice), encoding, CONTEXT)


def test_2_000_mutated_bodies_give_batches_or_rejections() -> None:
    tables = rejections = 0
    for batch in fuzz(2_000, seed=1):
        check(batch)
        tables += bool(batch.tables)
        rejections += bool(batch.rejections)
    assert tables > 300
    assert rejections > 300


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
def test_10_000_mutated_bodies_give_batches_or_rejections(seed: int) -> None:
    for batch in fuzz(2_000, seed=100 + seed):
        check(batch)


def values(dice: random.Random, depth: int = 0) -> Any:
    """Return JSON of any type."""
    if depth < 2 and dice.random() < 0.4:
        return dice.choice([[values(dice, depth + 1)], {"key": values(dice, depth + 1), "value": None}])
    return dice.choice([None, True, -1, 2**63, 1.5, "", "x", "9" * 5000, [], {}])


def replaced(document: Any, dice: random.Random, share: float) -> Any:
    """Put values of any type in the place of some."""
    if dice.random() < share:
        return values(dice)
    if isinstance(document, dict):
        return {key: replaced(value, dice, share) for key, value in document.items()}
    if isinstance(document, list):
        return [replaced(value, dice, share) for value in document]
    return document


def test_1_000_documents_with_values_of_the_wrong_type_give_batches_or_rejections() -> None:
    dice = random.Random(2)
    sound = {signal: as_json(request) for signal, request in requests().items()}
    for _ in range(1_000):
        signal = dice.choice(list(sound))
        raw = orjson.dumps(replaced(sound[signal], dice, 0.03), default=str)
        check(decode(signal, raw, "json", CONTEXT))


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"resourceSpans"', b"<html>", b"{}{}", b"\0" * 9]
)
def test_what_is_no_otlp_json_gives_one_rejection_and_no_table(signal: Signal, raw: bytes) -> None:
    batch = decode(signal, raw, "json", CONTEXT)
    assert batch.tables == {}
    assert [(r.place, r.length, r.content) for r in batch.rejections] == [("sender", len(raw), None)]


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize("raw", [b"\x0a\xff", b"{}", b"\x0a\x05abc", b"\xff" * 20])
def test_what_is_no_protobuf_gives_one_rejection_and_no_table(signal: Signal, raw: bytes) -> None:
    batch = decode(signal, raw, "protobuf", CONTEXT)
    assert (batch.tables, len(batch.rejections)) == ({}, 1)


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_an_empty_request_is_sound_and_holds_no_rows(encoding: Encoding) -> None:
    batch = decode("traces", b"" if encoding == "protobuf" else b"{}", encoding, CONTEXT)
    assert (batch.tables["spans"].num_rows, batch.rejections) == (0, ())


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"resourceSpans":[', b'{"resourceSpans":[{"resource":{"x":['])
def test_json_nested_100_000_deep_is_refused(opening: bytes) -> None:
    for raw in (opening * 100_000, opening + b"NaN," + b"[" * 100_000):
        batch = decode("traces", raw, "json", CONTEXT)
        assert (batch.tables, len(batch.rejections)) == ({}, 1)


def test_an_attribute_nested_300_deep_is_cut_off_and_its_span_is_kept() -> None:
    request = as_json(requests()["traces"])
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = [{"key": "k", "value": "DEEP"}]
    deep = b'{"arrayValue":{"values":[' * 300 + b'{"stringValue":"deep"}' + b"]}}" * 300
    batch = decode("traces", orjson.dumps(request).replace(b'"DEEP"', deep), "json", CONTEXT)
    assert batch.tables["spans"].num_rows == 3
    assert dict(batch.tables["spans"]["attributes"][0].as_py())["k"] == "[" * 33 + "null" + "]" * 33


def test_a_lone_surrogate_becomes_a_replacement_character_and_a_pair_stays() -> None:
    request = as_json(requests()["traces"])
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] = "ESCAPES"
    raw = orjson.dumps(request).replace(b"ESCAPES", rb"\ud800x \ud83d\ude00 \\ud800 \udfff")
    batch = decode("traces", raw, "json", CONTEXT)
    assert batch.tables["spans"]["name"][0].as_py() == "\ufffdx \U0001f600 \\ud800 \ufffd"


def test_broken_utf8_in_json_becomes_a_replacement_character() -> None:
    raw = orjson.dumps(as_json(requests()["traces"])).replace(b'"s0"', b'"s\xff"')
    assert decode("traces", raw, "json", CONTEXT).tables["spans"]["name"][0].as_py() == "s\ufffd"


def test_8_million_empty_spans_are_refused_as_a_whole_without_8_million_rejections() -> None:
    raw = b"\x12\x00" * 100_000
    scope = b"\x12" + _varint(len(raw)) + raw
    batch = decode("traces", b"\x0a" + _varint(len(scope)) + scope, "protobuf", CONTEXT)
    assert (batch.tables, len(batch.rejections)) == ({}, 1)


def _varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + _varint(number >> 7) if number > 0x7F else bytes([number])


def test_hostile_text_stays_text() -> None:
    hostile = "<script>alert(1)</script>'; DROP TABLE spans; -- ../../etc/passwd \0"
    request = requests()["traces"]
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.name = hostile
    span.attributes.add(key=hostile).value.string_value = hostile
    row = decode("traces", request.SerializeToString(), "protobuf", CONTEXT).tables["spans"].slice(0, 1).to_pylist()[0]
    assert row["name"] == dict(row["attributes"])[hostile] == hostile


def test_sound_bodies_are_read_in_full() -> None:
    counts = {
        (signal, encoding): next(iter(decode(signal, raw, encoding, CONTEXT).tables.values())).num_rows
        for signal, encoding, raw in bodies()
    }
    assert counts == {
        ("traces", "protobuf"): 3, ("traces", "json"): 3,
        ("logs", "protobuf"): 1, ("logs", "json"): 1,
        ("metrics", "protobuf"): 13, ("metrics", "json"): 13,
    }  # fmt: skip
    assert set(SOURCE.reads) == {"spans", "logs", "metric_samples"}


def test_an_attribute_an_event_and_a_status_that_are_no_protobuf_cost_only_themselves() -> None:
    def field(number: int, content: bytes) -> bytes:
        return _varint(number << 3 | 2) + _varint(len(content)) + content

    broken = field(9, field(1, b"k") + field(2, b"\x0a\x7f")) + field(11, b"\xff") + field(15, b"\xff")
    span = requests()["traces"].resource_spans[0].scope_spans[0].spans[0]
    raw = field(1, field(2, field(2, span.SerializeToString() + broken)))
    batch = decode("traces", raw, "protobuf", CONTEXT)
    (row,) = batch.tables["spans"].to_pylist()
    assert dict(row["attributes"])["k"] is None
    assert [event["name"] for event in orjson.loads(row["events"])] == ["exception", None]
    assert (row["status"], batch.rejections) == (None, ())
