"""Write the model registry: an MLflow sqlite store, made by the real MLflow client in a process of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from workbench.scenarios.mlflow_client import client_process
from workbench.scenarios.writers.lineage import split

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident
    from workbench.scenarios.model import Trained


def write(incident: Incident, out: Path) -> None:
    """Write ``mlflow/mlflow.db``; stores with the same content come from the cache."""
    folder = out / "mlflow"
    folder.mkdir()
    content = orjson.dumps(_content(incident), option=orjson.OPT_SORT_KEYS)
    place = cache_folder()
    known = place / f"mlflow-{version('mlflow')}-{hashlib.sha256(content).hexdigest()[:24]}.db"
    if not known.exists():
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            _make(content, Path(scratch), place / f"mlflow-{version('mlflow')}-empty.db").replace(known)
    shutil.copyfile(known, folder / "mlflow.db")


def cache_folder() -> Path:
    """Return where stores are kept for reuse, below the user's cache folder."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "incident-workbench" / "scenarios"


def _make(content: bytes, scratch: Path, empty: Path) -> Path:
    """Let the client write the content into a fresh store; an empty one is kept, since creating it takes seconds."""
    plan, store = scratch / "content.json", scratch / "mlflow.db"
    plan.write_bytes(content)
    if empty.exists():
        shutil.copyfile(empty, store)
    client_process().write(plan, store, scratch / "empty.db")
    if (scratch / "empty.db").exists():
        (scratch / "empty.db").replace(empty)
    return store


def _content(incident: Incident) -> dict[str, Any]:
    """Return experiments, runs, versions and aliases as plain values; times in ms."""
    world = incident.world
    end = incident.plan.moment.end_s
    runs = [_run(incident, t) for t in incident.trained if t.training.end_s < end]
    decided = [t.training for t in incident.trained if t.training.deployed_s <= end]
    champion = max(decided, key=lambda t: t.deployed_s)
    return {
        "experiment": f"{world.model}-training",
        "location": f"s3://{world.company}-models/{world.model}",
        "created": world.epoch_ns(incident.trained[0].training.start_s) // 10**6 - 86_400_000,
        "model": world.model,
        "runs": runs,
        "champion": champion.version,
        "seed": world.seed,
    }


def _run(incident: Incident, trained: Trained) -> dict[str, Any]:
    world, training = incident.world, trained.training
    namespace, name = split(world.names.training)
    until = world.moment(training.to_s)
    source = {"uri": f"{namespace}/{name}/snapshot_date={until:%Y-%m-%dT%H}"}
    deployed = training.deployed_s if training.version is not None else None
    columns = [{"name": f.name, "type": "double"} for f in world.features]
    return {
        "run_id": training.run_id,
        "name": training.name,
        "start": world.epoch_ns(training.start_s) // 10**6,
        "end": world.epoch_ns(training.end_s) // 10**6,
        "params": trained.params
        | {
            "data.from": f"{world.moment(training.from_s):%Y-%m-%dT%H:%M}",
            "data.to": f"{until:%Y-%m-%dT%H:%M}",
            "features": str(len(world.features)),
            "train_rows": str(trained.rows),
        },
        "metrics": trained.metrics,
        "tags": {
            "mlflow.source.git.commit": hashlib.sha1(training.run_id.encode(), usedforsecurity=False).hexdigest(),
            "mlflow.user": "trainer",
            "mlflow.source.name": "training/train.py",
        },
        "dataset": {
            "name": world.names.training,
            "digest": training.snapshot,
            "source": orjson.dumps(source).decode(),
            "schema": orjson.dumps({"mlflow_colspec": columns}).decode(),
            "profile": orjson.dumps({"num_rows": trained.rows}).decode(),
        },
        "version": training.version,
        "registered": world.epoch_ns(deployed or training.end_s) // 10**6 - 30_000,
    }
