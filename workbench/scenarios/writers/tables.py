"""Write the tables that a team exports: real rows as Parquet, each with the mapping a user would write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.scenarios import data_stage, service_effects
from workbench.scenarios.identity import SENDERS, Decisions
from workbench.scenarios.mechanisms import Stall, Unmap
from workbench.scenarios.mechanisms_data import Recode, Rescale
from workbench.scenarios.mechanisms_service import CacheFor, Prompt
from workbench.scenarios.world import BATCH_S, DAY_S, World, stream
from workbench.scenarios.writers import trace_facts

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


def write(incident: Incident, out: Path) -> None:
    """Write ``tables/{orders,features,predictions,labels,retrievals}.parquet`` and their mappings."""
    folder = out / "tables"
    folder.mkdir()
    _orders(incident, folder)
    _features(incident, folder)
    _predictions(incident, folder)
    _labels(incident, folder)
    _retrievals(incident, folder)
    _prompts(incident, folder)


def _put(folder: Path, name: str, table: pa.Table, kind: str, mapping: dict[str, str], dataset: str = "") -> None:
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd", row_group_size=65_536)
    if dataset:
        mapping = {"dataset": f"={dataset}", **mapping}
    lines = [f'as = "{kind}"']
    lines += ["", "[map]", *(f'{ours} = "{theirs}"' for ours, theirs in mapping.items())]
    (folder / f"{name}.parquet.mapping.toml").write_text("\n".join(lines) + "\n")


def _stamp(world: World, second: np.ndarray) -> pa.Array:
    micros = world.start_s * 10**6 + np.round(second * 1e6).astype(np.int64)
    return pa.array(micros, pa.timestamp("us", tz="UTC"))


def _words(words: tuple[str, ...], index: np.ndarray) -> pa.Array:
    return pc.take(pa.array(words), pa.array(index.astype(np.int32)))


def _numbers(values: np.ndarray) -> pa.Array:
    # More digits than a source system keeps would only look like information, and fill the disk.
    return pa.array(values.astype(np.float64).round(4 if np.nanmax(values, initial=0) <= 1 else 2), from_pandas=True)


def _orders(incident: Incident, folder: Path) -> None:
    world, ids, rows = incident.world, incident.ids, incident.rows
    once = rows.copy[ids.row] < 2  # rows that a join makes are not captured
    row, domain = ids.row[once], world.domain
    columns: dict[str, pa.Array] = {
        "id": pa.array(ids.order_id).filter(pa.array(once)),
        "created_at": _stamp(world, rows.second[row]),
        domain.provider: _words(world.providers, rows.provider[row]),
        f"{domain.provider}_code": _codes(incident, row),
        "region": _words(world.regions, rows.region[row]),
        domain.channel: _words(world.channels, rows.channel[row]),
        domain.party: pa.array(rows.party[row].astype(np.int64)),
        "source_db": _words(tuple(f.topic.split(".")[1] for f in world.feeds), rows.feed[row]),
    }
    for j, feature in enumerate(world.features):
        if world.views[feature.view].kind == "order":
            columns[feature.column] = _numbers(_as_sent(incident, row, j))
    _put(folder, "orders", pa.table(columns), "table_rows", {"row_id": "id", "time_ns": "created_at"}, world.names.raw)


def _as_sent(incident: Incident, row: np.ndarray, feature: int) -> np.ndarray:
    """Return a column in the unit that its producers sent."""
    values: np.ndarray = incident.rows.x[row, feature]
    for effect in incident.plan.of(Rescale):
        if effect.feature == feature and effect.readers == "converting":
            other = data_stage.sent_otherwise(effect, incident.rows)[row]
            values = np.where(other, values * np.float32(effect.factor), values)
    return values


def _codes(incident: Incident, row: np.ndarray) -> pa.Array:
    """Return the partners' own codes; a partner that renumbered uses other numbers since."""
    world, rows = incident.world, incident.rows
    n = len(world.categories)
    known = [f"{p[:3].upper()}-{100 + k}" for p in world.providers for k in range(n)]
    renumbered = [f"{p[:3].upper()}-{7000 + 10 * k}" for p in world.providers for k in range(n)]
    index = rows.provider[row].astype(int) * n + rows.category[row]
    new = [(u.provider, u.start_s) for u in incident.plan.of(Unmap) if u.how == "renumbered"]
    for provider, start_s in [*new, *((r.provider, r.start_s) for r in incident.plan.of(Recode))]:
        moved = (rows.provider[row] == provider) & (rows.second[row] >= start_s)
        index = np.where(moved, index + len(known), index)
    return _words((*known, *renumbered), index)


def _features(incident: Incident, folder: Path) -> None:
    """Write the offline feature table: what the warehouse computed, not what was served."""
    world, ids, rows = incident.world, incident.ids, incident.rows
    columns: dict[str, pa.Array] = {
        "order_id": pa.array(ids.order_id),
        "event_time": _stamp(world, rows.second[ids.row]),
        world.domain.category: _category(incident, rows.mapped[ids.row]),
    }
    columns |= {f.name: _numbers(rows.x[ids.row, j]) for j, f in enumerate(world.features)}
    dataset = world.names.offline[0].replace(world.views[0].name, f"{world.domain.event}_joined")
    _put(folder, "features", pa.table(columns), "table_rows", {"row_id": "order_id", "time_ns": "event_time"}, dataset)


def _category(incident: Incident, mapped: np.ndarray) -> pa.Array:
    return _words(data_stage.level_names(incident.world, incident.plan), mapped)


def _predictions(incident: Incident, folder: Path) -> None:
    world, ids, rows, scored = incident.world, incident.ids, incident.rows, incident.scored
    row = ids.row
    knows = np.array([name for name, _ in SENDERS])[ids.knows]
    versions = tuple(str(t.training.version) for t in incident.trained)
    anonymous = knows == "nothing"
    version = _words(versions, scored.champion[row])
    columns: dict[str, pa.Array] = {
        "decision_id": pa.array(ids.prediction_id),
        "decided_at": _stamp(world, _decided_s(incident, row)),
        "trace": pa.array(ids.trace_id, mask=anonymous),
        "model_name": pc.if_else(pa.array(anonymous), pa.scalar(None, pa.string()), pa.scalar(world.model)),
        "model_version": pc.if_else(pa.array(anonymous), pa.scalar(None, pa.string()), version),
        "order_id": pa.array(ids.order_id),
        "score": _numbers(scored.score[row]),
        "decision": _words(world.domain.decisions, scored.decision[row]),
        "region": _words(world.regions, rows.region[row]),
        world.domain.category: _category(incident, rows.mapped[row]),
        world.domain.channel: _words(world.channels, rows.channel[row]),
    }
    columns |= {f.name: _numbers(rows.served[row, j]) for j, f in enumerate(world.features)}
    mapping = {
        "prediction_id": "decision_id",
        "time_ns": "decided_at",
        "trace_id": "trace",
        "model": "model_name",
        "model_version": "model_version",
        "row_ref": "order_id",
        "score": "score",
        "output": "decision",
    }
    _put(folder, "predictions", pa.table(columns), "predictions", mapping)


def _decided_s(incident: Incident, row: np.ndarray) -> np.ndarray:
    """Return when decisions were made by the clock of the machine that made them."""
    second = incident.rows.second[row]
    judge = incident.world.services[incident.world.role("orchestrator")]
    moment: np.ndarray = second + incident.served.total_ms[row, 0] / 1000
    moment += service_effects.offset_s(incident.plan, judge.host, second)
    return moment


def _prompts(incident: Incident, folder: Path) -> None:
    """Write the export of the prompt registry: versions of the prompt that words the explanations."""
    world = incident.world
    begins = [-20.0 * DAY_S, *sorted(p.start_s for p in incident.plan.of(Prompt))]
    made = np.array([t for t in begins if t <= incident.plan.moment.end_s])
    table = pa.table(
        {
            "prompt": pa.array([trace_facts.prompt_name(world)] * len(made)),
            "version": pa.array([str(k) for k in range(1, len(made) + 1)]),
            "created": _stamp(world, made - 240),
            "promoted": _stamp(world, made),
        }
    )
    mapping = {"model": "prompt", "version": "version", "created_ns": "created", "updated_ns": "promoted"}
    _put(folder, "prompts", table, "model_versions", mapping)


def _labels(incident: Incident, folder: Path) -> None:
    """Write what became known later, as far as it is known by the end."""
    world, ids, rows = incident.world, incident.ids, incident.rows
    arrived = incident.label_arrival[ids.row]
    known = np.flatnonzero(arrived < incident.plan.moment.end_s)
    known = known[np.argsort(arrived[known], kind="stable")]
    table = pa.table(
        {
            "decision_id": pc.take(pa.array(ids.prediction_id), pa.array(known)),
            "label": pa.array([world.domain.label] * len(known)),
            "value": pa.array(rows.bad[ids.row][known].astype(np.float64)),
            "known_at": _stamp(world, arrived[known]),
        }
    )
    mapping = {"prediction_id": "decision_id", "name": "label", "value": "value", "arrived_ns": "known_at"}
    _put(folder, "labels", table, "labels", mapping)


def _retrievals(incident: Incident, folder: Path) -> None:
    """Write the feature store's own log of the traced requests."""
    world, rows = incident.world, incident.rows
    ids: Decisions = incident.ids
    rng = stream(world.seed, "retrievals")
    row = ids.row[ids.traced]
    second = rows.second[row]
    parts = []
    trace, store = pc.take(pa.array(ids.trace_id), pa.array(ids.traced)), world.role("features")
    for j, feature in enumerate(world.features):
        if j % 2 and world.seed % 2:  # half of the systems log only some features
            continue
        copied = np.floor((second - 360) / BATCH_S) * BATCH_S + 360
        for stall in incident.plan.of(Stall):
            if stall.view == feature.view:
                copied = np.where(second >= stall.start_s, np.minimum(copied, stall.start_s), copied)
        age = second - copied
        for kept in incident.plan.of(CacheFor):
            if kept.view == feature.view:
                age += np.where(second >= kept.start_s, service_effects.cached_age(kept, second), 0.0)
        parts.append(
            pa.table(
                {
                    "feature": pa.array([feature.name] * len(row)),
                    "trace": trace,
                    "at": _stamp(world, second),
                    "definition": pa.array([f"v{1 + world.seed % 7}"] * len(row)),
                    "age_s": _numbers(age + rng.exponential(30, len(row))),
                    "took_ms": _numbers(incident.served.own_ms[row, store] * rng.uniform(0.3, 0.6, len(row))),
                    "hit": pa.array(rng.random(len(row)) < 0.93),
                }
            )
        )
    mapping = {
        "feature": "feature",
        "retrieval_id": "trace",
        "time_ns": "at",
        "version": "definition",
        "freshness_s": "age_s",
        "retrieval_ms": "took_ms",
        "cache_hit": "hit",
    }
    _put(folder, "retrievals", pa.concat_tables(parts), "features", mapping)
