"""What happens to one request: read, inflate, decode, mask, write; then, and only then, it is acknowledged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from starlette.requests import Request

from workbench.errors import StoreError, UsageError, WorkbenchError
from workbench.intake.body import body_of, inflate
from workbench.intake.gate import Gate
from workbench.intake.limits import Budget, Limits, Refused, Turnstile
from workbench.sources import Batch, Context, Rejection
from workbench.store import Receipt

Decode = Callable[[bytes, Context], Batch]

_LOG = logging.getLogger("workbench.intake")
_UNFIT = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, pa.ArrowException)
"""What a reader raises on input that it was not written for. It is answered 400, because
a 5xx would make the sender repeat the same bytes for ever; the log has the trace."""


@dataclass(frozen=True)
class Taken:
    """Say what is on disk now."""

    receipt: Receipt
    rejections: tuple[Rejection, ...]
    unreadable: bool
    """The body as a whole was not what it should be: a reader gave no table at all."""

    @property
    def reasons(self) -> str:
        """Return the reasons of what was refused, the most frequent first, with counts."""
        counted = Counter(r.reason for r in self.rejections).most_common(5)
        return "; ".join(f"{reason[:200]} ({count}x)" for reason, count in counted)


class Intake:
    """Take requests with bounded memory and bounded waiting; one per server."""

    def __init__(self, gate: Gate, limits: Limits, environment: str) -> None:
        """Start the threads that decode and those that wait for the disk."""
        self.gate = gate
        self.limits = limits
        self._environment = environment
        self._budget = Budget(limits.buffered_bytes)
        self._turnstile = Turnstile(limits)
        self._decoders = ThreadPoolExecutor(limits.decoders, "decode")
        self._committers = ThreadPoolExecutor(limits.committers, "commit")

    def close(self) -> None:
        """End the threads once their work is done."""
        self._decoders.shutdown()
        self._committers.shutdown()

    async def take(self, request: Request, decode: Decode) -> Taken:
        """Return once everything of a request is on disk; raise Refused with the status that says why not."""
        loop = asyncio.get_running_loop()
        place = request.client.host if request.client else "unknown"
        content_encoding = request.headers.get("content-encoding", "")
        async with body_of(request, self.limits, self._budget) as body:
            with self._turnstile.turn():
                context = Context(self._environment, place, time.time_ns())
                batch = await loop.run_in_executor(
                    self._decoders, self._prepare, body, content_encoding, decode, context
                )
                return await loop.run_in_executor(self._committers, self._write, batch)

    def _prepare(self, body: bytes, content_encoding: str, decode: Decode, context: Context) -> Batch:
        with self._turnstile.work():
            plain = inflate(body, content_encoding, self.limits.inflated_bytes)
            try:
                return self.gate.prepare(decode(plain, context))[0]
            except StoreError:
                raise
            except WorkbenchError as error:
                self._refuse(Rejection.of(str(error), context.place, plain))
                raise Refused(400, str(error)) from error
            except _UNFIT as error:
                _LOG.exception("A request of %d bytes could not be decoded.", len(plain))
                self._refuse(Rejection.of(f"undecodable: {type(error).__name__}", context.place, plain))
                raise Refused(400, "The body could not be decoded; the quarantine holds its digest.") from error

    def _refuse(self, rejection: Rejection) -> None:
        try:
            self.gate.quarantine.keep(self.gate.masker.rejections([rejection], Counter()))
        except StoreError as error:
            raise _unavailable(error) from error

    def _write(self, batch: Batch) -> Taken:
        try:
            self.gate.quarantine.keep(batch.rejections)
            receipt = self.gate.store.append(batch.tables)
        except StoreError as error:
            raise _unavailable(error) from error
        except UsageError as error:
            raise Refused(400, str(error)) from error
        return Taken(receipt, batch.rejections, unreadable=not batch.tables)


def _unavailable(error: StoreError) -> Refused:
    _LOG.error("The store refused a batch: %s", error)
    return Refused(503, "The store cannot write at the moment; send again.", retry_after_s=5)
