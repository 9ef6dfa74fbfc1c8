"""Live sources that hang, drip, lie or are gone: said within the deadline, and no other source waits for them."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from workbench import plugins
from workbench.config import Settings, SourceSettings
from workbench.errors import SourceError
from workbench.intake.server import serving
from workbench.sources import Context, Source
from workbench.store import Store

Answer = Callable[[socket.socket, threading.Event], None]
DEADLINE_S = 0.6
CONTEXT = Context("prod", "pull", 1_772_366_400_000_000_000)


def hang(_peer: socket.socket, stop: threading.Event) -> None:
    """Take the request and never answer."""
    stop.wait(30)


def drip_headers(peer: socket.socket, stop: threading.Event) -> None:
    """Send a byte of a header every tenth of a second: each single read is quick."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not stop.wait(0.1):
        peer.sendall(b"x")


def drip_body(peer: socket.socket, stop: threading.Event) -> None:
    """Send a byte of the body every tenth of a second."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(0.1):
        peer.sendall(b" ")


def said(status: str, body: bytes, extra: str = "") -> Answer:
    """Return what sends one answer and closes."""

    def answer(peer: socket.socket, _stop: threading.Event) -> None:
        peer.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)

    return answer


def cut(peer: socket.socket, _stop: threading.Event) -> None:
    """Promise 5,000 bytes, send 20 and close."""
    peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"status":"success",')


def no_http(peer: socket.socket, _stop: threading.Event) -> None:
    """Send bytes that are no HTTP."""
    peer.sendall(bytes(range(256)) * 4)


MODES: dict[str, Answer] = {
    "hangs": hang, "drips headers": drip_headers, "drips a body": drip_body, "says 500": said("500 Broken", b"oops"),
    "says no JSON": said("200 OK", b"<html>it works</html>"), "is cut off": cut, "speaks no HTTP": no_http,
    "redirects": said("302 Found", b"", "Location: http://192.0.2.1/secret\r\n"),
}  # fmt: skip


@contextmanager
def peer(answer: Answer) -> Iterator[str]:
    """Serve one behaviour on a free port; yield its address."""
    stop = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            answer(connection, stop)

    def take() -> None:
        with suppress(OSError):
            while not stop.is_set():
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=talk, args=(connection,)))
                threads[-1].start()

    threads = [threading.Thread(target=take)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize("source", ["prometheus", "mlflow"])
@pytest.mark.parametrize("mode", MODES)
def test_each_way_to_fail_is_one_sentence_within_the_deadline(source: str, mode: str) -> None:
    """8 modes x each source that is asked over HTTP: a SourceError that names the address, within the time given."""
    asked: Source = plugins.load("source", source)
    assert asked.pull is not None
    with peer(MODES[mode]) as url:
        began = time.monotonic()
        with pytest.raises(SourceError, match=url.removeprefix("http://")) as told:
            list(asked.pull({"url": url, "timeout_s": DEADLINE_S}, None, CONTEXT))
        took = time.monotonic() - began
    assert took < DEADLINE_S + 0.9
    assert len(str(told.value).splitlines()) == 1


def test_a_deadline_above_5_seconds_is_5() -> None:
    """A dripping server is left after 5 s, whatever the settings say."""
    asked: Source = plugins.load("source", "prometheus")
    assert asked.check is not None
    with peer(drip_headers) as url:
        began = time.monotonic()
        with pytest.raises(SourceError, match="took more than 5 s"):
            asked.check({"url": url, "timeout_s": 60})
    assert 4.5 < time.monotonic() - began < 6.5


def test_a_folder_without_git_and_a_machine_without_gpu_say_so(tmp_path: Path) -> None:
    """The sources that ask no server fail in words too, or answer."""
    git: Source = plugins.load("source", "git_log")
    nvml: Source = plugins.load("source", "nvml")
    assert git.pull is not None
    assert nvml.pull is not None
    with pytest.raises(SourceError, match="no git repository"):
        list(git.pull({"uri": str(tmp_path)}, None, CONTEXT))
    began = time.monotonic()
    with suppress(SourceError):
        list(nvml.pull({}, None, CONTEXT))
    assert time.monotonic() - began < 5


def test_a_rewritten_history_is_read_anew(tmp_path: Path) -> None:
    """A cursor whose commit is gone gives all commits again, and no error for ever."""
    source: Source = plugins.load("source", "git_log")
    assert source.pull is not None
    commit(tmp_path, "init", "-q")
    commit(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    found = list(source.pull({"uri": str(tmp_path)}, "a" * 40, CONTEXT))
    assert [batch.tables["changes"].column("title").to_pylist() for batch, _ in found] == [["first"]]
    assert list(source.pull({"uri": str(tmp_path)}, found[-1][1], CONTEXT)) == []


def commit(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_a_source_that_hangs_and_one_that_is_gone_keep_no_other_waiting(tmp_path: Path) -> None:
    """Beside both, git is pulled, spans are acknowledged in a second each, readiness tells age and fault."""
    commit(tmp_path, "init", "-q", "repo")
    commit(tmp_path / "repo", "commit", "-q", "--allow-empty", "-m", "first")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with Store.open(tmp_path / "store") as store, peer(hang) as slow:
        given = [("hanging", "mlflow", slow), ("gone", "prometheus", gone), ("code", "git_log", str(tmp_path / "repo"))]
        sources = tuple(SourceSettings(name, kind, uri, "200ms") for name, kind, uri in given)
        with serving(store, Settings(sources=sources)) as url:
            host = url.removeprefix("http://")
            for number in range(5):
                began = time.monotonic()
                assert posted(host, number) == 200
                assert time.monotonic() - began < 1
            until = time.monotonic() + 5
            while not (titles := pulled(store)) and time.monotonic() < until:
                time.sleep(0.05)
            assert titles == ["first"]
            commit(tmp_path / "repo", "commit", "-q", "--allow-empty", "-m", "second")
            while len(titles := pulled(store)) < 2 and time.monotonic() < until:
                time.sleep(0.05)
            assert sorted(titles) == ["first", "second"]
            tasks = json.loads(asked(host, "GET", "/readyz")[1])["tasks"]
            assert tasks["pull gone"]["failures"] >= 1
            assert "cannot be reached" in tasks["pull gone"]["error"]
            assert tasks["pull gone"]["last_success_ns"] is None
            assert tasks["pull hanging"]["last_success_ns"] is None
            assert abs(time.time_ns() - tasks["pull code"]["last_success_ns"]) < 5e9


def pulled(store: Store) -> list[str]:
    titles: list[str] = store.ask("rows", table="changes", columns=["title"]).column("title").to_pylist()
    return titles


def posted(host: str, number: int) -> int:
    span = {"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": "x",
            "startTimeUnixNano": "1772366400000000000", "endTimeUnixNano": "1772366400000001000"}  # fmt: skip
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    return asked(host, "POST", "/v1/traces", body)[0]


def asked(host: str, verb: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(verb, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
