"""Ask a system that the user named, and no other: deadlines, size limit, no proxy, no redirect."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import orjson

from workbench.errors import SourceError, UsageError
from workbench.sources._json import parse

DEADLINE_S = 5.0
_MOST_BYTES = 256 * 2**20
_PIECE = 2**16


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse to be sent elsewhere: only the configured host is asked."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> NoReturn:  # noqa: ARG002
        raise urllib.error.HTTPError(req.full_url, code, "a redirect, which is not followed", headers, fp)


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


class Peer:
    """One HTTP system at a base address, perhaps with a bearer token."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        """Take ``url`` (required), ``token`` and ``timeout_s`` (at most 5) from settings."""
        url = str(settings.get("url") or "")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(f"{name} needs an address such as http://127.0.0.1:5000; got {url!r}.")
        self.name = name
        self.url = url.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "incident-workbench"}
        if settings.get("token"):
            self._headers["Authorization"] = f"Bearer {settings['token']}"
        self._deadline_s = min(float(settings.get("timeout_s") or DEADLINE_S), DEADLINE_S)

    def get(self, path: str, arguments: Mapping[str, Any] | Sequence[tuple[str, Any]] = ()) -> Any:
        """Return the JSON answer to a GET."""
        query = f"?{urlencode(arguments, doseq=True)}" if arguments else ""
        return self._json(urllib.request.Request(f"{self.url}{path}{query}", headers=self._headers))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the JSON answer to a POST of JSON."""
        headers = self._headers | {"Content-Type": "application/json"}
        return self._json(urllib.request.Request(f"{self.url}{path}", orjson.dumps(body), headers, method="POST"))

    def send(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Return the answer to a POST of JSON as it is."""
        headers = self._headers | {"Content-Type": "application/json", "Accept": "*/*"}
        return self._ask(urllib.request.Request(f"{self.url}{path}", orjson.dumps(body), headers, method="POST"))

    def post_form(self, path: str, arguments: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> Any:
        """Return the JSON answer to a POST of form fields."""
        headers = self._headers | {"Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(arguments, doseq=True).encode()
        return self._json(urllib.request.Request(f"{self.url}{path}", content, headers, method="POST"))

    def text(self, path: str) -> bytes:
        """Return the answer to a GET as it is."""
        return self._ask(urllib.request.Request(f"{self.url}{path}", headers=self._headers | {"Accept": "*/*"}))

    def _json(self, request: urllib.request.Request) -> Any:
        content = self._ask(request)
        try:
            return parse(content)
        except ValueError as error:
            raise SourceError(f"{self.name} at {self.url} answered {len(content)} bytes that are not JSON.") from error

    def _ask(self, request: urllib.request.Request) -> bytes:
        until = time.monotonic() + self._deadline_s
        pieces: list[bytes] = []
        length = 0
        try:
            with _OPENER.open(request, timeout=self._deadline_s) as answer:
                while piece := answer.read1(_PIECE):
                    pieces.append(piece)
                    length += len(piece)
                    if length > _MOST_BYTES:
                        raise SourceError(f"{self.name} at {self.url} answered more than {_MOST_BYTES} bytes.")
                    if time.monotonic() > until:
                        raise SourceError(f"{self.name} at {self.url} took more than {self._deadline_s:g} s to answer.")
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode("utf-8", "replace")
            raise SourceError(f"{self.name} at {self.url} answered {error.code}: {said or error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise SourceError(f"{self.name} at {self.url} cannot be reached: {reason}. Is it running?") from error
        return b"".join(pieces)
