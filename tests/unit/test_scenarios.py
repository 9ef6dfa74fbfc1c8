"""Scenarios: what an incident folder holds, that it repeats byte for byte, and that only the truth names the cause."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from workbench import plugins, scenarios
from workbench.errors import UnknownNameError, UsageError
from workbench.model.entities import split
from workbench.scenarios.writers.mlflow_store import cache_folder

SEED = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one full incident, 31 days."""
    return scenarios.create("unmapped_category", seed=SEED, out=tmp_path_factory.mktemp("incident") / "cause")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write its no-cause twin."""
    out = tmp_path_factory.mktemp("incident") / "twin"
    return scenarios.create("unmapped_category", seed=SEED, variant="no_cause", out=out)


def files(folder: Path) -> dict[str, Path]:
    return {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}


def read(path: Path) -> bytes:
    """Return a file's content, inflated if its writer has rotated it."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_an_incident_takes_at_most_50_mb_and_has_every_kind_of_file(folder: Path) -> None:
    found = files(folder)
    assert sum(p.stat().st_size for p in found.values()) <= 50e6
    for pattern in ("traces/*.otlp.jsonl", "traces/*.otlp.pb", "lineage/*.ndjson", "metrics/*.openmetrics.txt"):
        assert list(folder.glob(pattern)), pattern
    tables = {f"tables/{name}.parquet" for name in ("orders", "features", "predictions", "labels", "retrievals")}
    assert tables <= set(found)
    assert {f"{name}.mapping.toml" for name in tables} <= set(found)
    assert {"alert.json", "changes/git.log", "gpu/nvidia-smi.csv", "mlflow/mlflow.db", "truth.json"} <= set(found)


def test_tables_hold_100_to_250_thousand_rows_and_mappings_name_their_columns(folder: Path) -> None:
    rows = 0
    for path in folder.glob("tables/*.parquet"):
        table = pq.read_metadata(path)
        rows += table.num_rows
        said = tomllib.loads((path.parent / f"{path.name}.mapping.toml").read_text())
        columns = set(pq.read_schema(path).names)
        assert {c for c in said["map"].values() if not c.startswith("=")} <= columns
        assert said["as"] in {"table_rows", "predictions", "labels", "features", "model_versions"}
    assert 100_000 <= rows <= 250_000


def test_lines_of_traces_are_as_an_encoder_writes_them(folder: Path) -> None:
    lines = [line for part in folder.glob("traces/*.otlp.jsonl*") for line in read(part).splitlines()]
    assert len(lines) >= 75  # 3,000 traces, 40 a line
    assert [n for n, line in enumerate(lines) if orjson.dumps(orjson.loads(line)) != line] == []


def test_cause_and_twin_have_the_same_files(folder: Path, twin: Path) -> None:
    assert set(files(folder)) == set(files(twin))
    assert json.loads((twin / "truth.json").read_text())["causes"] == []


def test_same_arguments_give_the_same_bytes_within_10_cpu_seconds(tmp_path: Path) -> None:
    digests = []
    for place in ("a", "b"):
        begun = time.process_time()
        out = scenarios.create("silent_feed", seed=SEED, out=tmp_path / place)
        assert time.process_time() - begun <= 10
        digests.append({
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in files(out).items()
            if name != "mlflow/mlflow.db"
        })  # fmt: skip
    assert digests[0] == digests[1]


@pytest.mark.full  # counts CPU-s, which neighbours on the same cores inflate: up to twofold was seen
def test_a_seed_never_seen_takes_at_most_10_cpu_seconds_and_50_mb_from_the_shell(tmp_path: Path) -> None:
    """Imports, simulation, every file and the MLflow client's own process together; 901 and 909 are large systems.

    What the seeds share, an empty MLflow store, is cached. A busy machine only adds CPU time: the lesser of two counts.
    """
    kept = tmp_path / "cache/incident-workbench/scenarios"
    kept.mkdir(parents=True)
    for empty in cache_folder().glob("*-empty.db"):
        shutil.copy(empty, kept)
    env = dict(os.environ, XDG_CACHE_HOME=str(tmp_path / "cache"))
    spent = []
    for seed in ("901", "909"):
        before = os.times()
        code = "from workbench.cli import main; main()"
        command = [sys.executable, "-c", code, "scenario", "create", "silent_feed", "--seed", seed, "--out", seed]
        subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, timeout=200)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert sum(p.stat().st_size for p in files(tmp_path / seed).values()) <= 50e6
        if spent[-1] <= 10:
            break
    assert min(spent) <= 10


def test_only_the_truth_speaks_of_the_fault(folder: Path, twin: Path) -> None:
    words = [name.encode() for name in scenarios.names()] + [b"decoy", b"no_cause", b"two_cause", b"root cause"]
    for place in (folder, twin):
        for name, path in files(place).items():
            if name != "truth.json":
                assert not [w for w in words if w in read(path).lower()], name


def test_true_links_lead_from_sampled_traces_to_runs_of_the_store(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    with sqlite3.connect(f"file:{folder / 'mlflow/mlflow.db'}?mode=ro", uri=True) as store:
        runs = {row[0] for row in store.execute("select run_uuid from runs")}
        versions = {row[0] for row in store.execute("select run_id from model_versions")}
    store.close()
    assert set(truth["links"].values()) <= versions <= runs
    sent = b"".join(read(p) for p in sorted(folder.glob("traces/*.jsonl*")))
    assert len(truth["links"]) >= 500
    assert 0 < len(truth["unlinked"]) < 0.1 * len(truth["links"])
    assert all(trace.encode() in sent for trace in truth["links"])


def test_some_senders_name_wrong_unknown_or_no_runs(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    named: dict[str, str] = {}
    for path in sorted(folder.glob("traces/*.jsonl*")):
        for line in read(path).splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for span in resource["scopeSpans"][0]["spans"]:
                    said = {a["key"]: a["value"].get("stringValue") for a in span["attributes"]}
                    if "mlflow.run_id" in said:
                        named[span["traceId"]] = said["mlflow.run_id"]
    runs = set(truth["links"].values()) | set(truth["run_data"])
    right = [t for t, run in truth["links"].items() if named.get(t) == run]
    missing = [t for t in truth["links"] if t not in named]
    unknown = [t for t in truth["links"] if t in named and named[t] not in runs]
    wrong = [t for t, run in truth["links"].items() if named.get(t, run) != run and named[t] in runs]
    assert len(right) >= 0.7 * len(truth["links"])
    assert all((missing, unknown, wrong))


def test_alert_is_an_alertmanager_webhook_that_fires_after_the_onset(folder: Path) -> None:
    alert = json.loads((folder / "alert.json").read_text())
    truth = json.loads((folder / "truth.json").read_text())
    assert alert["version"] == "4"
    assert alert["alerts"][0]["startsAt"] > truth["causes"][0]["onset"]
    assert all(one["endsAt"].startswith("0001-01-01") for one in alert["alerts"])


def test_every_fault_is_listed_with_its_mechanism_and_named_as_its_file() -> None:
    listed = scenarios.listing()
    assert [row["name"] for row in listed] == list(scenarios.names())
    assert len(listed) >= 8
    for row in listed:
        assert plugins.load("fault", row["name"]).name == row["name"]
        assert row["title"]
        assert row["mechanism"].endswith(".")


def test_wrong_arguments_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean: silent_feed"):
        scenarios.create("silent_fed", seed=1, out=tmp_path / "x")
    with pytest.raises(UsageError, match="at least 9 days"):
        scenarios.create("silent_feed", seed=1, days=3, out=tmp_path / "x")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        scenarios.create("silent_feed", seed=1, out=tmp_path)


def test_causes_are_entities_of_the_bench(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    for cause in truth["causes"]:
        for entity in (cause["entity"], *cause["also"]):
            split(entity)
        assert cause["kind"] in scenarios.names()
    split(truth["first_failure"])


def test_a_cold_process_trains_on_one_core() -> None:
    """The limit holds for libraries that nothing has imported before; HistGradientBoosting counts threads like this."""
    code = (
        "from workbench.scenarios import incident, model\n"
        "def train(world, run):\n"
        "    import sklearn.ensemble\n"
        "    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads as threads\n"
        "    raise SystemExit(f'threads {threads()}')\n"
        "model.train = train\n"
        "incident.simulate('unmapped_category', seed=3, days=9, variant='cause')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.stderr.strip() == "threads 1"
