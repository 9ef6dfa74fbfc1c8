"""Compaction as a job of the engine: what a snapshot lists is resolved, sorted and written by a Spark Connect server.

Exactly the snapshot's segments are read; the server's workers write segments to the shared storage (``engine_writer``),
where nobody lists them yet; what they wrote is counted and summed by the server and compared with what it read; only
then is the manifest changed, by conditional put. A server, a worker or this process that dies before leaves the
snapshot as it was, and so does another process that was first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.errors import StoreError
from workbench.model.tables import Table, table
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.store import resolve_portable
from workbench.store.engine_writer import DAY, SLICE, WRITTEN, Target, heard, writer
from workbench.store.engines.spark import SparkEngine, entries
from workbench.store.layout import time_column
from workbench.store.segments import Segment, Verifier
from workbench.store.shared import SharedStorage, replacing

SLICE_ROWS = 1_000_000
"""Rows of a group, which a worker holds and sorts in memory."""
_FULL = SLICE_ROWS // 2
"""Rows from which a settled segment is left alone, unless one of its keys came again."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Contents:
    """What was read, or written: rows, first and last time (ns), and sums over all columns of each row."""

    rows: int
    min_ns: int | None
    max_ns: int | None
    sum_of_digests: int
    characters: int


@dataclass(frozen=True)
class Job:
    """Segments of one table that are replaced together."""

    environment: str
    table: Table
    segments: tuple[Segment, ...]


class EngineCompaction:
    """Compact what all have shared, by one Spark Connect server."""

    def __init__(self, shared: SharedStorage, engine: SparkEngine, root: Path, verifier: Verifier) -> None:
        """Take storage and server, and the folder with this process's copies of segments, with what verifies them."""
        self._shared, self._engine, self._root = shared, engine, root
        # What others see under a path is looked at itself; elsewhere the copy speaks for it.
        self._verifier = Verifier(Path(shared.place("."))) if shared.local else verifier

    def run(self, *, progress: Progress | None = None) -> int:
        """Leave each day of the newest snapshot settled; return the days changed, without those others were first on.

        What stands together with a damaged segment is left as it is. StoreError where the server fails, or wrote other
        rows than it read: days that were done before stay done.
        """
        snapshot, days = self._shared.newest(), 0
        pairs = sorted({(s.environment, s.table) for s in snapshot.segments if not s.settled})
        for done, (environment, name) in enumerate(pairs):
            if progress is not None:
                progress(f"compacting {name} on {self._engine.name}", done, len(pairs))
            of_table = [s for s in snapshot.segments if (s.environment, s.table) == (environment, name)]
            with self._engine.speaking() as spark:
                for job in self._jobs(spark, environment, table(name), of_table):
                    days += self._run(spark, job)
        if progress is not None:
            progress(f"compacting on {self._engine.name}", len(pairs), len(pairs))
        return days

    def _jobs(self, spark: Any, environment: str, declared: Table, segments: Sequence[Segment]) -> Iterator[Job]:
        affected = self._affected(spark, declared, segments)
        if self._crossing(spark, declared, affected):
            yield Job(environment, declared, tuple(affected))
            return
        for day in sorted({s.day for s in affected}):
            yield Job(environment, declared, tuple(s for s in affected if s.day == day))

    def _affected(self, spark: Any, declared: Table, segments: Sequence[Segment]) -> list[Segment]:
        """Return what to write anew: the unsettled, the settled with one of their keys, and small ones beside them."""
        loose = [s for s in segments if not s.settled]
        days = {s.day for s in loose}
        settled = [s for s in segments if s.settled]
        if declared.partition is None:
            return list(segments) if loose else []
        asked = [s for s in settled if s.day in days] if declared.partition in declared.key else settled
        minutes = self._minutes_held(spark, declared, asked, loose)
        hit = {s.path for s in asked if any(s.min_ns < m + MINUTE_NS and s.max_ns >= m for m in minutes)}
        return [s for s in segments if not s.settled or s.path in hit or (s.day in days and s.rows < _FULL)]

    def _minutes_held(
        self, spark: Any, declared: Table, settled: Sequence[Segment], loose: Sequence[Segment]
    ) -> list[int]:
        """Return the minutes in which settled segments have a key of the unsettled ones."""
        if not settled or not loose:
            return []
        same = " AND ".join(f"l.`{name}` = r.`{name}`" for name in declared.key)
        minute = _begin(f"l.`{time_column(declared)}`", MINUTE_NS)
        rows = spark.sql(
            f"SELECT DISTINCT {minute} AS minute FROM {self._view(spark, declared, settled)} l "
            f"LEFT SEMI JOIN {self._view(spark, declared, loose)} r ON {same}"
        ).toArrow()
        return [int(m) for m in rows.column(0).to_pylist()]

    def _crossing(self, spark: Any, declared: Table, segments: Sequence[Segment]) -> bool:
        """Say whether a key stands on two days, so that the days can only be settled together."""
        if declared.partition is None or declared.partition in declared.key or len({s.day for s in segments}) < 2:
            return False
        day = _begin(f"`{time_column(declared)}`", DAY_NS)
        found = spark.sql(
            f"SELECT count(*) AS n FROM (SELECT min({day}) AS low, max({day}) AS high "
            f"FROM {self._view(spark, declared, segments)} GROUP BY {_names(declared.key)}) WHERE low <> high"
        ).toArrow()
        return bool(found.column(0)[0].as_py())

    def _run(self, spark: Any, job: Job) -> int:
        if any(self._verifier.fault(s) is not None for s in job.segments):
            return 0
        if len(job.segments) == 1:
            # Sealing leaves no key twice in a segment, and no other one has one of its keys.
            fresh = [replace(s, settled=True) for s in job.segments]
        else:
            fresh = self._written(spark, job)
        snapshot = self._shared.change(replacing(list(job.segments), fresh))
        return len({s.day for s in job.segments}) if set(fresh) <= set(snapshot.segments) else 0

    def _written(self, spark: Any, job: Job) -> list[Segment]:
        """Let the server write a job's segments, and believe them only if they hold what it read."""
        declared, target = job.table, Target(
            self._shared.url, tuple(self._shared.options.items()), job.environment, job.table.name
        )  # fmt: skip
        source = self._view(spark, declared, job.segments)
        listed, read = sum(s.rows for s in job.segments), _contents(spark, declared, source)
        if read.rows != listed:
            raise StoreError(
                f"{self._engine.address} reads {read.rows} rows of {declared.name} where the manifest lists {listed}. "
                "Nothing was changed. Check that it sees the storage that this store is shared on."
            )
        winners = resolve_portable.resolved(declared, f"(SELECT * FROM {source})", entries)
        kept = _contents(spark, declared, winners)
        rows = spark.sql(f"SELECT {_names(c.name for c in declared)}, {_groups(job, kept.rows)} FROM {winners}")
        said = rows.groupBy(DAY, SLICE).applyInArrow(writer(target), schema=WRITTEN).toArrow()
        fresh = heard(said, target)
        there = _contents(spark, declared, self._view(spark, declared, fresh)) if fresh else None
        times = [min(s.min_ns for s in fresh), max(s.max_ns for s in fresh)] if fresh else []
        if there != kept or sum(s.rows for s in fresh) != kept.rows or (times != [kept.min_ns, kept.max_ns]):
            raise StoreError(
                f"{self._engine.address} wrote {there} of {declared.name} where it read {kept}. "
                "Nothing was changed: the segments that were there still are the store."
            )
        return fresh

    def _view(self, spark: Any, declared: Table, segments: Sequence[Segment]) -> str:
        return self._engine.files_view(spark, declared, tuple(str(self._root / s.path) for s in segments))


def _contents(spark: Any, declared: Table, source: str) -> Contents:
    """Count and sum rows, wherever they stand and in whatever order."""
    time = f"`{time_column(declared)}`"
    texts = [f"map_entries(`{c.name}`)" if c.type in {"texts", "numbers"} else f"`{c.name}`" for c in declared]
    row = f"concat_ws('|', {', '.join(f'coalesce(CAST({text} AS STRING), chr(1))' for text in texts)})"
    found = spark.sql(
        f"SELECT count(*) AS n, min(at) AS low, max(at) AS high, sum(crc32(CAST(told AS BINARY))) AS digests, "
        f"sum(length(told)) AS characters FROM (SELECT {time} AS at, {row} AS told FROM {source})"
    ).toArrow()
    rows, low, high, digests, characters = (column[0].as_py() for column in found.columns)
    return Contents(int(rows), low, high, int(digests or 0), int(characters or 0))


def _groups(job: Job, rows: int) -> str:
    """Return SQL for the day and the part of the time that a row is written with."""
    if job.table.partition is None:
        return f"CAST(0 AS BIGINT) AS {DAY}, CAST(0 AS BIGINT) AS {SLICE}"
    time, low = f"`{job.table.partition}`", min(s.min_ns for s in job.segments)
    span = max(s.max_ns for s in job.segments) - low + 1
    width = math.ceil(span / math.ceil(rows / SLICE_ROWS)) if rows > SLICE_ROWS else span
    return f"{_begin(time, DAY_NS)} AS {DAY}, ({time} - {low}) DIV {width} AS {SLICE}"


def _begin(time: str, every_ns: int) -> str:
    return f"({time} - (({time} % {every_ns}) + {every_ns}) % {every_ns})"


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)
