"""A single series, thinned straight from its segments: each thread decodes and looks through row groups of its own."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.columnar import schema
from workbench.errors import StoreError
from workbench.model.tables import METRICS
from workbench.store.cores import available
from workbench.store.engines.duckdb import FileGoneError, Session
from workbench.store.footers import Footers
from workbench.store.running import CancelledError

_SAME = ("series", "entity", "metric")
_ANSWER = ("series", "entity", "metric", "unit", "type", "labels", "time_ns", "value")
_LABELS = ("labels.key_value.key", "labels.key_value.value")
_MOST_THREADS = 4


@dataclass(frozen=True)
class _Group:
    """A row group of one series, and its first and last time."""

    file: str
    number: int
    low: int
    high: int


@dataclass(frozen=True)
class _Found:
    """A bucket's lowest and highest value: of which row groups, where there, when, and how much."""

    part: int
    groups: tuple[int, int]
    places: tuple[int, int]
    times: tuple[int, int]
    values: tuple[float, float]


class _NotSimpleError(Exception):
    """Say that times do not ascend or that values are unknown: the engine takes such a series."""


def thinned_alone(session: Session, asked: dict[str, Any], start_ns: int, end_ns: int, width: int) -> pa.Table | None:
    """Return the lowest and highest sample of each bucket; None where footers do not show that it is this simple.

    That is: nothing to resolve, and one series in all row groups, of ascending times and known values, which *asked*
    (column -> value, or several) takes.
    """
    source = session.sources(METRICS.name, start_ns, end_ns)
    if not source.one_a_key or source.journal is not None or not source.files:
        return None
    try:
        groups, same = _groups(session.footers, source.files, start_ns, end_ns)
        if not groups or not all(_taken(same[name], wanted) for name, wanted in asked.items()):
            return None
        found = _extremes(session, groups, start_ns, end_ns, width)
        return _answer(session.footers, groups, same, found) if found else None
    except _NotSimpleError:
        return None
    except OSError as error:
        raise FileGoneError(f"A segment went away while it was read: {error}. Ask again.") from error
    except pa.ArrowException as error:
        raise StoreError(f"A segment could not be read: {error}. Run `workbench doctor`.") from error


def _taken(value: str, wanted: Any) -> bool:
    if wanted is None:
        return True
    return value in wanted if isinstance(wanted, Collection) and not isinstance(wanted, str) else value == wanted


def _groups(footers: Footers, files: Sequence[str], start_ns: int, end_ns: int) -> tuple[list[_Group], dict[str, str]]:
    """Return the row groups that touch the window, in order of time, and what all their rows have in common."""
    groups: list[_Group] = []
    held: dict[str, set[Any]] = {name: set() for name in _SAME}
    for file in files:
        times = footers.facts(file, "time_ns")
        same = {name: footers.facts(file, name) for name in _SAME}
        for number, (low, high) in enumerate(zip(times.low, times.high, strict=True)):
            if low is None:
                raise _NotSimpleError
            if high >= start_ns and low < end_ns:
                groups.append(_Group(file, number, low, high))
                for name, facts in same.items():
                    held[name].add(facts.low[number] if facts.low[number] == facts.high[number] else None)
    if any(len(values) != 1 or None in values for values in held.values()):
        raise _NotSimpleError
    groups.sort(key=lambda g: (g.low, g.high))
    if any(later.low <= earlier.high for earlier, later in itertools.pairwise(groups)):
        raise _NotSimpleError
    return groups, {name: values.pop() for name, values in held.items()}


def _extremes(session: Session, groups: Sequence[_Group], start_ns: int, end_ns: int, width: int) -> list[_Found]:
    """Return each bucket's extremes, in order; a bucket that ends in another row group than it begins has one entry."""
    threads = min(_MOST_THREADS, available(), len(groups))
    cuts = [len(groups) * n // threads for n in range(threads + 1)]

    def look(low: int, high: int) -> list[_Found]:
        return list(_looked_through(session, groups, range(low, high), start_ns, end_ns, width))

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(look, cuts[:-1], cuts[1:]))
    found: list[_Found] = []
    for part in itertools.chain.from_iterable(parts):
        if found and found[-1].part == part.part:
            found[-1] = _merged(found[-1], part)
        else:
            found.append(part)
    return found


def _looked_through(
    session: Session, groups: Sequence[_Group], numbers: range, start_ns: int, end_ns: int, width: int
) -> Iterator[_Found]:
    """Yield each bucket's extremes in each of some row groups, the earliest of equal ones."""
    file, opened = "", None
    for number in numbers:
        group = groups[number]
        if session.question.cancelled:
            raise CancelledError("The question was stopped before it was done.")
        if opened is None or file != group.file:
            file, opened = group.file, session.footers.opened(group.file)
        times, values = _columns(opened, group.number)
        low, high = np.searchsorted(times, (start_ns, end_ns)).tolist()
        if low == high:
            continue
        first, last = ((int(times[at]) - start_ns) // width for at in (low, high - 1))
        edges = np.searchsorted(times, start_ns + np.arange(first + 1, last + 1) * width).tolist()
        for part, (begin, end) in enumerate(itertools.pairwise([low, *edges, high]), first):
            if begin < end:
                piece = values[begin:end]
                places = begin + int(piece.argmin()), begin + int(piece.argmax())
                extremes = float(values[places[0]]), float(values[places[1]])
                if np.isnan(extremes[0]):
                    raise _NotSimpleError
                yield _Found(part, (number, number), places, (int(times[places[0]]), int(times[places[1]])), extremes)


def _columns(opened: pq.ParquetFile, number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times and values of a row group, both of shape (n,); an unknown value is not simple."""
    rows = opened.read_row_group(number, columns=["time_ns", "value"], use_threads=False).combine_chunks()
    if rows.column("value").null_count:
        raise _NotSimpleError
    times, values = (rows.column(name).chunk(0).to_numpy() for name in ("time_ns", "value"))
    if not bool((times[1:] > times[:-1]).all()):
        raise _NotSimpleError
    return times, values


def _merged(earlier: _Found, later: _Found) -> _Found:
    """Return the extremes of a bucket of two pieces; the lowest and the highest may be of different row groups."""
    lower, higher = later.values[0] < earlier.values[0], later.values[1] > earlier.values[1]
    low, high = (later if lower else earlier), (later if higher else earlier)
    return _Found(
        earlier.part,
        (low.groups[0], high.groups[1]),
        (low.places[0], high.places[1]),
        (low.times[0], high.times[1]),
        (low.values[0], high.values[1]),
    )


def _answer(footers: Footers, groups: Sequence[_Group], same: dict[str, str], found: Sequence[_Found]) -> pa.Table:
    """Return the samples found, in order of time, with the words that belong to them."""
    times = np.array([f.times for f in found], np.int64).ravel()
    times, kept = np.unique(times, return_index=True)
    values, places, numbers = (
        np.array([getattr(f, name) for f in found]).ravel()[kept] for name in ("values", "places", "groups")
    )
    shape = schema(METRICS)
    columns = {name: pa.repeat(pa.scalar(word, pa.string()), len(times)) for name, word in same.items()}
    columns |= {name: _words(footers, groups, numbers, places, name) for name in ("unit", "type")}
    # A series is the digest of entity, metric and labels: one row tells them for all.
    labels = footers.opened(groups[0].file, words=_LABELS).read_row_group(groups[0].number, columns=["labels"])
    one = labels.column("labels").slice(0, 1).combine_chunks()
    columns["labels"] = one.cast(shape.field("labels").type).take(pa.array(np.zeros(len(times), np.int64)))
    columns |= {"time_ns": pa.array(times), "value": pa.array(values)}
    return pa.table({name: columns[name] for name in _ANSWER})


def _words(
    footers: Footers, groups: Sequence[_Group], numbers: NDArray[np.int64], places: NDArray[np.int64], name: str
) -> pa.Array:
    """Return a column of words at the places of the row groups with these numbers, which stand in order."""
    found = []
    for number in np.unique(numbers).tolist():
        group, wanted = groups[number], places[numbers == number]
        if (only := footers.facts(group.file, name).constant(group.number)) is not None:
            found.append(pa.repeat(pa.scalar(only[0], pa.string()), len(wanted)))
        else:
            read = footers.opened(group.file).read_row_group(group.number, columns=[name])
            found.append(read.column(name).take(pa.array(wanted)).combine_chunks())
    return pa.concat_arrays(found)
