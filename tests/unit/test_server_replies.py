"""Status codes, reply types and checks of the live intake, one fact a test."""

from __future__ import annotations

import gzip
import http.client
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from workbench import plugins
from workbench.config import ServerSettings, Settings, SourceSettings
from workbench.errors import SourceError, StoreError, UsageError
from workbench.intake.background import Repeat, puller
from workbench.intake.body import inflate
from workbench.intake.gate import Gate
from workbench.intake.guard import without_port
from workbench.intake.limits import Refused
from workbench.intake.mask import MaskPolicy
from workbench.intake.policy import pulls
from workbench.intake.server import check_bind, is_loopback, serving
from workbench.sources import Batch, Context, Source, otlp
from workbench.store import Store

PROTOBUF, JSON = {"Content-Type": "application/x-protobuf"}, {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Open a store for this module."""
    with Store.open(tmp_path_factory.mktemp("replies") / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    """Serve it on a free port."""
    with serving(store) as url:
        yield url.removeprefix("http://")


def ask(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
    """Return the answer to one request; ``Content_Type`` stands for Content-Type."""
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def request(name: str = "op", trace_id: bytes | None = None) -> ExportTraceServiceRequest:
    """Return an OTLP request of one span."""
    export = ExportTraceServiceRequest()
    ids = secrets.token_bytes(16) if trace_id is None else trace_id
    span = (
        export.resource_spans.add().scope_spans.add().spans.add(trace_id=ids, span_id=secrets.token_bytes(8), name=name)
    )
    span.start_time_unix_nano = span.end_time_unix_nano = 10**18
    return export


def test_a_protobuf_request_gets_a_protobuf_reply_and_is_visible_at_once(address: str, store: Store) -> None:
    """200, application/x-protobuf, an empty success, and the span can be read."""
    export = request("seen at once")
    answer = ask(address, "POST", "/v1/traces", export.SerializeToString(), **PROTOBUF)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert not ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans
    names = store.ask("rows", table="spans", columns=["name"])["name"].to_pylist()
    assert "seen at once" in names


def test_a_json_request_gets_a_json_reply_gzipped_and_with_a_charset(address: str) -> None:
    """Hex ids, gzip and ``; charset=utf-8`` are taken; the reply is JSON."""
    span = {"traceId": "AB" * 16, "spanId": "cd" * 8, "name": "n", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    body = gzip.compress(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode())
    answer = ask(address, "POST", "/v1/traces", body,
                 Content_Type="application/json; charset=utf-8", Content_Encoding="gzip")  # fmt: skip
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) in ({}, {"partialSuccess": {}})


def test_a_chunked_body_without_a_length_is_taken(address: str, store: Store) -> None:
    """Gzipped JSON in chunks of 7 bytes and no Content-Length, as the JavaScript exporter sends it: 200 and on disk."""
    ids = secrets.token_hex(16)
    span = {"traceId": ids, "spanId": "cd" * 8, "name": "n", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    body = gzip.compress(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode())
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}
        pieces = (body[i : i + 7] for i in range(0, len(body), 7))
        connection.request("POST", "/v1/traces", pieces, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        answer.read()
    finally:
        connection.close()
    assert store.ask("trace", trace_id=ids).num_rows == 1


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_two_hours_off_costs_no_span(address: str, store: Store, hours: int) -> None:
    """A child outside its parent and a span that ends before it begins are kept as sent: a negative duration shows."""
    export = request(trace_id=(trace := secrets.token_bytes(16)))
    root = export.resource_spans[0].scope_spans[0].spans[0]
    root.end_time_unix_nano = root.start_time_unix_nano + 10**9
    child = export.resource_spans[0].scope_spans[0].spans.add(trace_id=trace, span_id=secrets.token_bytes(8), name="c")
    child.parent_span_id, child.start_time_unix_nano = root.span_id, root.start_time_unix_nano + hours * 3600 * 10**9
    child.end_time_unix_nano = child.start_time_unix_nano - 5
    answer = ask(address, "POST", "/v1/traces", export.SerializeToString(), **PROTOBUF)
    assert answer.status == 200
    assert not ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans
    kept = {row["name"]: row for row in store.ask("trace", trace_id=trace.hex()).to_pylist()}
    assert kept["c"]["duration_ns"] == -5
    assert kept["c"]["start_ns"] - kept["op"]["start_ns"] == hours * 3600 * 10**9


def test_one_bad_span_among_good_ones_is_a_partial_success(address: str) -> None:
    """A span without trace id is rejected and counted; the other span is kept; the status is 200."""
    export = request()
    export.resource_spans.add().CopyFrom(request(trace_id=b"").resource_spans[0])
    answer = ask(address, "POST", "/v1/traces", export.SerializeToString(), **PROTOBUF)
    assert answer.status == 200
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/traces", b"\xff\xff\xff", PROTOBUF, 400),
        ("/v1/traces", b"{", JSON, 400),
        ("/v1/traces", b"", {}, 415),
        ("/v1/traces", b"x", {"Content-Type": "text/plain"}, 415),
        ("/v1/traces", b"x", {"Content-Type": "application/grpc+proto"}, 415),
        ("/v1/traces", b"x", {**PROTOBUF, "Content-Encoding": "br"}, 415),
        ("/v1/traces", b"x", {**PROTOBUF, "Content-Encoding": "gzip"}, 400),
        ("/v1/traces", gzip.compress(b"x" * 1000, mtime=0)[:20], {**PROTOBUF, "Content-Encoding": "gzip"}, 400),
        ("/api/v1/lineage", b"{}", {"Content-Type": "text/plain"}, 415),
        ("/api/v1/lineage", b"{", JSON, 400),
        ("/webhooks/alertmanager", b"[]", JSON, 400),
        ("/nowhere", b"{}", JSON, 404),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_status(
    address: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Bad bodies 400, bad types 415, unknown paths 404."""
    assert ask(address, "POST", path, body, **headers).status == status


def test_refusals_are_google_rpc_status_in_the_encoding_of_the_request(address: str) -> None:
    """Field 1 is the code, field 2 the message; JSON has the same names."""
    binary = ask(address, "POST", "/v1/traces", b"\xff", **PROTOBUF)
    assert binary.headers["content-type"] == "application/x-protobuf"
    assert binary.body[:3] == b"\x08\x03\x12"
    text = ask(address, "POST", "/v1/traces", b"{", **JSON)
    assert json.loads(text.body)["code"] == 3


def test_grpc_is_refused_in_words_that_say_what_to_set(address: str) -> None:
    """The sentence names http/protobuf."""
    assert b"http/protobuf" in ask(address, "POST", "/v1/traces", b"x", Content_Type="application/grpc").body


def test_reading_an_intake_path_is_405(address: str) -> None:
    """GET on /v1/traces answers 405 with Allow."""
    answer = ask(address, "GET", "/v1/traces")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_liveness_and_readiness_answer(address: str) -> None:
    """Both are 200; readiness names the background task."""
    assert ask(address, "GET", "/healthz").status == 200
    ready = ask(address, "GET", "/readyz")
    assert ready.status == 200
    assert "seal" in json.loads(ready.body)["tasks"]


def test_an_undecodable_body_stands_in_the_quarantine_by_length_and_digest_only(address: str, store: Store) -> None:
    """Reason, place, length and SHA-256; no content."""
    ask(address, "POST", "/v1/traces", b"\xff\xfe\xfd", **PROTOBUF)
    lines = [
        json.loads(x) for p in (store.root / "quarantine").glob("intake-*.jsonl") for x in p.read_text().splitlines()
    ]
    mine = [x for x in lines if x["length"] == 3]
    assert mine
    assert mine[-1]["content"] is None
    assert mine[-1]["place"] == "127.0.0.1"
    assert len(mine[-1]["sha256"]) == 64


def test_the_same_request_twice_is_one_row(address: str, store: Store) -> None:
    """Retries after a lost reply change nothing."""
    export = request("sent twice").SerializeToString()
    for _ in range(2):
        assert ask(address, "POST", "/v1/traces", export, **PROTOBUF).status == 200
    assert store.ask("rows", table="spans", columns=["name"])["name"].to_pylist().count("sent twice") == 1


@pytest.mark.parametrize(("encoding", "body"), [
    ("gzip", gzip.compress(b"a" * 50, mtime=0) + gzip.compress(b"b" * 50, mtime=0)),
    ("zstd", pa.compress(b"a" * 50 + b"b" * 50, codec="zstd", asbytes=True)),
    ("identity", b"a" * 50 + b"b" * 50),
])  # fmt: skip
def test_bodies_inflate_up_to_the_bound_and_not_a_byte_further(encoding: str, body: bytes) -> None:
    """100 bytes pass a bound of 100 and not one of 99; several gzip members are one body."""
    assert inflate(body, encoding, 100) == b"a" * 50 + b"b" * 50
    with pytest.raises(Refused) as refused:
        inflate(body, encoding, 99)
    assert refused.value.status == 413


def test_listening_beyond_this_machine_needs_permission() -> None:
    """0.0.0.0, ::, a LAN address and a host name are refused; loopback in any spelling is not."""
    for host in ("127.0.0.1", "127.8.9.1", "::1", "localhost"):
        check_bind(host, Settings())
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", "127.0.0.1.example.org"):
        assert not is_loopback(host)
        with pytest.raises(UsageError, match="other machines"):
            check_bind(host, Settings())


def test_settings_open_other_hosts_and_names(store: Store) -> None:
    """``outside`` permits the bind, ``allowed_hosts`` the name."""
    settings = Settings(server=ServerSettings(allowed_hosts=("telemetry.example",), outside=True))
    check_bind("0.0.0.0", settings)
    with serving(store, settings) as url:
        assert ask(url.removeprefix("http://"), "GET", "/healthz", Host="telemetry.example:4318").status == 200


def test_a_source_is_pulled_from_its_saved_cursor_masked_and_each_batch_with_its_cursor(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three batches, then a failure: two are kept with cursor 2; the next run begins there."""
    begun: list[str | None] = []

    def pull(settings: Mapping[str, Any], cursor: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
        assert settings == {"uri": "http://127.0.0.1:1", "url": "http://127.0.0.1:1", "token": "hunter2"}
        begun.append(cursor)
        for number in range(int(cursor or 0) + 1, 4):
            if number == 3 and len(begun) == 1:
                raise SourceError("gone in the middle")
            body = request(f"pulled {number} by bob@example.org").SerializeToString()
            yield otlp.decode("traces", body, "protobuf", context), str(number)

    source = Source("fake", "Fake", "", ("spans",), lambda _head: 0.0, lambda _what, _context: iter(()), pull)
    monkeypatch.setattr(plugins, "load", lambda _group, _name: source)
    monkeypatch.setenv("FAKE_TOKEN", "hunter2")
    live = SourceSettings("one", "fake", "http://127.0.0.1:1", "10ms", {"token": "env:FAKE_TOKEN"})
    settings = Settings(sources=(live,))
    repeat = puller(Gate(store, MaskPolicy()), pulls(settings)[0], "prod")
    repeat.start()
    deadline = time.monotonic() + 30
    while len(begun) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    repeat.close()
    monkeypatch.undo()
    assert begun[:3] == [None, "2", "3"]
    rows = store.ask("rows", table="spans", columns=["name"])
    names = [name for name in rows["name"].to_pylist() if name.startswith("pulled")]
    assert sorted(n.split()[1] for n in names) == ["1", "2", "3"]
    assert not any("bob@" in n for n in names)


def test_a_taken_port_is_said_in_words(address: str, store: Store) -> None:
    """The error names the port."""
    port = int(address.rsplit(":", 1)[1])
    with pytest.raises(SourceError, match=str(port)), serving(store, port=port):
        pass


def test_a_hanging_task_is_reported_and_another_one_goes_on() -> None:
    """One that hangs is marked after its longest time while its neighbour runs many times; a failing one backs off."""
    ran = []

    def fail() -> None:
        raise StoreError("no disk")

    hang = Repeat("hang", 0.01, lambda: time.sleep(3), longest_s=0.1)
    work = Repeat("work", 0.01, lambda: ran.append(1), longest_s=5)
    bad = Repeat("bad", 0.01, fail, longest_s=5)
    for each in (hang, work, bad):
        each.start()
    time.sleep(0.6)
    assert "no answer" in hang.health.error
    assert len(ran) > 10
    assert bad.health.error == "StoreError: no disk"
    assert bad.health.failures >= 3
    assert bad.health.pause_s(30) <= 300
    for each in (hang, work, bad):
        each.close()


def test_host_names_are_read_without_port() -> None:
    """Ports, brackets and a final dot are taken off; anything malformed is no name."""
    assert without_port("LocalHost:4318") == "localhost"
    assert without_port("[::1]:4318") == "[::1]"
    assert without_port("localhost.") == "localhost"
    for bad in ("localhost:x", "[::1", "[::1]x", "localhost:", "a b", "localhost:4318:1"):
        assert without_port(bad) not in ("localhost", "[::1]")
