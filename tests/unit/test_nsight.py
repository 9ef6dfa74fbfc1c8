"""Nsight Systems: reports as nsys exports them, against counts by hand; every table may be missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from workbench.analysis import gpu_trace
from workbench.errors import SourceError
from workbench.intake.inputs import SQLITE_MAGIC
from workbench.sources import Context, Head
from workbench.sources.nsight import SOURCE, trace

BASE = 1_770_714_960_000_000_000
CONTEXT = Context("prod", "report.sqlite", 5)
KERNELS = """CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL,
    deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL);
    INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES
        (1000, 5000, 0, 1, 7, 11, 1, 1, 2), (4000, 9000, 0, 1, 8, 12, 1, 3, 4),
        (20000, 20001, 1, 1, 7, 13, 1, 1, 2);"""
STRINGS = """CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
    INSERT INTO StringIds VALUES (1, 'void gemm<float>(int)'), (2, 'gemm'), (3, 'ncclDevKernel_AllReduce(args)'),
        (4, 'ncclDevKernel_AllReduce');"""
COPIES = """CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER, end INTEGER, deviceId INTEGER, streamId INTEGER,
    correlationId INTEGER, bytes INTEGER, copyKind INTEGER);
    INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (10000, 11000, 0, 9, 14, 4096, 1);"""
LAUNCHES = """CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER, end INTEGER, correlationId INTEGER);
    INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (500, 600, 11), (700, 800, 12), (12000, 12100, 13);"""
SESSION = f"""CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER, utcTime TEXT, localTime TEXT);
    INSERT INTO TARGET_INFO_SESSION_START_TIME VALUES ({BASE}, '', '');
    CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT, busLocation TEXT);
    INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA H200', ''), (1, 'NVIDIA H200', '');"""


def report(folder: Path, *parts: str) -> Path:
    """Write a report that holds these tables."""
    place = folder / "report.sqlite"
    with closing(sqlite3.connect(place)) as made:
        made.executescript("\n".join(parts))
        made.commit()
    return place


def test_kernels_copies_and_launches_are_read_to_the_nanosecond(tmp_path: Path) -> None:
    """Device 0: two kernels that overlap 1,000 ns and a copy, busy 9,000 of 10,000 ns, 20 % of communication hidden."""
    found = trace(report(tmp_path, KERNELS, STRINGS, COPIES, LAUNCHES, SESSION))
    assert (found.events, found.base_ns, dict(found.devices)) == (7, BASE, {0: "NVIDIA H200", 1: "NVIDIA H200"})
    kernels = gpu_trace.frame(found.columns(), found.steps)
    own = kernels[kernels["device"] == 0]
    assert own["start_ns"].tolist() == [BASE + 1000, BASE + 4000, BASE + 10_000]
    assert own["launched_ns"].tolist() == [BASE + 500, BASE + 700, -1]
    time = gpu_trace.device_time(own)
    assert (time.busy_ns, time.window_ns, time.computation_ns, time.communication_ns, time.memory_ns) == (
        9_000, 10_000, 4_000, 5_000, 1_000,
    )  # fmt: skip
    assert time.overlap_percent == pytest.approx(20.0)
    assert gpu_trace.busiest(own, found.names)[0].name == "ncclDevKernel_AllReduce(args)"
    idle = gpu_trace.idle_by_cause(kernels[kernels["stream"] == 7])
    assert idle.set_index("cause")["idle_ns"].to_dict() == {"host_wait": 15_000}


def test_the_store_gets_a_summary_of_each_device_at_the_wall_clock(tmp_path: Path) -> None:
    """Five figures for each of two devices, stamped with the end of its work and its name."""
    (batch,) = SOURCE.read(report(tmp_path, KERNELS, STRINGS, COPIES, LAUNCHES, SESSION), CONTEXT)
    rows = batch.tables["metric_samples"].to_pylist()
    assert len(rows) == 10
    busy = {r["entity"]: r for r in rows if r["metric"] == "gpu_trace_busy_percent"}
    assert busy["gpu:report.sqlite/0"]["value"] == pytest.approx(90.0)
    assert busy["gpu:report.sqlite/0"]["time_ns"] == BASE + 11_000
    assert dict(busy["gpu:report.sqlite/1"]["labels"])["model_name"] == "NVIDIA H200"


@pytest.mark.parametrize("parts", [(KERNELS,), (STRINGS, COPIES), (LAUNCHES,), (SESSION,)], ids=range(4))
def test_each_table_may_be_missing(parts: tuple[str, ...], tmp_path: Path) -> None:
    """What Nsight did not record leaves its columns unknown; nothing is rejected and nothing raises."""
    (batch,) = SOURCE.read(report(tmp_path, *parts), CONTEXT)
    assert batch.rejections == ()
    assert batch.tables["metric_samples"].num_rows == {KERNELS: 10, COPIES: 5}.get(parts[-1], 0)


def test_cells_of_another_type_cost_only_their_row(tmp_path: Path) -> None:
    """A text for a time, an end before its begin and a time beyond 64 bits are rejected; one good kernel stays."""
    bad = """CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, streamId);
        INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES
            ('x', 5, 0, 1), (9, 5, 0, 1), (1e30, 2e30, 0, 1), (1, 5, 'a', NULL);"""
    (batch,) = SOURCE.read(report(tmp_path, bad), CONTEXT)
    assert len(batch.rejections) == 3
    assert {r["entity"] for r in batch.tables["metric_samples"].to_pylist()} == {"gpu:report.sqlite/unknown"}


def test_another_database_is_refused_in_words_and_not_recognised(tmp_path: Path) -> None:
    """SQLite without CUPTI's tables says so; a report is opened read-only and not changed by a byte."""
    other = report(tmp_path, "CREATE TABLE runs (a);")
    assert SOURCE.recognise(Head("x.db", other.read_bytes()[:65_536])) == 0.0
    with pytest.raises(SourceError, match="no report of Nsight"):
        trace(other)
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(SQLITE_MAGIC + b"x" * 4096)
    with pytest.raises(SourceError, match="cannot be read as SQLite"):
        trace(broken)
    (tmp_path / "own").mkdir()
    place = report(tmp_path / "own", KERNELS, STRINGS)
    before = place.read_bytes()
    assert SOURCE.recognise(Head("a.sqlite", before[:65_536])) > 0.9
    trace(place)
    assert place.read_bytes() == before
