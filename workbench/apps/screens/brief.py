"""The seven facts of a case, then cause, first failure and impact, at most three cards each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from markupsafe import Markup

from workbench import plugins
from workbench.apps import Screen
from workbench.apps.facts import facts
from workbench.apps.page import Page, render
from workbench.apps.tail import SERIES
from workbench.case.human import Status, cause_key
from workbench.report.words import duration

_MOST = 3
LATE_NS = 30 * 60 * 10**9
"""A time series so far behind the newest one is late; what it would say is not known yet."""
_DAY_NS = 86_400 * 10**9


def screen(page: Page) -> Markup:
    """Return the brief of a case."""
    case = page.required()
    standing = [c for c in case.causes if cause_key(c) not in case.state.rejected]
    impact = case.ranking.impact[:_MOST] if case.ranking else ()
    return render("brief.html.j2", page, seven=seven(page), statuses=get_args(Status), causes=standing[:_MOST],
                  more=len(standing[_MOST:]), impact=impact)  # fmt: skip


def seven(page: Page) -> Markup:
    """Return the seven facts alone, which are fetched anew every few seconds."""
    newest = page.bench.store.freshness()
    fresh: dict[str, list[str]] = {}
    for name in sorted(newest, key=lambda n: -newest[n]):
        fresh.setdefault(_age(page.now_ns - newest[name]), []).append(name.replace("_", " "))
    return render("seven.html.j2", page, f=facts(page.required()), fresh=fresh, missing=missing(set(newest)),
                  late=late(newest), gaps=len(page.bench.store.gaps()))  # fmt: skip


def late(newest: Mapping[str, int]) -> list[str]:
    """Return the time series that are far behind the newest of them, and by how much."""
    known = {name: newest[name] for name in SERIES if name in newest}
    front = max(known.values(), default=0)
    return [f"{name.replace('_', ' ')}, {duration(front - at)} behind" for name, at in known.items()
            if front - at > LATE_NS]  # fmt: skip


def missing(present: set[str]) -> list[str]:
    """Return the tables that steps of the playbook read and of which nothing has arrived."""
    needed = {name for step in plugins.load_all("step").values() for name in step.needs}
    return [name.replace("_", " ") for name in sorted(needed - present)]


def _age(ns: int) -> str:
    if ns < 0:
        return "from the future"
    return f"{ns / _DAY_NS:.0f} d ago" if ns >= 2 * _DAY_NS else f"{duration(ns)} ago"


SCREEN = Screen(2, "Brief", screen)
