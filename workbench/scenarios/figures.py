"""Compute the business and service figures that exporters would report, by quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios import devices, service_effects
from workbench.scenarios.mechanisms import Misreport
from workbench.scenarios.world import DAY_S, SLOT_S, steps, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


LABELLED_AFTER_S = 4 * DAY_S
"""How old decisions are when they are first held against their labels."""
JUDGED = 0.2
"""Share of the explanations that a judge reads."""


@dataclass(frozen=True)
class Figure:
    """One series: *values* is ``(slots,)``, NaN where nothing was measured."""

    metric: str
    labels: dict[str, str]
    values: np.ndarray
    help: str


@dataclass(frozen=True)
class Reported:
    """The figures of one incident that both rules and exporters need."""

    business: list[Figure]
    services: list[Figure]
    model: list[Figure]


def slots(incident: Incident) -> tuple[np.ndarray, int]:
    """Return each row's slot, and the number of slots."""
    return steps(incident.rows.second, SLOT_S), int(incident.plan.moment.end_s // SLOT_S)


def business(incident: Incident) -> list[Figure]:
    """Return the business figures as their exporter reports them: wrongly, where it is the one that is ill."""
    world, rows, scored = incident.world, incident.rows, incident.scored
    place, count = slots(incident)
    inside = place < count
    per_hour = 3600 / SLOT_S
    rate, volume = f"kpi_{world.domain.rate_kpi}", f"kpi_{world.domain.events}_per_hour"
    found: list[Figure] = []
    for region, name in ((None, ""), *enumerate(world.regions)):
        chosen = inside if region is None else inside & (rows.region == region)
        labels = {"region": name} if name else {}
        total = np.bincount(place[chosen], minlength=count)
        good = np.bincount(place[chosen & (scored.decision == 0)], minlength=count)
        total, good = _reported(incident, total, good)
        found.append(Figure(rate, labels, _share(good, total), f"Share decided {world.domain.decisions[0]}"))
        found.append(Figure(volume, labels, total * per_hour, "Decisions per hour"))
        if region is None:
            middle = np.bincount(place[chosen & (scored.decision == 1)], minlength=count)
            found.append(
                Figure(
                    f"kpi_{world.domain.decisions[1]}_rate",
                    labels,
                    _share(middle, total),
                    f"Share decided {world.domain.decisions[1]}",
                )
            )
    return sorted(found, key=lambda f: f.metric)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _reported(incident: Incident, total: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts as the exporter counted them."""
    total, good = total.astype(float), good.astype(float)
    for fault in incident.plan.of(Misreport):
        since = int(np.ceil(fault.start_s / SLOT_S))
        if fault.how == "lost_partition":
            total[since:] *= 0.62
            good[since:] *= 0.62
        elif fault.how == "double_counted":
            total[since:] *= 1.15
        else:
            good[since:] *= 0.9
    return total, good


def services(incident: Incident) -> list[Figure]:
    """Return request rate, error share and 95th percentile of every service, true to the simulated requests."""
    place, count = slots(incident)
    inside = int(np.searchsorted(place, count))
    place = place[:inside]
    served = incident.served
    requests = np.bincount(place, minlength=count)
    first = np.searchsorted(place, np.arange(count))
    found: dict[str, list[Figure]] = {"rate": [], "errors": [], "p95": []}
    for i, service in enumerate(incident.world.services):
        labels = {"service": service.name}
        failed = np.bincount(place[served.failed[:inside, i]], minlength=count)
        took = served.total_ms[:inside, i]
        width = float(took.max()) * 1.01 + 1.0
        ordered = np.sort(place + took.astype(np.float64) / width)
        at = np.clip(first + (requests * 0.95).astype(int), 0, max(len(ordered) - 1, 0))
        p95 = np.where(requests > 0, (ordered[at] - np.arange(count)) * width / 1000, np.nan)
        again = served.met.repeats.get(i)
        calls = requests if again is None else requests + np.bincount(place, again[:inside], minlength=count)
        found["rate"].append(Figure("http_requests_per_second", labels, calls / SLOT_S, "Requests per second"))
        found["errors"].append(Figure("http_error_ratio", labels, _share(failed, requests), "Share of failed requests"))
        found["p95"].append(Figure("http_request_duration_p95_seconds", labels, p95, "95th percentile of the duration"))
    scorer = {"service": incident.world.services[incident.world.role("scorer")].name}
    wait = np.bincount(place, served.queue_ms[:inside], minlength=count) / np.maximum(requests, 1)
    extra = Figure(
        "inference_queue_wait_mean_ms",
        scorer,
        np.where(requests > 0, wait, np.nan),
        "Mean wait before the forward pass",
    )
    return [*found["rate"], *found["errors"], *found["p95"], extra]


def timing(incident: Incident) -> list[Figure]:
    """Return the mean time from an event to its decision, as stamped by two machines."""
    place, count = slots(incident)
    delay = service_effects.delay_s(incident.world, incident.plan, incident.rows.second, incident.served.total_ms[:, 0])
    n = np.bincount(place[place < count], minlength=count)
    mean = np.bincount(place[place < count], delay[place < count], minlength=count) / np.maximum(n, 1)
    return [Figure("kpi_decision_delay_seconds", {}, np.where(n > 0, mean, np.nan), "From event to decision, mean")]


def judged(incident: Incident) -> list[Figure]:
    """Return what judges say of the explanations that go out with decisions: 0 made up, 1 all in the evidence."""
    place, count = slots(incident)
    inside = place < count
    score = incident.groundedness
    asked = inside & (stream(incident.world.seed, "judged").random(len(place)) < JUDGED)
    n = np.bincount(place[asked], minlength=count)
    mean = np.bincount(place[asked], score[asked], minlength=count) / np.maximum(n, 1)
    labels = {"model": incident.world.model}
    text = "Mean groundedness of explanations, as judged"
    return [Figure("explanation_groundedness_mean", labels, np.where(n > 0, mean, np.nan), text)]


def model(incident: Incident) -> list[Figure]:
    """Return the mean score and the share of fallbacks."""
    place, count = slots(incident)
    world, scored = incident.world, incident.scored
    known = (place < count) & ~np.isnan(scored.score)
    n = np.bincount(place[known], minlength=count)
    mean = np.bincount(place[known], scored.score[known], minlength=count) / np.maximum(n, 1)
    fell = np.bincount(place[(place < count) & incident.served.fallback], minlength=count)
    all_rows = np.bincount(place[place < count], minlength=count)
    labels = {"model": world.model}
    return [
        Figure("model_score_mean", labels, np.where(n > 0, mean, np.nan), "Mean score"),
        Figure("model_fallback_ratio", labels, _share(fell, all_rows), "Share decided without the model"),
    ]


def labelled(incident: Incident) -> list[Figure]:
    """Return how many of the events not decided well four days ago turned out bad, as far as labels are known."""
    world, end = incident.world, int(incident.plan.moment.end_s // SLOT_S)
    flagged = (incident.scored.decision != 0) & ~np.isnan(incident.scored.score)
    second = incident.rows.second[flagged]
    opens, closes = second + LABELLED_AFTER_S, second + LABELLED_AFTER_S + DAY_S
    bad, known = incident.rows.bad[flagged], incident.label_arrival[flagged]
    total = _open_at(opens, closes, end)
    confirmed = _open_at(np.maximum(opens, known)[bad], closes[bad], end)
    confirmed[: int((LABELLED_AFTER_S + DAY_S) // SLOT_S)] = np.nan  # the first day is not whole yet
    text = f"Share not decided {world.domain.decisions[0]} four days ago that labels confirm"
    return [Figure("model_live_precision", {"model": world.model}, _share(confirmed, total), text)]


def _open_at(opens: np.ndarray, closes: np.ndarray, count: int) -> np.ndarray:
    """Return how many stretches of time hold each slot's end, ``(count,)``."""
    real = opens < closes
    first, last = (np.ceil(v[real] / SLOT_S).astype(int).clip(0, count) for v in (opens, closes))
    steps = np.bincount(first, minlength=count + 1) - np.bincount(last, minlength=count + 1)
    held: np.ndarray = np.cumsum(steps[:count]).astype(float)
    return held


def spending(incident: Incident) -> list[Figure]:
    """Return what serving costs an hour, the tokens of a request and the rented devices, as the books report them."""
    place, count = slots(incident)
    world, plan = incident.world, incident.plan
    second = (np.arange(count) + 0.5) * SLOT_S
    requests = np.bincount(place[place < count], minlength=count) * 3600 / SLOT_S
    each, rented, price = (
        devices.tokens(world, plan, second),
        devices.allocated(world, plan, second),
        devices.prices(world),
    )
    hourly = rented * price.gpu_hour + requests * each / 1000 * price.thousand_tokens
    scorer = {"service": world.services[world.role("scorer")].name}
    return [
        Figure("inference_tokens_mean", scorer, np.where(requests > 0, each, np.nan), "Mean tokens of a request"),
        Figure("inference_gpus_allocated", scorer, rented, "Devices rented for the service"),
        Figure("kpi_serving_cost_per_hour", {}, hourly, "What serving costs an hour"),
    ]
