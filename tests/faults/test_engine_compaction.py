"""Compaction by a Spark Connect server: DuckDB's bytes, and nothing lost or doubled whoever dies or is first."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from tests.faults.test_shared_storage import KEYS, s3  # noqa: F401 - a fixture
from tests.strategies.engine_rows import T0, world
from tests.strategies.engine_servers import end, free_port, running, sail
from workbench.cli import application
from workbench.errors import StoreError, UsageError
from workbench.store import engine_compaction
from workbench.store.cluster import parse
from workbench.store.engines.spark import EngineUnreachableError
from workbench.store.shared import SharedStorage, Snapshot
from workbench.store.sharing import SharedStore

pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")
pytest.importorskip("s3fs", reason="needs s3fs, the client of S3-compatible storage")

DAY_NS = 86_400 * 10**9


@pytest.fixture(scope="module")
def server(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: F811
    """Sail in local-cluster mode, which reads and writes the S3 server, too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT": s3, "AWS_ALLOW_HTTP": "true"}.items():
            patch.setenv(name, value)
        with running("sail", tmp_path_factory.mktemp("server") / "log") as address:
            yield address


def _open(server: str, where: str, cache: Path, further: str = "") -> SharedStore:
    return SharedStore.open_shared(parse(f"{server}/;path={where};cache={cache}{further}"), upkeep="manual")


@contextlib.contextmanager
def _filled(
    server: str, folder: Path, name: str, names: tuple[str, ...] = ("kpis",), where: str = ""
) -> Iterator[SharedStore]:
    """Yield a store of two worlds, sealed apart: each key stands in two segments, each table on two days."""
    with _open(server, where or f"file://{folder}/{name}", folder / f"cache {name}") as store:
        for seed in (1, 2):
            store.append({table: rows for table, rows in world(seed).items() if table in names})
            store.seal()
        yield store


def _newest(store: SharedStore) -> Snapshot:
    return store._storage().newest()


def _listed(store: SharedStore) -> set[tuple[str, str, int, str, bool]]:
    return {(s.table, s.day, s.rows, s.sha256, s.settled) for s in _newest(store).segments}


def _the_same(there: SharedStore, here: SharedStore, names: tuple[str, ...]) -> None:
    """Compact there by the server and here by DuckDB, and compare every segment's SHA-256, and all rows."""
    days = here.compact()
    assert there.compact_on_engine() == days == len(_listed(here))
    assert _listed(there) == _listed(here)
    assert all(settled for *_, settled in _listed(there))
    for name in names:
        assert there.export(name) == here.export(name)
    number = _newest(there).number
    assert (there.compact_on_engine(), _newest(there).number) == (0, number)


def test_the_servers_segments_on_s3_are_duckdbs_to_the_byte(server: str, s3: str, tmp_path: Path) -> None:  # noqa: F811
    """8 segments become 4: read by the server from the S3 server, and written there."""
    names, where = ("kpis", "spans"), f"s3://telemetry/{tmp_path.name};endpoint_url={s3}"
    with _filled(server, tmp_path, "there", names, where) as there, _filled(server, tmp_path, "here", names) as here:
        assert len(_newest(there).segments) == 8
        _the_same(there, here, names)
        assert len(_newest(there).segments) == 4


@pytest.mark.full
def test_the_servers_segments_of_all_tables_are_duckdbs_to_the_byte(server: str, tmp_path: Path) -> None:
    """All tables that the world has rows of, on a folder."""
    names = tuple(world(1))
    with _filled(server, tmp_path, "there", names) as there, _filled(server, tmp_path, "here", names) as here:
        assert len(_newest(there).segments) == 52
        _the_same(there, here, names)
        assert len(_newest(there).segments) == 26


def _moved(rows: pa.Table, by_ns: int) -> pa.Table:
    for name in ("start_ns", "end_ns"):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(name), pc.add(rows.column(name), by_ns))
    return rows


def test_a_span_that_came_again_on_another_day_is_one_row(server: str, tmp_path: Path) -> None:
    """Ids with two times, once settled and once not: days are written together, and the same row wins as by DuckDB."""
    stores = []
    with contextlib.ExitStack() as opened:
        for name in ("there", "here"):
            store = opened.enter_context(_open(server, f"file://{tmp_path}/{name}", tmp_path / f"cache {name}"))
            spans = world(1)["spans"]
            store.append({"spans": spans})
            store.seal()
            store.compact_here() if name == "here" else store.compact_on_engine()
            store.append({"spans": _moved(spans.slice(0, 50), 5 * DAY_NS)})
            store.append({"spans": _moved(spans.slice(50, 9), 9 * DAY_NS)})
            store.seal()
            store.compact_here() if name == "here" else store.compact_on_engine()
            stores.append(store)
        there, here = stores
        assert sum(s.rows for s in _newest(there).segments) == 600
        assert {s.day for s in _newest(there).segments} >= {"2026-02-20", "2026-02-24"}
        assert there.export("spans") == here.export("spans")
        assert all(s.settled for s in _newest(there).segments)


def test_a_day_that_is_cut_into_parts_holds_the_same_rows(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups of about 100 rows: more segments of a day, each sorted, of disjoint times; full ones are left alone."""
    monkeypatch.setattr(engine_compaction, "SLICE_ROWS", 100)
    monkeypatch.setattr(engine_compaction, "_FULL", 50)
    names = ("spans",)
    with _filled(server, tmp_path, "there", names) as there, _filled(server, tmp_path, "here", names) as here:
        there.compact_on_engine()
        here.compact()
        spans = sorted((s for s in _newest(there).segments if s.table == "spans"), key=lambda s: s.min_ns)
        assert len(spans) >= 6
        assert all(one.max_ns < other.min_ns for one, other in itertools.pairwise(spans))
        assert there.export("spans") == here.export("spans")
        there.append({"spans": _moved(world(1)["spans"].slice(0, 1), 0)})
        there.seal()
        before = {s.path for s in _newest(there).segments}
        assert there.compact_on_engine() == 1
        assert len(before - {s.path for s in _newest(there).segments}) <= 3
        assert there.export("spans") == here.export("spans")


def _during(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something once in mid-job: after the server has written, before what it wrote is compared."""
    heard, done = engine_compaction.heard, []

    def hear(*told: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return heard(*told)

    monkeypatch.setattr(engine_compaction, "heard", hear)


def test_what_another_intake_shares_meanwhile_stays(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        _filled(server, tmp_path, "there") as store,
        _open(server, f"file://{tmp_path}/there", tmp_path / "other") as other,
    ):

        def share() -> None:
            other.append({"kpis": world(3)["kpis"].slice(0, 7)})
            other.seal()

        _during(monkeypatch, share)
        store.compact_on_engine()
        loose = [s for s in _newest(store).segments if not s.settled]
        assert [(s.table, s.rows) for s in loose if s.table == "kpis"] == [("kpis", 7)]
        assert store.ask("kpi_series", start_ns=T0, end_ns=T0 + DAY_NS).num_rows == 60


def test_of_two_compactions_the_second_changes_nothing(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB in another process is first with everything: the manifest stays as that left it."""
    with (
        _filled(server, tmp_path, "there", ("spans",)) as store,
        _open(server, f"file://{tmp_path}/there", tmp_path / "other") as other,
    ):
        want, numbers = store.export("spans"), []
        _during(monkeypatch, lambda: (other.compact_here(), numbers.append(_newest(store).number)))
        store.compact_on_engine()
        assert numbers == [_newest(store).number]
        assert len(_newest(store).segments) == 2
        assert store.export("spans") == want
        assert sum(s.rows for s in _newest(store).segments) == 600


def test_a_server_that_wrote_less_than_it_read_is_not_believed(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One segment is not told of: an error with both counts, and the snapshot that was there stays."""
    heard = engine_compaction.heard
    monkeypatch.setattr(engine_compaction, "heard", lambda *told: heard(*told)[1:])
    with _filled(server, tmp_path, "there") as store:
        before, want = _newest(store), store.export("kpis")
        with pytest.raises(StoreError, match="Nothing was changed"):
            store.compact_on_engine()
        assert _newest(store) == before
        assert store.export("kpis") == want


def test_a_damaged_segment_is_not_compacted_away(server: str, tmp_path: Path) -> None:
    """Its table is left as it is; the others are compacted."""
    with _filled(server, tmp_path, "there", ("kpis", "runs")) as store:
        segment = next(s for s in _newest(store).segments if s.table == "runs")
        file = tmp_path / "there" / segment.path
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(bytes(content))
        assert store.compact_on_engine() == 2
        assert {s.table for s in _newest(store).segments if not s.settled} == {"runs"}


@pytest.mark.parametrize("when", ["after it wrote", pytest.param("before it reads", marks=pytest.mark.full)])
def test_a_server_killed_in_mid_job_leaves_the_snapshot_and_a_retry_succeeds(when: str, tmp_path: Path) -> None:
    port = free_port()
    process = sail(port, tmp_path / "log")
    with _filled(f"sc://127.0.0.1:{port}", tmp_path, "there") as store, pytest.MonkeyPatch.context() as patch:
        try:
            before, want = _newest(store), store.export("kpis")
            store.state()
            said: list[BaseException] = []

            def compact() -> None:
                try:
                    store.compact_on_engine()
                except StoreError as error:
                    said.append(error)

            if when == "after it wrote":
                _during(patch, lambda: end(process))
            else:
                process.send_signal(signal.SIGSTOP)
            thread = threading.Thread(target=compact)
            thread.start()
            if when == "before it reads":
                time.sleep(1)
                assert thread.is_alive()
                end(process)
            thread.join(90)
            assert [type(error) for error in said] == [EngineUnreachableError]
            assert _newest(store) == before
            assert store.export("kpis") == want
            process = sail(port, tmp_path / "log")
            assert store.compact_on_engine() == 2
            assert store.export("kpis") == want
            assert len(_newest(store).segments) == 2
        finally:
            end(process)


def test_a_process_that_dies_before_the_manifest_is_changed_does_so_again(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments lie there, listed by nobody: they are in no answer, and the next run lists the same ones."""
    with _filled(server, tmp_path, "there", ("spans",)) as store:
        before, want = _newest(store), store.export("spans")

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(SharedStorage, "change", die)
            with pytest.raises(KeyboardInterrupt):
                store.compact_on_engine()
        files = set((tmp_path / "there").glob("prod/*/*/*.parquet"))
        assert len(files) > len(before.segments)
        assert (_newest(store), store.export("spans")) == (before, want)
        store.compact_on_engine()
        assert files <= set((tmp_path / "there").glob("prod/*/*/*.parquet"))
        assert store.export("spans") == want


def test_by_the_command_line_and_by_configuration(server: str, tmp_path: Path) -> None:
    """``workbench compact --on engine``, or ``;compact=engine`` in the store's address."""
    with _filled(server, tmp_path, "there"):
        pass
    address = f"{server}/;path=file://{tmp_path}/there;cache={tmp_path / 'cache there'}"
    settings = tmp_path / "workbench.toml"
    settings.write_text(f'store = "{address}"\n')
    run = [CliRunner().invoke(application(), ["compact", "--config", str(settings), "--on", on, "--json"])
           for on in ("engine", "here")]  # fmt: skip
    assert [json.loads(shown.stdout) for shown in run] == [{"days": 2}, {"days": 0}], run[0].output
    with _open(server, f"file://{tmp_path}/there", tmp_path / "cache there", ";compact=engine") as store:
        store.append({"kpis": world(4)["kpis"]})
        store.seal()
        asked: list[str] = []
        assert store.compact(progress=lambda what, *_: asked.append(what)) == 2
        assert asked[0] == "compacting kpis on spark"


def test_what_no_server_can_do_is_refused(tmp_path: Path) -> None:
    for wrong in (
        f"sc://h:1/;path={tmp_path};compact=engine",
        f"file://{tmp_path}/s;compact=engine",
        "sc://h:1;compact=x",
    ):
        with pytest.raises(UsageError, match="compact="):
            parse(wrong)
    with (
        SharedStore.open_shared(parse(f"file://{tmp_path}/s;cache={tmp_path / 'c'}"), upkeep="manual") as store,
        pytest.raises(UsageError, match="no Spark Connect server"),
    ):
        store.compact_on_engine()
    shown = CliRunner().invoke(application(), ["compact", "--store", str(tmp_path / "plain"), "--on", "engine"])
    assert shown.exit_code != 0
    assert isinstance(shown.exception, UsageError) or "shared storage" in shown.output
