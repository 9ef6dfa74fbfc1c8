"""The intake's routes: OTLP, OpenLineage, change events, Alertmanager, and two questions of whoever runs it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.intake.limits import Refused
from workbench.intake.replies import MEDIA_TYPES, Encoding, encoding_of, json_error, otlp_error, require_json
from workbench.intake.take import Decode, Intake, Taken
from workbench.sources import Batch, Context, otlp

INTAKE_PATHS = ("/v1/", "/api/v1/lineage", "/webhooks/")
"""Prefixes under which telemetry is taken; a request with an Origin is refused there."""

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(intake: Intake, *, on_alerts: Callable[[], object] | None = None) -> list[Route]:
    """Return the routes that take telemetry; *on_alerts* is called after each webhook is on disk and answered."""
    signals: tuple[otlp.Signal, ...] = ("traces", "metrics", "logs")
    return [
        *(Route(f"/v1/{signal}", _otlp(intake, signal), methods=["POST"]) for signal in signals),
        Route("/api/v1/lineage", _plain(intake, _decode_lineage), methods=["POST"]),
        Route("/api/v1/lineage/batch", _lineage_batch(intake), methods=["POST"]),
        Route("/v1/changes", _plain(intake, _decode_changes), methods=["POST"]),
        Route("/webhooks/alertmanager", _plain(intake, _decode_alerts, on_alerts), methods=["POST"]),
    ]


def _otlp(intake: Intake, signal: otlp.Signal) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            encoding = encoding_of(request)
        except Refused as refused:
            return otlp_error(refused, "json")
        try:
            taken = await intake.take(request, functools.partial(_decode_otlp, signal, encoding))
            _refuse_nothing_read(taken)
        except Refused as refused:
            return otlp_error(refused, encoding)
        content = otlp.reply(signal, encoding, len(taken.rejections), taken.reasons)
        return Response(content, media_type=MEDIA_TYPES[encoding])

    return endpoint


def _decode_otlp(signal: otlp.Signal, encoding: Encoding, body: bytes, context: Context) -> Batch:
    return otlp.decode(signal, body, encoding, context)


def _decode_lineage(body: bytes, context: Context) -> Batch:
    from workbench.sources import openlineage

    return openlineage.decode(body, context)


def _decode_changes(body: bytes, context: Context) -> Batch:
    from workbench.sources import cdevents

    return cdevents.decode(body, context)


def _decode_alerts(body: bytes, context: Context) -> Batch:
    from workbench.sources import alertmanager

    return alertmanager.decode(body, context)


def _refuse_nothing_read(taken: Taken) -> None:
    """Refuse (400) a body of which nothing could be read; what was refused is in the quarantine by now."""
    if taken.rejections and taken.unreadable:
        raise Refused(400, taken.reasons)


def _plain(intake: Intake, decode: Decode, then: Callable[[], object] | None = None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            require_json(request)
            taken = await intake.take(request, decode)
            _refuse_nothing_read(taken)
        except Refused as refused:
            return json_error(refused)
        answer = {"rows": taken.receipt.rows, "rejected": len(taken.rejections), "reasons": taken.reasons}
        return JSONResponse(answer, background=BackgroundTask(then) if then else None)

    return endpoint


def _lineage_batch(intake: Intake) -> Endpoint:
    """Take an array of events; the answer has the form that OpenLineage clients read."""

    async def endpoint(request: Request) -> Response:
        try:
            require_json(request)
            taken = await intake.take(request, _decode_lineage)
        except Refused as refused:
            return json_error(refused)
        failed = [{"index": i, "reason": r.reason, "retriable": False} for i, r in enumerate(taken.rejections)]
        rows = taken.receipt.rows + taken.receipt.duplicates
        status = "success" if not failed else "partial_success" if rows else "failure"
        answer = {"status": status, "summary": {"failed": len(failed)}, "failed_events": failed}
        return JSONResponse(answer, 400 if status == "failure" else 200)

    return endpoint
