"""The exporter of business figures is ill; the business is well, and the alert is false."""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Misreport, Moment, Planted, Source, Surge
from workbench.scenarios.world import World

How = Literal["lost_partition", "double_counted", "wrong_filter"]
HOW: tuple[How, ...] = ("lost_partition", "double_counted", "wrong_filter")


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    how = HOW[int(rng.integers(len(HOW)))]
    name = f"{world.domain.event.replace('_', '-')}-kpi-exporter"
    kpis = (world.domain.rate_kpi, f"{world.domain.events}_per_hour", f"{world.domain.decisions[1]}_rate")
    source = Source(
        entity=f"source:{name}",
        also=(f"service:{name}", f"job:{name}", "source:prometheus", *(f"kpi:{k}" for k in kpis)),
        kind="telemetry_fault",
        onset_s=moment.onset_s,
        first_failure=f"source:{name}",
    )
    return Planted((Misreport(moment.onset_s, how),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Bring a promotion: the exporter says that there is more business, and there is."""
    factor = float(rng.uniform(1.12, 1.2))
    exporter = f"{world.domain.event.replace('_', '-')}-kpi-exporter"
    return Harmless((Surge(moment.onset_s, moment.end_s, factor),), f"source:{exporter}")


FAULT = Fault(
    name="telemetry_fault",
    title="The alert itself is false",
    doc="The exporter loses a partition, counts some decisions twice or filters wrongly; the decisions are as usual.",
    plant=_plant,
    near_miss=_near_miss,
)
