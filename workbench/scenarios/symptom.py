"""Decide which alerting rules fire: on the figures as reported, the way a monitoring system would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios import figures
from workbench.scenarios.figures import Figure
from workbench.scenarios.mechanisms import Silence, Surge
from workbench.scenarios.mechanisms_data import Hold
from workbench.scenarios.mechanisms_gpu import Allocate, Tokens
from workbench.scenarios.mechanisms_service import Prompt, SkewClock
from workbench.scenarios.world import DAY_S, SLOT_S, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

SMOOTH = 4
"""Rules look at means over four slots: an hour."""
FIRES_AT = 4.0
LAST_STRENGTH = 3.0
"""A fault this strong that still moves little is called by the figure that it moves most."""
MAX_ALERTS = 3


@dataclass(frozen=True)
class Firing:
    """One rule that fires."""

    figure: Figure
    threshold: float
    above: bool
    value: float
    starts_s: float
    deviation: float
    """How far the incident's median lies from the usual, in robust standard deviations; unsigned."""


def firing(incident: Incident) -> list[Firing]:
    """Return the rules that fire, main one first; a hair-trigger rule where nothing is wrong; none if all is calm."""
    watched = _watched(incident)
    if not incident.plan.sources:
        return [_nervous(incident, watched)]
    judged = sorted((_judge(incident, f) for f in watched), key=lambda j: (-j.deviation, j.figure.metric))
    loud = [j for j in judged if j.deviation >= FIRES_AT]
    if not loud and incident.plan.moment.strength >= LAST_STRENGTH:
        return judged[:1]
    # People are called for the business first; which rule comes first differs from system to system.
    rng = stream(incident.world.seed, f"rules {incident.name}")
    edge = incident.world.services[0].name
    near = [j for j in loud if j.figure.labels.get("service", edge) == edge] or loud
    favour = [
        min(j.deviation, 15) * float(rng.uniform(0.5, 1)) * (2 if j.figure.metric.startswith("kpi_") else 1)
        for j in near
    ]
    return [near[i] for i in np.argsort(favour)[::-1]][:MAX_ALERTS]


def _watched(incident: Incident) -> list[Figure]:
    onset = incident.plan.moment.onset_s
    surged = any(s.end_s > onset for s in incident.plan.of(Surge)) and not incident.plan.of(Silence)
    path = {s.name for s in incident.world.services if s.role != "back"}
    found = [f for f in incident.reported.business if not f.labels and not (surged and f.metric.endswith("_per_hour"))]
    found += incident.reported.model
    if incident.plan.of(Hold):
        found += figures.labelled(incident)
    if incident.name == "clock_skew" or incident.plan.of(SkewClock):
        found += figures.timing(incident)
    if incident.name == "groundedness_drop" or any(p.drop for p in incident.plan.of(Prompt)):
        found += figures.judged(incident)
    if incident.name == "cost_runaway" or incident.plan.of(Tokens) or incident.plan.of(Allocate):
        found += [f for f in figures.spending(incident) if f.metric.startswith("kpi_") and not surged]
    return found + [
        f
        for f in incident.reported.services
        if f.labels["service"] in path and f.metric in ("http_error_ratio", "http_request_duration_p95_seconds")
    ]


def _smooth(values: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(values), np.nanmedian(values), values)
    sums = np.cumsum(np.concatenate([np.zeros(SMOOTH), known]))
    smooth: np.ndarray = (sums[SMOOTH:] - sums[:-SMOOTH]) / SMOOTH
    return smooth


def _usual(incident: Incident, figure: Figure) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the smoothed figure, what is usual at each slot, and the spread around it."""
    smooth = _smooth(figure.values)
    per_day = DAY_S // SLOT_S
    time = (np.arange(len(smooth)) + 0.5) * SLOT_S
    scale = incident.world.load(time) if figure.metric.endswith("_per_hour") else np.ones(len(smooth))
    level = smooth / scale
    quiet = level[: int(incident.plan.moment.onset_s // SLOT_S)]
    quiet = quiet[-8 * per_day :]
    whole = quiet[len(quiet) % per_day :].reshape(-1, per_day)
    by_time = np.median(whole, axis=0)
    phase = (
        np.arange(len(level)) - (len(quiet) % per_day) - (int(incident.plan.moment.onset_s // SLOT_S) - len(quiet))
    ) % per_day
    usual = by_time[phase]
    rest = whole - by_time
    spread = 1.4826 * float(np.median(np.abs(rest))) + 1e-9 + 0.001 * abs(float(np.median(quiet)))
    if figure.metric in ("http_error_ratio", "model_fallback_ratio"):
        spread = max(spread, 0.003)  # a handful of failures an hour is nobody's alert
    return smooth, usual * scale, spread * float(np.median(scale))


def _judge(incident: Incident, figure: Figure) -> Firing:
    smooth, usual, spread = _usual(incident, figure)
    onset = int(incident.plan.moment.onset_s // SLOT_S)
    deviation = (smooth - usual) / spread
    after = deviation[onset + 1 :]
    middle = float(np.median(after[len(after) // 3 :]))
    above = middle > 0
    limit = max(min(FIRES_AT, 0.6 * abs(middle)), 1.0)
    side = after if above else -after
    if (noticed := int(incident.plan.moment.felt_s // SLOT_S)) > onset + 1:
        # Of a slow change people hear when it passes a limit, which was never reached before.
        limit = max(limit, float(side[: noticed - onset - 1].max()))
    beyond = np.flatnonzero(side >= limit)
    at = onset + 1 + (int(beyond[0]) if len(beyond) else len(after) - 1)
    threshold = float(usual[at] + (limit if above else -limit) * spread)
    return Firing(figure, threshold, above, float(smooth[at]), (at + 1) * SLOT_S + 60.0, abs(middle))


def _nervous(incident: Incident, watched: list[Figure]) -> Firing:
    """Return a rule set so tightly that ordinary noise of the last hours sets it off."""
    rng = stream(incident.world.seed, f"nervous {incident.name}")
    calm = [f for f in watched if _judge(incident, f).deviation < 1.5] or watched
    figure = calm[int(rng.integers(len(calm)))]
    smooth, usual, spread = _usual(incident, figure)
    onset = int(incident.plan.moment.felt_s // SLOT_S)
    deviation = ((smooth - usual) / spread)[onset:]
    at = int(np.argmax(np.abs(deviation)))
    above = bool(deviation[at] > 0)
    threshold = float(usual[onset + at] + 0.9 * deviation[at] * spread)
    return Firing(
        figure, threshold, above, float(smooth[onset + at]), (onset + at + 1) * SLOT_S + 60.0, float(abs(deviation[at]))
    )
