"""Find where a failed request first went wrong, and calls that are repeated one after another.

"The deepest span with an error" misleads in two ways. A caller that gives up on time carries the
error while the work that ate the time carries none; and of several failed calls the later ones are often fallout
of the first. So time is followed where a caller gave up, and the earliest failure otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from workbench.errors import CouldNotRunError

GAVE_UP = 0.9
"""A child that ran for at least this share of its failed parent's time was still being waited for."""
MIN_REPEATED = 5
"""Calls of one operation by one caller, one after another, that are worth a word."""
MAX_OVERLAPPING = 0.1
"""... of which at most this share of neighbours overlaps."""
_TIMED_OUT = ("timeout", "timed out", "deadline", "cancel", "gave up", "504", "408")


@dataclass(frozen=True)
class TracedSpan:
    """Hold what is needed of one span; times in nanoseconds."""

    span_id: str
    parent_id: str | None
    service: str
    operation: str
    start_ns: int
    end_ns: int
    failed: bool
    said: str = ""
    """Status message, status codes and the like, in which a time-out may be named."""


@dataclass(frozen=True)
class Locus:
    """Name the span where a failure began, and why it is that one."""

    span: TracedSpan
    reason: Literal["first failure", "still running when its caller gave up"]
    path: tuple[str, ...]
    """Span ids from the failed request down to the locus."""


@dataclass(frozen=True)
class Repetition:
    """Name a caller that makes the same call again and again, each after the one before."""

    parent_id: str
    service: str
    operation: str
    calls: int
    overlapping: int
    total_ns: int
    """Time spent in the calls, summed."""


def error_locus(spans: Sequence[TracedSpan]) -> Locus | None:
    """Return where the failure of a trace began, or None where no span failed.

    From the first failed span without a failed parent, go to its earliest failed child, as long as there is
    one. Where there is none, and the span gave up on a child that took nearly all of its
    time, follow that child down to the deepest span that took nearly all of it.
    """
    children, by_id = _children(spans), {s.span_id: s for s in spans}
    tops = [s for s in spans if s.failed and not (s.parent_id in by_id and by_id[s.parent_id].failed)]
    if not tops:
        return None
    here = min(tops, key=_when)
    path = [here.span_id]
    while failed := [c for c in children[here.span_id] if c.failed and c.span_id not in path]:
        here = min(failed, key=_when)
        path.append(here.span_id)
    waited = _waited_for(here, children, path) if _gave_up(here) else here
    if waited is here:
        return Locus(here, "first failure", tuple(path))
    return Locus(waited, "still running when its caller gave up", tuple(path))


def repetitions(spans: Sequence[TracedSpan]) -> list[Repetition]:
    """Return calls that one span repeats serially, most time first; calls that overlap are a fan-out and left out."""
    found = []
    for parent, below in _children(spans).items():
        groups: dict[tuple[str, str], list[TracedSpan]] = defaultdict(list)
        for child in below:
            groups[child.service, child.operation].append(child)
        for (service, operation), calls in groups.items():
            ordered = sorted(calls, key=_when)
            overlapping = sum(b.start_ns < a.end_ns for a, b in pairwise(ordered))
            if len(calls) >= MIN_REPEATED and overlapping <= MAX_OVERLAPPING * (len(calls) - 1):
                total = sum(c.end_ns - c.start_ns for c in calls)
                found.append(Repetition(parent, service, operation, len(calls), overlapping, total))
    return sorted(found, key=lambda r: (-r.total_ns, r.parent_id, r.operation))


def _children(spans: Iterable[TracedSpan]) -> dict[str, list[TracedSpan]]:
    below: dict[str, list[TracedSpan]] = defaultdict(list)
    seen: set[str] = set()
    for span in spans:
        if span.span_id in seen:
            raise CouldNotRunError(f"Two spans have the id {span.span_id[:32]!r}; pass each span of the trace once.")
        seen.add(span.span_id)
        if span.parent_id:
            below[span.parent_id].append(span)
    return below


def _gave_up(span: TracedSpan) -> bool:
    return any(word in span.said.lower() for word in _TIMED_OUT)


def _waited_for(span: TracedSpan, children: dict[str, list[TracedSpan]], path: list[str]) -> TracedSpan:
    budget = GAVE_UP * (span.end_ns - span.start_ns)
    here = span
    while longest := [c for c in children[here.span_id] if c.end_ns - c.start_ns >= budget and c.span_id not in path]:
        here = max(longest, key=lambda c: (c.end_ns - c.start_ns, c.span_id))
        path.append(here.span_id)
    return here


def _when(span: TracedSpan) -> tuple[int, str]:
    return span.start_ns, span.span_id
