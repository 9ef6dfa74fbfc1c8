"""kill -9 under load: what was acknowledged is there, once."""

from __future__ import annotations

import http.client
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.store import Store

SERVER = """
import sys, threading, time
from workbench.intake.server import serve
from workbench.store import Store

store = Store.open(sys.argv[1])

def seal():
    while True:
        store.seal()
        store.compact()
        time.sleep(0.2)

threading.Thread(target=seal, daemon=True).start()
serve(store, port=int(sys.argv[2]))
"""
"""The real server, sealing and compacting all the time so that kills meet it there too."""


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server and return once it answers."""
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)])
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return server
        except OSError:
            assert server.poll() is None, "the server ended while starting"
            time.sleep(0.05)
        finally:
            connection.close()
    server.kill()
    raise AssertionError("the server did not answer within 30 s")


class Sender(threading.Thread):
    """Send batches with unique ids; repeat each one until it is acknowledged, as exporters do."""

    def __init__(self, port: int) -> None:
        """Take the port of the server."""
        super().__init__(daemon=True)
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self.stopping = threading.Event()
        self._port = port

    def run(self) -> None:
        """Send until stopped; the last batch is still brought to its acknowledgement."""
        while not self.stopping.is_set():
            ids = [secrets.token_bytes(16) for _ in range(40)]
            body = _request(ids)
            while not self._post(body):
                self.repeated += 1
                time.sleep(0.02)
            self.acknowledged.update(i.hex() for i in ids)

    def _post(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _request(ids: list[bytes]) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now_ns = time.time_ns()
    for each in ids:
        span = scope.spans.add(trace_id=each, span_id=each[:8], name="op")
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns, now_ns + 1000
    return request.SerializeToString()


def _under_load(senders: list[Sender], more: int) -> None:
    """Wait until so many further spans are acknowledged, however busy the machine is."""
    wanted = sum(len(s.acknowledged) for s in senders) + more
    until = time.monotonic() + 60
    while sum(len(s.acknowledged) for s in senders) < wanted and time.monotonic() < until:
        time.sleep(0.02)


def rounds_of_kills(folder: Path, rounds: int) -> tuple[int, int, int]:
    """Return (acknowledged, lost, doubled) after so many kills under load of three senders."""
    port = free_port()
    dice = random.Random(rounds)
    server = start(folder, port)
    senders = [Sender(port) for _ in range(3)]
    try:
        for sender in senders:
            sender.start()
        for _ in range(rounds):
            _under_load(senders, 400)
            time.sleep(dice.uniform(0.0, 0.8))
            os.kill(server.pid, signal.SIGKILL)
            server.wait()
            server = start(folder, port)
        for sender in senders:
            sender.stopping.set()
        for sender in senders:
            sender.join(timeout=30)
            assert not sender.is_alive()
    finally:
        server.kill()
        server.wait()
    acknowledged = set().union(*(s.acknowledged for s in senders))
    with Store.open(folder) as store:
        before = store.ask("rows", table="spans", columns=["trace_id"])["trace_id"].to_pylist()
        store.seal()
        store.compact()
        after = store.ask("rows", table="spans", columns=["trace_id"])["trace_id"].to_pylist()
        assert not store.gaps()
    assert sorted(before) == sorted(after)
    return len(acknowledged), len(acknowledged - set(after)), len(after) - len(set(after))


def test_after_2_kills_under_load_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    """Two rounds: 0 lost, 0 doubled."""
    acknowledged, lost, doubled = rounds_of_kills(tmp_path / "store", 2)
    assert acknowledged > 500
    assert (lost, doubled) == (0, 0)


@pytest.mark.full
def test_after_20_kills_under_load_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    """Twenty rounds: 0 lost, 0 doubled."""
    acknowledged, lost, doubled = rounds_of_kills(tmp_path / "store", 20)
    print(f"acknowledged {acknowledged} spans over 20 kills: {lost} lost, {doubled} doubled")
    assert acknowledged > 5_000
    assert (lost, doubled) == (0, 0)
