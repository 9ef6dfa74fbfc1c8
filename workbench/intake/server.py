"""The live intake: one Starlette application, a 2xx only for what is on disk, overload said and never hidden."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from workbench.config import Settings
from workbench.errors import SourceError, UsageError
from workbench.intake.background import Repeat, puller, sealer, store_answers
from workbench.intake.gate import Gate
from workbench.intake.guard import LOOPBACK_HOSTS, Guard
from workbench.intake.limits import Limits
from workbench.intake.policy import mask_policy, pulls
from workbench.intake.protocol import protocol
from workbench.intake.routes import INTAKE_PATHS, routes
from workbench.intake.take import Intake
from workbench.intake.tokens import TokenCheck, senders
from workbench.store import Store

_STOP_S = 5
MOST_MESSAGE_BYTES = 1_000_000
"""A WebSocket's message holds so many bytes at most."""


def app(
    store: Store,
    settings: Settings | None = None,
    *,
    limits: Limits | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    on_alerts: Callable[[], object] | None = None,
) -> Starlette:
    """Return the application; its lifespan starts and ends the threads that seal the store and pull sources."""
    bounds, settings = limits or Limits(), settings or Settings()
    gate = Gate(store, mask_policy(settings), attribute_keys=bounds.attribute_keys)
    intake = Intake(gate, bounds, store.environment)
    repeats = [sealer(gate, retain_days=settings.retain_days)]
    repeats += [puller(gate, pull, store.environment) for pull in pulls(settings)]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        for repeat in repeats:
            repeat.start()
        try:
            yield
        finally:
            for repeat in repeats:
                await run_in_threadpool(repeat.close)
            await run_in_threadpool(intake.close)

    guard = Middleware(Guard, hosts=(*LOOPBACK_HOSTS, *settings.server.allowed_hosts), intake_paths=INTAKE_PATHS)
    taken = routes(intake, on_alerts=on_alerts)
    asked = Middleware(TokenCheck, known=senders(settings.server.ingest), environment=store.environment)
    all_routes = [*taken, *_questions(gate, repeats), *extra_routes]
    return Starlette(routes=all_routes, middleware=[guard, asked], lifespan=lifespan)


def _questions(gate: Gate, repeats: Sequence[Repeat]) -> list[Route]:
    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        problem = await run_in_threadpool(store_answers, gate)
        tasks = {r.name: dataclasses.asdict(r.health) for r in repeats}
        ready = {"status": "ok" if problem is None else "unavailable", "store": problem or "ok", "tasks": tasks}
        return JSONResponse(ready, 200 if problem is None else 503, None if problem is None else {"Retry-After": "5"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def check_bind(host: str, settings: Settings) -> None:
    """Refuse to listen beyond this machine unless the settings say so."""
    if not is_loopback(host) and not settings.server.outside:
        raise UsageError(
            f"Listening on {host} would take telemetry from other machines without asking who they are. "
            "Use 127.0.0.1, or write outside = true into the [server] section of workbench.toml."
        )


def is_loopback(host: str) -> bool:
    """Return whether an address stands for this machine only; a name other than localhost does not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def serve(
    store: Store,
    settings: Settings | None = None,
    host: str | None = None,
    port: int | None = None,
    *,
    limits: Limits | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    on_alerts: Callable[[], object] | None = None,
) -> None:
    """Serve until interrupted, where the settings say unless host and port are given.

    UsageError where the address may not be used, SourceError where it is taken.
    """
    settings = settings or Settings()
    host = settings.server.host if host is None else host
    port = settings.server.port if port is None else port
    check_bind(host, settings)
    with contextlib.closing(_listen(host, port)) as listening:
        _server(store, settings, limits, extra_routes, on_alerts).run(sockets=[listening])


@contextlib.contextmanager
def serving(
    store: Store,
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    limits: Limits | None = None,
    extra_routes: Sequence[BaseRoute] = (),
    on_alerts: Callable[[], object] | None = None,
) -> Iterator[str]:
    """Serve in a thread for as long as the block runs; yield the address, such as ``http://127.0.0.1:4318``."""
    check_bind(host, settings or Settings())
    with contextlib.closing(_listen(host, port)) as listening:
        server = _server(store, settings, limits, extra_routes, on_alerts)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="intake", daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            scheme = "https" if settings and settings.server.certificate else "http"
            yield f"{scheme}://{_in_address(host)}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _server(
    store: Store, settings: Settings | None, limits: Limits | None, extra_routes: Sequence[BaseRoute],
    on_alerts: Callable[[], object] | None,
) -> uvicorn.Server:  # fmt: skip
    bounds, settings = limits or Limits(), settings or Settings()
    return uvicorn.Server(
        uvicorn.Config(
            app(store, settings, limits=bounds, extra_routes=extra_routes, on_alerts=on_alerts),
            http=protocol(bounds),
            # Without a route for them every upgrade is refused.
            ws="websockets-sansio" if any(isinstance(r, WebSocketRoute) for r in extra_routes) else "none",
            ws_max_size=MOST_MESSAGE_BYTES,
            ws_max_queue=16,
            lifespan="on",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=bounds.idle_s,
            timeout_graceful_shutdown=_STOP_S,
            ssl_certfile=settings.server.certificate or None,
            ssl_keyfile=settings.server.key or None,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise SourceError(f"Port {port} on {host} cannot be used: {error.strerror}. Choose another one.") from error
    return listening


def _in_address(host: str) -> str:
    return f"[{host.strip('[]')}]" if ":" in host else host
