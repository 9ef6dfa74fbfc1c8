"""Panel inside this process: Bokeh's own server on a loop in a thread, without a port; sockets are handed to it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from workbench.errors import StoreError, WorkbenchError

if TYPE_CHECKING:
    from bokeh.document import Document

    Build = Callable[[Document, Mapping[str, str]], None]

PATH = "/boards"
"""Where Bokeh's application stands within its own server; nothing outside sees it."""
WITHIN_S = 300
"""A page's token opens its session within this time; a page that lost its connection asks for another."""
START_S = 60.0
LEFT_MS = 5_000
"""A session whose page is gone is ended after this time."""
MOST_MESSAGE_BYTES = 1_000_000
THREADS = 4
_SOME_S = 0.05


class PanelServer:
    """Serve Panel documents to pages of this process; the checks of who may are the caller's.

    Bokeh's server runs unchanged, but listens nowhere: each connection is one end of a socket pair. *build* fills a
    document from what its token says. Tokens are signed with a key that nobody else has and that ends with the process.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._held: dict[str, Any] = {}

    # -- tokens ----------------------------------------------------------------------------------------------------

    def token(self, given: Mapping[str, str]) -> str:
        """Return a token for one session that is built from *given*; it is signed, not secret."""
        from bokeh.util.token import generate_jwt_token, generate_session_id

        session = generate_session_id(secret_key=self._key, signed=True)
        return str(generate_jwt_token(session, secret_key=self._key, signed=True, expiration=WITHIN_S,
                                      extra_payload={"given": dict(given)}))  # fmt: skip

    def given(self, token: str) -> Mapping[str, str] | None:
        """Return what a token of ours was made from; None for any other, or one that is too old."""
        from bokeh.util.token import check_token_signature, get_token_payload

        try:
            if not check_token_signature(token, secret_key=self._key, signed=True):
                return None
            payload = get_token_payload(token)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
        found = payload.get("given")
        fresh = float(payload.get("session_expiry", 0)) > time.time()
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) and fresh else None

    # -- running ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread where it does not run yet; return at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="panel", daemon=True)
                self._thread.start()

    @property
    def sessions(self) -> int:
        """Return how many sessions are open."""
        tornado = self._held.get("tornado")
        return len(tornado.get_sessions(PATH)) if tornado is not None else 0

    def connect(self) -> socket.socket:
        """Return our end of a new connection to the server; raise `StoreError` where it does not start."""
        self.start()
        if not self._ready.wait(START_S) or "http" not in self._held:
            raise StoreError(f"The boards were not ready within {START_S:g} s; load the page again.")
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        self._held["loop"].add_callback(partial(_take, self._held["http"], theirs))
        return ours

    def close(self) -> None:
        """End all sessions and the thread; what they wrote is journaled already."""
        with self._lock:
            thread = self._thread
        if thread is None or not self._ready.wait(START_S):
            return
        if "loop" in self._held:
            self._held["loop"].add_callback(self._held["ended"].set)
        thread.join(START_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._held.clear()
            self._ready.set()

    async def _serve(self) -> None:
        from bokeh.application.handlers.function import FunctionHandler
        from bokeh.server.server import BaseServer
        from bokeh.server.tornado import BokehTornado
        from bokeh.settings import settings
        from panel.config import config
        from panel.io.application import Application
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop

        # No address of a content network is ever written into a document; events are answered beside the loop.
        settings.resources.set_value("server")
        config.nthreads = THREADS  # type: ignore[misc]  # Panel stores it behind a property
        application: Any = cast("Any", Application)(FunctionHandler(self._fill))
        tornado = BokehTornado(
            {PATH: application}, secret_key=self._key, sign_sessions=True, generate_session_ids=False, use_index=False,
            check_unused_sessions_milliseconds=LEFT_MS, unused_session_lifetime_milliseconds=LEFT_MS,
            websocket_max_message_size_bytes=MOST_MESSAGE_BYTES, extra_websocket_origins=["panel.invalid"],
        )  # fmt: skip
        http, ended = HTTPServer(tornado), asyncio.Event()
        server = BaseServer(IOLoop.current(), tornado, http)
        server.start()
        self._held.update(loop=IOLoop.current(), http=http, tornado=tornado, ended=ended)
        self._ready.set()
        await ended.wait()
        server.stop()
        server.unlisten()
        await http.close_all_connections()
        await asyncio.sleep(_SOME_S)

    def _fill(self, document: Document) -> None:
        context = cast("Any", document.session_context)
        given = context.token_payload.get("given") if context else None
        if not isinstance(given, dict):
            raise WorkbenchError("A session began without the token of a page.")
        self._build(document, given)


def _take(http: Any, theirs: socket.socket) -> None:
    from tornado.iostream import IOStream

    http.handle_stream(IOStream(theirs), ("127.0.0.1", 0))
