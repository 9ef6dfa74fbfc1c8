"""Every portable query gives on a Spark Connect server what it gives on DuckDB: equal at 1e-9, in the same order."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.strategies.engine_rows import CASES, END, PROFILES, T0, world
from tests.strategies.engine_servers import SPARK_HOME, both_ways, difference, free_port, running
from workbench import plugins
from workbench.errors import UsageError
from workbench.store import Store
from workbench.store.cluster import ClusterStore, open_store, parse, portable_queries
from workbench.store.engines.spark import EngineUnreachableError, SparkEngine

pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")

Stores = dict[str, tuple[Store, Store]]
REAL = pytest.mark.skipif(not SPARK_HOME, reason="needs a Spark 4 in WORKBENCH_SPARK_HOME; `make test-spark` gets one")


@pytest.fixture(scope="module", params=["sail", pytest.param("spark", marks=REAL)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Sail in local-cluster mode in every run; a real Spark with two workers by ``make test-spark``."""
    with running(request.param, tmp_path_factory.mktemp("server") / "log") as address:
        yield address


@pytest.fixture(scope="module")
def stores(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with both_ways(server, tmp_path_factory.mktemp("stores"), ("half", "compacted", "empty")) as opened:
        yield opened


@pytest.mark.parametrize("how", ["half", "compacted"])
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_equal_on_both_engines(stores: Stores, how: str, name: str, arguments: dict[str, Any]) -> None:
    """Types, order, nulls and texts are equal, floats at 1e-9: with unsealed and doubled rows, and compacted."""
    here, there = stores[how]
    assert difference(there.ask(name, **arguments), here.ask(name, **arguments)) == ""


def test_every_portable_query_is_compared() -> None:
    """All 44 named queries have a portable expression, and the cases leave none of them out."""
    portable, missing = portable_queries()
    assert missing == []
    assert len(portable) >= 44
    assert {name for name, _ in CASES} == set(portable)


def test_the_cases_find_rows(stores: Stores) -> None:
    """Two empty answers would be equal too: all but three of the cases find rows."""
    empty = [(name, arguments) for name, arguments in CASES if stores["half"][0].ask(name, **arguments).num_rows == 0]
    assert len(empty) <= 3, empty


@pytest.mark.parametrize("name", ["span_percentiles", "volume_history", "rows", "attribute_counts", "lineage_edges"])
def test_an_empty_store_has_the_same_columns(stores: Stores, name: str) -> None:
    """No row, and the types of the default engine."""
    arguments = next(a for n, a in CASES if n == name)
    here, there = stores["empty"]
    answer = there.ask(name, **arguments)
    assert answer.num_rows == 0
    assert difference(answer, here.ask(name, **arguments)) == ""


def test_only_the_manifests_files_are_read(server: str, tmp_path: Path) -> None:
    """A file that lies in the day's folder and stands in no manifest is not counted; nor is a retired one."""
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        here.append({"kpis": world(1)["kpis"]})
        here.seal()
        (file,) = here.files("kpis")[:1]
        shutil.copy(file, file.with_name("f" * 64 + ".parquet"))
        with open_store(f"{server}/;path={tmp_path / 's'}", mode="read") as there:
            before = there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows
            assert before == here.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 60
            here.append({"kpis": world(2)["kpis"]})
            here.seal()
            here.compact()
            assert there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 60


def test_rows_that_are_not_sealed_yet_are_sent_once(server: str, tmp_path: Path) -> None:
    """Asked again, the same rows are there already; rows that came meanwhile are counted, too."""
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        rows = world(1)["kpis"]
        here.append({"kpis": rows.slice(0, 20)})
        with open_store(f"{server}/;path={tmp_path / 's'}", mode="read") as there:
            assert isinstance(there, ClusterStore)
            engine = there._other_engine
            assert isinstance(engine, SparkEngine)
            found = [there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows for _ in range(3)]
            sent = dict(engine._journals)
            here.append({"kpis": rows.slice(20, 25)})
            found.append(there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows)
            assert (found, len(sent), len(engine._journals)) == ([20, 20, 20, 45], 1, 2)
            here.seal()
            assert there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 45


def test_a_damaged_segment_is_said_to_be_missing(server: str, tmp_path: Path) -> None:
    """The server is never sent a file whose bytes are not those written, and the answer says what it lacks."""
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        here.append({"kpis": world(1)["kpis"]})
        here.seal()
        file = here.files("kpis")[0]
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(bytes(content))
        with open_store(f"{server}/;path={tmp_path / 's'}", mode="read") as there:
            answer = there.ask("kpi_series", start_ns=T0, end_ns=END)
    assert answer.num_rows < 60
    assert b"kpis" in answer.schema.metadata[b"gaps"]


def test_what_the_cluster_cannot_answer_is_said(stores: Stores, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query without a portable expression falls back to DuckDB here, or is refused in words if that was wished."""
    here, there = stores["half"]
    asked = {**PROFILES, "entity": "model:fraud"}
    load = plugins.load

    def less(kind: Any, name: str) -> Any:
        found = load(kind, name)
        return dataclasses.replace(found, portable=None) if name == "build_profiles" else found

    monkeypatch.setattr(plugins, "load", less)
    assert isinstance(there, ClusterStore)
    assert there.engine_of("build_profiles") == "none"
    assert there.engine_of("trace") == "spark"
    with pytest.raises(UsageError, match="no portable expression yet"):
        there.ask("build_profiles", **asked)
    with open_store(f"{server}/;path={here.root}", mode="read") as lenient:
        assert isinstance(lenient, ClusterStore)
        assert lenient.engine_of("build_profiles") == "duckdb"
        assert lenient.ask("build_profiles", **asked).equals(here.ask("build_profiles", **asked))


def test_state_names_version_and_latency(stores: Stores) -> None:
    """The server says which Spark it speaks and how long an empty question takes."""
    there = stores["half"][1]
    assert isinstance(there, ClusterStore)
    state = there.state()
    assert (state.name, state.version.split(".")[0]) == ("spark", "4")
    assert 0 < state.latency_ms < 10_000


def test_addresses() -> None:
    """A folder is a folder; a server's address carries the folder; what is neither is refused."""
    assert parse("./store").server is None
    where = parse("sc://host:15002/;token=abc;path=/shared/my%20store")
    assert (where.server, str(where.path)) == ("sc://host:15002/;token=abc", "/shared/my store")
    assert (parse("sc://host:15002").server, str(parse("sc://host:15002").path)) == ("sc://host:15002", "store")
    assert parse(Path("sc://host:15002/;path=/shared/store")) == parse("sc://host:15002;path=/shared/store")
    for wrong in ("sc:host", "sc:///x", "sc://h:1/;missing=guess"):
        with pytest.raises(UsageError):
            parse(wrong)


def test_a_server_that_is_not_there_is_said_within_seconds(stores: Stores) -> None:
    """Nobody listens: an error in words that names the address, no hanging."""
    port = free_port()
    with open_store(f"sc://127.0.0.1:{port}/;path={stores['half'][0].root}", mode="read") as there:
        began = time.monotonic()
        with pytest.raises(EngineUnreachableError, match=f"127.0.0.1:{port} does not answer"):
            there.ask("runs")
        assert time.monotonic() - began < 30
