"""Answers in the sender's own encoding, and the reading of content types."""

from __future__ import annotations

from typing import Literal

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from workbench.intake.limits import Refused

Encoding = Literal["protobuf", "json"]

MEDIA_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}
_RPC_CODES = {400: 3, 403: 7, 404: 5, 408: 4, 413: 11, 415: 3, 429: 8, 503: 14}
"""HTTP status -> google.rpc.Code, which OTLP error bodies carry."""


def encoding_of(request: Request) -> Encoding:
    """Return how an OTLP request is encoded; Refused 415 for anything else."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in ("application/x-protobuf", "application/protobuf"):
        return "protobuf"
    if media == "application/json":
        return "json"
    if media.startswith("application/grpc"):
        raise Refused(415, "gRPC is not spoken here: set the exporter's protocol to http/protobuf (OTLP/HTTP).")
    raise Refused(415, f"Content-Type {media[:60]!r} is not taken; send application/x-protobuf or application/json.")


def require_json(request: Request) -> None:
    """Refuse (415) what does not say that it is JSON."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Refused(415, f"Content-Type {media[:60]!r} is not taken; send application/json.")


def otlp_error(refused: Refused, encoding: Encoding) -> Response:
    """Return a refusal as a google.rpc.Status in the request's encoding."""
    code, message = _RPC_CODES.get(refused.status, 2), str(refused)
    if encoding == "json":
        content = orjson.dumps({"code": code, "message": message})
    else:
        text = message.encode("utf-8", "replace")
        content = b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text
    return Response(content, refused.status, headers_of(refused), MEDIA_TYPES[encoding])


def json_error(refused: Refused) -> Response:
    """Return a refusal as JSON."""
    return JSONResponse({"error": str(refused)}, refused.status, headers_of(refused))


def headers_of(refused: Refused) -> dict[str, str]:
    """Return Retry-After where coming again helps, and the end of connections whose body was left unread."""
    headers = {} if refused.retry_after_s is None else {"Retry-After": str(refused.retry_after_s)}
    if refused.status in (408, 413, 503):
        headers["Connection"] = "close"
    return headers


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
