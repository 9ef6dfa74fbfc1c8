"""Keys of a lookup stand in it twice, so that joining it multiplies rows."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Commit, Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import Enlarge, FanOut
from workbench.scenarios.vocabulary import titles
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    names, provider = world.names, world.domain.provider
    order = rng.permutation(len(world.providers))
    count = int(np.searchsorted(np.cumsum(world.provider_shares[order]), rng.uniform(0.3, 0.6))) + 1
    copies = 1 if moment.strength == 1 else 2
    effect = FanOut(tuple(sorted(int(p) for p in order[:count])), moment.onset_s, copies)
    source = Source(
        entity=f"dataset:{names.mapping}",
        also=(
            f"column:{names.mapping}.{provider}_code",
            f"job:{names.jobs}/load_{provider}_map",
            f"job:{names.jobs}/enrich_{world.domain.events}",
            f"dataset:{names.enriched}",
        ),
        kind="join_fan_out",
        onset_s=moment.onset_s,
        first_failure=f"dataset:{names.enriched}",
    )
    return Planted((effect,), source, _commits(world, moment, rng))


def _commits(world: World, moment: Moment, rng: np.random.Generator) -> tuple[Commit, ...]:
    """Return the edit of the mapping, in systems where the repository holds it."""
    if rng.random() < 0.5:
        return ()
    title = str(rng.choice(titles("_map.csv")))
    partner = world.providers[int(rng.integers(len(world.providers)))]
    added = tuple(f"+{partner},{partner[:3].upper()}-{100 + k},{name}" for k, name in enumerate(world.categories[:4]))
    return (Commit(moment.onset_s - 900, title, "", (f"reference/{world.domain.provider}_map.csv",), added),)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Add the codes of new partners to the lookup: as many more entries, every key once."""
    effect = Enlarge(moment.onset_s, float(rng.uniform(0.3, 0.7)))
    return Harmless((effect,), f"dataset:{world.names.mapping}", _commits(world, moment, rng))


FAULT = Fault(
    name="join_fan_out",
    title="Join fan-out",
    doc="Keys stand in the lookup twice; each of their events becomes two rows, two decisions, two in recent counts.",
    plant=_plant,
    near_miss=_near_miss,
)
