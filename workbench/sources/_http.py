"""Ask a system that the user named, and no other: one deadline for the answer, size limit, no proxy, no redirect."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from workbench.errors import SourceError, UsageError
from workbench.sources._json import parse

DEADLINE_S = 5.0
_MOST_BYTES = 256 * 2**20
_PIECE = 2**16


class Peer:
    """One HTTP system at a base address, perhaps with a bearer token."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        """Take ``url`` (required), ``token`` and ``timeout_s`` (at most 5) from settings."""
        url = str(settings.get("url") or "")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(f"{name} needs an address such as http://127.0.0.1:5000; got {url!r}.")
        self.name = name
        self.url = url.rstrip("/")
        self._parts = urlsplit(self.url)
        asked = f"{self._parts.path}?{self._parts.query}" if self._parts.query else self._parts.path
        self._prefix = quote(asked, safe="/%:?[]@!$&'()*+,;=~")
        self._headers = {"Accept": "application/json", "User-Agent": "incident-workbench"}
        if settings.get("token"):
            self._headers["Authorization"] = f"Bearer {settings['token']}"
        self._deadline_s = min(float(settings.get("timeout_s") or DEADLINE_S), DEADLINE_S)

    def get(self, path: str, arguments: Mapping[str, Any] | Sequence[tuple[str, Any]] = ()) -> Any:
        """Return the JSON answer to a GET."""
        query = f"?{urlencode(arguments, doseq=True)}" if arguments else ""
        return self._json("GET", f"{path}{query}", self._headers)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON answer to a POST of JSON."""
        headers = self._headers | {"Content-Type": "application/json"}
        return self._json("POST", path, headers, orjson.dumps(body))

    def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Return the answer to a POST of JSON as it is."""
        headers = self._headers | {"Content-Type": "application/json", "Accept": "*/*"}
        return self._ask("POST", path, headers, orjson.dumps(body))

    def post_form(self, path: str, arguments: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> Any:
        """Return the JSON answer to a POST of form fields."""
        headers = self._headers | {"Content-Type": "application/x-www-form-urlencoded"}
        return self._json("POST", path, headers, urlencode(arguments, doseq=True).encode())

    def text(self, path: str) -> bytes:
        """Return the answer to a GET as it is."""
        return self._ask("GET", path, self._headers | {"Accept": "*/*"})

    def _json(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        content = self._ask(method, path, headers, body)
        try:
            return parse(content)
        except ValueError as error:
            raise SourceError(f"{self.name} at {self.url} answered {len(content)} bytes that are not JSON.") from error

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
        until = time.monotonic() + self._deadline_s
        try:
            with self._connected(until) as connection:
                connection.request(method, f"{self._prefix}{path}" or "/", body, dict(headers))
                with connection.getresponse() as answer:
                    content = self._content(answer)
                    status, reason = answer.status, answer.reason
        except (OSError, http.client.HTTPException) as error:
            self._check_time(until)
            reason = "".join(c if c.isprintable() else "\ufffd" for c in str(error)[:200]) or type(error).__name__
            raise SourceError(f"{self.name} at {self.url} cannot be reached: {reason}. Is it running?") from error
        # A connection cut by the deadline may look like the end of an answer.
        self._check_time(until)
        if not 200 <= status < 300:
            said = content[:500].decode("utf-8", "replace") or reason
            said = "a redirect, which is not followed" if 300 <= status < 400 else said
            raise SourceError(f"{self.name} at {self.url} answered {status}: {said}")
        return content

    @contextmanager
    def _connected(self, until: float) -> Iterator[http.client.HTTPConnection]:
        """Connect, and cut the connection at the deadline: a peer that drips would outlast each single time-out."""
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(self._parts.hostname), self._parts.port, timeout=self._deadline_s)
        try:
            connection.connect()
            watchdog = threading.Timer(max(until - time.monotonic(), 0), _cut, [connection.sock])
            watchdog.daemon = True
            watchdog.start()
            try:
                yield connection
            finally:
                watchdog.cancel()
        finally:
            connection.close()

    def _content(self, answer: http.client.HTTPResponse) -> bytes:
        pieces: list[bytes] = []
        length = 0
        while piece := answer.read1(_PIECE):
            pieces.append(piece)
            length += len(piece)
            if length > _MOST_BYTES:
                raise SourceError(f"{self.name} at {self.url} answered more than {_MOST_BYTES} bytes.")
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
        return b"".join(pieces)

    def _check_time(self, until: float) -> None:
        if time.monotonic() >= until:
            raise SourceError(f"{self.name} at {self.url} took more than {self._deadline_s:g} s to answer.")


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
