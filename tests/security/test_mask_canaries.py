"""Canaries: personal data and secrets sent in every field stand in no file that is written, in no encoding."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import sqlite3
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.intake.files import ingest
from workbench.intake.patterns import luhn
from workbench.intake.server import serving
from workbench.store import Store
from workbench.store.journal import decode

_LETTERS = string.ascii_letters + string.digits
PLACES = 8


def word(dice: random.Random, length: int, letters: str = _LETTERS) -> str:
    """Return random characters, a digit, an upper and a lower case letter among them."""
    return "".join(dice.choice(letters) for _ in range(length - 3)) + "a7K"


def with_check_digit(digits: str) -> str:
    """Return the digits with their Luhn check digit."""
    return next(digits + str(d) for d in range(10) if luhn(digits + str(d)))


def canaries(dice: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (text as it is sent, part of it that may stand nowhere), kind after kind."""
    digits = string.digits
    while True:
        domain = f"{word(dice, 8).lower()}.example.{dice.choice(('org', 'co.uk', 'ca'))}"
        mail = f"{word(dice, 9).lower()}.{word(dice, 6)}@{domain}"
        yield mail, mail
        card = with_check_digit(dice.choice(("4", "51", "55", "2221")).ljust(15, "0")[:4] + word_digits(dice, 11))
        joint = dice.choice(("", " ", "-"))
        yield (
            f"card {joint.join(card[i : i + 4] for i in range(0, 16, 4))} declined",
            joint.join((card[4:8], card[8:12])),
        )
        sin = with_check_digit(str(dice.randint(1, 7)) + word_digits(dice, 7))
        joint = dice.choice((" ", "-"))
        yield f"SIN {joint.join((sin[:3], sin[3:6], sin[6:]))}", joint.join((sin[:3], sin[3:6], sin[6:]))
        yield f"customer {sin} called", sin
        line = f"{dice.randint(200, 999)}-{dice.randint(1000, 9999)}"
        yield f"reached {dice.choice(('+1 416-', '(416) ', '416-'))}{line}", line
        token = word(dice, 30)
        yield f"Authorization: Bearer {token}", token
        yield f"https://user:{token[:12]}@host/path", token[:12]
        key = "AKIA" + "".join(dice.choice(string.ascii_uppercase + digits) for _ in range(16))
        yield f"using {key}", key
        github = "ghp_" + word(dice, 36)
        yield github, github
        part = word(dice, 40)
        yield f"eyJhbGciOiJIUzI1NiJ9.eyJ{part}.{word(dice, 20)}", part
        block = word(dice, 64)
        yield f"-----BEGIN PRIVATE KEY-----\n{block}\n-----END PRIVATE KEY-----", block
        password = word(dice, 14)
        yield f"login failed, password={password}", password
        yield json.dumps({"user": {"password": password}}), password
        yield f"api_key: {word(dice, 6)}{password}", password


def word_digits(dice: random.Random, length: int) -> str:
    """Return random digits."""
    return "".join(dice.choice(string.digits) for _ in range(length))


def trace_request(texts: list[str]) -> bytes:
    """Return spans with one text each, in one of eight fields."""
    request = ExportTraceServiceRequest()
    for place, text in enumerate(texts):
        resource = request.resource_spans.add()
        span = resource.scope_spans.add().spans.add(trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8))
        span.start_time_unix_nano, span.end_time_unix_nano, span.name = 10**18, 10**18 + 1, "op"
        match place % PLACES:
            case 0:
                span.name = text
            case 1:
                span.attributes.add(key="note").value.string_value = text
            case 2:
                span.attributes.add(key=text).value.string_value = "v"
            case 3:
                resource.resource.attributes.add(key="service.name").value.string_value = text
            case 4:
                span.events.add(name="e", time_unix_nano=10**18).attributes.add(key="m").value.string_value = text
            case 5:
                span.status.code, span.status.message = 2, text
            case 6:
                span.attributes.add(key="list").value.array_value.values.add().string_value = text
            case 7:
                pair = span.attributes.add(key="tree").value.kvlist_value.values.add(key="leaf")
                pair.value.string_value = text
    return request.SerializeToString()


def log_request(texts: list[str]) -> bytes:
    """Return log records with one text each as the body."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for text in texts:
        scope.log_records.add(time_unix_nano=10**18).body.string_value = text
    return request.SerializeToString()


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield everything below a folder: raw bytes, and what compressed files hold once decompressed."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        yield str(path), path.read_bytes()
        yield f"{path} (name)", str(path).encode()
        if path.suffix == ".parquet":
            yield (
                f"{path} (rows)",
                json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode(),
            )
        if path.suffix == ".sqlite":
            connection = sqlite3.connect(path)
            for name, blob, digest in connection.execute("SELECT tbl, blob, sha256 FROM batches"):
                rows = decode(name, blob, digest).to_pylist()
                yield f"{path} ({name})", json.dumps(rows, default=str, ensure_ascii=False).encode()
            connection.close()


def send(url: str, texts: list[str]) -> None:
    """Send the texts in spans and logs, in lineage and alerts, and in bodies that are refused."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    event = {
        "eventTime": "2026-01-01T00:00:00Z", "eventType": "FAIL", "producer": texts[0],
        "run": {"runId": secrets.token_hex(8),
                "facets": {"errorMessage": {"message": texts[1], "stackTrace": texts[2]}}},
        "job": {"namespace": "n", "name": texts[3]},
        "inputs": [{"namespace": "db", "name": texts[4]}], "outputs": [{"namespace": "db", "name": texts[5]}],
    }  # fmt: skip
    requests = [
        ("/v1/traces", "application/x-protobuf", trace_request(texts)),
        ("/v1/logs", "application/x-protobuf", log_request(texts)),
        ("/api/v1/lineage", "application/json", json.dumps(event).encode()),
        ("/api/v1/lineage", "application/json", json.dumps({"eventTime": texts[6], "note": texts[7]}).encode()),
        ("/v1/traces", "application/x-protobuf", b"\xff" + texts[8].encode()),
        ("/v1/traces", "application/json", json.dumps({"resourceSpans": texts[9]}).encode()),
        ("/v1/traces", "application/json", json.dumps(
            {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": texts[10], "spanId": texts[11]}]}]}]}).encode()),
    ]  # fmt: skip
    for path, media, body in requests:
        connection.request("POST", path, body, {"Content-Type": media})
        connection.getresponse().read()
    connection.close()


def found_after(folder: Path, count: int, seed: int) -> list[str]:
    """Return the canaries of *count* that stand in some file after intake, before and after sealing."""
    stream = canaries(random.Random(seed))
    sent = [next(stream) for _ in range(count)]
    texts = [text for text, _ in sent]
    with Store.open(folder / "store") as store:
        with serving(store) as url:
            for at in range(0, count, 200):
                send(url, texts[at : at + 200])
        (folder / "in").mkdir()
        (folder / "in" / "spans.bin").write_bytes(trace_request(texts[:200]))
        ingest(store, [folder / "in"])
        before = list(written(folder / "store"))
        store.seal()
        store.compact()
        after = list(written(folder / "store"))
        assert store.counts()["spans"] >= count
    return sorted({secret for _, content in (*before, *after) for secret in found_in(content, [s for _, s in sent])})


def found_in(content: bytes, wanted: list[str]) -> set[str]:
    """Return which texts of at least 8 bytes stand in the content; one pass for all of them."""
    texts = {text.encode() for text in wanted}
    numbers = np.array(sorted({int.from_bytes(t[:8], sys.byteorder) for t in texts}), np.uint64)
    at = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, np.uint8), 8) if len(content) >= 8 else None
    if at is None:
        return set()
    hits = np.flatnonzero(np.isin(np.ascontiguousarray(at).view(np.uint64).ravel(), numbers))
    return {t.decode() for i in hits.tolist() for t in texts if content[i : i + len(t)] == t}


def test_of_1_000_canaries_none_stands_in_any_file(tmp_path: Path) -> None:
    """14 kinds in 8 fields of spans, in logs, lineage and refused bodies: 0 found."""
    assert found_after(tmp_path, 1_000, seed=3) == []


@pytest.mark.full
def test_of_10_000_canaries_none_stands_in_any_file(tmp_path: Path) -> None:
    """Ten times as many, another seed: 0 found."""
    assert found_after(tmp_path, 10_000, seed=4) == []


def test_the_search_itself_finds_what_is_written_unmasked(tmp_path: Path) -> None:
    """The same search finds a canary that was put into a store past the gate, in journal and in segment."""
    from workbench.columnar import build
    from workbench.model.tables import LOGS

    with Store.open(tmp_path / "store") as store:
        row = {"log_id": ["1"], "time_ns": [1], "body": ["bob@example.org"], "environment": "prod", "source": "t",
               "place": "t", "received_ns": 1}  # fmt: skip
        store.append({"logs": build(LOGS, row)})
        assert any(found_in(content, ["bob@example.org"]) for _, content in written(tmp_path / "store"))
        store.seal()
        assert any(
            "rows" in name and found_in(content, ["bob@example.org"]) for name, content in written(tmp_path / "store")
        )
