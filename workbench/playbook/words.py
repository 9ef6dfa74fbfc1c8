"""Numbers as people read them: at most three significant digits, with their unit."""

from __future__ import annotations

from datetime import UTC, datetime


def count(value: float) -> str:
    """Return a count such as ``1.90 M``, ``24.1 k`` or ``312``."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{_three(value / size)}{letter}"
    return _three(value) if value != int(value) else f"{int(value)}"


def percent(share: float) -> str:
    """Return a share 0..1 as ``62 %`` or ``0.31 %``."""
    if share == 0:
        return "0 %"
    size = abs(share) * 100
    digits = 0 if size >= 10 else 1 if size >= 1 else 2
    return f"{share * 100:.{digits}f} %"


def part_of_change(share: float) -> str:
    """Return how much of a change one input accounts for; contributions of both signs need not lie in 0..1."""
    if share < 0:
        return "none of the change: it pulls the other way"
    if share > 1.05:
        return "more than the whole change, part of which other inputs undo"
    return f"{percent(min(share, 1.0))} of the change"


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, signed: ``-3.1 pp``."""
    return f"{difference * 100:+.1f} pp"


def figure(value: float) -> str:
    """Return a plain figure with three significant digits."""
    return _three(value)


def seconds(value: float) -> str:
    """Return a duration: ``850 ms``, ``4.2 s``, ``11 min``, ``3.5 h``, ``2.1 days``."""
    size = abs(value)
    for limit, by, unit in ((1, 1e-3, "ms"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if size < limit:
            return f"{_three(value / by)} {unit}"
    return f"{_three(value / 86_400)} days"


def clock(time_ns: int) -> str:
    """Return a time as ``2026-03-01 13:38 UTC``."""
    return f"{datetime.fromtimestamp(time_ns // 10**9, tz=UTC):%Y-%m-%d %H:%M} UTC"


def short(entity: str, *, limit: int = 60) -> str:
    """Return the name of an entity without its kind; long ids and paths keep their end."""
    name = entity.partition(":")[2] or entity
    return name if len(name) <= limit else f"…{name[-limit:]}"


def _three(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
