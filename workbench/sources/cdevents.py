"""CDEvents and other CloudEvents: deployments, flags, settings, schemas and merged changes, as rows of changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from workbench.model.tables import CHANGES
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._cdevents_rows import envelope, named_kind, row
from workbench.sources._events import decode_events, read_events
from workbench.sources._json import canonical, mapping
from workbench.sources._rows import Rows


def recognise(head: Head) -> float:
    """Recognise CDEvents by their type's prefix, other CloudEvents by their envelope."""
    start = head.start
    if start.lstrip()[:1] not in (b"{", b"["):
        return 0.0
    if b'"dev.cdevents' in start:
        return 1.0
    signs = (b'"specversion"', b'"type"', b'"source"', b'"id"')
    return 0.9 if all(sign in start for sign in signs) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the changes in a file: one event, an array of them (a CloudEvents batch), or one a line."""
    yield from read_events(what, context, Rows("cdevents", context, (CHANGES,)), _take)


def decode(body: bytes, context: Context) -> Batch:
    """Return the changes in one request body, structured, batched, or the bare event of the binary mode.

    A body in which nothing is an event gives rejections and no table (answer 400).
    """
    return decode_events(body, context, Rows("cdevents", context, (CHANGES,)), _take)


def _take(document: tuple[str, Any] | Rejection, rows: Rows) -> bool:
    """Add an event's change and return True, or what is wrong with it and return False.

    Events of a delivery pipeline that change nothing that runs (a build began, a test ended) are taken and say nothing.
    """
    if isinstance(document, Rejection):
        rows.reject(document)
        return False
    place, sent = document
    event: Mapping[str, Any] = mapping(sent)
    found = envelope(event)
    if found is None:
        reason = "not an event: CloudEvents need specversion, type, source and id; CDEvents need context and subject"
        rows.refuse(reason, place, canonical(sent).encode())
        return False
    kind = named_kind(found)
    if kind is None:
        if not found.type.startswith("dev.cdevents"):
            rows.refuse("an event whose type names no kind of change", place, canonical(sent).encode())
        return True
    made = row(found, kind)
    if isinstance(made, str):
        rows.refuse(made, place, canonical(sent).encode())
    else:
        rows.add(CHANGES, made, place)
    return True


SOURCE = Source(
    name="cdevents",
    title="CDEvents and CloudEvents",
    doc="Change events of delivery, flag and configuration systems: structured, batched, or one a line.",
    reads=(CHANGES.name,),
    recognise=recognise,
    read=read,
)
