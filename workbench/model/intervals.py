"""Half-open intervals of integer ns: what several of them cover together, counted once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union as disjoint intervals in order; empty or reversed ones cover nothing."""
    found: list[Interval] = []
    for start, end in sorted((a, b) for a, b in intervals if b > a):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def total(intervals: Iterable[Interval]) -> int:
    """Return the length of the union, ns: it never exceeds the sum."""
    return sum(end - start for start, end in merged(intervals))


def span(intervals: Sequence[Interval]) -> Interval:
    """Return the first begin and the last end of at least one interval."""
    return min(start for start, _ in intervals), max(end for _, end in intervals)
