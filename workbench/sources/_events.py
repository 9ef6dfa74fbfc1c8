"""Read files and request bodies of JSON events one document at a time, whatever one event becomes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from workbench.sources import Batch, Context, Rejection
from workbench.sources._json import documents
from workbench.sources._rows import Rows

_ROWS_AT_ONCE = 20_000
Take = Callable[[tuple[str, Any] | Rejection, Rows], bool]
"""Add what one document says to the rows and return True, or what is wrong with it and return False."""
Finish = Callable[[Rows], None]
"""Add what can be said only after the last document."""


def _nothing_more(rows: Rows) -> None:
    """Add nothing: every event stood for itself."""


def read_events(
    what: BinaryIO | Path, context: Context, rows: Rows, take: Take, finish: Finish = _nothing_more
) -> Iterator[Batch]:
    """Yield the rows of a file: one event, an array of them, or one a line."""
    if isinstance(what, Path):
        with what.open("rb") as stream:
            yield from read_events(stream, context, rows, take, finish)
        return
    for document in documents(what, context.place):
        take(document, rows)
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    finish(rows)
    if len(rows):
        yield rows.batch()


def decode_events(body: bytes, context: Context, rows: Rows, take: Take, finish: Finish = _nothing_more) -> Batch:
    """Return the rows of one request body; one without any event gives rejections and no table (answer 400)."""
    taken = [take(document, rows) for document in documents(io.BytesIO(body), context.place)]
    finish(rows)
    if not taken:
        rows.reject(Rejection.of("an empty body", context.place, body))
    batch = rows.batch()
    return batch if any(taken) else Batch({}, batch.rejections)
