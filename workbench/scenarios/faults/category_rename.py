"""Levels of a category get other names, one to one; the model has never seen the new ones."""

from __future__ import annotations

from typing import get_args

import numpy as np

from workbench.scenarios.mechanisms import Commit, Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import Recode, Rename, RenameStyle
from workbench.scenarios.vocabulary import titles
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    category, names = world.domain.category, world.names
    shares = world.provider_shares @ world.category_shares
    order = rng.permutation(len(world.categories))
    enough = float(rng.uniform(0.12, 0.3)) * moment.strength
    count = int(np.searchsorted(np.cumsum(shares[order]), min(enough, 0.9))) + 1
    levels = tuple(sorted(int(k) for k in order[:count]))
    styles: tuple[RenameStyle, ...] = get_args(RenameStyle)
    effect = Rename(levels, moment.onset_s, styles[int(rng.integers(len(styles)))])
    source = Source(
        entity=f"feature:{category}",
        also=(f"column:{names.enriched}.{category}", f"dataset:{names.mapping}", f"column:{names.mapping}.{category}"),
        kind="category_rename",
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
    line = f"{partner},{partner[:3].upper()}-100,{world.categories[0]}"
    path = f"reference/{world.domain.provider}_map.csv"
    return (Commit(moment.onset_s - 1500, title, "", (path,), (f"-{line}", f"+{line}")),)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let a partner give all its codes other numbers, which the mapping knows from the same minute on."""
    provider = int(rng.integers(len(world.providers)))
    commits = _commits(world, moment, rng)
    return Harmless((Recode(provider, moment.onset_s),), f"feature:{world.domain.category}", commits)


FAULT = Fault(
    name="category_rename",
    title="Renamed category",
    doc="Levels of the category get other names, one to one; the model takes what it never saw for unmapped.",
    plant=_plant,
    near_miss=_near_miss,
)
