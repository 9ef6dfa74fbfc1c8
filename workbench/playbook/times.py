"""The times that every step works with: the bad window, and the history that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.case.reading import Reading
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS

HISTORY_NS = 31 * DAY_NS
SLOT_NS = 15 * MINUTE_NS
LEAD_NS = 12 * HOUR_NS
"""How long before the alert a cause may have begun and still be looked for first."""


@dataclass(frozen=True)
class Times:
    """Say when things were bad, and since when there is history."""

    start_ns: int
    """Begin of the bad window: the symptom's onset where it is known, else the selection's begin."""
    end_ns: int
    history_start_ns: int
    onset_after_ns: int
    """Last moment at which the symptom was still well, as far as is known."""

    @property
    def window(self) -> tuple[int, int]:
        """Return the bad window as a pair."""
        return self.start_ns, self.end_ns


def times(reading: Reading) -> Times:
    """Return the bad window of a case and its history.

    The history begins with the data, at most 31 days before. The onset is the one that
    ``scope`` found; without it the selection itself is taken.
    """
    symptom = reading.symptom
    start, end = symptom.window.start_ns, symptom.window.end_ns
    history = max(symptom.history_start_ns or 0, start - HISTORY_NS)
    scope = reading.earlier("scope")
    values = scope.values if scope else {}
    onset, after = values.get("onset_ns"), values.get("onset_after_ns")
    onset = int(onset) if onset is not None else start
    after = int(after) if after is not None else start - LEAD_NS
    return Times(min(onset, end - SLOT_NS), end, history, min(after, onset))


def quiet_number(times_ns: object, window: tuple[int, int], history_start_ns: int, *, days: int = 30) -> object:
    """Return, for each time, which of the same hours of earlier days it lies in (0: the day before); -1 elsewhere."""
    import numpy as np

    moments = np.asarray(times_ns, dtype=np.int64)
    back = -(-(window[0] - moments) // DAY_NS)
    shifted = moments + back * DAY_NS
    inside = (
        (back >= 1) & (back <= days) & (shifted >= window[0]) & (shifted < window[1]) & (moments >= history_start_ns)
    )
    return np.where(inside, back - 1, -1)
