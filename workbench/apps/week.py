"""One page a week for whoever answers for it: incidents, harm, times to detect and fix, what is open or at risk."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from markupsafe import Markup

from workbench.apps.desk import Desk
from workbench.apps.facts import Facts, facts, standing_lead
from workbench.apps.page import Page, render
from workbench.case.case import Case
from workbench.errors import UsageError, WorkbenchError
from workbench.model.entities import split
from workbench.model.window import DAY_NS, parse_time_ns
from workbench.report.words import duration

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_OVER = ("mitigated", "resolved", "closed")


@dataclass(frozen=True)
class Incident:
    """One incident of the week; what nobody knows is None."""

    facts: Facts
    decisions: int | None
    """Decisions that were made between onset and end."""
    cost: float | None
    """In the configured currency: decisions x the configured price of a wrong one, an upper bound."""
    detect_ns: int | None
    fix_ns: int | None
    open_actions: list[dict[str, Any]] = field(default_factory=list)
    at_risk: list[str] = field(default_factory=list)
    """Data products downstream of the lead, by name."""


def screen(page: Page, desk: Desk, of: str) -> Markup:
    """Return the page of a week, written ``2026-W11``; by default the week of the newest incident, else this one."""
    known = list(_known(desk))
    start = week_start(of) if of else _newest(known, page.now_ns)
    found = [made for case_start, made in known if start <= case_start < start + 7 * DAY_NS]
    incidents = sorted(found, key=lambda i: i.facts.case_id)
    return render("week.html.j2", page, incidents=incidents, week=week_name(start),
                  before=week_name(start - 7 * DAY_NS),
                  after=week_name(start + 7 * DAY_NS), totals=totals(incidents, page.settings.currency),
                  currency=page.settings.currency, duration=duration,
                  actions=[(i.facts.case_id, a) for i in incidents for a in i.open_actions],
                  products=sorted({p for i in incidents for p in i.at_risk}))  # fmt: skip


def week_start(text: str) -> int:
    """Return the begin of an ISO week, ns UTC; `UsageError` for anything else."""
    found = _WEEK.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        day = dt.datetime.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError as error:
        raise UsageError("A week is written like 2026-W11.") from error
    return int(day.replace(tzinfo=dt.UTC).timestamp()) * 10**9


def week_name(start_ns: int) -> str:
    """Return the ISO week of a moment."""
    year, week, _ = dt.datetime.fromtimestamp(start_ns / 1e9, dt.UTC).isocalendar()
    return f"{year}-W{week:02d}"


def totals(incidents: Sequence[Incident], currency: str) -> dict[str, str]:
    """Return the head figures in words; a sum says of how many incidents it is known."""
    costs = [i.cost for i in incidents if i.cost is not None]
    detect = [i.detect_ns for i in incidents if i.detect_ns is not None]
    fix = [i.fix_ns for i in incidents if i.fix_ns is not None]
    ongoing = sum(i.facts.status not in _OVER for i in incidents)
    n = len(incidents)
    return {
        "Incidents": f"{n}" + (f", {ongoing} not over" if ongoing else ""),
        "Harm, at most": f"{currency}{sum(costs):,.0f} ({len(costs)} of {n} priced)" if costs else "Unknown: no price",
        "Time to detect": f"{duration(int(median(detect)))} (median of {len(detect)})" if detect else "Unknown",
        "Time to fix": f"{duration(int(median(fix)))} (median of {len(fix)})" if fix else "Unknown",
        "Open actions": str(sum(len(i.open_actions) for i in incidents)),
        "Data products at risk": str(len({p for i in incidents for p in i.at_risk})),
    }


def _known(desk: Desk) -> list[tuple[int, Incident]]:
    found = []
    for case_id in desk.case_ids():
        try:
            with desk.case(case_id) as case:
                if case.symptom is not None:
                    found.append((_onset(case) or case.symptom.window.start_ns, _incident(case, desk)))
        except (WorkbenchError, OSError):
            continue  # The inbox says why it cannot be opened; its figures are nobody's.
    return found


def _newest(known: list[tuple[int, Incident]], now_ns: int) -> int:
    return week_start(week_name(max((start for start, _ in known), default=now_ns)))


def _onset(case: Case) -> int | None:
    scope = case.outcomes.get("scope")
    found = (scope.values or {}).get("onset_ns") if scope else None
    return int(found) if isinstance(found, int | float) else None


def _incident(case: Case, desk: Desk) -> Incident:
    symptom, onset = case.symptom, _onset(case)
    assert symptom is not None
    alert = int(symptom.alert["starts_ns"]) if symptom.alert and symptom.alert.get("starts_ns") else None
    over = [e for e in case.state.in_force if e.operation == "status" and e.arguments["status"] in _OVER]
    ended = parse_time_ns(over[-1].time) if over else None
    decisions = _decisions(case, onset or symptom.window.start_ns, symptom.window.end_ns)
    price = desk.settings.prices.per_prediction
    actions = [e.arguments for e in case.state.in_force if e.operation == "action" and e.arguments["state"] == "open"]
    return Incident(
        facts(case), decisions, decisions * price if decisions is not None and price is not None else None,
        alert - onset if alert is not None and onset is not None and alert >= onset else None,
        ended - onset if ended is not None and onset is not None and ended >= onset else None,
        [dict(a) for a in actions], _at_risk(case),
    )  # fmt: skip


def _decisions(case: Case, start_ns: int, end_ns: int) -> int | None:
    from workbench.views.lane_lines import answers

    for frame in answers(case, "prediction_series"):
        inside = frame[(frame["start_ns"] >= start_ns) & (frame["start_ns"] < end_ns)]
        return int(inside["n"].sum())
    return None


def _at_risk(case: Case) -> list[str]:
    """Return the data products on the way from the lead, and the symptom, while the case is not over."""
    if case.state.status in _OVER:
        return []
    lead = standing_lead(case)
    path = lead.path if lead else ()
    named = [e for e in path if split(e)[0] in ("dataset", "feature", "model", "kpi", "dashboard")]
    return sorted({*named, *([case.symptom.entity] if case.symptom else [])})
