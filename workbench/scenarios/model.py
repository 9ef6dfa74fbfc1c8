"""Train the system's classifier on snapshots of its own data, and score with whichever version is the champion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from workbench.scenarios import boosted
from workbench.scenarios.mechanisms import Moment, Plan, Train
from workbench.scenarios.mechanisms_data import NoTraining, Recalibrate
from workbench.scenarios.pipeline import DEFAULT, Rows, draw
from workbench.scenarios.world import DAY_S, World, stream

TRAIN_ROWS = 11_000
WAIT_DAYS = 10


@dataclass(frozen=True)
class Training:
    """One training run: what it read, when it ran, and from when its version decides."""

    run_id: str
    name: str
    start_s: float
    end_s: float
    snapshot: str
    """Label of the data snapshot, which is its digest."""
    from_s: float
    to_s: float
    data: str
    """current, outdated or immature: kept for the simulation only."""
    version: int | None
    deployed_s: float
    """Infinity for a candidate that never decided."""


@dataclass
class Trained:
    """A training run with its fitted classifier, thresholds and figures."""

    training: Training
    classifier: Any
    params: dict[str, str]
    metrics: dict[str, float]
    rows: int


def timetable(world: World, plan: Plan) -> list[Training]:
    """Return every training run, oldest first; the planted ones among the usual."""
    rng = stream(world.seed, "timetable")
    every = rng.uniform(6, 10) * DAY_S
    last = last_usual(world, rng)
    usual = sorted(last - every * k for k in range(int(rng.integers(4, 6))))
    usual = [t for t in usual if all(t < stop.start_s for stop in plan.of(NoTraining))] or usual[:1]
    entries = [(t, t + rng.uniform(1, 4) * 3600, "current", True) for t in usual]
    entries += [
        (last - every * rng.uniform(0.2, 0.8), np.inf, "current", False) for _ in range(int(rng.integers(1, 3)))
    ]
    entries += [(t.start_s, t.deployed_s, t.snapshot, True) for t in plan.of(Train)]
    version = 0
    found = []
    for start, deployed, data, promoted in sorted(entries, key=lambda e: e[0]):
        version += promoted
        until = data_until(start, data)
        found.append(
            Training(
                run_id=run_id(world, start),
                name=f"{('train', 'retrain', 'fit')[world.seed % 3]}-{world.moment(start):%Y%m%d-%H%M}",
                start_s=start,
                end_s=start + float(rng.uniform(600, 2400)),
                snapshot=snapshot_digest(world, until),
                from_s=until - 14 * DAY_S,
                to_s=until,
                data=data,
                version=version if promoted else None,
                deployed_s=deployed,
            )
        )
    return found


def run_id(world: World, start_s: float) -> str:
    """Return the id of the training run that began then, 32 hex digits."""
    return hashlib.sha256(f"run|{world.seed}|{start_s:.3f}|{world.model}".encode()).hexdigest()[:32]


def data_until(start_s: float, data: str) -> float:
    """Return where the snapshot that a run reads ends: labels need days to arrive, so usual ones end well before."""
    return start_s - {"current": WAIT_DAYS, "outdated": 290, "immature": 0}[data] * DAY_S


def version_of(world: World, planted: Train) -> int:
    """Return the version that a planted training run will be registered as, being the only planted one."""
    runs = timetable(world, Plan(Moment(planted.deployed_s, planted.deployed_s), (planted,)))
    return next(t.version for t in runs if t.start_s == planted.start_s and t.version is not None)


def snapshot_digest(world: World, until_s: float) -> str:
    """Return the digest that names the snapshot of the training data up to a second."""
    return hashlib.sha256(f"snapshot|{world.seed}|{until_s:.3f}|{world.model}".encode()).hexdigest()[:8]


def last_usual(world: World, rng: np.random.Generator) -> float:
    """Return when the last usual training before the incident day ran."""
    return (world.days - 1) * DAY_S - float(rng.uniform(0.6, 4.5)) * DAY_S


def train(world: World, training: Training) -> Trained:
    """Fit the classifier on the run's snapshot, drawn from the days that it covers."""
    from sklearn.metrics import log_loss, roc_auc_score

    era = "outdated" if training.data == "outdated" else "now"
    share = TRAIN_ROWS / (world.rate_per_day * 14.0)
    rows = draw(world, training.from_s, training.to_s, f"snapshot {training.start_s:.0f}", thin=share, era=era)
    rng = stream(world.seed, f"fit {training.start_s:.0f}")
    known = rows.bad
    if training.data == "immature":
        # Labels of the newest events have not arrived yet and were read as good.
        known = rows.bad & (rng.random(len(rows)) < 0.12)
    x = np.ascontiguousarray(columns(world, rows).T)
    held = rng.random(len(rows)) < 0.2
    classifier, params = _classifier(world)
    classifier.fit(x[~held], known[~held])
    p = classifier.predict_proba(x[held])[:, 1]
    metrics = {
        "val_auc": float(roc_auc_score(known[held], p)),
        "val_logloss": float(log_loss(known[held], p)),
        "positive_rate": float(known.mean()),
    }
    return Trained(training, classifier, params, metrics, len(rows))


def _classifier(world: World) -> tuple[Any, dict[str, str]]:
    rng = stream(world.seed, "classifier")
    if world.estimator == "logistic":
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        strength = float(rng.choice([0.3, 1.0, 3.0]))
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=300))
        return model, {"estimator": "LogisticRegression", "C": str(strength), "max_iter": "300"}
    from sklearn.ensemble import HistGradientBoostingClassifier

    leaves = int(rng.integers(6, 12))
    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=leaves, learning_rate=0.15, random_state=0, early_stopping=False
    )
    return model, {
        "estimator": "HistGradientBoostingClassifier",
        "max_leaf_nodes": str(leaves),
        "max_iter": "40",
        "learning_rate": "0.15",
    }


def columns(world: World, rows: Rows) -> np.ndarray:
    """Return the model's inputs, ``(numeric + levels, n)``: empty is the default, skewed columns as logarithms."""
    known, numeric = len(world.categories), len(world.features)
    found = np.empty((numeric + known + 1 + len(world.channels), len(rows)), np.float32)
    for j, feature in enumerate(world.features):
        found[j] = rows.served[:, j]
        found[j][np.isnan(found[j])] = DEFAULT
        if not feature.bounded:
            np.log1p(found[j], out=found[j])
    for k in range(known):
        found[numeric + k] = rows.mapped == k
    found[numeric + known] = rows.mapped >= known  # what the model never saw counts as unmapped
    for k in range(len(world.channels)):
        found[numeric + known + 1 + k] = rows.channel == k
    return found


@dataclass
class Scored:
    """What the model said about every row: ``(n,)`` each."""

    score: np.ndarray
    decision: np.ndarray
    """0 good, 1 in between, 2 bad."""
    champion: np.ndarray
    """Index into the trained runs."""


def score(world: World, plan: Plan, trained: list[Trained], rows: Rows) -> Scored:
    """Score every row with the version that was champion at its time, and decide by fixed thresholds."""
    decided = [i for i, t in enumerate(trained) if np.isfinite(t.training.deployed_s)]
    decided.sort(key=lambda i: trained[i].training.deployed_s)
    begins = np.array([trained[i].training.deployed_s for i in decided])
    place = np.clip(np.searchsorted(begins, rows.second, side="right") - 1, 0, None)
    champion = np.array(decided, np.int8)[place]
    out = np.empty(len(rows), np.float32)
    inputs = columns(world, rows)
    cuts = [0, *(np.flatnonzero(np.diff(champion)) + 1).tolist(), len(rows)]
    for first, after in pairwise(cuts):
        classifier = trained[champion[first]].classifier
        out[first:after] = _scores(world, classifier, inputs[:, first:after])
    for change in plan.of(Recalibrate):
        since = rows.second >= change.start_s
        odds = np.log(out[since] / (1 - out[since]))
        out[since] = 1 / (1 + np.exp(-(change.slope * odds + change.shift)))
    low, high = thresholds(world, out, rows.second)
    decision = np.where(out < low, 0, np.where(out < high, 1, 2)).astype(np.int8)
    return Scored(out, decision, champion)


def _scores(world: World, classifier: Any, inputs: np.ndarray) -> np.ndarray:
    if world.estimator == "boosting":
        return boosted.scores(classifier, inputs)
    said: np.ndarray = classifier.predict_proba(np.ascontiguousarray(inputs.T))[:, 1]
    return said


def thresholds(world: World, scores: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the business's two cut-offs: fixed long ago, at quantiles of the first week's scores."""
    rng = stream(world.seed, "thresholds")
    week = scores[second < 7 * DAY_S]
    good = float(rng.uniform(0.84, 0.93))
    low, high = np.quantile(week, [good, good + (1 - good) * rng.uniform(0.6, 0.85)])
    return round(float(low), 4), round(float(high), 4)
