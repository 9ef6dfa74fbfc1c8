"""A served triage app for tests: a bench with a figure that fell and recovered, its visitors and their forms."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.roles import Role
from workbench.apps.session import PROXY_HEADER, Sessions, trusted
from workbench.bench import Bench, open_bench
from workbench.case import operations
from workbench.case.operations import Outcome, operation
from workbench.columnar import build
from workbench.config import ActSettings, HookSettings, Prices, ServerSettings, Settings
from workbench.intake.server import app, serving
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.tables import KPIS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns

NOW = parse_time_ns("2026-03-11T14:40:00Z")
HERE = "http://127.0.0.1"
WAIT_MS = 90_000
"""A step that takes longer fails; how fast pages are is measured elsewhere."""
SECRET = "0123456789abcdef-proxy"
STAMP = {"environment": "prod", "source": "tables", "place": "made.parquet", "received_ns": NOW}
CAUSE = "null_burst dataset:raw"
HOOK = HookSettings("Pause", "command", ("null_burst",), role="responder",
                    command=(sys.executable, "-c", "import sys; print('paused', sys.argv[1])", "{name}"))  # fmt: skip
ADMIN_HOOK = replace(HOOK, name="Delete", role="admin")
SERVER = ServerSettings(identity_header="X-Forwarded-User", identity_secret=SECRET, behind_proxy=True, outside=True,
                        roles={"ada": "responder", "grace": "responder", "root": "admin"},
                        ingest={"gateway": f"traces prod {'0' * 64}"})  # fmt: skip
TEAM = Settings(server=SERVER, hooks=(HOOK, ADMIN_HOOK), act=ActSettings(windows=2), prices=Prices(per_prediction=0.5))


def ranked(reading: Any) -> Outcome:
    """Rank one cause on frozen evidence."""
    kpis = reading.ask("kpi_series", start_ns=NOW - 10 * DAY_NS, end_ns=NOW)
    finding = Finding("Nulls rose", "dataset:raw", "null_rate", (kpis.evidence,), strength=0.9)
    cause = Cause(1, "dataset:raw", "null_burst", "Nulls rose in raw", 0.8, "suspected", {"explains": 0.9}, (finding,),
                  (), NOW - HOUR_NS, ("dataset:raw", "kpi:approval"))  # fmt: skip
    return Outcome((finding,), summary="Ranked.", ranking=Ranking((cause,), "suspected", 0.1, "dataset:raw", ()))


@contextlib.contextmanager
def working(folder: Path) -> Iterator[Bench]:
    """Hold ten days of a figure that fell an hour ago and has been well again for 40 minutes, and one case."""
    operations.register(operation("work_test_rank", mode="computed", run=ranked, doc="Rank."))
    times = list(range(NOW - 10 * DAY_NS, NOW, 5 * MINUTE_NS))
    bad = range(NOW - 100 * MINUTE_NS, NOW - 40 * MINUTE_NS)
    with open_bench(folder / "store", who="ada", settings=TEAM, clock=lambda: NOW) as opened:
        opened.store.append({"kpis": build(KPIS, {
            **STAMP, "kpi": "approval", "segment": "", "time_ns": times,
            "value": [0.7 if t in bad else 0.9 + 0.001 * (i % 7) for i, t in enumerate(times)]})})  # fmt: skip
        case = opened.case("INC-1", entity="kpi:approval", signal="approval_rate",
                           window="2026-03-11T13:00Z/2026-03-11T14:00Z")  # fmt: skip
        case.call("work_test_rank")
        yield opened
    operations._REGISTERED.pop("work_test_rank")


def client(
    bench: Bench, who: str, *, server: ServerSettings = SERVER, desk: Desk | None = None, **headers: str
) -> TestClient:
    """Return a visitor whom the proxy names; no intake token is asked for where nothing is sent."""
    settings = replace(TEAM, server=replace(server, ingest={}))
    sessions = Sessions(proxy=trusted(server))
    used = desk or Desk(bench, clock=lambda: NOW)
    served = app(bench.store, settings, extra_routes=routes(used, sessions))
    sent = {"X-Forwarded-User": who, PROXY_HEADER: SECRET, **headers}
    return TestClient(served, base_url=HERE, follow_redirects=False, headers=sent)


def token(visitor: TestClient) -> str:
    """Return the token of the visitor's forms."""
    found = re.search(r'name="form_token" value="([^"]+)"', visitor.get("/case/INC-1/brief").text)
    return found[1] if found else ""


def post(visitor: TestClient, path: str, **fields: str) -> Any:
    """Send a form as a page does."""
    return visitor.post(path, data={"form_token": token(visitor), **fields}, headers={"Origin": HERE})


def board_token(visitor: TestClient, path: str = "/case/INC-1/causes") -> str:
    """Return the token of a page's board; empty where the visitor sees none."""
    found = re.search(r'data-panel="[^"]+" data-token="([^"]+)"', visitor.get(path).text)
    return found[1] if found else ""


def filled(path: str) -> str:
    """Return a route's path with its parameters filled in."""
    parts = {"case_id": "INC-1", "screen": "brief", "operation": "note", "piece": "seven", "name": "app.js"}
    return path.replace("{path:path}", "x").format(**parts, code="x", kind="lineage")


@dataclass
class Shown:
    """A served app and a page of it."""

    page: Any
    address: str
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a path and wait until it is drawn, boards too."""
        self.page.goto(f"{self.address}{path}")
        self.page.wait_for_load_state("load")
        self.drawn()

    def drawn(self) -> None:
        """Wait until every board of the page is drawn, if it has any."""
        self.page.wait_for_selector("[data-panel]:not([data-drawn])", state="detached")

    def wrong(self) -> list[str]:
        """Return what the browser said, but for what Bokeh tells of its own work."""
        return [line for line in self.said if not line.startswith(("[bokeh", "Bokeh items were rendered"))]


@contextlib.contextmanager
def browsing(bench: Bench, browser: Any, *, role: Role = "responder", now_ns: int = NOW, **context: Any
             ) -> Iterator[Shown]:  # fmt: skip
    """Serve a bench's app and yield a page that has entered it; no thread of it is left afterwards."""
    sessions, desk = Sessions(), Desk(bench, clock=lambda: now_ns)
    desk.warm()
    held = browser.new_context(viewport={"width": 1440, "height": 900}, **context)
    page = held.new_page()
    page.set_default_timeout(WAIT_MS)
    with serving(bench.store, Settings(), extra_routes=routes(desk, sessions)) as address:
        app_page = Shown(page, address)
        page.on("request", lambda request: app_page.asked.append(request.url))
        page.on("console", lambda message: app_page.said.append(message.text))
        page.on("pageerror", lambda error: app_page.said.append(str(error)))
        page.goto(f"{address}/enter?token={sessions.ticket(role)}")
        page.wait_for_url("**/inbox")
        try:
            yield app_page
        finally:
            held.close()
            desk.close()


def two_leads(reading: Any, since_ns: int) -> Outcome:
    """Return a ranking of two leads over the store's figures and changes, both since the same moment."""
    kpis = reading.ask("kpi_series", start_ns=NOW - 10 * DAY_NS, end_ns=NOW)
    changes = reading.ask("changes", start_ns=NOW - DAY_NS, end_ns=NOW)
    finding = Finding("Nulls in raw rose to 30 %", "dataset:raw", "null_rate", (kpis.evidence, changes.evidence),
                      strength=0.9, values={"now": 0.3, "usual": 0.01})  # fmt: skip
    causes = tuple(
        Cause(rank, entity, kind, text, 0.8 / rank, "suspected", {"explains": 0.9 / rank}, (finding,), (),
              since_ns, (entity, "kpi:approval"))
        for rank, entity, kind, text in ((1, "dataset:raw", "null_burst", "Nulls in raw"),
                                         (2, "service:scoring", "bad_deploy", "Deploy v42"))
    )  # fmt: skip
    return Outcome((finding,), summary="Ranked.", ranking=Ranking(causes, "suspected", 0.1, "dataset:raw", (finding,)))
