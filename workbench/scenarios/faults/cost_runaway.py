"""Serving costs more for the same business: requests carry more tokens, or rented devices idle."""

from __future__ import annotations

import numpy as np

from workbench.scenarios import vocabulary as words
from workbench.scenarios.devices import allocated
from workbench.scenarios.mechanisms import Commit, Deploy, Fault, Harmless, Moment, Plan, Planted, Source, Surge
from workbench.scenarios.mechanisms_gpu import Allocate, Tokens
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    scorer = world.role("scorer")
    named = world.services[scorer]
    place = f"service:{named.name}"
    source = Source(place, (f"operation:{named.name}/{named.operation}",), "cost_runaway", moment.onset_s, place)
    factor = float(rng.uniform(2.2, 3.4)) * moment.strength
    if rng.random() < 0.5:
        release = Deploy(scorer, moment.onset_s, size=int(rng.integers(2, 5)))
        return Planted((Tokens(moment.onset_s, factor), release), source)
    usual = float(allocated(world, Plan(moment), np.zeros(1))[0])
    scaled = Commit(
        moment.onset_s - float(rng.uniform(120, 600)),
        words.titles("{host}.tf")[0],
        "",
        (f"infra/{named.name}.tf",),
        (" replicas = {", f"-  gpus = {usual:.0f}", f"+  gpus = {usual + round(usual * factor):.0f}"),
    )
    return Planted((Allocate(moment.onset_s, round(usual * factor)),), source, (scaled,))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Bring more business: it costs more in all, and no more for each request."""
    more = Surge(moment.onset_s, moment.end_s, float(rng.uniform(1.15, 1.25)))
    return Harmless((more,), f"service:{world.services[world.role('scorer')].name}")


FAULT = Fault(
    name="cost_runaway",
    title="Serving cost runs away",
    doc="A release multiplies the tokens of every request, or an autoscaler rents devices that idle; decisions stay.",
    plant=_plant,
    near_miss=_near_miss,
)
