"""Read and inflate request bodies with the bounds enforced on the way, never afterwards."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyarrow as pa
from starlette.requests import ClientDisconnect, Request

from workbench.intake.limits import Budget, Limits, Refused

_PIECE = 1 << 20


@asynccontextmanager
async def body_of(request: Request, limits: Limits, budget: Budget) -> AsyncIterator[bytes]:
    """Hold a request's body as sent; its bytes count against the budget until the block ends."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    pieces: list[bytes] = []
    held = 0
    try:
        try:
            async with asyncio.timeout(limits.read_s):
                async for piece in request.stream():
                    budget.take(len(piece))
                    held += len(piece)
                    if held > limits.body_bytes:
                        raise _too_large(limits.body_bytes)
                    pieces.append(piece)
        except TimeoutError:
            raise Refused(408, f"The request was not complete after {limits.read_s:g} s.") from None
        except ClientDisconnect:
            raise Refused(400, "The sender went away before its request was complete.") from None
        yield b"".join(pieces)
    finally:
        budget.give_back(held)


def _too_large(most_bytes: int) -> Refused:
    return Refused(413, f"A request may have {most_bytes} bytes; send smaller batches.")


def inflate(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """Return the body without its content encoding; Refused 413 beyond *most_bytes*, 415 or 400 where it cannot be."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        inflated = body
    elif name in ("gzip", "x-gzip"):
        inflated = _inflate_zlib(body, 31, most_bytes)
    elif name == "deflate":
        inflated = _inflate_zlib(body, 15, most_bytes)
    elif name == "zstd":
        inflated = _inflate_zstd(body, most_bytes)
    else:
        raise Refused(415, f"Content-Encoding {encoding[:40]!r} is not taken; send gzip, deflate, zstd or none.")
    if len(inflated) > most_bytes:
        raise _inflates_too_large(most_bytes)
    return inflated


def _inflates_too_large(most_bytes: int) -> Refused:
    return Refused(413, f"The request inflates to more than {most_bytes} bytes; send smaller batches.")


def _inflate_zlib(body: bytes, window_bits: int, most_bytes: int) -> bytes:
    pieces: list[bytes] = []
    held = 0
    rest = body
    try:
        while True:
            member = zlib.decompressobj(window_bits)
            while not member.eof:
                piece = member.decompress(rest, _PIECE)
                held += len(piece)
                if held > most_bytes:
                    raise _inflates_too_large(most_bytes)
                pieces.append(piece)
                rest = member.unconsumed_tail
                if not piece and not rest and not member.eof:
                    raise Refused(400, "The compressed body ends in the middle.")
            rest = member.unused_data
            if not rest or window_bits != 31:
                return b"".join(pieces)
    except zlib.error as error:
        raise Refused(400, f"The body is not what its Content-Encoding says: {error}.") from error


def _inflate_zstd(body: bytes, most_bytes: int) -> bytes:
    pieces: list[bytes] = []
    held = 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
            while piece := stream.read(_PIECE):
                held += len(piece)
                if held > most_bytes:
                    raise _inflates_too_large(most_bytes)
                pieces.append(piece)
    except (OSError, pa.ArrowException) as error:
        raise Refused(400, f"The body is not what its Content-Encoding says: {error}.") from error
    return b"".join(pieces)
