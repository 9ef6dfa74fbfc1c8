"""What the settings say reaches the intake: masking, hosts, binding, sources to pull, own tables, retention."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from workbench.config import MaskSettings, ServerSettings, Settings, SourceSettings, TableSettings
from workbench.errors import UnknownNameError, UsageError
from workbench.intake.files import ingest
from workbench.intake.mask import Masker
from workbench.intake.policy import mask_policy, pulls, table_of
from workbench.intake.server import app, check_bind, serving
from workbench.store import Store

KEY = b"k" * 32


def test_addresses_are_masked_only_where_the_settings_ask() -> None:
    """By default an IP address stays, because joins need hosts."""
    assert "ip" not in mask_policy(Settings()).kinds
    assert "ip" in mask_policy(Settings(mask=MaskSettings(addresses=True))).kinds


def test_further_keys_are_masked() -> None:
    """A key of the settings counts like those known anyway."""
    asked = mask_policy(Settings(mask=MaskSettings(keys=("customer_ref",))))
    assert "customer_ref" in asked.secret_keys
    assert "customer_ref" not in mask_policy(Settings()).secret_keys
    masker = Masker(asked, KEY)
    assert "C-1234" not in masker.value("customer_ref", "C-1234")
    assert masker.value("route", "/pay") == "/pay"


def test_the_first_matching_glob_decides_and_others_are_not_guessed() -> None:
    """File names only, upper and lower case told apart."""
    first, second = TableSettings("scores*.csv", "predictions"), TableSettings("*.csv", "kpis")
    chosen = Settings(tables=(first, second))
    assert [table_of(chosen, name) for name in ("scores-1.csv", "a.csv", "Scores.CSV")] == [first, second, None]


def test_a_file_that_matches_enters_its_table_by_the_map(tmp_path: Path) -> None:
    """Two rows of a csv become two KPI values; one that matches nothing is offered, not taken."""
    for name in ("kpi-1.csv", "other.csv"):
        (tmp_path / name).write_text(
            "when,what,how_much\n2026-03-01T00:00:00Z,revenue,3.5\n2026-03-01T01:00:00Z,revenue,4.5\n"
        )
    own = TableSettings("kpi-*.csv", "kpis", {"time_ns": "when", "kpi": "what", "value": "how_much"})
    with Store.open(tmp_path / "store") as store:
        report = ingest(store, [tmp_path / "kpi-1.csv", tmp_path / "other.csv"], settings=Settings(tables=(own,)))
        values = store.ask("rows", table="kpis").column("value").to_pylist()
    assert [(f.place, f.outcome) for f in report.files] == [("kpi-1.csv", "read"), ("other.csv", "unmapped")]
    assert values == [3.5, 4.5]


def test_sources_are_pulled_at_their_interval_with_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """``5m`` is 300 s; env: is filled in when the server starts, in the address too."""
    monkeypatch.setenv("BENCH_TOKEN", "t0")
    monkeypatch.setenv("BENCH_MLFLOW", "http://127.0.0.1:5000")
    source = SourceSettings("main", "mlflow", "env:BENCH_MLFLOW", "5m", {"token": "env:BENCH_TOKEN", "timeout_s": 2})
    (pull,) = pulls(Settings(sources=(source,)))
    assert (pull.name, pull.source, pull.interval_s) == ("main", "mlflow", 300.0)
    assert pull.settings == {
        "token": "t0",
        "timeout_s": 2,
        "uri": "http://127.0.0.1:5000",
        "url": "http://127.0.0.1:5000",
    }


@pytest.mark.parametrize("interval", ["0s", "soon", ""])
def test_an_interval_that_is_none_is_refused(interval: str) -> None:
    """A server that asks without a pause would be a load test."""
    with pytest.raises(UsageError, match=r"write at least 1s|Not a duration"):
        pulls(Settings(sources=(SourceSettings("a", "mlflow", "http://127.0.0.1:1", interval),)))


def test_a_source_that_nobody_knows_or_that_reads_files_only_is_refused(tmp_path: Path) -> None:
    """The server does not start with a setting that can never work."""
    with Store.open(tmp_path / "store") as store:
        with pytest.raises(UnknownNameError, match="Did you mean: mlflow"):
            app(store, Settings(sources=(SourceSettings("a", "mlfow", "http://127.0.0.1:1"),)))
        with pytest.raises(UsageError, match="reads files only"):
            app(store, Settings(sources=(SourceSettings("a", "otlp", "http://127.0.0.1:1"),)))


def test_listening_beyond_this_machine_needs_a_setting() -> None:
    """``outside = true`` is written down by a person."""
    with pytest.raises(UsageError, match="outside = true"):
        check_bind("0.0.0.0", Settings())
    check_bind("0.0.0.0", Settings(server=ServerSettings(outside=True)))
    check_bind("127.0.0.1", Settings())


def status(url: str, host: str) -> int:
    """Return what the server answers to a request that names this host."""
    request = urllib.request.Request(f"{url}/readyz", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_a_host_is_let_in_only_where_the_settings_name_it(tmp_path: Path) -> None:
    """Names that rebind to this machine are refused."""
    named = Settings(server=ServerSettings(allowed_hosts=("bench.example",)))
    with Store.open(tmp_path / "store") as store, serving(store, named) as url:
        assert status(url, "bench.example") == 200
        assert status(url, "evil.example") >= 400
    with Store.open(tmp_path / "store") as store, serving(store, Settings()) as url:
        assert status(url, "bench.example") >= 400


def test_a_configured_source_is_pulled_and_its_health_is_shown(tmp_path: Path) -> None:
    """One that does not answer is counted; the server answers meanwhile."""
    source = SourceSettings("main", "mlflow", "http://127.0.0.1:9", "1s")
    with (
        Store.open(tmp_path / "store") as store,
        serving(store, Settings(sources=(source,))) as url,
        urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer,
    ):
        tasks = json.load(answer)["tasks"]
    assert "pull main" in tasks
