"""Give every shown decision its ids, and decide what its sender knows about the model behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.world import DAY_S, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

TRACED_DAYS = 3
MAX_TRACES = 3_000
SENDERS = (
    ("right", 0.80),
    ("no_run", 0.07),
    ("unknown_run", 0.03),
    ("wrong_run", 0.03),
    ("table_only", 0.05),
    ("nothing", 0.02),
)
"""What a sender says of the run behind a decision, and how often.

``no_run``, ``unknown_run`` and ``wrong_run`` still name model and version; with ``table_only`` just the
predictions table has them, under the trace id; with ``nothing`` nobody can know.
"""


@dataclass(frozen=True)
class Decisions:
    """Hold the ids of the shown rows; arrays of equal length."""

    row: np.ndarray
    trace_id: list[str]
    prediction_id: list[str]
    order_id: list[str]
    knows: np.ndarray
    """Index into SENDERS."""
    traced: np.ndarray
    """Positions (into these arrays) of decisions whose trace was sampled."""


def decisions(incident: Incident) -> Decisions:
    """Return the ids of the rows that the tables show."""
    world = incident.world
    rng = stream(world.seed, "ids")
    row = incident.shown
    n = len(row)
    ids = rng.bytes(16 * n).hex()
    numbers = np.cumsum(rng.integers(3, 40, n)) + int(rng.integers(10**6, 10**8))
    _, first, own = np.unique(incident.rows.event[row], return_index=True, return_inverse=True)
    numbers = numbers[first][own]  # copies of an event carry its key
    short = world.domain.event[:2]
    recent = np.flatnonzero(incident.rows.second[row] >= incident.plan.moment.end_s - TRACED_DAYS * DAY_S)
    kept = np.sort(rng.choice(recent, min(MAX_TRACES, len(recent)), replace=False))
    return Decisions(
        row=row,
        trace_id=[ids[i : i + 32] for i in range(0, 32 * n, 32)],
        prediction_id=[f"{short}d-{ids[i : i + 12]}" for i in range(5, 32 * n, 32)],
        order_id=[f"{short}-{number}" for number in numbers],
        knows=rng.choice(len(SENDERS), n, p=[share for _, share in SENDERS]),
        traced=kept,
    )
