"""Traces of Jaeger, Zipkin and Grafana Tempo are spans like those of OTLP: same ids, times, parents and words."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from workbench.plugins import load
from workbench.sources import Context, Head, Source

CONTEXT = Context("prod", "trace.json", 1_772_366_400_000_000_000)


def rows(name: str, path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the spans of a file, read by the source that recognises it best, and how many were left out."""
    source: Source = load("source", name)
    assert source.recognise(Head(path.name, path.read_bytes()[:65536])) >= 0.9
    with path.open("rb") as stream:
        batches = list(source.read(stream, CONTEXT))
    found = [row for b in batches for row in b.tables["spans"].to_pylist()] if batches[0].tables else []
    return found, sum(len(b.rejections) for b in batches)


def test_jaegers_own_traces_give_the_spans_services_and_roots_that_are_there(data: Path, truth: dict[str, Any]) -> None:
    """Seven files: counts, services, roots and ids are those of the truth; ids that are no hex are refused in words."""
    known = {name: told for name, told in truth.items() if name.startswith("traces/jaeger_json/")}
    assert len(known) == 7
    for name, told in known.items():
        found, refused = rows("jaeger", data / name)
        if told["trace_id"] == "trace-123":
            assert (len(found), refused) == (0, told["spans"])
            continue
        assert (len(found), refused) == (told["spans"], 0), name
        assert sorted({r["service"] for r in found}) == told["services"], name
        assert {r["name"] for r in found if r["parent_span_id"] is None} >= set(told["root"]), name
        assert {r["trace_id"] for r in found} == {told["trace_id"].zfill(32)}, name
        assert {r["source"] for r in found} == {"jaeger"}


def test_a_longer_child_and_overlapping_children_keep_their_times(data: Path) -> None:
    """Microseconds become whole nanoseconds; nothing is cut to fit its parent."""
    path = data / "traces/jaeger_json/traceWithOverlappingChildren.json"
    sent = {s["spanID"]: s for s in json.loads(path.read_text())["spans"]}
    found, _ = rows("jaeger", path)
    assert {r["span_id"]: (r["start_ns"], r["duration_ns"]) for r in found} == {
        i.zfill(16): (s["startTime"] * 1000, s["duration"] * 1000) for i, s in sent.items()}  # fmt: skip


def test_what_was_posted_to_zipkin_is_read(data: Path) -> None:
    """A captured request of a JavaScript exporter: each span with kind, parent, times and annotation."""
    path = data / "traces/zipkin_json/003_POST_api-v2-spans.body"
    sent = json.loads(path.read_bytes())
    found, refused = rows("zipkin", path)
    assert (len(found), refused) == (len(sent), 0)
    by_id = {r["span_id"]: r for r in found}
    for one in sent:
        row = by_id[one["id"]]
        assert (row["start_ns"], row["duration_ns"]) == (one["timestamp"] * 1000, one["duration"] * 1000)
        assert (row["parent_span_id"], row["service"]) == (one.get("parentId"), "js-gateway")
        assert row["kind"] == (one["kind"].lower() if "kind" in one else None)
    assert "first_token" in next(r["events"] for r in found if r["name"] == "forward_pass" and r["events"])


def test_both_halves_of_a_shared_span_are_spans_and_what_the_server_did_hangs_below_it(tmp_path: Path) -> None:
    """Client and server sent one id: the server's half is a child of the client's, its own children stay its own."""
    one = {"traceId": "a" * 16, "id": "b" * 16, "timestamp": 1_000_000, "duration": 90}
    client = {**one, "kind": "CLIENT", "name": "call", "localEndpoint": {"serviceName": "edge"},
              "remoteEndpoint": {"serviceName": "scorer", "port": 8080}}  # fmt: skip
    server = {**one, "kind": "SERVER", "name": "serve", "shared": True, "localEndpoint": {"serviceName": "scorer"}}
    below = {**one, "id": "c" * 16, "parentId": "b" * 16, "name": "look up", "tags": {"error": "timeout"},
             "localEndpoint": {"serviceName": "scorer"}}  # fmt: skip
    (tmp_path / "z.json").write_text(json.dumps([[client, server, below]]))
    found, refused = rows("zipkin", tmp_path / "z.json")
    named = {r["name"]: r for r in found}
    assert (len(found), refused) == (3, 0)
    assert named["call"]["span_id"] == "b" * 16
    assert named["serve"]["parent_span_id"] == "b" * 16
    assert named["look up"]["parent_span_id"] == named["serve"]["span_id"]
    assert (named["look up"]["status"], named["look up"]["status_message"]) == ("error", "timeout")
    assert dict(named["call"]["attributes"])["peer.service"] == "scorer"


def test_jaegers_tags_become_kind_status_and_attributes(tmp_path: Path) -> None:
    """The error tag, the kind, a follower as parent, a reference to another trace as link, and the process's tags."""

    def tag(key: str, value: object) -> dict[str, object]:
        return {"key": key, "type": "string", "value": value}

    span = {"traceID": "1" * 32, "spanID": "2" * 16, "operationName": "predict", "startTime": 5, "duration": 2.5,
            "processID": "p1", "tags": [tag("span.kind", "client"), tag("error", True), tag("queue_wait_ms", 12.5)],
            "logs": [{"timestamp": 6, "fields": [tag("event", "retry"), tag("n", 2)]}],
            "references": [{"refType": "FOLLOWS_FROM", "traceID": "1" * 32, "spanID": "3" * 16},
                           {"refType": "CHILD_OF", "traceID": "9" * 32, "spanID": "4" * 16}]}  # fmt: skip
    trace = {"spans": [span], "processes": {"p1": {"serviceName": "scorer", "tags": [tag("host.name", "node-7")]}}}
    (tmp_path / "j.json").write_text(json.dumps([trace]))
    (row,), refused = rows("jaeger", tmp_path / "j.json")
    assert refused == 0
    assert (row["kind"], row["status"], row["service"], row["host"]) == ("client", "error", "scorer", "node-7")
    assert (row["queue_wait_ms"], row["parent_span_id"]) == (12.5, "3" * 16)
    assert (row["start_ns"], row["end_ns"]) == (5000, 7500)
    assert "9" * 32 in row["links"]
    assert "retry" in row["events"]


@pytest.mark.parametrize("wrap", [
    lambda spans, resource: {"batches": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": spans}]}]},
    lambda spans, resource: {"batches": [{"resource": resource, "instrumentationLibrarySpans": [{"spans": spans}]}]},
    lambda spans, resource: {"trace": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]},
                             "metrics": {}},
])  # fmt: skip
def test_tempos_answers_are_read_as_otlp(tmp_path: Path, wrap: Any) -> None:
    """Three shapes of its API, ids in base64 as it writes them: one server span of 2 ms with its service."""
    trace, span = bytes(range(16)), bytes(range(1, 9))
    one = {"traceId": base64.b64encode(trace).decode(), "spanId": base64.b64encode(span).decode(), "name": "predict",
           "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": "1772366400000000000",
           "endTimeUnixNano": "1772366400002000000", "status": {}}  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "scorer"}}]}
    (tmp_path / "tempo.json").write_text(json.dumps(wrap([one], resource)))
    (row,), refused = rows("otlp", tmp_path / "tempo.json")
    assert refused == 0
    assert (row["trace_id"], row["span_id"], row["service"]) == (trace.hex(), span.hex(), "scorer")
    assert (row["kind"], row["duration_ns"]) == ("server", 2_000_000)
