"""What a device did with its time in a profiler trace: busy, idle and why, overlap, kernels. All in integer ns.

The analysed window is, as in Holistic Trace Analysis: kernels launched on the host before
the last profiler step begins, where there are two steps or more; otherwise every kernel.
``window="all"`` takes every kernel in either case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
KINDS = ("computation", "communication", "memory")
KERNEL_WAIT_NS = 30_000
"""A gap below this between two kernels, already launched, is the cost of launching."""


@dataclass(frozen=True)
class DeviceTime:
    """Say where a device's time went within the window, ns; shares are None where there is nothing to share."""

    kernels: int
    begin_ns: int | None
    end_ns: int | None
    window_ns: int
    """From the first kernel's begin to the last one's end."""
    busy_ns: int
    idle_ns: int
    kernel_sum_ns: int
    """Sum of the kernels' lengths; beyond *busy_ns* where streams overlap."""
    computation_ns: int
    communication_ns: int
    memory_ns: int
    """Each the union of its kernels."""
    overlap_ns: int
    """Communication hidden behind computation."""
    idle_percent: float | None
    computation_percent: float | None
    overlap_percent: float | None
    """Share of communication during which computation ran."""


def within(columns: Mapping[str, Any], steps: Sequence[tuple[int, int]], *,
           window: Literal["steps", "all"] = "steps") -> dict[str, Ints]:  # fmt: skip
    """Return the kernels of the window as columns of equal length: what ``frame`` holds, without pandas."""
    made = {name: np.asarray(values) for name, values in columns.items()}
    if window == "steps" and len({begin for begin, _ in steps}) > 1:
        last = max(begin for begin, _ in steps)
        chosen = (made["launched_ns"] != -1) & (made["launched_ns"] < last)
        made = {name: values[chosen] for name, values in made.items()}
    return made


def frame(columns: Mapping[str, Any], steps: Sequence[tuple[int, int]], *,
          window: Literal["steps", "all"] = "steps") -> pd.DataFrame:  # fmt: skip
    """Return the kernels of the window as a frame: device, stream, start_ns, end_ns, kind, name, launched_ns."""
    import pandas as pd

    return pd.DataFrame(within(columns, steps, window=window))


def rounded_inwards(kernels: pd.DataFrame) -> pd.DataFrame:
    """Return kernels on whole µs, begins up and ends down: the resolution that HTA counts in."""
    start = -(-kernels["start_ns"] // 1000) * 1000
    return kernels.assign(start_ns=start, end_ns=kernels["end_ns"] // 1000 * 1000)


def device_time(kernels: Mapping[str, Ints] | pd.DataFrame) -> DeviceTime:
    """Return where the time of one device went; *kernels* as from ``frame`` or ``within``, of one device."""
    if not len(kernels["start_ns"]):
        return DeviceTime(0, None, None, 0, 0, 0, 0, 0, 0, 0, 0, None, None, None)
    start, end = _pair(kernels)
    unions = _unions(kernels)
    lengths = [_length(union) for union in unions]
    busy = _length(_union(start, end))
    begin, last = int(start.min()), int(end.max())
    both = _both(unions[0], unions[1])
    window = last - begin
    return DeviceTime(
        len(start), begin, last, window, busy, window - busy, int((end - start).sum()), lengths[0], lengths[1],
        lengths[2], both,
        100.0 * (window - busy) / window if window else None,
        100.0 * lengths[0] / window if window else None,
        100.0 * both / lengths[1] if lengths[1] else None,
    )  # fmt: skip


def by_kinds(kernels: Mapping[str, Ints] | pd.DataFrame) -> dict[tuple[str, ...], int]:
    """Return the time in which exactly these kinds ran at once, ns: ``("computation", "memory")`` and so on."""
    edges: list[tuple[Ints, int]] = []
    for kind, (starts, ends) in enumerate(_unions(kernels)):
        edges += [(starts, 1 << kind), (ends, -(1 << kind))]
    times = np.concatenate([t for t, _ in edges])
    signs = np.concatenate([np.full(len(t), sign) for t, sign in edges])
    order = np.argsort(times, kind="stable")
    running = np.cumsum(signs[order])[:-1]
    lengths = np.diff(times[order])
    found: dict[tuple[str, ...], int] = {}
    for state in np.unique(running[running > 0]):
        length = int(lengths[running == state].sum())
        if length:
            found[tuple(name for bit, name in enumerate(KINDS) if int(state) >> bit & 1)] = length
    return found


def idle_by_cause(kernels: pd.DataFrame, kernel_wait_ns: int = KERNEL_WAIT_NS) -> pd.DataFrame:
    """Return per stream the gaps by cause: columns stream, cause, idle_ns.

    ``host_wait``: the next kernel was launched after the one before had ended, so the host was
    late; ``kernel_wait``: launched in time, and the gap is below *kernel_wait_ns*; ``other``: launched
    in time, yet it waited longer (for an event, or for another stream); ``unknown``: no launch was seen.
    """
    import pandas as pd

    found = []
    for stream, own in kernels.groupby("stream"):
        own = own.sort_values("start_ns", kind="stable")
        before = own["end_ns"].to_numpy()[:-1]
        start, launched = own["start_ns"].to_numpy()[1:], own["launched_ns"].to_numpy()[1:]
        gap = start - before
        late, near = launched > before, gap < kernel_wait_ns
        masks = {"host_wait": late, "kernel_wait": ~late & near & (launched != -1),
                 "other": ~late & ~near & (launched != -1), "unknown": launched == -1}  # fmt: skip
        found += [(int(str(stream)), cause, int(gap[mask].sum())) for cause, mask in masks.items() if mask.any()]
    return pd.DataFrame(found, columns=["stream", "cause", "idle_ns"])


def longest_kernels(kernels: pd.DataFrame, names: Sequence[str], most: int = 10) -> pd.DataFrame:
    """Return the kernels that took longest together: name, kind, calls, sum_ns, max_ns, min_ns, mean_ns."""
    import pandas as pd

    return pd.DataFrame(busiest(kernels, names, most), columns=list(KernelTime._fields))


class KernelTime(NamedTuple):
    """Say how long the kernels of one name and kind took, ns."""

    name: str
    kind: str
    calls: int
    sum_ns: int
    max_ns: int
    min_ns: int
    mean_ns: float


def busiest(kernels: Mapping[str, Ints] | pd.DataFrame, names: Sequence[str], most: int = 10) -> list[KernelTime]:
    """Return the kernels that took longest together, the longest first."""
    start, end = _pair(kernels)
    if not len(start):
        return []
    key = np.asarray(kernels["name"], dtype=np.int64) * len(KINDS) + np.asarray(kernels["kind"], dtype=np.int64)
    order = np.argsort(key, kind="stable")
    keys, first, calls = np.unique(key[order], return_index=True, return_counts=True)
    lengths = (end - start)[order]
    sums, longest, shortest = (by.reduceat(lengths, first).tolist() for by in (np.add, np.maximum, np.minimum))
    rows = zip(keys.tolist(), calls.tolist(), sums, longest, shortest, strict=True)
    found = [KernelTime(names[k // len(KINDS)], KINDS[k % len(KINDS)], n, whole, high, low, whole / n)
             for k, n, whole, high, low in rows]  # fmt: skip
    return sorted(found, key=lambda one: (-one.sum_ns, one.name))[:most]


def _pair(kernels: Mapping[str, Ints] | pd.DataFrame) -> tuple[Ints, Ints]:
    return np.asarray(kernels["start_ns"], dtype=np.int64), np.asarray(kernels["end_ns"], dtype=np.int64)


def _unions(kernels: Mapping[str, Ints] | pd.DataFrame) -> list[tuple[Ints, Ints]]:
    """Return the disjoint intervals of each of KINDS."""
    (start, end), kind = _pair(kernels), np.asarray(kernels["kind"])
    return [_union(start[kind == one], end[kind == one]) for one in range(len(KINDS))]


def _union(start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return disjoint intervals in order that cover the same; empty ones are dropped."""
    some = end > start
    start, end = start[some], end[some]
    if not len(start):
        return start, end
    order = np.argsort(start, kind="stable")
    start, reach = start[order], np.maximum.accumulate(end[order])
    begins = np.concatenate([[True], start[1:] > reach[:-1]])
    return start[begins], reach[np.concatenate([begins[1:], [True]])]


def _length(union: tuple[Ints, Ints]) -> int:
    return int((union[1] - union[0]).sum())


def _both(one: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> int:
    """Return the length that two unions have in common: both less their union."""
    together = _union(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]))
    return _length(one) + _length(other) - _length(together)
