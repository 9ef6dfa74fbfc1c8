"""What happens in every system all the time, harmful to nobody: hot machines, drifts, gaps, promotions, backfills."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import BackErrors, Backfill, Blank, Effect, HotHost, Moment, Reshape, Shift, Surge
from workbench.scenarios.world import DAY_S, World, stream


def draw(world: World, moment: Moment) -> tuple[Effect, ...]:
    """Return everyday events: many over the quiet weeks, and about as often on the day of the incident."""
    rng = stream(world.seed, "everyday")
    weak = np.argsort([abs(f.weight) for f in world.features])[:2]
    effects: list[Effect] = []
    for day in range(1, world.days):
        last = day == world.days - 1
        often = 0.45 if last else 0.2
        start = moment.felt_s + float(rng.uniform(-2.5, 1.0)) * 3600 if last else (day + rng.uniform(0.1, 0.8)) * DAY_S
        end = start + float(rng.uniform(2, 6)) * 3600
        roll = rng.random(6) < often
        strength = rng.uniform(0, 1, 6)
        feature = int(weak[int(rng.integers(len(weak)))])
        if roll[0]:
            effects.append(HotHost(int(rng.integers(len(world.hosts))), start, end))
        if roll[1]:
            effects.append(Shift(feature, start, end, float(1.06 + 0.16 * strength[1])))
        if roll[2]:
            effects.append(Blank(feature, None, start, end, float(0.02 + 0.06 * strength[2])))
        if roll[3]:
            effects.append(Backfill(int(rng.integers(len(world.names.side))), start, float(1.5 + 2 * strength[3])))
        if roll[4]:
            effects.append(BackErrors(world.role("back"), start, end, float(0.03 + 0.12 * strength[4])))
        if roll[5] and not last:
            effects.append(Surge(start, end, float(1.1 + 0.15 * strength[5])))
    effects.append(
        Reshape(int(rng.integers(len(world.feeds))), 0, float(rng.uniform(0.2, 0.95)) * moment.felt_s, "added")
    )
    return tuple(effects)
