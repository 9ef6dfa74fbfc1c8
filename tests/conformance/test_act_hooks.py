"""Hooks against the real model registry: an alias moves once, after approval, and a retraining run is asked for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.bench import Bench, open_bench
from workbench.case.replay import replay
from workbench.config import ActSettings, HookSettings, Settings
from workbench.errors import UsageError
from workbench.sources._http import Peer

API = "/api/2.0/mlflow"
CAUSE = "wrong_snapshot model_version:fraud/2"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
SEALED: dict[str, Any] = {"entity": "kpi:approval_rate", "signal": "approval_rate",
                          "window": "2026-03-11T13:40Z/2026-03-11T14:40Z"}  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a fresh MLflow with a model of three versions, whose alias ``champion`` is at the second."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--host",
               "127.0.0.1", "--port", str(port), "--workers", "1"]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=os.environ | QUIET, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None, (folder / "server.log").read_text()[-2000:]
                    time.sleep(0.2)
            asked = Peer("MLflow", {"url": url})
            asked.post(f"{API}/experiments/create", {"name": "training"})
            asked.post(f"{API}/registered-models/create", {"name": "fraud"})
            for _ in range(3):
                asked.post(f"{API}/model-versions/create", {"name": "fraud", "source": "s3://models/fraud"})
            yield url
        finally:
            server.terminate()
            server.wait(20)


def hooks(url: str) -> Settings:
    """Return settings with a rollback of the alias and a request for a training run."""
    return Settings(hooks=(
        HookSettings("Roll back", "mlflow_alias", ("wrong_snapshot",), uri=url, model="fraud", alias="champion"),
        HookSettings("Retrain", "mlflow_retrain", ("wrong_snapshot",), uri=url, model="fraud", experiment="training"),
    ), act=ActSettings(never=("dataset:payments*",)))  # fmt: skip


@pytest.fixture
def bench(registry: str, tmp_path: Path) -> Iterator[Bench]:
    """Return a bench whose registry has ``champion`` at version 2."""
    Peer("MLflow", {"url": registry}).post(
        f"{API}/registered-models/alias", {"name": "fraud", "alias": "champion", "version": "2"}
    )
    with open_bench(tmp_path / "store", who="ada", settings=hooks(registry)) as opened:
        yield opened


def champion(bench: Bench) -> str:
    """Return where the alias stands."""
    assert bench.settings is not None
    asked = Peer("MLflow", {"url": bench.settings.hooks[0].uri})
    found = asked.get(f"{API}/registered-models/alias", {"name": "fraud", "alias": "champion"})
    return str(found["model_version"]["version"])


def test_the_alias_goes_back_once_after_approval_and_replay_moves_nothing(bench: Bench) -> None:
    """2 → 1; a second run of one approval is refused; three entries; replay of the case leaves the registry alone."""
    case = bench.case("INC-1", **SEALED)
    plan = bench.plan(case, CAUSE, "Roll back")
    assert plan.steps[:5] == ("move alias", "fraud", "champion", "2", "1")
    assert champion(bench) == "2", "Planning changes nothing."
    approval = bench.approve(case, plan)
    assert champion(bench) == "2", "Approving changes nothing."
    ran = bench.act(case, approval)
    assert (ran.succeeded, ran.said, champion(bench)) == (True, "champion of fraud: 2 → 1.", "1")
    with pytest.raises(UsageError, match="run already"):
        bench.act(case, approval)
    assert [(e.operation, e.mode, e.who) for e in case.entries[1:]] == [
        ("approve", "human", "ada"), ("started", "action", "ada"), ("acted", "action", "ada")]  # fmt: skip
    url = bench.settings.hooks[0].uri if bench.settings else ""
    Peer("MLflow", {"url": url}).post(
        f"{API}/registered-models/alias", {"name": "fraud", "alias": "champion", "version": "3"}
    )
    assert replay(case.path).badge.startswith("Replayed offline: 4/4 match")
    assert champion(bench) == "3"


def test_an_approval_holds_for_what_was_shown_and_for_nothing_else(bench: Bench) -> None:
    """Somebody moved the alias after the approval: the run is refused, and nothing moves."""
    case = bench.case("INC-1", **SEALED)
    approval = bench.approve(case, bench.plan(case, CAUSE, "Roll back"))
    url = bench.settings.hooks[0].uri if bench.settings else ""
    Peer("MLflow", {"url": url}).post(
        f"{API}/registered-models/alias", {"name": "fraud", "alias": "champion", "version": "3"}
    )
    with pytest.raises(UsageError, match="no longer what was approved"):
        bench.act(case, approval)
    assert champion(bench) == "3"
    assert [e.operation for e in case.entries] == ["begin", "approve"]


def test_an_approval_that_was_taken_back_runs_nothing(bench: Bench) -> None:
    """Undo works on approvals, never on what was done."""
    case = bench.case("INC-1", **SEALED)
    approval = bench.approve(case, bench.plan(case, CAUSE, "Roll back"))
    case.call("undo")
    with pytest.raises(UsageError, match="taken back"):
        bench.act(case, approval)
    bench.act(case, bench.approve(case, bench.plan(case, CAUSE, "Roll back")))
    assert case.entries[case.last_undoable()].operation == "approve"


def test_a_retraining_run_is_asked_for_in_the_experiment(bench: Bench) -> None:
    """One SCHEDULED run, tagged with the case and the cause, for a scheduler to pick up."""
    case = bench.case("INC-1", **SEALED)
    ran = bench.act(case, bench.approve(case, bench.plan(case, CAUSE, "Retrain")))
    assert ran.succeeded, ran.said
    assert bench.settings
    asked = Peer("MLflow", {"url": bench.settings.hooks[0].uri})
    experiment = asked.get(f"{API}/experiments/get-by-name", {"experiment_name": "training"})["experiment"]
    runs = asked.post(f"{API}/runs/search", {"experiment_ids": [experiment["experiment_id"]]})["runs"]
    tags = {t["key"]: t["value"] for t in runs[0]["data"]["tags"]}
    assert runs[0]["info"]["status"] == "SCHEDULED"
    assert (tags["workbench.case"], tags["workbench.cause"], tags["workbench.model"]) == ("INC-1", CAUSE, "fraud")


def test_nothing_runs_against_what_the_owner_excludes_or_did_not_offer(bench: Bench) -> None:
    """The never-list, another signature, and a hook that is not there."""
    case = bench.case("INC-1", **SEALED)
    for cause, hook, why in (("wrong_snapshot dataset:payments_raw", "Roll back", "never"),
                             ("null_burst dataset:x", "Roll back", "is for"), (CAUSE, "Drop", "no hook")):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            bench.plan(case, cause, hook)
