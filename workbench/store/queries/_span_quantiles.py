"""Exact percentiles of durations per bucket of time and service, by one sort of whole numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import Conditions

MOST_SERVICES = 200
"""Above it the engine itself counts: a service's place in a list is looked for from the list's begin."""
_ROWS_AT_ONCE = 4_000_000
"""Rows sorted at once, about 50 bytes each."""
_SHARES = (0.5, 0.95)


def sorted_percentiles(
    session: Session, asked: Conditions, services: Sequence[str | None], stretches: Sequence[tuple[int, int]],
    every_ns: int,
) -> pa.Table:  # fmt: skip
    """Return spans, failed ones, median and 95th percentile (ms) per bucket and service, in that order.

    *services* are all that occur, null first, then by bytes; *stretches* of time part no bucket. The engine reads the
    next stretch while this thread's neighbour sorts the last one. The engine's own quantiles keep a list for each
    group instead, which takes twice as long.
    """
    known = [s for s in services if s is not None]
    names = pa.array([None, *known], pa.string())
    # A service's place, from 1 on, is looked up once for each entry of a file's dictionary; null has none.
    place = f"list_position({asked.bind(known)}, service)"
    found: list[Future[pa.Table]] = []
    with ThreadPoolExecutor(1) as sorter:
        for low, high in _cut(session, stretches, every_ns):
            rows = session.query(
                f"SELECT start_ns, duration_ns, {place} AS service, status IS NOT DISTINCT FROM 'error' AS failed "
                f"FROM {session.relation('spans', low, high)} {asked.where}", asked.values,
            )  # fmt: skip
            if rows.num_rows:
                # Two stretches at most are in memory.
                if len(found) > 1:
                    found[-2].result()
                found.append(sorter.submit(_counted, rows, names, every_ns))
            del rows
    return pa.concat_tables(future.result() for future in found)


def _cut(session: Session, stretches: Sequence[tuple[int, int]], every_ns: int) -> Iterator[tuple[int, int]]:
    """Cut stretches between buckets, so that each holds about as many rows as are sorted at once."""
    held = [(s.min_ns, s.max_ns, s.rows) for s in session.segments("spans")]
    held += [(p.min_ns, p.max_ns, p.rows) for p in session.pending("spans")]
    first, last = min((low for low, _, _ in held), default=0), max((high for _, high, _ in held), default=0)
    for start_ns, end_ns in stretches:
        low, high = max(start_ns, first), min(end_ns, last + 1)
        rows = sum(n * max(0, min(high, until + 1) - max(low, begin)) / (until + 1 - begin) for begin, until, n in held)
        parts = int(rows // _ROWS_AT_ONCE) + 1
        edges = {(low + (high - low) * part // parts) // every_ns * every_ns for part in range(1, parts)}
        cuts = [start_ns, *sorted(e for e in edges if start_ns < e < end_ns), end_ns]
        yield from itertools.pairwise(cuts)


def _counted(rows: pa.Table, names: pa.Array, every_ns: int) -> pa.Table:
    """Return the answer for some rows (start_ns, duration_ns, service as a place in *names*, failed)."""
    start, duration, failed = (rows.column(name).to_numpy() for name in ("start_ns", "duration_ns", "failed"))
    buckets, bucket = _buckets(start, every_ns)
    group = bucket * len(names) + rows.column("service").fill_null(0).to_numpy()
    groups = len(buckets) * len(names)
    count = np.bincount(group, minlength=groups)
    errors = np.bincount(group[failed], minlength=groups)
    begin, sane = np.cumsum(count) - count, count
    if int(duration.min()) < 0:
        # Negative durations stand first in their group, and are left out there.
        negative = np.bincount(group[duration < 0], minlength=groups)
        begin, sane, duration = begin + negative, count - negative, np.maximum(duration, -1)
    ordered, mask = _in_groups(group, duration, groups)
    there = np.flatnonzero(count)
    percentiles = [_at(ordered, mask, begin[there], sane[there], share) for share in _SHARES]
    return pa.table({
        "start_ns": pa.array(buckets[there // len(names)], pa.int64()),
        "service": names.take(pa.array(there % len(names))),
        "count": pa.array(count[there], pa.int64()), "errors": pa.array(errors[there], pa.int64()),
        "p50_ms": percentiles[0], "p95_ms": percentiles[1],
    })  # fmt: skip


def _buckets(start: np.ndarray, every_ns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the begins of buckets in order, and which of them each time falls in."""
    first, last = int(start.min()) // every_ns, int(start.max()) // every_ns
    many = last - first + 1
    if many > len(start):
        found, bucket = np.unique(start // every_ns, return_inverse=True)
        return found * every_ns, bucket
    begins = (first + np.arange(many)) * every_ns
    if bool((start[1:] >= start[:-1]).all()):
        # Segments are in order of time, and finding a bucket's end is cheaper than dividing each time.
        return begins, np.repeat(np.arange(many), np.diff([*np.searchsorted(start, begins), len(start)]))
    return begins, start // every_ns - first


def _in_groups(group: np.ndarray, values: np.ndarray, groups: int) -> tuple[np.ndarray, int]:
    """Return values (-1 and above) plus one in order of their group, ascending in each, and which bits hold them."""
    bits = (int(values.max()) + 1).bit_length()
    if bits + groups.bit_length() > 62:
        return values[np.lexsort((values, group))] + 1, -1
    # One sort of whole numbers: the group in the upper bits, the value below.
    group <<= bits
    group += values
    group += 1
    group.sort()
    return group, (1 << bits) - 1


def _at(ordered: np.ndarray, mask: int, begin: np.ndarray, size: np.ndarray, share: float) -> pa.Array:
    """Return a percentile (ms) of each group, between its neighbours in proportion; null where a group holds none."""
    place = np.maximum(size - 1, 0) * share
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    last = len(ordered) - 1
    left, right = (((ordered[np.minimum(begin + n, last)] & mask) - 1).astype(np.float64) for n in (low, high))
    return pa.array((left + (place - low) * (right - left)) / 1e6, pa.float64(), mask=size == 0)
