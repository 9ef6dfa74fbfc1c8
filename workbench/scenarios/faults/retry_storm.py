"""A client asks again before an answer can be there, and its own repetitions make the answers late."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import Repeat, Setting
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    caller, callee = world.role("orchestrator"), world.role("scorer")
    calls = float(rng.uniform(2.3, 3.2)) * moment.strength**0.5
    timeout = world.services[callee].base_ms * float(rng.uniform(0.7, 1.1))
    named = world.services[caller]
    source = Source(
        entity=f"service:{named.name}",
        also=(f"operation:{named.name}/{named.operation}",),
        kind="retry_storm",
        onset_s=moment.onset_s,
        first_failure=f"service:{world.services[callee].name}",
    )
    told = _told(caller, moment, rng) if rng.random() < 0.7 else ()
    return Planted((Repeat(caller, callee, moment.onset_s, calls, timeout), *told), source)


def _told(caller: int, moment: Moment, rng: np.random.Generator) -> tuple[Setting, ...]:
    return (Setting(caller, "client.timeout_ms", "150", "15", moment.onset_s - float(rng.uniform(5, 300))),)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Ask a service that has plenty of room twice as often."""
    sides = [i for i, s in enumerate(world.services) if s.role == "side"]
    callee = sides[int(rng.integers(len(sides)))]
    caller = world.services[callee].parent
    assert caller is not None
    retry = Repeat(caller, callee, moment.onset_s, float(rng.uniform(1.8, 2.6)), 0.4)
    return Harmless((retry, *_told(caller, moment, rng)), f"service:{world.services[caller].name}")


FAULT = Fault(
    name="retry_storm",
    title="Retry storm",
    doc="A client's deadline is set below the usual answer time: it repeats its calls, and the callee's queue fills.",
    plant=_plant,
    near_miss=_near_miss,
)
