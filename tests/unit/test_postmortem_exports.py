"""Other systems are told in forms that their schemas accept, only where configured, retried, and nobody waits."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest

import workbench.bench  # noqa: F401 - attaches the verbs
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.config import ExportSettings
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import parse_time_ns
from workbench.report.exports import Payload, payloads
from workbench.report.outbox import Outbox, addresses
from workbench.sources import Context
from workbench.sources.openlineage import read

SCHEMAS = Path(__file__).parent / "export_schemas"
NOW = parse_time_ns("2026-03-01T15:00:00Z")
TABLE = "postgres://dwh.internal:5432/dwh.orders"


def blamed(reading: Reading) -> Outcome:
    """Which column is it?"""
    answer = reading.ask("rows")
    finding = Finding("12 % of amount is missing.", f"column:{TABLE}.amount", "null_rate", (answer.evidence,),
                      strength=0.9)  # fmt: skip
    named = Cause(1, finding.entity, "null_burst", finding.statement, 0.9, "proven", {}, (finding,))
    return Outcome((finding,), summary=reading.symptom.signal, ranking=Ranking((named,), "proven", 0.1, finding.entity))


register(operation("blamed", mode="computed", run=blamed, doc="Which column is it?"))


def made(folder: Path, *, resolved: bool) -> Case:
    """Return a case with one proven cause in data."""
    case = Case.create(folder / "cases" / "INC-40", case_id="INC-40", who="ada", clock=lambda: NOW,
                       ask=lambda *_, **__: pa.table({"time_ns": [NOW], "value": [1.0]}))  # fmt: skip
    alert = {"name": "Low", "severity": "critical", "fingerprint": "f1", "starts_ns": NOW - 10**12}
    case.begin("service:scoring", "error_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z", alert=alert)
    case.blamed()
    if resolved:
        case.status("resolved")
    return case


@pytest.mark.parametrize("resolved", [True, False])
def test_every_payload_fits_its_recorded_schema(tmp_path: Path, resolved: bool) -> None:
    """Four kinds when resolved, three before: the end is told only where there is one; each has the deep link."""
    found = payloads(made(tmp_path, resolved=resolved), link="https://workbench.example.com/")
    kinds = ["openlineage", *(["cdevents"] if resolved else []), "slack", "pagerduty"]
    assert [p.kind for p in found] == kinds
    for payload in found:
        schema = json.loads((SCHEMAS / f"{payload.kind}.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(payload.body)
    bodies = {p.kind: p.body for p in found}
    link = "https://workbench.example.com/case/INC-40"
    assert bodies["slack"]["blocks"][-1]["elements"][0]["url"] == link
    assert bodies["pagerduty"]["links"] == [{"href": link, "text": "Open the case"}]
    assert bodies["pagerduty"]["event_action"] == ("resolve" if resolved else "trigger")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**bodies["slack"], "text": 3}, json.loads((SCHEMAS / "slack.json").read_text("utf-8")))


def test_the_lineage_event_is_read_back_as_a_failed_assertion(tmp_path: Path) -> None:
    """The workbench's own reader finds one failed assertion on the column."""
    event = payloads(made(tmp_path, resolved=True))[0].body
    batches = list(read(io.BytesIO(json.dumps(event).encode()), Context("prod", "x.ndjson", 1)))
    rows = [row for batch in batches if "assertions" in batch.tables for row in batch.tables["assertions"].to_pylist()]
    assert [(row["dataset"], row["column"], row["success"]) for row in rows] == [(TABLE, "amount", False)]


class _Taker(BaseHTTPRequestHandler):
    """Refuse the first two messages with 503, hang on to none, then take all."""

    def do_POST(self) -> None:
        """Answer one message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(503 if len(self.server.seen) <= self.server.refuse else 200)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def taker() -> Iterator[HTTPServer]:
    """Hold a server on this machine."""
    server = HTTPServer(("127.0.0.1", 0), _Taker)
    server.seen, server.refuse = [], 2  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_sent_that_is_not_configured(tmp_path: Path) -> None:
    """Without settings there is no address, no message is kept, and none is sent."""
    outbox = Outbox(tmp_path, addresses(ExportSettings()))
    assert outbox.put(payloads(made(tmp_path, resolved=True))) == 0
    assert outbox.flush() == []
    assert not (tmp_path / "outbox").exists()


def test_a_message_is_tried_again_and_taken_once(tmp_path: Path, taker: HTTPServer) -> None:
    """Refused twice, taken at the third attempt; the pauses double; putting it again sends nothing."""
    where = f"http://127.0.0.1:{taker.server_port}/events?x=1"
    outbox, pauses = Outbox(tmp_path, addresses(ExportSettings(cdevents=where))), list[float]()
    found = payloads(made(tmp_path, resolved=True))
    assert outbox.put(found) == 1
    sent = outbox.flush(pause_s=0.5, wait=pauses.append)
    assert [(s.kind, s.taken, s.attempts) for s in sent] == [("cdevents", True, 3)]
    assert pauses == [0.5, 1.0]
    assert {path for path, _ in taker.seen} == {"/events?x=1"}  # type: ignore[attr-defined]
    assert outbox.put(found) == 0
    assert outbox.flush() == []


def test_what_is_not_taken_stays_and_nobody_waits(tmp_path: Path) -> None:
    """A dead address: `start` returns in less than 0.1 s, and the message is still there for the next process."""
    outbox = Outbox(tmp_path, {"slack": "http://127.0.0.1:9/hook"})
    outbox.put((Payload("slack", {"text": "x", "blocks": []}),))
    begun = time.monotonic()
    thread = outbox.start(attempts=2, pause_s=0.01)
    assert time.monotonic() - begun < 0.1
    thread.join()
    (sent,) = Outbox(tmp_path, {"slack": "http://127.0.0.1:9/hook"}).flush(attempts=1)
    assert not sent.taken
    assert "cannot be reached" in sent.problem
    assert len(outbox.waiting()) == 1


def test_the_routing_key_never_stands_on_disk(tmp_path: Path, taker: HTTPServer) -> None:
    """It is in the message that goes out, and in no file."""
    taker.refuse = 0  # type: ignore[attr-defined]
    outbox = Outbox(tmp_path, {"pagerduty": f"http://127.0.0.1:{taker.server_port}/v2"}, routing_key="R0UT1NGK3Y")
    outbox.put(payloads(made(tmp_path, resolved=True)))
    assert [s.taken for s in outbox.flush()] == [True]
    assert taker.seen[0][1]["routing_key"] == "R0UT1NGK3Y"  # type: ignore[attr-defined]
    assert not any(b"R0UT1NGK3Y" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
