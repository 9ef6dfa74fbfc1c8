"""The store's promises: durable, once, one environment a reader, nothing outside the root, old stores open."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.columnar import build
from workbench.errors import StoreError, UnknownNameError, UsageError
from workbench.model.tables import TABLES
from workbench.store import Receipt, Store, layout, upkeep
from workbench.store.canonical import conform
from workbench.store.engines.duckdb import FileGoneError, locked_down

DAY_NS = 86_400 * 10**9
BASE_NS = 20_500 * DAY_NS
GOLDEN = Path(__file__).parents[1] / "golden"


def kpis(
    values: list[float | None], *, environment: str = "prod", day: int = 0, place: str = "here"
) -> dict[str, pa.Table]:
    """Return KPI rows a second apart on a day after 2026-02-16."""
    rows = {
        "environment": environment, "source": "test", "place": place, "received_ns": 1, "kpi": "k", "segment": "",
        "time_ns": [BASE_NS + day * DAY_NS + i * 10**9 for i in range(len(values))], "value": values,
    }  # fmt: skip
    return {"kpis": build(TABLES["kpis"], rows)}


@pytest.fixture
def store(tmp_path: Path):
    """Return an empty store to write."""
    with Store.open(tmp_path / "s", upkeep="manual") as opened:
        yield opened


def test_an_exact_repeat_is_dropped_wherever_it_came_from(store: Store) -> None:
    """The same three rows from another place: 0 new, 3 duplicates; also after sealing."""
    assert store.append(kpis([1, 2, 3])) == Receipt(rows=3, duplicates=0)
    assert store.append(kpis([1, 2, 3], place="elsewhere")) == Receipt(rows=0, duplicates=3)
    store.seal()
    assert store.append(kpis([1, 2, 3])).duplicates == 3
    assert store.counts() == {"kpis": 3}


def test_conflicting_rows_resolve_to_the_greatest(store: Store) -> None:
    """5 beats 3 beats unknown under one key, whichever came last, before and after compaction."""
    for value in ([3.0], [5.0], [None]):
        store.append(kpis(value))
    assert store.ask("rows", table="kpis").column("value").to_pylist() == [5.0]
    store.seal()
    store.compact()
    assert store.ask("rows", table="kpis").column("value").to_pylist() == [5.0]


def test_a_key_on_two_days_is_one_row(store: Store) -> None:
    """A prediction sent again with a time of the next day is one row, before and after compaction, and in windows."""
    for day, score in ((0, 0.1), (1, 0.2)):
        rows = {"environment": "prod", "source": "t", "place": "p", "received_ns": 1, "prediction_id": ["p"],
                "time_ns": [BASE_NS + day * DAY_NS], "score": [score]}  # fmt: skip
        store.append({"predictions": build(TABLES["predictions"], rows)})
        store.seal()
        for _ in range(2):
            assert store.counts() == {"predictions": 1}
            first = store.ask("rows", table="predictions", end_ns=BASE_NS + DAY_NS)
            assert first.num_rows == 1 - day
            store.compact()


def test_environments_are_kept_apart(tmp_path: Path) -> None:
    """The same key in prod and dev is two rows, each seen in its own environment only."""
    with Store.open(tmp_path, upkeep="manual") as prod, Store.open(tmp_path, environment="dev", mode="read") as dev:
        prod.append(kpis([1.0]))
        prod.append(kpis([2.0], environment="dev"))
        for _ in range(2):
            assert prod.ask("rows", table="kpis").column("value").to_pylist() == [1.0]
            assert dev.ask("rows", table="kpis").column("value").to_pylist() == [2.0]
            prod.seal()
            prod.compact()
        assert prod.environments() == ["dev", "prod"]


NAMES = [
    "..",
    ".",
    "/etc",
    "../../x",
    "a/b",
    "PROD",
    "prod ",
    "é",
    "quarantine",
    "scratch",
    "a\\b",
    "%2e",
    "nul",
    "*",
    "[a]",
]


def test_hostile_environments_stay_below_the_root(tmp_path: Path) -> None:
    """15 hostile names give 15 different plain folders below the root, and their rows are read back."""
    root = tmp_path / "s"
    with Store.open(root, upkeep="manual") as store:
        for name in NAMES:
            store.append(kpis([1.0], environment=name))
        store.seal()
        store.compact()
    assert {p.name for p in tmp_path.iterdir()} == {"s"}
    assert len({layout.escape(name).casefold() for name in NAMES}) == len(NAMES)
    for name in NAMES:
        with Store.open(root, environment=name, mode="read") as store:
            assert store.counts() == {"kpis": 1}
            assert store.files("kpis")[0].relative_to(root).parts[0] == layout.escape(name)
    with pytest.raises(UsageError, match="too long"):
        layout.escape("a" * 300)
    with pytest.raises(UsageError, match="empty"):
        layout.escape("")


def test_a_quote_in_the_roots_name_is_only_a_name(tmp_path: Path) -> None:
    """A root such as it's ["x"] works."""
    with Store.open(tmp_path / 'it\'s ["x"]*', upkeep="manual") as store:
        store.append(kpis([1.0]))
        store.seal()
        store.compact()
        assert store.counts() == {"kpis": 1}


def test_a_reader_opens_nothing_but_its_files(tmp_path: Path) -> None:
    """Another file, a glob, writing, attaching and new settings are refused by the engine itself."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "mine.parquet")
    pq.write_table(pa.table({"a": [2]}), tmp_path / "other.parquet")
    mine = str(tmp_path / "mine.parquet")
    connection = locked_down([mine], memory_limit="100MB")
    assert connection.sql(f"SELECT a FROM read_parquet(['{mine}'])").fetchall() == [(1,)]
    for sql in (
        f"SELECT * FROM read_parquet('{tmp_path}/other.parquet')",
        f"SELECT * FROM read_parquet('{tmp_path}/*.parquet')",
        "SELECT * FROM read_text('/etc/hostname')", f"COPY (SELECT 1) TO '{mine}'", f"ATTACH '{tmp_path}/new.db'",
        "SET enable_external_access=true", "SET memory_limit='10GB'", "INSTALL httpfs",
    ):  # fmt: skip
        with pytest.raises(duckdb.Error, match=r"disabled|locked|Cannot"):
            connection.execute(sql)
    connection.close()


def test_reading_never_writes(tmp_path: Path) -> None:
    """Every file has the same bytes after questions in reading mode, and changes are refused."""
    with Store.open(tmp_path, upkeep="manual") as store:
        store.append(kpis([1.0]))
        store.seal()
        store.append(kpis([2.0], day=1))

    def content() -> dict[str, bytes]:
        files = (p for p in tmp_path.rglob("*") if p.is_file() and not p.name.endswith(("-shm", "-wal")))
        return {p.as_posix(): p.read_bytes() for p in files}

    before = content()
    with Store.open(tmp_path, mode="read") as store:
        assert store.counts() == {"kpis": 2}
        store.verify()
        for change in (store.seal, store.compact, lambda: store.append(kpis([1.0])), lambda: store.retain(1)):
            with pytest.raises(StoreError, match="opened to read"):
                change()
    assert content() == before


def test_rows_that_do_not_fit_are_refused_in_words(store: Store) -> None:
    """Unknown tables and columns, missing required cells, invalid UTF-8."""
    with pytest.raises(UnknownNameError, match="Did you mean: kpis"):
        store.append({"kpi": pa.table({"a": [1]})})
    with pytest.raises(UnknownNameError, match="no column of kpis"):
        store.append({"kpis": kpis([1.0])["kpis"].append_column("extra", pa.array([1]))})
    with pytest.raises(UsageError, match=r"kpis\.kpi is required"):
        store.append({"kpis": kpis([1.0])["kpis"].drop_columns(["kpi"])})
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    rows = kpis([1.0])["kpis"]
    index = rows.schema.get_field_index("unit")
    with pytest.raises(UsageError, match="not valid Arrow"):
        store.append({"kpis": rows.set_column(index, rows.schema.field(index), broken)})
    assert store.counts() == {}


def test_equal_rows_have_one_form() -> None:
    """Map entries are sorted by name, negative zero is zero."""
    declared = TABLES["table_rows"]
    rows = build(declared, {"environment": "prod", "source": "s", "place": "p", "received_ns": 1, "dataset": ["d"],
                            "row_id": ["1"], "time_ns": [0], "numbers": [[("b", -0.0), ("a", 1.0)]]})  # fmt: skip
    ((first, second),) = conform(declared, rows).column("numbers").to_pylist()
    assert (first, str(second)) == (("a", 1.0), "('b', 0.0)")


def test_retention_drops_whole_old_days(store: Store) -> None:
    """On day 3, keeping 1 day drops days 0 and 1 (2 rows each), journal and segments alike; small tables stay."""
    store.append(kpis([1.0, 2.0]))
    store.seal()
    store.append(kpis([1.0, 2.0], day=1))
    store.append(kpis([1.0, 2.0], day=2))
    old = store.files("kpis")
    assert store.retain(1, now_ns=BASE_NS + 3 * DAY_NS) == 4
    assert store.counts() == {"kpis": 2}
    assert not old[0].exists()
    assert store.append(kpis([1.0, 2.0])).rows == 2
    with pytest.raises(UsageError, match="more than 0 days"):
        store.retain(0)


def test_a_file_that_compaction_removed_is_no_gap(tmp_path: Path) -> None:
    """A reader that still holds the older list is told to ask again, and the second answer is whole."""
    with Store.open(tmp_path, upkeep="manual") as store, Store.open(tmp_path, mode="read") as reader:
        store.append(kpis([1.0]))
        store.seal()
        with reader._engine.session() as session:
            store.append(kpis([2.0], day=0, place="late"))
            store.seal()
            store.compact()
            assert store._sealer.remove_retired(grace_s=0) == 1
            with pytest.raises(FileGoneError, match="Ask again"):
                session.relation("kpis")
        assert reader.gaps() == []
        assert reader.ask("rows", table="kpis").column("value").to_pylist() == [2.0]


def test_cursors_are_saved_with_their_rows(store: Store) -> None:
    """A cursor given to append is there after it, and replaced by save_cursor."""
    assert store.cursor("mlflow") is None
    store.append(kpis([1.0]), cursors={"mlflow": "page 1"})
    assert store.cursor("mlflow") == "page 1"
    store.save_cursor("mlflow", "page 2")
    assert store.cursor("mlflow") == "page 2"


def test_counts_and_freshness(store: Store) -> None:
    """Newest time per table over journal and segments; tables without rows are left out."""
    store.append(kpis([1.0, 2.0]))
    store.seal()
    store.append(kpis([1.0], day=1))
    assert store.counts() == {"kpis": 3}
    assert store.freshness() == {"kpis": BASE_NS + DAY_NS}
    assert store.unsealed()[0] == 1


def test_threads_commit_together(store: Store) -> None:
    """8 threads x 20 batches: all 160 rows are kept."""

    def write(number: int) -> None:
        for batch in range(20):
            store.append(kpis([1.0], day=number * 20 + batch))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts() == {"kpis": 160}


def test_upkeep_seals_and_compacts_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With thresholds of 10 rows and 3 segments the journal empties and segments merge without being asked."""
    monkeypatch.setattr(upkeep, "SEAL_ROWS", 10)
    monkeypatch.setattr(upkeep, "COMPACT_SEGMENTS", 3)
    with Store.open(tmp_path) as store:
        for batch in range(30):
            store.append(kpis([1.0] * 5, place=str(batch), day=batch % 2))
            store.append(kpis([float(batch)] * 5, day=batch % 2))
            time.sleep(0.01)
        end = time.monotonic() + 20
        while store.unsealed()[0] >= 10 and time.monotonic() < end:
            time.sleep(0.05)
        assert store.unsealed()[0] < 10
        assert store.upkeep_fault is None
        assert store.counts() == {"kpis": 10}


def test_segments_are_plain_parquet(store: Store) -> None:
    """zstd, delta-packed times, a bloom filter on trace_id, no stored Arrow schema, sorted by time."""
    n = 1000
    rows = {"environment": "prod", "source": "s", "place": "p", "received_ns": 1,
            "trace_id": [f"{i:032x}" for i in range(n)],
            "span_id": [f"{i:016x}" for i in range(n)], "start_ns": [BASE_NS + (i * 7919) % n for i in range(n)],
            "end_ns": [BASE_NS] * n, "duration_ns": [1] * n}  # fmt: skip
    store.append({"spans": build(TABLES["spans"], rows)})
    store.seal()
    store.compact()
    (file,) = store.files("spans")
    found = {
        path: (compression, encodings, bloom)
        for path, compression, encodings, bloom in duckdb.sql(
            f"SELECT path_in_schema, compression, encodings, bloom_filter_length FROM parquet_metadata('{file}')"
        ).fetchall()
    }
    assert found["start_ns"][0] == "ZSTD"
    assert "DELTA_BINARY_PACKED" in found["start_ns"][1]
    assert found["trace_id"][2] > 0
    assert pq.read_metadata(file).metadata is None
    times = pq.read_table(file, columns=["start_ns"]).column(0).to_pylist()
    assert times == sorted(times)


def test_a_newer_store_is_refused_in_words(tmp_path: Path) -> None:
    """Format 99, a foreign folder, a missing one, and a folder that holds something else."""
    Store.open(tmp_path / "s").close()
    (tmp_path / "s" / "format").write_text("incident-workbench store 99\n")
    with pytest.raises(StoreError, match=r"format 99.*Update incident-workbench"):
        Store.open(tmp_path / "s")
    (tmp_path / "s" / "format").write_text("something else")
    with pytest.raises(StoreError, match="no store of the workbench"):
        Store.open(tmp_path / "s", mode="read")
    with pytest.raises(StoreError, match="There is no store"):
        Store.open(tmp_path / "missing", mode="read")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="not empty"):
        Store.open(tmp_path / "mine")


def test_the_golden_store_opens(tmp_path: Path) -> None:
    """The store of release 0.1 opens in both modes and exports the bytes it exported then."""
    shutil.copytree(GOLDEN / "store-0.1", tmp_path / "s")
    wanted = (GOLDEN / "store-0.1.jsonl").read_bytes()
    for mode in ("read", "write"):
        with Store.open(tmp_path / "s", mode=mode, upkeep="manual") as store:
            assert b"".join(store.export(name) for name in TABLES) == wanted
            assert set(store.counts()) == set(TABLES)
            assert store.verify() == []
            if mode == "write":
                store.seal()
                store.compact()
                assert b"".join(store.export(name) for name in TABLES) == wanted


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Appending after close is refused, and what was appended is there when it is opened again."""
    store = Store.open(tmp_path)
    store.append(kpis([1.0]))
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append(kpis([2.0]))
    with Store.open(tmp_path, mode="read") as again:
        assert again.counts() == {"kpis": 1}


def test_an_acknowledged_row_is_seen_by_another_process_within_two_seconds(store: Store) -> None:
    """A process that was opened before the row was appended answers with it."""
    code = (
        "import sys, time; from workbench.store import Store\n"
        "with Store.open(sys.argv[1], mode='read') as s:\n"
        "    s.counts(); print('ready', flush=True)\n"
        "    while not s.counts(): pass\n"
        "    print(time.time_ns())"
    )
    reader = subprocess.Popen([sys.executable, "-c", code, str(store.root)], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    store.append(kpis([1.0]))
    acknowledged_ns = time.time_ns()
    out, _ = reader.communicate(timeout=20)
    assert (int(out) - acknowledged_ns) / 1e9 < 2
