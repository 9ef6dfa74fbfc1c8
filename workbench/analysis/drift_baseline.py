"""Which earlier windows a window is compared with: the same hours of each day, or of each week where weeks matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.analysis.drift_null import Spread, spread
from workbench.analysis.profile_history import History, Windows
from workbench.errors import CouldNotRunError
from workbench.model.window import DAY_NS

WEEK_NS = 7 * DAY_NS
MIN_WEEKS = 3
"""Weeks of history from which hours of the week can be compared."""
WEEKLY_GAIN = 2.0
"""How many times less quiet windows must scatter by hour of the week than by hour of the day."""


@dataclass(frozen=True)
class Usual:
    """The windows that are usual for a window, how they scatter, and the rule in words."""

    windows: Windows
    learned: Spread
    rule: str


def usual(
    history: History, window: tuple[int, int], *, days: int = 30, until_ns: int | None = None,
    by: Literal["steadier", "week"] = "steadier",
) -> Usual:  # fmt: skip
    """Return the same hours of the trailing *days* before a window, by day or, where that is steadier, by week.

    *until_ns* cuts the history earlier, for a baseline of the first days only. *by* week asks for
    the same hours of the week, however few weeks there are.
    """
    start, end = window
    last = min(until_ns or start, start)
    since = max(int(history.starts[0]), start - days * DAY_NS) if until_ns is None else int(history.starts[0])
    daily = _moved(window, DAY_NS, since, last)
    length = end - start
    if not daily:
        raise CouldNotRunError("no history of the table before the window")
    if by == "week":
        return _of_weeks(history, window, since, last)
    by_day = spread(history, [daily], length)
    weekly = _moved(window, WEEK_NS, since, last)
    # Nothing scatters by less than chance, which is 1: weeks cannot be steadier than days that scatter little more.
    if len(weekly) >= MIN_WEEKS and length <= DAY_NS and _scatter(by_day) > WEEKLY_GAIN:
        groups = [[(s - k * DAY_NS, e - k * DAY_NS) for s, e in weekly if s - k * DAY_NS >= since] for k in range(7)]
        by_week = spread(history, [g for g in groups if len(g) > 1], length)
        if _scatter(by_day) > WEEKLY_GAIN * _scatter(by_week):
            return Usual(weekly, by_week, f"same hours of the week, last {len(weekly)} weeks")
    return Usual(daily, by_day, f"same hours, last {len(daily)} days" if len(daily) > 1 else "the day before")


def _of_weeks(history: History, window: tuple[int, int], since: int, last: int) -> Usual:
    weekly = _moved(window, WEEK_NS, since, last)
    if not weekly:
        kept = (window[0] - since) / DAY_NS
        raise CouldNotRunError(f"hours of the week need a week of history before the window; {kept:.3g} days are kept")
    learned = spread(history, [weekly], window[1] - window[0])
    weeks = f"last {len(weekly)} weeks" if len(weekly) > 1 else "the week before"
    return Usual(weekly, learned, f"same hours of the week, {weeks}")


def same_hours(history: History, window: tuple[int, int], *, days: int = 30, step_ns: int = DAY_NS) -> Windows:
    """Return the same hours before a window, each *step_ns* apart, within *days* and what is kept; maybe none.

    It learns nothing, so that it follows a brush.
    """
    return _moved(window, step_ns, max(int(history.starts[0]), window[0] - days * DAY_NS), window[0])


def _moved(window: tuple[int, int], step: int, since: int, last: int) -> list[tuple[int, int]]:
    start, end = window
    step = step * max(1, -(-(end - start) // step))
    back = max(1, -(-(end - last) // step))
    found = []
    while start - back * step >= since:
        found.append((start - back * step, end - back * step))
        back += 1
    return found[::-1]


def _scatter(learned: Spread) -> float:
    """Return how widely columns scatter, at the third quartile: a few seasonal columns are enough to count."""
    wide = np.concatenate([learned.anderson, learned.chi2])
    wide = wide[np.isfinite(wide)]
    return float(np.quantile(wide, 0.75)) if len(wide) else 1.0
