"""Simulate the devices: which one serves a request, how it is held up there, and what a device's monitor shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.scenarios.mechanisms import Plan
from workbench.scenarios.mechanisms_gpu import (
    Allocate,
    Fill,
    Heat,
    Lighten,
    MemoryWait,
    Neighbour,
    Starve,
    Tokens,
)
from workbench.scenarios.pipeline import Rows
from workbench.scenarios.world import SLOT_S, World, steps, stream

MEMORY_MIB = 23_034
THERMAL = 0x20
"""NVML's reason: software thermal slowdown."""
POWER_CAP = 0x4
IDLE = 0x1
FILLS_IN_S = 900.0
"""Memory fills up over so long, not at once."""


def cards(world: World) -> tuple[int, ...]:
    """Return the devices (indices into ``world.gpus``) that the scorer runs on."""
    host = world.services[world.role("scorer")].host % max(h + 1 for h, _ in world.gpus)
    return tuple(i for i, (h, _) in enumerate(world.gpus) if h == host) or (0,)


def one_card(world: World, rng: np.random.Generator) -> int:
    """Return one of the scorer's devices."""
    own = cards(world)
    return own[int(rng.integers(len(own)))]


def card_of(world: World, rows: Rows) -> np.ndarray:
    """Return the device that serves each request."""
    own = np.array(cards(world))
    chosen: np.ndarray = own[np.arange(len(rows)) % len(own)]
    return chosen


@dataclass(frozen=True)
class Held:
    """Say how devices hold requests up; arrays of one entry a request."""

    slower: np.ndarray
    wait: np.ndarray
    """Mean wait in usual forward passes."""
    errors: np.ndarray


def hold(world: World, plan: Plan, rows: Rows) -> Held:
    """Return what the devices do to each request, beyond the usual."""
    n = len(rows)
    held = Held(np.ones(n, np.float32), np.zeros(n, np.float32), np.zeros(n, np.float32))
    card = card_of(world, rows)

    def touched(effect: Any) -> np.ndarray:
        inside = (rows.second >= effect.start_s) & (rows.second < effect.end_s)
        chosen: np.ndarray = inside if isinstance(effect, Starve) else inside & (card == effect.device)
        return chosen

    for heat in plan.of(Heat):
        held.slower[touched(heat)] /= heat.clock
    for neighbour in plan.of(Neighbour):
        held.slower[touched(neighbour)] *= neighbour.slower
    for fill in plan.of(Fill):
        here = touched(fill)
        held.wait[here] += fill.wait * _full(fill, rows.second[here])
        held.errors[here] += fill.errors * _full(fill, rows.second[here])
    for one in (*plan.of(Starve), *plan.of(MemoryWait)):
        held.wait[touched(one)] += one.wait
    return held


def never_reached(held: Held, queue: np.ndarray, forward: np.ndarray, deadline_ms: float) -> None:
    """Cut waits in front of a device at the deadline; what waited so long had no forward pass (NaN)."""
    never = (held.wait > 0) & (queue >= deadline_ms)
    queue[never], forward[never] = deadline_ms, np.nan


def short_of_memory(world: World, held: Held) -> np.ndarray:
    """Return which requests fail for want of a device's memory."""
    if not held.errors.any():
        return np.zeros(len(held.errors), bool)
    failed: np.ndarray = stream(world.seed, "out of memory").random(len(held.errors)) < held.errors
    return failed


def _full(fill: Fill, second: np.ndarray) -> np.ndarray:
    share: np.ndarray = np.minimum((second - fill.start_s) / FILLS_IN_S, 1.0)
    return share


@dataclass
class Shown:
    """Hold what one device's monitor would read at one moment, before its own noise."""

    busy: float
    """Share of time with a kernel resident."""
    controller: float | None = None
    """Share of time that memory is in use; None as usual for the load."""
    clock: float = 1.0
    hotter_c: float = 0.0
    memory_mib: float | None = None
    """None as usual."""
    reasons: int = 0
    foreign_mib: float = 0.0
    """Memory of another program; 0 where there is none."""


def shown(world: World, plan: Plan, device: int, second: float, busy: float, reached: float) -> Shown:
    """Return a device's state; *busy* is the usual load's share of its time, *reached* the share of requests served."""
    state = Shown(busy)

    def act(kind: type[Any]) -> list[Any]:
        found = [e for e in plan.of(kind) if e.start_s <= second < e.end_s]
        return [e for e in found if getattr(e, "device", device) == device]

    for lighter in act(Lighten):
        state.busy *= lighter.factor
    if act(Starve) and device in cards(world):
        state.busy *= reached
    for heat in act(Heat):
        state.clock, state.hotter_c, state.busy = heat.clock, 34.0, min(state.busy / heat.clock, 0.99)
        state.reasons |= THERMAL if heat.clock < 1 else 0
    for neighbour in act(Neighbour):
        state.busy = min(state.busy * neighbour.slower + neighbour.share, 0.99)
        state.foreign_mib += neighbour.memory_mib
    for fill in act(Fill):
        grown = float(_full(fill, np.array([second]))[0])
        state.memory_mib = fill.used * MEMORY_MIB * grown if grown == 1 else None
    for waiting in act(MemoryWait):
        state.busy, state.controller = max(state.busy, waiting.busy), waiting.controller
    return state


def reached(world: World, rows: Rows, late: np.ndarray) -> np.ndarray:
    """Return the share of requests that came to a device in time, by slot."""
    place = steps(rows.second, SLOT_S)
    count = world.end_s // SLOT_S
    total = np.bincount(place, minlength=count)
    missed = np.bincount(place, late, minlength=count)
    share: np.ndarray = 1 - missed / np.maximum(total, 1)
    return share


@dataclass(frozen=True)
class Prices:
    """What the system's owner pays, in the currency of its books."""

    gpu_hour: float
    thousand_tokens: float


def prices(world: World) -> Prices:
    """Return the prices of a system."""
    rng = stream(world.seed, "prices")
    return Prices(float(rng.uniform(0.9, 2.4)), float(rng.uniform(0.0015, 0.004)))


def tokens(world: World, plan: Plan, second: np.ndarray) -> np.ndarray:
    """Return the mean tokens of a request at each time."""
    rng = stream(world.seed, "tokens")
    level = rng.uniform(350, 900) * np.exp(rng.normal(0, 0.02, len(second)))
    for more in plan.of(Tokens):
        level[second >= more.start_s] *= more.factor
    mean: np.ndarray = level
    return mean


def allocated(world: World, plan: Plan, second: np.ndarray) -> np.ndarray:
    """Return how many devices are rented at each time."""
    count = np.full(len(second), float(len(world.gpus)))
    for more in plan.of(Allocate):
        count[second >= more.start_s] += more.devices
    return count
