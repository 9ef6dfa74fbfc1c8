"""When the spans of the sampled requests begin and end, and which version served them: in whole columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.mechanisms_service import SkewClock
from workbench.scenarios.serving import versions

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


@dataclass(frozen=True)
class Times:
    """Hold one entry a sampled request in every list, of one entry a service where it is a list of lists."""

    second: list[float]
    begin_ns: list[list[int]]
    end_ns: list[list[int]]
    versions: list[tuple[str, ...]]
    given_up: dict[int, list[int]]
    """Service → calls of it that its caller gave up on, before the one that it waited for."""


def times(incident: Incident, row: np.ndarray, skew_ns: np.ndarray) -> Times:
    """Return the times of the requests in *row*, as machines stamp them whose clocks are off by *skew_ns*."""
    world, served = incident.world, incident.served
    second = incident.rows.second[row]
    total, own = served.total_ms[row].astype(np.float64), served.own_ms[row].astype(np.float64)
    again = {i: repeats[row] for i, repeats in served.met.repeats.items()}
    begin, cursor = np.zeros_like(total), np.zeros_like(total)
    for i, service in enumerate(world.services):
        if service.parent is not None:
            waited = _waited_ms(served.met.timeout_ms[i], again[i]) if i in again else 0.0
            begin[:, i] = cursor[:, service.parent] + waited
            cursor[:, service.parent] += total[:, i] + 0.05 + waited
        cursor[:, i] = begin[:, i] + own[:, i] * 0.4
    hosts = [s.host for s in world.services]
    start_ns = world.start_s * 10**9 + np.rint(second * 1e6).astype(np.int64) * 1000
    ahead_ns = skew_ns[hosts] + np.stack([_ahead_ns(incident, host, second) for host in hosts], axis=1)
    begin_ns = start_ns[:, None] + (begin * 1e6).astype(np.int64) + ahead_ns
    return Times(
        second.tolist(),
        begin_ns.tolist(),
        (begin_ns + (total * 1e6).astype(np.int64)).tolist(),
        list(zip(*(_versions(incident, i, row) for i in range(len(hosts))), strict=True)),
        {i: repeats.tolist() for i, repeats in again.items()},
    )


def _waited_ms(timeout_ms: float, repeats: np.ndarray) -> np.ndarray:
    """Return how long callers waited in vain: one time-out after the other."""
    sums = [float(sum([timeout_ms] * k)) for k in range(int(repeats.max(initial=0)) + 1)]
    waited: np.ndarray = np.array(sums)[repeats]
    return waited


def _ahead_ns(incident: Incident, host: int, second: np.ndarray) -> np.ndarray:
    """Return by how much a machine's clock is ahead, beyond the few milliseconds that all of them are off."""
    ahead_s = np.zeros(len(second))
    for skew in incident.plan.of(SkewClock):
        if skew.host == host:
            ahead_s += np.where(second >= skew.start_s, skew.offset_s, 0.0)
    return np.rint(ahead_s * 1e9).astype(np.int64)


def _versions(incident: Incident, service: int, row: np.ndarray) -> list[str]:
    """Return the version that served each request: the next one, where it is a canary's."""
    known = versions(incident.world, incident.plan, service)
    place = np.searchsorted([begins for begins, _ in known], incident.rows.second[row], side="right") - 1
    usual = [known[k][1] for k in place.tolist()]
    canary = incident.served.met.canary.get(service)
    if canary is None:
        return usual
    return [_next(v) if ahead else v for v, ahead in zip(usual, canary[row].tolist(), strict=True)]


def _next(version: str) -> str:
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0-rc.1"
