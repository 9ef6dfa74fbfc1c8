"""Several intakes share one store on a folder or an S3-compatible server: no row is lost or doubled, whoever dies."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strategies.engine_servers import end, free_port, running
from tests.strategies.sharing_intake import T0, rows
from workbench.errors import StoreError
from workbench.store import Store
from workbench.store.cluster import open_store, parse
from workbench.store.segments import Segment
from workbench.store.shared import SharedStorage, Snapshot, adding, replacing
from workbench.store.sharing import SharedStore, compact, mirror, remove_replaced

pytest.importorskip("s3fs", reason="needs s3fs, the client of S3-compatible storage")
pytest.importorskip("moto", reason="needs moto, an S3-compatible server")

ALL = {"start_ns": T0, "end_ns": T0 + 10**15}
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the end point of a server of its own process, with the bucket ``telemetry``."""
    port, log = free_port(), tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "tests.strategies.s3_server", str(port)]
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    with contextlib.ExitStack() as undo, pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        undo.callback(end, process)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}"
        SharedStorage("s3://telemetry/x", {"endpoint_url": endpoint})._fs.mkdir("telemetry")
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return an address with what its file system is told."""
    if request.param == "folder":
        return f"file://{tmp_path}/shared"
    return f"s3://telemetry/{tmp_path.name};endpoint_url={request.getfixturevalue('s3')}"


def _storage(url: str) -> SharedStorage:
    address = parse(url)
    assert address.shared is not None
    return SharedStorage(address.shared, address.options)


def _segment(n: int) -> Segment:
    return Segment(f"prod/kpis/day=2026-02-16/{n:040x}.parquet", "prod", "kpis", "2026-02-16", 1, 1, n, n, "0", False)


def _intake(url: str, folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.strategies.sharing_intake", url, str(folder), str(first), str(last)]
    settings = {**os.environ, **KEYS}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings, start_new_session=True)


def test_three_intakes_and_one_that_is_killed_lose_and_double_nothing(url: str, tmp_path: Path) -> None:
    """Three processes share 600 rows, 100 of them sent to two; one is killed with -9 in the middle and runs again."""
    spans = [(0, 250), (150, 400), (400, 600)]
    started = [_intake(url, tmp_path / f"intake{n}", *span) for n, span in enumerate(spans)]
    assert started[1].stdout is not None
    # After the fifth batch one sealing has been shared, and rows wait in its journal.
    said = [int(started[1].stdout.readline()) for _ in range(5)]
    end(started[1])
    started[1].stdout.close()
    assert said[-1] == 250
    again = _intake(url, tmp_path / "intake1", *spans[1])
    for process in (started[0], started[2], again):
        process.communicate(timeout=120)
        assert process.returncode == 0
    with open_store(f"{url};cache={tmp_path / 'reader'}", mode="read") as store:
        values = store.ask("kpi_series", **ALL).column("value").to_pylist()
        assert sorted(values) == [float(n) for n in range(600)]
        assert compact(_storage(url), scratch=tmp_path) == 1
        assert isinstance(store, SharedStore)
        store.refresh()
        assert len(store.files("kpis")) == 1
        assert sorted(store.ask("kpi_series", **ALL).column("value").to_pylist()) == sorted(values)


def test_of_four_writers_at_once_each_change_counts_once(url: str) -> None:
    """Four threads add four segments each: 16 changes, 16 numbers, no one's change is overwritten."""
    storages = [_storage(url) for _ in range(4)]

    def write(place: int) -> None:
        for n in range(4):
            storages[place].change(adding([_segment(place * 4 + n)]))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    newest = storages[0].newest()
    assert newest.number == 16
    assert {s.path for s in newest.segments} == {_segment(n).path for n in range(16)}
    assert storages[0].change(adding([_segment(3)])) == newest


def test_a_snapshot_put_below_a_gap_is_taken_back(tmp_path: Path) -> None:
    """A writer slept from reading number 1 until 2 was forgotten: its 2 would be lost, so it is made again on top."""
    shared = SharedStorage(f"file://{tmp_path}/shared")
    for n in range(3):
        shared.change(adding([_segment(n)]))
    asleep = shared._read(1)
    (tmp_path / "shared/manifest" / f"{2:020d}.json").unlink()
    seen = iter([asleep])
    newest = shared.newest
    shared.newest = lambda: next(seen, None) or newest()  # type: ignore[method-assign]
    after = shared.change(adding([_segment(9)]))
    assert after.number == 4
    assert {s.path for s in after.segments} == {_segment(n).path for n in (0, 1, 2, 9)}


def test_a_segment_that_was_replaced_is_not_listed_again() -> None:
    """An intake that died before it heard of its success lists its segment again: compaction has taken it out."""
    listed = adding([_segment(1), _segment(2)])(Snapshot(0))
    compacted = replacing([_segment(1), _segment(2)], [_segment(3)])(listed)
    assert [s.path for s in compacted.segments] == [_segment(3).path]
    assert adding([_segment(1)])(compacted) is compacted
    assert replacing([_segment(1)], [_segment(4)])(compacted) is compacted


def test_a_crash_between_listing_and_noting_it_doubles_nothing(url: str, tmp_path: Path) -> None:
    """The manifest lists the segment, the folder has not noted it yet: sharing again changes nothing."""
    with SharedStore.open_shared(parse(f"{url};cache={tmp_path / 'a'}"), upkeep="manual") as store:
        store.append(rows(0, 20))
        store.seal()
        number = store.refresh()
        with store.holding() as (connection, lock), lock:
            connection.execute("DELETE FROM shared_paths")
        assert store.refresh() == number
        assert store.ask("kpi_series", **ALL).num_rows == 20


def test_questions_read_one_snapshots_files_and_nothing_else(url: str, tmp_path: Path) -> None:
    """A reader's list stays while others share; a stray file in the day's folder is in no list."""
    with SharedStore.open_shared(parse(f"{url};cache={tmp_path / 'a'}"), upkeep="manual") as store:
        store.append(rows(0, 20))
        store.seal()
        shared = _storage(url)
        mirror(shared, tmp_path / "reader")
        stray = store.files("kpis")[0]
        shared._fs.put_file(str(stray), f"{shared._root}/prod/kpis/{stray.parent.name}/{'f' * 40}.parquet")
        with Store.open(tmp_path / "reader", mode="read") as reader:
            store.append(rows(20, 40))
            assert store.ask("kpi_series", **ALL).num_rows == 40
            store.seal()
            assert reader.ask("kpi_series", **ALL).num_rows == 20
            mirror(shared, tmp_path / "reader")
            assert reader.ask("kpi_series", **ALL).num_rows == 40


def test_a_storage_that_refuses_keeps_the_rows_here(tmp_path: Path) -> None:
    """The storage cannot be written: sealing says so, the rows are answered for here, and shared when it is back."""
    folder = tmp_path / "shared"
    with SharedStore.open_shared(parse(f"file://{folder};cache={tmp_path / 'a'}"), upkeep="manual") as store:
        store.append(rows(0, 20))
        folder.write_text("in the way")
        with pytest.raises(StoreError, match="Retry"):
            store.seal()
        folder.unlink()
        assert store.ask("kpi_series", **ALL).num_rows == 20
        store.seal()
    assert sum(s.rows for s in SharedStorage(f"file://{folder}").newest().segments) == 20


def test_compaction_retention_and_removal(url: str, tmp_path: Path) -> None:
    """Two segments become one, the replaced files go after their grace, old days leave everybody's list."""
    shared = _storage(url)
    with SharedStore.open_shared(parse(f"{url};cache={tmp_path / 'a'}"), upkeep="manual") as store:
        for first in (0, 10):
            store.append(rows(first, first + 20))
            store.seal()
        assert len(shared.newest().segments) == 2
        assert store.compact() == 1
        assert [s.rows for s in shared.newest().segments] == [30]
        assert remove_replaced(shared) == 0
        assert remove_replaced(shared, grace_s=0) == 2
        assert store.ask("kpi_series", **ALL).num_rows == 30
        assert store.retain(1, now_ns=T0 + 5 * 86_400 * 10**9) == 30
        assert store.ask("kpi_series", **ALL).num_rows == 0


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    """A path that leads elsewhere, and a list of a newer format, are refused in words."""
    shared = SharedStorage(f"file://{tmp_path}/shared")
    shared.change(adding([_segment(1)]))
    file = tmp_path / "shared/manifest" / f"{1:020d}.json"
    text = file.read_text()
    for wrong, match in ((text.replace("prod/kpis", "../../etc"), "no segment's path"), ("{", "no manifest"),
                         (text.replace('"format":1', '"format":9'), "format 9")):  # fmt: skip
        file.write_text(wrong)
        with pytest.raises(StoreError, match=match):
            shared.newest()


def test_sail_reads_what_is_shared(url: str, tmp_path: Path) -> None:
    """A Spark Connect server reads the segments where they are shared, a folder or the S3 server itself."""
    pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")
    address = parse(url)
    with SharedStore.open_shared(parse(f"{url};cache={tmp_path / 'a'}"), upkeep="manual") as store:
        store.append(rows(0, 40))
        store.seal()
        want = store.ask("kpi_series", **ALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT", str(address.options.get("endpoint_url", "")))
        patch.setenv("AWS_ALLOW_HTTP", "true")
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with running("sail", tmp_path / "log") as server:
            where = f"{server}/;path={url};cache={tmp_path / 'b'};missing=refuse"
            with open_store(where, mode="read") as there:
                assert there.ask("kpi_series", **ALL).equals(want)
