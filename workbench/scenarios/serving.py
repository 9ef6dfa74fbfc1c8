"""Simulate the serving side: call tree, queue and forward pass, failures, time-outs, fallbacks, with whole columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.scenarios import service_effects
from workbench.scenarios.devices import hold, never_reached, short_of_memory
from workbench.scenarios.mechanisms import BackErrors, Deploy, HotHost, Plan
from workbench.scenarios.pipeline import DEFAULT, Rows
from workbench.scenarios.service_effects import Traffic
from workbench.scenarios.world import SLOT_S, World, steps, stream


@dataclass
class Served:
    """Hold what happened to every request; matrices are ``(n, services)``."""

    own_ms: np.ndarray
    total_ms: np.ndarray
    failed: np.ndarray
    """The service's own failure."""
    queue_ms: np.ndarray
    forward_ms: np.ndarray
    """NaN where the request never reached a device."""
    fallback: np.ndarray
    """The decision was made without the model."""
    late: np.ndarray
    """The scorer missed its deadline."""
    utilisation: np.ndarray
    """Share of the scorer's capacity in use, by slot."""
    deadline_ms: float
    met: Traffic = field(default_factory=Traffic)


def versions(world: World, plan: Plan, service: int) -> list[tuple[float, str]]:
    """Return when each version of a service began, oldest first."""
    major, minor, patch = world.services[service].version
    found = [(0.0, f"{major}.{minor}.{patch}")]
    for deploy in sorted((d for d in plan.of(Deploy) if d.service == service), key=lambda d: d.start_s):
        minor, patch = (minor + 1, 0) if deploy.size > 4 else (minor, patch + 1)
        found.append((deploy.start_s, f"{major}.{minor}.{patch}"))
    return found


def serve(world: World, plan: Plan, rows: Rows) -> Served:
    """Return times and failures of every request at every service."""
    rng = stream(world.seed, "serving")
    n, count = len(rows), len(world.services)
    slots = steps(rows.second, SLOT_S)
    per_slot = np.bincount(slots, minlength=world.end_s // SLOT_S)
    load = (per_slot / (world.rate_per_day * SLOT_S / 86_400))[slots].astype(np.float32)
    met = service_effects.traffic(world, plan, rows)
    own = np.empty((n, count), np.float32)
    failed = np.empty((n, count), bool)
    for i, service in enumerate(world.services):
        slower, errors = _acting(plan, rows, i)
        errors += service_effects.errors(world, plan, rows, met, i)
        noise = np.exp(service.spread * rng.standard_normal(n, dtype=np.float32))
        own[:, i] = service.base_ms * noise * (0.92 + 0.08 * load) * slower
        failed[:, i] = rng.random(n, dtype=np.float32) < service.error_rate + errors
    scorer = world.role("scorer")
    held = hold(world, plan, rows)
    forward = own[:, scorer] * held.slower
    room = stream(world.seed, "capacity").uniform(0.2, 0.3)
    slower, _ = _acting(plan, rows, scorer)
    asked = room * load * slower * service_effects.pressure(world, plan, rows, met)
    busy = np.clip(asked, 0.02, 0.97)
    crowded = np.clip(asked * held.slower, 0.02, 0.97)
    base = world.services[scorer].base_ms * slower
    queue = (base * 0.6 * crowded / (1 - crowded) + base * held.wait).astype(np.float32)
    queue *= rng.standard_exponential(n, dtype=np.float32)
    own[:, scorer] = forward + queue
    deadline = world.services[scorer].base_ms * 9
    late = own[:, scorer] > deadline
    own[late, scorer] = deadline
    never_reached(held, queue, forward, deadline)
    failed[:, scorer] |= late | short_of_memory(world, held)
    total = _with_callees(world, own, met)
    limit = 6 * sum(s.base_ms for s in world.services if s.role != "back")
    gave_up = total[:, 1] > limit
    failed[:, 1] |= gave_up
    if refuses(world):
        failed[:, 1] |= failed[:, world.role("features")]
    fallback = failed[:, scorer] | failed[:, 1]
    used = np.zeros(len(per_slot))
    np.maximum.at(used, slots, busy)
    return Served(own, total, failed, queue, forward, fallback, late, used, deadline, met)


def _with_callees(world: World, own: np.ndarray, met: Traffic) -> np.ndarray:
    """Return the time of each service with that of whom it waits for, calls that it gave up on included."""
    total = own.copy()
    for i in range(len(world.services) - 1, 0, -1):
        service = world.services[i]
        if service.role != "back" and service.parent is not None:
            total[:, service.parent] += total[:, i]
            if i in met.repeats:
                total[:, service.parent] += met.repeats[i] * met.timeout_ms[i]
    return total


def refuses(world: World) -> bool:
    """Say whether this system decides without the model when features are missing, or goes on with defaults."""
    return bool(stream(world.seed, "refuses").random() < 0.5)


def lose_features(world: World, rows: Rows, served: Served) -> None:
    """Give the model defaults where the feature store failed."""
    rows.served[served.failed[:, world.role("features")]] = DEFAULT


def _acting(plan: Plan, rows: Rows, service: int) -> tuple[np.ndarray, np.ndarray]:
    slower = np.ones(len(rows), np.float32)
    errors = np.zeros(len(rows), np.float32)
    for deploy in plan.of(Deploy):
        if deploy.service == service and (deploy.slower != 1 or deploy.errors):
            touched = rows.second >= deploy.start_s
            if deploy.region is not None:
                touched &= rows.region == deploy.region
            slower[touched] *= deploy.slower
            errors[touched] += deploy.errors
    for noisy in plan.of(BackErrors):
        if noisy.service == service:
            errors[(rows.second >= noisy.start_s) & (rows.second < noisy.end_s)] += noisy.share
    return slower, errors


def cpu_percent(world: World, plan: Plan, rows: Rows, served: Served) -> np.ndarray:
    """Return CPU use in percent, ``(slots, hosts)``, from the work that the services on each host did."""
    rng = stream(world.seed, "hosts")
    slots = steps(rows.second, SLOT_S)
    count = world.end_s // SLOT_S
    use = np.zeros((count, len(world.hosts)))
    for i, service in enumerate(world.services):
        work = np.bincount(slots, served.own_ms[:, i], minlength=count)[:count]
        usual = np.median(work[:96]) + 1e-9
        use[:, service.host] += 9 * work / usual
    use += rng.uniform(6, 20, len(world.hosts)) + rng.normal(0, 1.5, use.shape)
    time = np.arange(count) * SLOT_S
    for hot in plan.of(HotHost):
        use[(time >= hot.start_s) & (time < hot.end_s), hot.host] += 45
    return np.clip(use, 0.5, 99.5)
