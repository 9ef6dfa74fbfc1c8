"""List the job runs of the simulated pipelines, with the figures that each saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.mechanisms import Backfill, Reshape, Silence, Stall, Unmap
from workbench.scenarios.mechanisms_data import Enlarge, FanOut, Hold, Recode, Redeliver, Rename, Retry
from workbench.scenarios.model import data_until, snapshot_digest
from workbench.scenarios.world import BATCH_S, DAY_S, World, steps, stream
from workbench.scenarios.writers import failures
from workbench.scenarios.writers.lineage_types import Data, JobRun

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


@dataclass
class Counts:
    """Hold rows and nulls by batch: ``(batches, feeds)`` and ``(batches, feeds, features)``."""

    rows: np.ndarray
    """As captured."""
    nulls: np.ndarray
    repeats: np.ndarray
    """Captured a second time, and known by their key to whoever reads the topic."""
    joined: np.ndarray
    """Rows after the look-up, ``(batches,)``."""
    joined_nulls: np.ndarray
    """``(batches, features)``."""


def runs(incident: Incident) -> Iterator[JobRun]:
    """Yield every job run of the history, unordered."""
    counts = _counts(incident)
    rng = stream(incident.world.seed, "job runs")
    for batch in range(counts.rows.shape[0]):
        yield from _batch(incident, counts, batch, rng)
    for day in range(incident.world.days):
        yield from _daily(incident, counts, day, rng)
    yield from _training(incident, rng)
    yield from failures.runs(incident)


def _counts(incident: Incident) -> Counts:
    world, rows = incident.world, incident.rows
    batches = int(incident.plan.moment.end_s // BATCH_S) + 1
    place = steps(rows.second, BATCH_S) * len(world.feeds) + rows.feed
    shape = (batches, len(world.feeds))
    captured = rows.copy < 2

    def count(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(place[chosen], minlength=shape[0] * shape[1]).reshape(shape)

    empty = [np.isnan(rows.x[:, j]) for j in range(len(world.features))]
    held = count(captured)
    repeats = np.zeros(shape, int)
    start = np.arange(batches) * BATCH_S
    for again in incident.plan.of(Redeliver):
        if again.consumer == "drops":
            overlap = np.minimum(start + BATCH_S, again.end_s) - np.maximum(start, again.start_s)
            repeats[:, again.feed] += (held[:, again.feed] * again.share * np.maximum(overlap, 0) / BATCH_S).astype(int)
    return Counts(
        held,
        np.stack([count(e & captured) for e in empty], axis=2),
        repeats,
        count(rows.copy >= 0).sum(1),
        np.stack([count(e).sum(1) for e in empty], axis=1),
    )


def order_columns(world: World) -> list[int]:
    """Return the indices of features that are columns of the captured events."""
    return [j for j, f in enumerate(world.features) if world.views[f.view].kind == "order"]


def _event_schema(incident: Incident, feed: int, second: float) -> tuple[tuple[str, str], ...]:
    world = incident.world
    columns = {
        "id": "bigint",
        "created_at": "timestamp",
        world.domain.provider: "varchar",
        f"{world.domain.provider}_code": "varchar",
        world.domain.channel: "varchar",
        world.domain.party: "bigint",
    }
    columns |= {world.features[j].column: "decimal(12,2)" for j in order_columns(world)}
    for reshape in incident.plan.of(Reshape):
        if reshape.feed != feed or second < reshape.start_s:
            continue
        column = world.features[reshape.feature].column
        if reshape.how == "renamed":
            columns = {(f"{column}_value" if name == column else name): kind for name, kind in columns.items()}
        elif reshape.how == "minor_units":
            columns[column] = "bigint"
        else:
            columns["client_hint"] = "varchar"
    return tuple(columns.items())


def _batch(incident: Incident, counts: Counts, batch: int, rng: np.random.Generator) -> Iterator[JobRun]:
    """Yield the runs that handle one batch, each stage a little after the one before."""
    world, names = incident.world, incident.world.names
    base = (batch + 1) * BATCH_S
    spent = rng.uniform(8, 40, 16)
    columns = order_columns(world)
    topics = []
    total = int(counts.rows[batch].sum())
    nulls = counts.nulls[batch]
    for i, feed in enumerate(world.feeds):
        schema = _event_schema(incident, i, base)
        rows = int(counts.rows[batch, i] + counts.repeats[batch, i] + incident.held_back[batch, i])
        topic = f"{names.kafka}/{feed.topic}"
        seen = {world.features[j].column: int(nulls[i, j]) for j in columns}
        renamed = {name for name, _ in schema}
        topics.append(Data(topic, schema, rows, {c: n for c, n in seen.items() if c in renamed}))
        if rows or not _keeps_quiet(incident, i):
            yield JobRun(
                f"{names.jobs}/{feed.connector}",
                base + 5,
                base + 5 + spent[i],
                (Data(feed.database, schema),),
                (Data(topic, schema, rows),),
            )
    raw_schema = _event_schema(incident, -1, base)
    seen = {world.features[j].column: int(nulls[:, j].sum()) for j in columns}
    raw = Data(names.raw, raw_schema, total, seen, checks=_checks(world, total, seen))
    raw_from = {c: [(t.dataset, c) for t in topics if c in dict(t.columns)] for c, _ in raw_schema}
    yield JobRun(
        f"{names.jobs}/ingest_{world.domain.events}",
        base + 60,
        base + 60 + spent[6],
        tuple(topics),
        (Data(names.raw, raw_schema, total, made_from=raw_from),),
    )
    joined = int(counts.joined[batch])
    yield from _enrich(incident, raw, joined, base, spent)
    yield from _views(incident, counts, batch, base, spent)
    decided = Data(names.decisions, (("prediction_id", "varchar"), ("score", "double"), ("decision", "varchar")))
    inputs = (Data(names.enriched), *(Data(online) for online in names.online))
    score_from = {"score": [(names.online[f.view], f.name) for f in world.features]}
    decided = Data(decided.dataset, decided.columns, joined, made_from=score_from)
    yield JobRun(f"{names.jobs}/export_decisions", base + 420, base + 420 + spent[8], inputs, (decided,))
    yield JobRun(
        f"{names.jobs}/refresh_kpis",
        base + 520,
        base + 520 + spent[9],
        (Data(names.decisions, (), joined),),
        (Data(names.mart, (("hour", "timestamp"), ("kpi", "varchar"), ("value", "double")), 12 * len(world.regions)),),
    )


def _enrich(incident: Incident, raw: Data, joined: int, base: float, spent: np.ndarray) -> Iterator[JobRun]:
    world, names = incident.world, incident.world.names
    category, provider = world.domain.category, world.domain.provider
    schema = (*raw.columns, (category, "varchar"))
    made = {c: [(names.raw, c)] for c, _ in raw.columns}
    made[category] = [(names.raw, f"{provider}_code"), (names.mapping, category)]
    mapping = Data(names.mapping, ((f"{provider}_code", "varchar"), (category, "varchar")))
    yield JobRun(
        f"{names.jobs}/enrich_{world.domain.events}",
        base + 140,
        base + 140 + spent[7],
        (raw, mapping),
        (Data(names.enriched, schema, joined, made_from=made),),
    )


def _views(incident: Incident, counts: Counts, batch: int, base: float, spent: np.ndarray) -> Iterator[JobRun]:
    """Yield building and copying of every feature view."""
    world, names = incident.world, incident.world.names
    total = int(counts.joined[batch])
    for v, view in enumerate(world.views):
        mine = [(j, f) for j, f in enumerate(world.features) if f.view == v]
        seen = {f.name: int(counts.joined_nulls[batch, j]) for j, f in mine}
        schema = (("key", "bigint"), *((f.name, "double") for _, f in mine))
        source = names.profile if view.kind == "profile" else names.enriched
        inputs = (Data(names.enriched),) if view.kind != "profile" else (Data(names.profile), Data(names.enriched))
        made = {f.name: [(source, f.column if view.kind != "activity" else world.features[0].column)] for _, f in mine}
        if view.kind == "order":
            schema = (*schema, (world.domain.category, "varchar"))
            made[world.domain.category] = [(names.enriched, world.domain.category)]
        yield JobRun(
            f"{names.jobs}/build_{view.name}",
            base + 230,
            base + 230 + spent[10 + v],
            inputs,
            (Data(names.offline[v], schema, total, made_from=made),),
        )
        halted = [s for s in incident.plan.of(Stall) if s.view == v and s.start_s <= base]
        if halted and world.seed % 2:
            continue
        copied = 0 if halted else total
        made = {f.name: [(names.offline[v], f.name)] for _, f in mine}
        begins = base + 330.0
        for retry in incident.plan.of(Retry):
            if retry.view == v and retry.start_s <= base < retry.start_s + BATCH_S:
                said = "ConnectionError: the connection was reset by the peer"
                held = (Data(names.offline[v], schema),)
                yield JobRun(f"{names.jobs}/publish_{view.name}", begins, begins + 20, held, (), error=said)
                begins += retry.after_s
        yield JobRun(
            f"{names.jobs}/publish_{view.name}",
            begins,
            begins + spent[13 + v],
            (Data(names.offline[v], schema, total, seen),),
            (Data(names.online[v], schema, copied, made_from=made),),
        )


def _checks(world: World, rows: int, nulls: dict[str, int]) -> tuple[tuple[str, str, bool], ...]:
    size = world.features[0].column
    return (
        ("row_count_above_zero", "", rows > 0),
        ("not_null", "id", True),
        ("mostly_not_null", size, nulls[size] < 0.4 * rows + 1),
    )


def _keeps_quiet(incident: Incident, feed: int) -> bool:
    """Say whether this system's connectors send no event at all for an empty batch."""
    return incident.world.seed % 3 == 0 and any(s.feed == feed for s in incident.plan.of(Silence))


def _map_loads(incident: Incident, day: int) -> Iterator[tuple[float, int]]:
    """Yield when the lookup was loaded on a day, and how many entries it then held."""
    world, plan = incident.world, incident.plan
    kinds = len(world.categories)
    steps = [(u.start_s, -kinds) for u in plan.of(Unmap) if u.how == "entries_gone"]
    steps += [(f.start_s, len(f.providers) * f.copies * kinds) for f in plan.of(FanOut)]
    steps += [(e.start_s, int(e.share * len(world.providers) * kinds)) for e in plan.of(Enlarge)]
    steps += [(r.start_s, 0) for r in (*plan.of(Rename), *plan.of(Recode))]
    for at in [day * DAY_S + 2 * 3600.0, *(start for start, _ in steps if start // DAY_S == day)]:
        yield at, len(world.providers) * kinds + sum(more for start, more in steps if start <= at)


def _labels(incident: Incident, counts: Counts, day: int) -> int:
    """Return the rows of a morning's load of labels: what arrived in the day before it."""
    base, kept = day * DAY_S + 2 * 3600, 1.0
    for hold in incident.plan.of(Hold):
        kept -= float(np.clip((min(base, hold.end_s) - max(base - DAY_S, hold.start_s)) / DAY_S, 0, 1))
    of_days = slice(max(0, (day - 3) * DAY_S // BATCH_S), max(1, (day - 2) * DAY_S // BATCH_S))
    return int(kept * counts.rows[of_days].sum() * 0.9)


def _daily(incident: Incident, counts: Counts, day: int, rng: np.random.Generator) -> Iterator[JobRun]:
    world, names = incident.world, incident.world.names
    base = day * DAY_S + 2 * 3600
    category, provider = world.domain.category, world.domain.provider
    mapping = ((f"{provider}_code", "varchar"), (category, "varchar"))
    for at, entries in _map_loads(incident, day):
        yield JobRun(f"{names.jobs}/load_{provider}_map", at - 20, at - 2, (), (Data(names.mapping, mapping, entries),))
    profile = tuple((f.column, "double") for f in world.features if world.views[f.view].kind == "profile")
    parties = int(60_000 + 40 * day + rng.integers(-30, 30))
    source = f"postgres://{world.domain.party}-db.{world.company}.internal:5432/crm.public.{world.domain.party}"
    yield JobRun(
        f"{names.jobs}/load_{world.domain.party}",
        base + 300,
        base + 500,
        (Data(source),),
        (Data(names.profile, (("id", "bigint"), *profile), parties),),
    )
    labels = _labels(incident, counts, day)
    yield JobRun(
        f"{names.jobs}/load_{world.domain.label}",
        base + 700,
        base + 760,
        (),
        (Data(names.labels, (("prediction_id", "varchar"), (world.domain.label, "boolean")), labels),),
    )
    for k, side in enumerate(names.side):
        at = base + 1800 + 600 * k
        rows = int(4000 * (k + 1) * rng.uniform(0.93, 1.07))
        inputs = (Data(names.decisions),) if k == 0 else ()
        yield JobRun(
            f"{names.jobs}/side_{side.rsplit('.', 1)[-1].rsplit('/', 1)[-1]}",
            at,
            at + 90,
            inputs,
            (Data(side, (("day", "date"), ("value", "double")), rows),),
        )
        for fill in incident.plan.of(Backfill):
            if fill.side == k and fill.start_s // DAY_S == day:
                yield JobRun(
                    f"{names.jobs}/side_{side.rsplit('.', 1)[-1].rsplit('/', 1)[-1]}",
                    fill.start_s,
                    fill.start_s + 90,
                    inputs,
                    (Data(side, (("day", "date"), ("value", "double")), int(rows * fill.factor)),),
                )


def _training(incident: Incident, rng: np.random.Generator) -> Iterator[JobRun]:
    """Yield the snapshot and training runs that fall into the history."""
    world, names = incident.world, incident.world.names
    for trained in incident.trained:
        training = trained.training
        if training.start_s < 3600:
            continue
        taken = training.start_s - 1500
        fresh = snapshot_digest(world, data_until(training.start_s, "current"))
        rows = int(world.rate_per_day * 14 * rng.uniform(0.97, 1.03))
        columns = tuple((f.name, "double") for f in world.features)
        columns = (*columns, (world.domain.category, "varchar"), (world.domain.label, "boolean"))
        made = {f.name: [(names.offline[f.view], f.name)] for f in world.features}
        made[world.domain.label] = [(names.labels, world.domain.label)]
        inputs = (*(Data(offline) for offline in names.offline), Data(names.labels))
        yield JobRun(
            f"{names.jobs}/snapshot_training_set",
            taken,
            taken + 300,
            inputs,
            (Data(names.training, columns, rows, version=fresh, made_from=made),),
        )
        yield JobRun(
            f"{names.jobs}/train_{world.model}",
            training.start_s,
            training.end_s,
            (Data(names.training, columns, version=training.snapshot),),
            (),
        )
