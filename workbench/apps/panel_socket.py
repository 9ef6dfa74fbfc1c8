"""The app's one WebSocket: who visits and from where is settled before Panel's server sees a byte."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from workbench.apps.panel_server import MOST_MESSAGE_BYTES, PATH, PanelServer
from workbench.apps.roles import ROUTES, allows
from workbench.apps.session import LASTS_S, Session, Sessions
from workbench.errors import StoreError

SOCKET = "/panel/{case_id}/ws"
MOST_SOCKETS = 200
"""Pages with a board that may be open at the same time."""
REFUSED, FULL = 1008, 1013


class PanelSockets:
    """Pass the messages of pages on to Panel's server and back."""

    def __init__(self, panels: PanelServer, sessions: Sessions, *, proxied: bool) -> None:
        self._panels = panels
        self._sessions = sessions
        self._proxied = proxied
        self.open = 0

    def route(self) -> WebSocketRoute:
        """Return the route; it stands in the table of roles like every other."""
        return WebSocketRoute(SOCKET, self.endpoint)

    async def endpoint(self, page: WebSocket) -> None:
        """Serve one page for as long as it is open; a page that may not is closed before it is accepted."""
        code = self._refusal(page)
        if code:
            await page.close(code)
            return
        self.open += 1
        try:
            async with asyncio.timeout(LASTS_S):
                await self._pass(page)
        except (TimeoutError, StoreError, OSError, WebSocketException):
            with contextlib.suppress(RuntimeError):
                await page.close(FULL)
        finally:
            self.open -= 1

    def _refusal(self, page: WebSocket) -> int:
        session = self._sessions.of(page)
        offered = page.scope.get("subprotocols") or []
        if not allows(session.role, ROUTES["WEBSOCKET", SOCKET]) or not from_ours(page, proxied=self._proxied):
            return REFUSED
        given = self._panels.given(offered[1]) if len(offered) == 2 and offered[0] == "bokeh" else None
        if given is None or not _is_of(given, session, page.path_params["case_id"]):
            return REFUSED
        return FULL if self.open >= MOST_SOCKETS else 0

    async def _pass(self, page: WebSocket) -> None:
        ours = await run_in_threadpool(self._panels.connect)
        offered = [Subprotocol(name) for name in page.scope["subprotocols"]]
        inner = await connect(
            f"ws://panel.invalid{PATH}/ws", sock=ours, subprotocols=offered, compression=None, max_size=None,
            ping_interval=None, proxy=None,
        )  # fmt: skip
        try:
            await page.accept("bokeh")
            ways = {asyncio.create_task(_up(page, inner)), asyncio.create_task(_down(inner, page))}
            done, rest = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in rest:
                way.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            for way in done:
                way.result()
        finally:
            # Both ends are ours: there is nobody to say goodbye to.
            inner.transport.abort()


async def _up(page: WebSocket, inner: ClientConnection) -> None:
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            return
        held = message["text"] if message.get("text") is not None else message["bytes"]
        if len(held) > MOST_MESSAGE_BYTES:
            return
        await inner.send(held)


async def _down(inner: ClientConnection, page: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        async for message in inner:
            await (page.send_text(message) if isinstance(message, str) else page.send_bytes(message))


def from_ours(page: WebSocket, *, proxied: bool) -> bool:
    """Say whether a page of this server opened the socket; browsers always say where theirs come from."""
    host, schemes = page.headers.get("host", ""), {"ws": "http", "wss": "https"}
    ours = {f"{schemes[page.url.scheme]}://{host}", *([f"https://{host}"] if proxied else [])}
    return page.headers.getlist("origin") == [page.headers.get("origin", "")] and page.headers["origin"] in ours


def mark(session: Session) -> str:
    """Return what ties a token to the session whose page it was made for, without telling its form token."""
    return hashlib.sha256(f"board {session.form_token}".encode()).hexdigest()


def _is_of(given: Mapping[str, str], session: Session, case_id: str) -> bool:
    return hmac.compare_digest(given.get("mark", ""), mark(session)) and given.get("case") == case_id
