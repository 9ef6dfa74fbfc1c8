"""OTLP files of third parties: the known truths of each hold."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.sources import Context, Head, Rejection
from workbench.sources.otlp import SOURCE, decode

NAMES = [
    "traces/labelled/error_timeout_masked.json",
    "traces/labelled/n_plus_one_full_serial.json",
    "traces/labelled/sibling_errors.json",
    "traces/otlp_captured/002_POST_v1-traces.body",
    "traces/otlp_captured/005_POST_v1-traces-gz.body",
    "traces/otlp_json/jaeger_example_trace.json",
    "traces/otlp_json/jaeger_memory_otel_traces_01.json",
    "traces/otlp_json/otelcol_file_exporter_4lines.jsonl",
    "traces/otlp_json/otlp2jaeger-in-error.json",
    "traces/otlp_json/otlp2jaeger-in.json",
    "traces/otlp_json/otlp2jaeger-multi-in-combined.json",
    "traces/otlp_json/trace.json",
]
_WRONG = {("traces/otlp_json/jaeger_memory_otel_traces_01.json", "missing_parent")}
"""Values that are not what the file holds; the proof is a test below."""


def inflated(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def read(path: Path) -> tuple[dict[str, list[dict[str, Any]]], list[Rejection]]:
    """Return the rows of each table, and what was rejected."""
    batches = list(SOURCE.read(io.BytesIO(inflated(path)), Context("prod", path.name, 1)))
    names = {name for batch in batches for name in batch.tables}
    tables = {n: pa.concat_tables([b.tables[n] for b in batches if n in b.tables]).to_pylist() for n in names}
    return tables, [rejection for batch in batches for rejection in batch.rejections]


def facts(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what TRUTH.json says of a file, computed from rows."""
    by_id = {(s["trace_id"], s["span_id"]): s for s in spans}
    parents = [(s, by_id.get((s["trace_id"], s["parent_span_id"]))) for s in spans if s["parent_span_id"]]
    return {
        "spans": len(spans),
        "traces": len({s["trace_id"] for s in spans}),
        "roots": [s["name"] for s in spans if s["parent_span_id"] is None],
        "services": sorted({s["service"] or "" for s in spans}),
        "error_spans": sum(s["status"] == "error" for s in spans),
        "missing_parent": [s["name"] for s, parent in parents if parent is None],
        "child_outside_parent": sum(
            s["start_ns"] < parent["start_ns"] or s["end_ns"] > parent["end_ns"]
            for s, parent in parents
            if parent is not None
        ),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_known_truths_of_a_trace_file_hold(data: Path, truth: dict[str, Any], name: str) -> None:
    tables, rejections = read(data / name)
    computed = {fact: value for fact, value in facts(tables["spans"]).items() if (name, fact) not in _WRONG}
    assert computed == {fact: truth[name][fact] for fact in computed}
    assert rejections == []


def test_four_spans_not_three_of_the_jaeger_memory_file_lack_their_parent(data: Path, truth: dict[str, Any]) -> None:
    """TRUTH.json looks parents up without regard to the trace: span 2 of one trace names a span of the other."""
    name = "traces/otlp_json/jaeger_memory_otel_traces_01.json"
    spans = read(data / name)[0]["spans"]
    ids = {s["span_id"] for s in spans}
    across = [s["name"] for s in spans if s["parent_span_id"] not in ids]
    assert across == truth[name]["missing_parent"]
    (odd,) = [s for s in spans if s["parent_span_id"] in ids]
    (named,) = [s for s in spans if s["span_id"] == odd["parent_span_id"]]
    assert odd["trace_id"] != named["trace_id"]
    assert len(facts(spans)["missing_parent"]) == 4


@pytest.mark.parametrize("name", ["error_timeout_masked", "sibling_errors"])
def test_the_expected_span_of_a_labelled_trace_is_there_under_its_id(data: Path, name: str) -> None:
    manifest = json.loads((data / f"traces/labelled/{name}.manifest.json").read_text())
    spans = read(data / f"traces/labelled/{name}.json")[0]["spans"]
    expected = manifest["expected"]
    (found,) = [s for s in spans if s["span_id"] == expected["locus_span_id"]]
    assert (found["service"], found["name"]) == (expected["locus_service"], expected["locus_operation"])
    if "locus_duration_ms" in expected:
        assert round(found["duration_ns"] / 1e6) == expected["locus_duration_ms"]


def test_json_chunked_protobuf_and_json_gzip_of_one_sender_give_the_same_9_spans_of_3_traces(data: Path) -> None:
    names = ("002_POST_v1-traces", "004_POST_v1-traces", "005_POST_v1-traces-gz")
    held = [read(data / f"traces/otlp_captured/{name}.body")[0]["spans"] for name in names]
    for spans in held:
        for span in spans:
            del span["place"]
    by_json, by_protobuf, by_gzip = held
    assert by_json == by_protobuf == by_gzip
    assert (len(by_json), len({s["trace_id"] for s in by_json})) == (9, 3)
    root = next(dict(s["attributes"]) for s in by_json if s["name"] == "POST /predict")
    assert (root["big.int"], root["ratio"], root["tags"], root["nan"]) == (
        "9007199254740991",
        "0.25",
        '["a","b"]',
        None,
    )


def test_the_python_sdk_directly_and_through_rotel_gives_the_same_shape(data: Path) -> None:
    direct, forwarded = (
        read(data / f"traces/otlp_captured/{n}_POST_v1-traces.body")[0]["spans"] for n in ("001", "006")
    )
    shapes = [Counter((s["service"], s["name"], s["kind"], s["status"]) for s in held) for held in (direct, forwarded)]
    assert shapes[0] == shapes[1]
    assert all(len(s["trace_id"]) == 32 and s["sender_trace_id"] is None for s in direct + forwarded)


def test_upper_case_ids_become_lower_case_and_the_senders_own_is_kept(data: Path) -> None:
    (span,) = read(data / "traces/otlp_json/trace.json")[0]["spans"]
    assert span["trace_id"] == "5b8efff798038103d269b633813fc60c"
    assert span["sender_trace_id"] == "5B8EFFF798038103D269B633813FC60C"
    assert (span["span_id"], span["parent_span_id"]) == ("eee19b7ec3c1b174", "eee19b7ec3c1b173")


def test_opentelemetrys_own_examples_of_logs_and_metrics_are_read(data: Path) -> None:
    (log,) = read(data / "traces/otlp_json/logs.json")[0]["logs"]
    assert (log["body"], log["severity"], log["time_ns"]) == ("Example log record", "info", 1544712660300000000)
    assert dict(log["attributes"])["map.attribute"] == '{"some.map.key":"some value"}'
    (event,) = read(data / "traces/otlp_json/events.json")[0]["logs"]
    assert dict(event["attributes"])["event.name"] == "browser.page_view"
    samples = read(data / "traces/otlp_json/metrics.json")[0]["metric_samples"]
    values = {(s["metric"], dict(s["labels"]).get("le")): s["value"] for s in samples}
    assert values[("my.counter", None)] == 5
    assert values[("my.gauge", None)] == 10
    assert (values[("my.histogram_bucket", "1.0")], values[("my.histogram_bucket", "+Inf")]) == (1, 2)
    assert values[("my.exponential.histogram_bucket", "8.0")] == 3


def test_every_otlp_file_is_recognised_and_no_other_trace_file_is(data: Path) -> None:
    for name in NAMES:
        assert SOURCE.recognise(Head("", inflated(data / name)[:65536])) >= 0.9, name
    others = [*(data / "traces/jaeger_json").glob("*"), *(data / "traces/zipkin_json").glob("*")]
    others += [*(data / "lineage").rglob("*.json"), *(data / "alerts").rglob("*.json")]
    assert len(others) > 20
    for path in others:
        assert SOURCE.recognise(Head("", inflated(path)[:65536])) == 0, path


def test_all_captured_bodies_cut_at_any_byte_are_refused_or_read(data: Path) -> None:
    for path in sorted((data / "traces/otlp_captured").glob("*.body")):
        raw = inflated(path)
        encoding = "json" if raw[:1] == b"{" else "protobuf"
        for end in range(0, len(raw), 37):
            batch = decode("traces", raw[:end], encoding, Context("prod", "x", 1))
            assert batch.tables or batch.rejections
