"""Scale bench, second part: a trace among 600 M spans, bytes a span, and freezing a busy hour into a case's bundle.

    python -m benchmarks.scale_long [--store DIR] [--hour DIR] [--spans 10000000] [--copies 34]

``--store`` is a store that benchmarks.scale_data filled; its days but the first are hard-linked so many times, which
reads like as many times the spans: the paths differ, and so does everything that is cached by path. ``--hour`` keeps
the store of one hour and uses it again.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import resource
import secrets
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from benchmarks.scale import clocked, line, shown
from benchmarks.scale_data import FIRST_NS, Scale, batches, fill
from workbench.case.bundle import Bundle
from workbench.model.tables import SPANS
from workbench.model.window import DAY_NS
from workbench.store import Store, layout, manifest
from workbench.store.database import connect_writer, transaction
from workbench.store.segments import Segment

FOURTEEN = (
    "environment", "source", "place", "received_ns", "trace_id", "span_id", "parent_span_id", "service", "name",
    "kind", "start_ns", "end_ns", "duration_ns", "status",
)  # fmt: skip
HOUR_NS = DAY_NS // 24
LOOK_UPS = 15
EVIDENCE = ["trace_id", "span_id", "parent_span_id", "service", "name", "start_ns", "duration_ns", "status"]


def linked(source: Path, target: Path, copies: int) -> int:
    """Make a store whose days are *copies* hard links of another's, but the first day's, linked once; return its spans.

    So what is looked for on the first day is found there alone, as in a store of as many real days.
    """
    layout.prepare(target)
    with contextlib.closing(connect_writer(source)) as connection:
        settled = sorted((s for s in manifest.segments(connection) if s.table == "spans"), key=lambda s: s.day)
    days, new = len(settled), []
    for copy in range(copies):
        for segment in settled:
            if copy and segment.day == settled[0].day:
                continue
            shift = copy * days
            day = (date.fromisoformat(segment.day) + timedelta(days=shift)).isoformat()
            path = segment.path.replace(f"day={segment.day}", f"day={day}")
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).hardlink_to(source / segment.path)
            new.append(_moved(segment, path, day, shift * DAY_NS))
    with contextlib.closing(connect_writer(target)) as connection, transaction(connection):
        manifest.add(connection, new)
    return sum(s.rows for s in new)


def _moved(segment: Segment, path: str, day: str, by_ns: int) -> Segment:
    moved = {"path": path, "day": day, "min_ns": segment.min_ns + by_ns, "max_ns": segment.max_ns + by_ns}
    return dataclasses.replace(segment, **moved)


def look_ups(root: Path, folder: Path, copies: int) -> None:
    """Time look-ups of traces among all links: one that is there, and one that is not."""
    spans = linked(root, folder / "linked", copies)
    with Store.open(root, mode="read") as store:
        found = store.ask("trace_ids", start_ns=FIRST_NS, end_ns=FIRST_NS + HOUR_NS, limit=2 * LOOK_UPS)
    # Another id each time: a bloom filter that takes one wrongly for its own does so in all links of its file.
    ids = iter(found.column("trace_id").to_pylist())
    with Store.open(folder / "linked", mode="read") as store:
        began = time.perf_counter()
        store.ask("trace", trace_id=secrets.token_hex(16))
        line(f"{spans:,} spans: first question (every file's SHA-256)", f"{time.perf_counter() - began:,.1f} s", "")
        took = clocked(lambda: store.ask("trace", trace_id=secrets.token_hex(16)), time.process_time, LOOK_UPS - 1)
        line(f"{spans:,} spans: a trace that is not there", *shown(took, 0.3))
        took = clocked(lambda: store.ask("trace", trace_id=next(ids)), time.process_time, LOOK_UPS - 1)
        line(f"{spans:,} spans: a trace that is there, day not known", *shown(took, 0.3))
        near = {"start_ns": FIRST_NS, "end_ns": FIRST_NS + DAY_NS}
        took = clocked(lambda: store.ask("trace", trace_id=next(ids), **near), time.process_time, LOOK_UPS - 1)
        line(f"{spans:,} spans: a trace, day known", *shown(took))


def fourteen_columns(folder: Path, spans: int = 1_000_000) -> None:
    """Weigh spans of random ids and 14 columns."""
    with Store.open(folder / "narrow", upkeep="manual") as store:
        for batch in batches(Scale(spans, 1)):
            absent = {c.name: pa.nulls(batch.num_rows, batch.schema.field(c.name).type)
                      for c in SPANS if c.name not in FOURTEEN}  # fmt: skip
            for name, column in absent.items():
                batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
            store.append({"spans": batch})
        store.seal()
        store.compact()
        size = sum(path.stat().st_size for path in store.files("spans"))
    line("on disk, random ids and 14 columns", f"{size / spans:.1f} bytes/span", "bar 30 bytes/span")


def freezing(hour: Path, folder: Path, spans: int) -> None:
    """Freeze all spans of one hour into a bundle: asked, written as Parquet, digested, brought to disk."""
    if not hour.exists():
        with Store.open(hour, upkeep="manual") as store:
            fill(store, Scale(spans, 1, length_ns=HOUR_NS))
    with Store.open(hour, mode="read", memory_limit="8GB") as store:
        arguments = {"table": "spans", "start_ns": FIRST_NS, "end_ns": FIRST_NS + 2 * HOUR_NS, "columns": EVIDENCE}
        bundle = Bundle(folder / "bundle")
        began, cpu = time.perf_counter(), time.process_time()
        answer = store.ask("rows", **arguments)
        asked = time.perf_counter() - began
        bundle.keep(*bundle.prepare("rows", arguments, answer))
        took, used = time.perf_counter() - began, time.process_time() - cpu
    line(f"freezing an hour of {answer.num_rows:,} spans, {len(EVIDENCE)} columns",
         f"{took:,.1f} s wall ({asked:.1f} s asked), {used:.1f} CPU s", f"bar 60 s: {60 / took:.2f}x")  # fmt: skip


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="store of benchmarks.scale_data; look-ups are left out without it")
    parser.add_argument("--hour", type=Path, help="keep the store of one hour here and use it again")
    parser.add_argument("--spans", type=int, default=10_000_000, help="spans of the hour; 0 for none")
    parser.add_argument("--copies", type=int, default=34, help="how often each day but the first is linked")
    asked = parser.parse_args()
    # Hard links need the same file system.
    beside = asked.store.parent if asked.store else None
    with tempfile.TemporaryDirectory(dir=beside) as name:
        folder = Path(name)
        fourteen_columns(folder)
        if asked.store:
            look_ups(asked.store, folder, asked.copies)
        if asked.spans:
            freezing(asked.hour or folder / "hour", folder, asked.spans)
    line("peak memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB", "")


if __name__ == "__main__":
    main()
