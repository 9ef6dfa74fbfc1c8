"""``workbench doctor`` says in one line who answers questions of the store."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli import application
from workbench.columnar import build
from workbench.model.tables import KPIS
from workbench.store import Store
from workbench.store.cluster import ClusterStore, portable_queries

pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"sc://127.0.0.1:{port}"
    process.kill()
    process.wait(10)


def _folder(tmp_path: Path, server: str) -> Path:
    with Store.open(tmp_path / "here") as store:
        store.append({"kpis": build(KPIS, {
            "environment": "prod", "source": "test", "place": "here", "received_ns": 1, "kpi": ["a", "b"],
            "segment": "", "time_ns": [1, 2], "value": [1.0, None],
        })})  # fmt: skip
    settings = tmp_path / "workbench.toml"
    settings.write_text(f'store = "{server}/;path={tmp_path / "here"}"\n')
    return settings


def test_one_line_for_the_cluster(tmp_path: Path, server: str) -> None:
    """Engine, version, latency, tables found and the queries that fall back."""
    settings = _folder(tmp_path, server)
    shown = CliRunner().invoke(application(), ["doctor", "--json", "--config", str(settings)])
    assert shown.exit_code == 0, shown.output
    engine = json.loads(shown.stdout)["engine"]
    assert (engine["name"], engine["tables"], engine["state"]) == ("spark", 1, "reachable")
    assert engine["fall_back"] == portable_queries()[1]
    assert engine["says"].startswith(f"Engine spark 4.2.0 at {server}")
    assert f"ms, 1 tables found, {len(portable_queries()[0])} queries there; " in engine["says"]


def test_the_bench_asks_the_cluster(tmp_path: Path, server: str) -> None:
    """A store named by its server is one: the same rows, and what is appended is kept here."""
    address = f"{server}/;path={tmp_path / 'here'}"
    _folder(tmp_path, server)
    with wb.open(address) as bench:
        assert isinstance(bench.store, ClusterStore)
        assert bench.ask("kpi_series", start_ns=0, end_ns=10)["value"].isna().tolist() == [False, True]


def test_a_cluster_that_is_away_is_said_with_3(tmp_path: Path) -> None:
    """The store lies here and can be trusted; the engine does not answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = _folder(tmp_path, f"sc://127.0.0.1:{port}")
    shown = CliRunner().invoke(application(), ["doctor", "--json", "--config", str(settings)])
    assert shown.exit_code == 3
    assert "does not answer" in json.loads(shown.stdout)["engine"]["says"]


def test_the_default_engine_is_this_process(tmp_path: Path) -> None:
    """No server named: DuckDB, and no query falls back."""
    shown = CliRunner().invoke(application(), ["doctor", "--json", "--store", str(tmp_path / "none")])
    engine = json.loads(shown.stdout)["engine"]
    assert (engine["name"], engine["fall_back"]) == ("duckdb", [])


def test_a_program_given_on_the_command_line_can_ask(tmp_path: Path, server: str) -> None:
    """``python -c`` has no file, which the client takes for its own doctests: it would end the process."""
    _folder(tmp_path, server)
    code = (
        "import sys, workbench as wb\n"
        "with wb.open(sys.argv[1]) as bench: print(len(bench.ask('kpi_series', start_ns=0, end_ns=10)))"
    )
    command = [sys.executable, "-c", code, f"{server}/;path={tmp_path / 'here'}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "2\n", "")


def test_no_query_falls_back_and_the_page_says_so() -> None:
    """Every named query has a portable expression, and docs/scale.md tells it."""
    page = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")
    assert portable_queries()[1] == []
    assert "falls back to DuckDB here (nothing, as of now)" in " ".join(page.split())
