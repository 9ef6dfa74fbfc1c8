"""What the store keeps under kill -9, flipped bits, a full disk, and readers beside a writer."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.columnar import build
from workbench.errors import StoreError
from workbench.model.tables import TABLES
from workbench.store import Store

LOGS = TABLES["logs"]
DAY_NS = 86_400 * 10**9
BASE_NS = 20_500 * DAY_NS


def logs(ids: list[str], *, at_ns: int = BASE_NS) -> dict[str, pa.Table]:
    """Return log records with the given ids, a second apart."""
    rows = {
        "environment": "prod",
        "source": "test",
        "place": "here",
        "received_ns": 1,
        "log_id": ids,
        "time_ns": [at_ns + i * 10**9 for i in range(len(ids))],
        "body": [f"body of {i}" for i in ids],
    }
    return {"logs": build(LOGS, rows)}


WRITER = textwrap.dedent(
    """
    import sys, threading
    sys.path.insert(0, sys.argv[3])
    from test_store_faults import logs
    from workbench.store import Store
    store = Store.open(sys.argv[1], upkeep="manual")
    lock = threading.Lock()
    def write(number):
        batch = 0
        while True:
            ids = [f"{sys.argv[2]}-{number}-{batch}-{i}" for i in range(50)]
            store.append(logs(ids))
            with lock:
                sys.stdout.write(f"{sys.argv[2]}-{number}-{batch}\\n")
                sys.stdout.flush()
            batch += 1
    for number in range(3):
        threading.Thread(target=write, args=(number,), daemon=True).start()
    while True:
        store.seal()
        store.compact()
    """
)


def _kill_rounds(folder: Path, rounds: int, chance: random.Random) -> tuple[set[str], list[str]]:
    """Return acknowledged ids and the ids found, after writers were killed while appending, sealing and compacting."""
    acknowledged: set[str] = set()
    for number in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(number), str(Path(__file__).parent)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0.05, 0.6))
        writer.send_signal(signal.SIGKILL)
        lines = [first, *writer.stdout.readlines()]
        writer.wait()
        writer.stdout.close()
        whole = [line.strip() for line in lines if line.endswith("\n")]
        acknowledged |= {f"{batch}-{i}" for batch in whole for i in range(50)}
    with Store.open(folder, upkeep="manual") as store:
        store.seal()
        store.compact()
        assert store.gaps() == []
        return acknowledged, store.ask("rows", table="logs", columns=["log_id"]).column(0).to_pylist()


def test_three_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Three times kill -9 of three appending threads beside sealing and compaction: 0 acknowledged lost, 0 twice."""
    acknowledged, found = _kill_rounds(tmp_path / "s", 3, random.Random(1))
    assert len(acknowledged) > 150
    assert acknowledged - set(found) == set()
    assert len(found) == len(set(found))


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """The same, 100 times."""
    acknowledged, found = _kill_rounds(tmp_path / "s", 100, random.Random(2))
    assert acknowledged - set(found) == set()
    assert len(found) == len(set(found))


@pytest.fixture
def two_days(tmp_path: Path) -> Path:
    """Return a store with a segment on each of two days, 300 rows each."""
    root = tmp_path / "s"
    with Store.open(root, upkeep="manual") as store:
        store.append(logs([f"a{i}" for i in range(300)]))
        store.append(logs([f"b{i}" for i in range(300)], at_ns=BASE_NS + DAY_NS))
        store.seal()
        store.compact()
        assert len(store.files("logs")) == 2
    return root


def _flips_found(root: Path, flips: int, seed: int) -> int:
    chance = random.Random(seed)
    with Store.open(root, mode="read") as store:
        file = store.files("logs")[0]
    whole = file.read_bytes()
    found = 0
    for _ in range(flips):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        with Store.open(root, mode="read") as store:
            ids = store.ask("rows", table="logs", columns=["log_id"])
            found += len(store.gaps()) == 1 and all(i.startswith("b") for i in ids.column(0).to_pylist())
            assert b"300 rows missing" in ids.schema.metadata[b"gaps"]
    file.write_bytes(whole)
    return found


def test_every_flipped_bit_is_found(two_days: Path) -> None:
    """50 single-bit flips anywhere in a segment: 50 gaps reported, the other day answers on, no wrong row."""
    assert _flips_found(two_days, 50, 3) == 50


@pytest.mark.full
def test_five_hundred_flipped_bits_are_found(two_days: Path) -> None:
    """The same, 500 times."""
    assert _flips_found(two_days, 500, 4) == 500


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_truncated_segment_is_set_aside_and_can_be_sent_again(two_days: Path, keep: int) -> None:
    """A writer that finds a short file moves it to quarantine; sending the input again fills the gap."""
    with Store.open(two_days, upkeep="manual") as store:
        file = store.files("logs")[0]
        file.write_bytes(file.read_bytes()[:keep])
        assert store.counts() == {"logs": 300}
        (gap,) = store.verify()
        assert (gap.table, gap.rows, gap.day) == ("logs", 300, "2026-02-16")
        assert not file.exists()
        assert len(list((two_days / "quarantine").iterdir())) == 1
        assert store.append(logs([f"a{i}" for i in range(300)])).rows == 300
        assert store.counts() == {"logs": 600}


def test_a_missing_segment_is_a_gap(two_days: Path) -> None:
    """A deleted file is reported, not taken for an empty one."""
    with Store.open(two_days, mode="read") as store:
        store.files("logs")[1].unlink()
        assert store.ask("rows", table="logs").num_rows == 300
        assert [g.rows for g in store.gaps()] == [300]


def test_a_damaged_journal_entry_is_a_gap(tmp_path: Path) -> None:
    """A flipped bit in an unsealed entry is reported by readers and recorded by sealing; the other entry stays."""
    with Store.open(tmp_path / "s", upkeep="manual") as store:
        store.append(logs(["x"]))
        store.append(logs(["y"]))
        other = sqlite3.connect(tmp_path / "s" / "store.sqlite")
        (blob,) = other.execute("SELECT blob FROM batches WHERE id = 1").fetchone()
        other.execute("UPDATE batches SET blob = ? WHERE id = 1", (blob[:-1] + bytes([blob[-1] ^ 1]),))
        other.commit()
        other.close()
        assert store.ask("rows", table="logs").column("log_id").to_pylist() == ["y"]
        assert [g.path for g in store.gaps()] == ["journal/1"]
        store.seal()
        assert store.ask("rows", table="logs").column("log_id").to_pylist() == ["y"]
    with Store.open(tmp_path / "s", mode="read") as store:
        assert [(g.path, g.rows) for g in store.gaps()] == [("journal/1", 1)]


def test_a_full_disk_keeps_nothing_says_retry_and_recovers(tmp_path: Path) -> None:
    """While SQLite has no room, append raises StoreError with 'retry' and keeps nothing; with room again it goes on."""
    with Store.open(tmp_path / "s", upkeep="manual") as store:
        store.append(logs(["before"]))
        assert store._connection is not None
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StoreError, match=r"full.*retry"):
            store.append(logs([f"{random.Random(1).getrandbits(4096)}-{i}" for i in range(2000)]))
        assert store.counts() == {"logs": 1}
        store._connection.execute("PRAGMA max_page_count=1000000")
        assert store.append(logs(["after"])).rows == 1
        assert store.counts() == {"logs": 2}


def test_a_disk_full_while_sealing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that cannot be written leaves the journal as it was; the next sealing succeeds."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with Store.open(tmp_path / "s", upkeep="manual") as store:
        store.append(logs(["a", "b"]))
        with monkeypatch.context() as patched:
            patched.setattr(pq.ParquetWriter, "write_table", refuse)
            with pytest.raises(StoreError, match="retry"):
                store.seal()
        assert store.counts() == {"logs": 2}
        assert store.unsealed()[0] == 2
        assert store.seal() == 2
        assert store.counts() == {"logs": 2}
        assert not list((tmp_path / "s").rglob("*.part"))


READER = textwrap.dedent(
    """
    import sys, time
    from workbench.store import Store
    with Store.open(sys.argv[1], mode="read") as store:
        last, end = 0, time.monotonic() + 60
        while last < 2000 and time.monotonic() < end:
            ids = store.ask("rows", table="logs", columns=["log_id"]).column(0).to_pylist()
            assert len(ids) == len(set(ids)), "a row was seen twice"
            assert len(ids) >= last, f"rows went away: {last} -> {len(ids)}"
            last = len(ids)
        print(last, time.time_ns())
    """
)


def test_two_processes_read_while_one_writes(tmp_path: Path) -> None:
    """Two readers beside appending, sealing and compaction see rows only grow, none twice, the last within 2 s."""
    root = tmp_path / "s"
    with Store.open(root, upkeep="manual") as store:
        store.append(logs(["0-first"]))
        readers = [
            subprocess.Popen([sys.executable, "-c", READER, str(root)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for batch in range(40):
            store.append(logs([f"{batch}-{i}" for i in range(50)]))
            store.append(logs([f"{batch}-{i}" for i in range(25)]))
            if batch % 5 == 4:
                store.seal()
            if batch % 10 == 9:
                store.compact()
        acknowledged_ns = time.time_ns()
        for reader in readers:
            out, _ = reader.communicate(timeout=60)
            assert reader.returncode == 0
            seen, at_ns = (int(word) for word in out.split())
            assert seen >= 2000
            assert (at_ns - acknowledged_ns) / 1e9 < 2


def test_sealing_twice_after_a_crash_between_file_and_manifest_doubles_nothing(tmp_path: Path) -> None:
    """A segment file that no manifest names is never read and is removed by the next compaction."""
    with Store.open(tmp_path / "s", upkeep="manual") as store:
        store.append(logs(["a", "b"]))
        store.seal()
        (file,) = store.files("logs")
        stray = file.with_name("0" * 40 + ".parquet")
        shutil.copy(file, stray)
        assert store.counts() == {"logs": 2}
        store.append(logs(["c"]))
        store.seal()
        store.compact()
        assert not stray.exists()
        assert store.counts() == {"logs": 3}
