"""What happens to flags, settings, canaries and prompts in every system, harmful to nobody."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Moment
from workbench.scenarios.mechanisms_service import Canary, Prompt, ServiceEffect, Setting, Toggle
from workbench.scenarios.world import DAY_S, World, stream

SETTINGS = {
    "retry.max_attempts": ("1", "2", "3", "5"),
    "replicas": ("2", "3", "4", "6"),
    "cache.ttl": ("120s", "240s", "300s", "600s"),
    "pool.size": ("16", "32", "64"),
    "client.timeout_ms": ("40", "80", "150", "400"),
    "log.level": ("info", "warning"),
}
"""Settings of every service and their usual values."""


def draw(world: World, moment: Moment) -> tuple[ServiceEffect, ...]:
    """Return the flags, settings, canaries and prompts of the quiet weeks, and about as many on the last day."""
    rng = stream(world.seed, "everyday services")
    effects: list[ServiceEffect] = []
    before = (world.days - 1) * DAY_S
    for _ in range(int(rng.integers(3, 7))):
        start = float(rng.uniform(0, 0.97 * before))
        end = min(start + float(rng.uniform(0.2, 6)) * DAY_S, before)
        effects.append(Toggle(int(rng.integers(4)), start, _region(world, rng), end_s=end))
    effects += [setting(world, float(t), rng) for t in rng.uniform(0, before, int(rng.integers(4, 9)))]
    prompts = int(rng.integers(1, 4))
    effects += [Prompt(float(t)) for t in rng.uniform(0.05 * before, 0.93 * before, prompts)]
    lately = moment.felt_s - rng.uniform(0.2, 9, 4) * 3600
    roll = rng.random(4)
    if roll[0] < 0.4:
        effects.append(Toggle(int(rng.integers(2, 4)), float(lately[0]), _region(world, rng)))
    if roll[1] < 0.6:
        effects.append(setting(world, float(lately[1]), rng))
    if roll[2] < 0.45:
        role = ("features", "scorer", "orchestrator")[int(rng.integers(3))]
        start = moment.felt_s - float(rng.uniform(9, 40)) * 3600
        effects.append(Canary(world.role(role), start, float(rng.uniform(0.1, 0.5))))
    if roll[3] < 0.2:
        effects.append(Prompt(float(lately[3])))
    return tuple(effects)


def setting(world: World, start_s: float, rng: np.random.Generator) -> Setting:
    """Return a change of some setting between two of its usual values."""
    name = list(SETTINGS)[int(rng.integers(len(SETTINGS)))]
    old, new = rng.permutation(len(SETTINGS[name]))[:2]
    service = int(rng.integers(len(world.services)))
    return Setting(service, name, SETTINGS[name][old], SETTINGS[name][new], start_s)


def _region(world: World, rng: np.random.Generator) -> int | None:
    return int(rng.integers(len(world.regions))) if rng.random() < 0.6 else None
