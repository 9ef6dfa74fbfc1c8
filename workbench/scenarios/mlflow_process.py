"""Write MLflow stores with the real client, in a process of its own: ids and clock are those of the simulation.

Each line of standard input is a JSON list of three paths, answered by one line: "written", or what went wrong.
"""

from __future__ import annotations

import gc
import json
import os
import random
import select
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

IDLE_S = 60
"""The process ends by itself when nobody has asked for so long."""
UNUSED = ("numpy", "pandas", "pyarrow", "pyspark", "scipy")
"""What the client imports where it is installed, and does without elsewhere: a third of its start."""


class UnplannedError(Exception):
    """MLflow gave a run or a version another id than planned."""


class Clock:
    """Tell the simulation's time in place of the machine's, and ids from the plan in place of random ones."""

    def __init__(self, seed: int) -> None:
        self.milliseconds = 0
        self.next_id = ""
        self.ids = random.Random(seed)

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self.milliseconds / 1000

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return self.milliseconds * 10**6

    def uuid4(self) -> uuid.UUID:
        """Return the id that comes next."""
        planned, self.next_id = self.next_id, ""
        return uuid.UUID(hex=planned or f"{self.ids.getrandbits(128):032x}")


def main() -> None:
    """Answer every line until there are no more, or none comes for a while."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    # Collecting garbage while a thousand modules load costs a fifth of it.
    gc.disable()
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    from mlflow.exceptions import MlflowException

    gc.freeze()
    gc.enable()
    _spare_the_disk()
    with tempfile.TemporaryDirectory(prefix="scenario-") as desk:
        while select.select([sys.stdin], [], [], IDLE_S)[0] and (line := sys.stdin.readline()):
            try:
                plan, store, empty = (Path(path) for path in json.loads(line))
                write(plan, store, empty, Path(desk) / "mlflow.db")
            except (MlflowException, OSError, ValueError, KeyError, sqlite3.Error, UnplannedError) as error:
                answers.write(json.dumps(f"{type(error).__name__}: {error}") + "\n")
            else:
                answers.write('"written"\n')


def _spare_the_disk() -> None:
    """Let sqlite wait for no disk: a store that a crash has torn is thrown away, and made anew."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def begin(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(Engine, "connect", begin)


def write(plan: Path, store: Path, empty: Path, desk: Path) -> None:
    """Write the plan's runs, versions and aliases into *store*.

    A store that is there (empty) is filled at *desk*, where every store is: the client looks at each
    new place for long before it writes there. One that is not there yet is made, and copied to *empty*.
    """
    content = json.loads(plan.read_text())
    if store.exists():
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(desk)) as target:
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target)
        _fill(content, desk)
        shutil.copyfile(desk, store)
    else:
        _client(store).search_experiments(max_results=1)
        shutil.copyfile(store, empty)
        _fill(content, store)


def _client(store: Path) -> Any:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{store}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _fill(content: dict[str, Any], store: Path) -> None:
    client = _client(store)
    with _simulated(Clock(content["seed"])) as clock:
        clock.milliseconds = content["created"]
        experiment = client.create_experiment(content["experiment"], artifact_location=content["location"])
        client.create_registered_model(content["model"])
        for run in content["runs"]:
            _run(client, clock, experiment, run)
        for run in sorted((r for r in content["runs"] if r["version"] is not None), key=lambda r: r["registered"]):
            clock.milliseconds = run["registered"]
            _register(client, content, run)
        client.set_registered_model_alias(content["model"], "champion", str(content["champion"]))


@contextmanager
def _simulated(clock: Clock) -> Iterator[Clock]:
    """Put the simulation's clock and ids in place of the machine's: this process writes nothing else meanwhile."""
    before = time.time, time.time_ns, uuid.uuid4
    time.time, time.time_ns, uuid.uuid4 = clock.time, clock.time_ns, clock.uuid4
    try:
        yield clock
    finally:
        time.time, time.time_ns, uuid.uuid4 = before


def _run(client: Any, clock: Clock, experiment: str, run: dict[str, Any]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    clock.milliseconds = run["start"]
    clock.next_id = run["run_id"]
    made = client.create_run(experiment, start_time=run["start"], run_name=run["name"])
    run_id = made.info.run_id
    if run_id != run["run_id"]:
        raise UnplannedError(f"MLflow made run {run_id}, expected {run['run_id']}: its way of drawing ids has changed.")
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, run["end"], 0) for key, value in run["metrics"].items()],
        params=[Param(key, value) for key, value in run["params"].items()],
        tags=[RunTag(key, value) for key, value in run["tags"].items()],
    )
    seen = run["dataset"]
    dataset = Dataset(seen["name"], seen["digest"], "s3", seen["source"], seen["schema"], seen["profile"])
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    clock.milliseconds = run["end"]
    client.set_terminated(run_id, end_time=run["end"])


def _register(client: Any, content: dict[str, Any], run: dict[str, Any]) -> None:
    source = f"{content['location']}/{run['run_id']}/artifacts/model"
    made = client.create_model_version(content["model"], source, run_id=run["run_id"])
    if int(made.version) != run["version"]:
        raise UnplannedError(
            f"MLflow made version {made.version}, expected {run['version']}: the plan's order is wrong."
        )


if __name__ == "__main__":
    main()
