"""Which machine's clock runs off: the one that explains every pair of machines whose times moved apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Skew:
    """Name a machine whose clock is off."""

    host: str
    offset_ms: float
    """By how much it is ahead of the others; negative: behind."""
    pairs: int
    """Pairs of machines with it in which the shift is seen."""
    explained: float
    """Share of all that moved, over all pairs, that this one clock accounts for, 0..1."""
    others: tuple[str, ...]
    """Machines that could be the one just as well: nothing tells them apart."""


def skewed(shifts: Mapping[tuple[str, str], float], *, least_ms: float) -> Skew | None:
    """Return the clock that explains the shifts best; None where no pair moved by *least_ms*.

    *shifts* maps (parent's machine, child's machine) to how much later the child begins now than usual, in ms.
    A clock that is ahead makes its spans begin later as children, and the spans below it begin earlier.
    """
    total = sum(abs(v) for v in shifts.values())
    if not any(abs(v) >= least_ms for v in shifts.values()):
        return None
    tried = sorted(
        ((_left(shifts, host, offset), host, offset) for host in {h for pair in shifts for h in pair}
         for offset in [_offset(shifts, host)]),
        key=lambda t: (round(t[0], 6), t[1]),
    )  # fmt: skip
    left, host, offset = tried[0]
    equal = tuple(h for rest, h, _ in tried[1:] if rest <= left + 0.05 * total)
    seen = sum(host in pair and abs(v) >= least_ms for pair, v in shifts.items())
    return Skew(host, offset, seen, 1 - left / total, equal)


def _offset(shifts: Mapping[tuple[str, str], float], host: str) -> float:
    signed = [v if child == host else -v for (parent, child), v in shifts.items() if host in (parent, child)]
    return float(np.median(signed))


def _left(shifts: Mapping[tuple[str, str], float], host: str, offset: float) -> float:
    """Return what remains unexplained where only this clock is off by *offset*."""
    return sum(
        abs(v - (offset if child == host else -offset if parent == host else 0.0))
        for (parent, child), v in shifts.items()
    )
