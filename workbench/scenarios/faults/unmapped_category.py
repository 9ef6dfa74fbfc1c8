"""A partner's codes miss the mapping table, so its events all get the category of the unmapped."""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.scenarios.mechanisms import Commit, Fault, Harmless, Moment, Planted, Source, Unmap
from workbench.scenarios.vocabulary import titles
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    provider = int(np.argmin(np.abs(world.provider_shares - 0.14)))
    how: Literal["entries_gone", "renumbered"] = "renumbered" if int(rng.integers(2)) else "entries_gone"
    category, names = world.domain.category, world.names
    onset = moment.onset_s
    commits: tuple[Commit, ...] = ()
    if how == "entries_gone":
        path = f"reference/{world.domain.provider}_map.csv"
        partner = world.providers[provider]
        lines = tuple(
            f"-{partner},{partner[:3].upper()}-{100 + k},{name}" for k, name in enumerate(world.categories[:6])
        )
        title = str(rng.choice(titles("_map.csv")))
        commits = (Commit(onset - 1500, title, "", (path,), lines),)
    source = Source(
        entity=f"feature:{category}",
        also=(f"column:{names.enriched}.{category}", f"dataset:{names.mapping}", f"column:{names.mapping}.{category}"),
        kind="unmapped_category",
        onset_s=onset,
        first_failure=f"dataset:{names.enriched}",
    )
    return Planted((Unmap(provider, onset, how),), source, commits)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Edit the mapping at the same time: a double entry goes, the first one stays."""
    partner = world.providers[int(np.argmin(np.abs(world.provider_shares - 0.14)))]
    head = f"{partner},{partner[:3].upper()}-100,{world.categories[0]}"
    title = str(rng.choice(titles("_map.csv")))
    path = f"reference/{world.domain.provider}_map.csv"
    commit = Commit(moment.onset_s - 1500, title, "", (path,), (f" {head}", f"-{head}"))
    return Harmless((), f"feature:{world.domain.category}", (commit,))


FAULT = Fault(
    name="unmapped_category",
    title="Payment provider unmapped",
    doc="One partner's category codes are not in the mapping table; its events become 'unmapped' and score higher.",
    plant=_plant,
    near_miss=_near_miss,
)
