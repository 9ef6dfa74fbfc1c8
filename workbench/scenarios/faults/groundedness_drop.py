"""A new version of a prompt makes explanations say what the evidence does not hold."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Commit, Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import Prompt
from workbench.scenarios.service_effects import prompt_version
from workbench.scenarios.world import World
from workbench.scenarios.writers.trace_facts import prompt_name


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    drop = min(float(rng.uniform(0.06, 0.2)) * moment.strength, 0.6)
    new = Prompt(moment.onset_s, drop)
    name = prompt_name(world)
    source = Source(
        entity=f"model:{name}",
        also=tuple(f"model_version:{name}/{v}" for v in _versions(world, moment)),
        kind="groundedness_drop",
        onset_s=moment.onset_s,
        first_failure=f"model:{name}",
    )
    return Planted((new,), source, _commits(world, moment, rng))


def _versions(world: World, moment: Moment) -> tuple[int, ...]:
    """Return the number of the version promoted at the onset, the everyday promotions before it counted."""
    from workbench.scenarios.everyday_service import draw
    from workbench.scenarios.mechanisms import Plan

    before = Plan(moment, tuple(e for e in draw(world, moment) if isinstance(e, Prompt)))
    return (int(prompt_version(before, np.array([moment.onset_s]))[0]) + 1,)


def _commits(world: World, moment: Moment, rng: np.random.Generator) -> tuple[Commit, ...]:
    title = ("Shorten the wording", "Ask for a friendlier tone", "Name the main reasons first")[int(rng.integers(3))]
    path = f"prompts/{prompt_name(world)}.txt"
    return (Commit(moment.onset_s - 3600 * float(rng.uniform(0.5, 4)), title, "", (path,), ("-Cite.", "+Explain.")),)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Promote a new version of the prompt that is as well grounded as the one before."""
    name = prompt_name(world)
    return Harmless((Prompt(moment.onset_s),), f"model:{name}", _commits(world, moment, rng))


FAULT = Fault(
    name="groundedness_drop",
    title="Groundedness drop",
    doc="A new prompt version is promoted; judges find less of its explanations in the evidence, decisions stay.",
    plant=_plant,
    near_miss=_near_miss,
)
