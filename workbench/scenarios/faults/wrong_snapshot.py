"""A training run reads the wrong data snapshot, and its version becomes the champion."""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.scenarios.mechanisms import Commit, Fault, Harmless, Moment, Planted, Source, Train
from workbench.scenarios.model import data_until, run_id, snapshot_digest, version_of
from workbench.scenarios.vocabulary import titles
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    snapshot: Literal["outdated", "immature"] = "outdated" if rng.random() < 0.6 else "immature"
    if moment.strength > 1:  # this system hardly felt that snapshot, so it gets the other one
        snapshot = "immature" if snapshot == "outdated" else "outdated"
    begun = moment.onset_s - float(rng.uniform(1.2, 3.5)) * 3600
    train = Train(snapshot, begun, moment.onset_s)
    run = f"run:{run_id(world, begun)}"
    version = version_of(world, train)
    digest = snapshot_digest(world, data_until(begun, snapshot))
    source = Source(
        entity=run,
        also=(
            f"model_version:{world.model}/{version}",
            f"data_version:{world.names.training}@{digest}",
            f"model:{world.model}",
        ),
        kind="wrong_snapshot",
        onset_s=moment.onset_s,
        first_failure=run,
    )
    commit = Commit(
        begun - 2400,
        str(rng.choice(titles("config.yaml"))),
        "",
        ("training/config.yaml",),
        (" data:", "-  wait_days: 10", "+  wait_days: ${WAIT_DAYS}"),
    )
    return Planted((train,), source, (commit,))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Promote a version that was trained on the latest data, as every week."""
    begun = moment.onset_s - float(rng.uniform(1.2, 3.5)) * 3600
    return Harmless((Train("current", begun, moment.onset_s),), f"run:{run_id(world, begun)}")


FAULT = Fault(
    name="wrong_snapshot",
    title="Training on the wrong data snapshot",
    doc="A retraining reads a snapshot of another season, or one whose labels had not arrived; its version decides.",
    plant=_plant,
    near_miss=_near_miss,
)
