"""The triage app: routes by role, forms that journal, hostile texts escaped, and a browser driven by keys."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from tests.strategies.pages import becomes
from tests.strategies.triage import filled
from workbench import plugins
from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.roles import OPERATIONS, RANK, ROUTES, Role
from workbench.apps.session import COOKIE, Sessions
from workbench.bench import Bench, open_bench
from workbench.case import operations
from workbench.case.operations import Outcome, operation
from workbench.columnar import build
from workbench.config import Settings
from workbench.intake.server import app, serving
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.tables import CHANGES, KPIS
from workbench.model.window import HOUR_NS, MINUTE_NS, parse_time_ns

NOW = parse_time_ns("2026-03-11T14:40:00Z")
HERE = "http://127.0.0.1"
CHROMIUM = Path("/usr/bin/chromium")
CANARY = '<img src=x onerror="window.struck=1"></style></script><script>window.struck=1</script>\''
ALERT = {"severity": CANARY, "starts_ns": NOW - 30 * MINUTE_NS, "ends_ns": None}
SCREENS = ["inbox", "brief", "timeline", "contrast", "lineage", "gpu", "causes", "act", "handoff"]
KEY = f"bad_deploy service:{CANARY}"


def found_out(reading: Any) -> Outcome:
    """Rank two causes with hostile names on real, frozen evidence, as the playbook's last step does."""
    symptom = reading.symptom
    kpis = reading.ask("kpi_series", start_ns=NOW - 10 * HOUR_NS, end_ns=NOW)
    changes = reading.ask("changes", start_ns=NOW - 10 * HOUR_NS, end_ns=NOW)
    evidence = (kpis.evidence, changes.evidence)
    finding = Finding(f"Errors rose {CANARY}", f"service:{CANARY}", f"rate {CANARY}", evidence, strength=0.9,
                      values={"now": 0.7, "usual": 0.9, CANARY: CANARY})  # fmt: skip
    causes = tuple(
        Cause(rank, entity, kind, f"Cause {rank} {CANARY}", 0.8 / rank, "suspected", {"explains": 0.9, CANARY: 0.4},
              (finding,), (finding,), NOW - HOUR_NS, (entity, symptom.entity))
        for rank, entity, kind in ((1, f"service:{CANARY}", "bad_deploy"), (2, "dataset:raw", "silent_feed"))
    )  # fmt: skip
    ranking = Ranking(causes, "suspected", 0.1, f"service:{CANARY}", (finding,))
    return Outcome((finding,), summary=f"Ranked {CANARY}", ranking=ranking)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Hold a store of ten hours and one investigated case, every text of which is hostile."""
    operations.register(operation("ui_test_rank", mode="computed", run=found_out, doc="Rank."))
    times = list(range(NOW - 10 * HOUR_NS, NOW, 10 * MINUTE_NS))
    stamp = {"environment": "prod", "source": "tables", "place": "made.parquet", "received_ns": NOW}
    with open_bench(tmp_path_factory.mktemp("ui") / "store", who="ada", clock=lambda: NOW) as opened:
        opened.store.append({
            "kpis": build(KPIS, {**stamp, "kpi": CANARY, "segment": "", "time_ns": times,
                                 "value": [0.9 if t < NOW - HOUR_NS else 0.7 for t in times]}),
            "changes": build(CHANGES, {**stamp, "change_id": ["c1"], "time_ns": [NOW - HOUR_NS], "kind": ["deploy"],
                                       "entity": [f"service:{CANARY}"], "title": [CANARY]}),
        })  # fmt: skip
        case = opened.case("INC-1", entity=f"kpi:{CANARY}", signal=CANARY,
                           window="2026-03-11T13:40Z/2026-03-11T14:40Z")  # fmt: skip
        case.call("ui_test_rank")
        yield opened
    operations._REGISTERED.pop("ui_test_rank")


def visitor(bench: Bench, role: Role) -> TestClient:
    """Return a client that has entered with a role."""
    sessions = Sessions()
    served = app(bench.store, Settings(), extra_routes=routes(Desk(bench, clock=lambda: NOW), sessions))
    client = TestClient(served, base_url=HERE, follow_redirects=False)
    if role != "anyone":
        assert client.get("/enter", params={"token": sessions.ticket(role)}).status_code == 200
    return client


def form(client: TestClient, operation: str, **fields: str) -> Any:
    """Send a form as the browser does, with the token of its page."""
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/case/INC-1/brief").text)
    return client.post(f"/do/INC-1/{operation}", data={"form_token": token[1] if token else "", **fields},
                       headers={"Origin": HERE})  # fmt: skip


def test_every_route_of_the_app_stands_in_the_table_and_the_intake_has_its_own(bench: Bench) -> None:
    """A route that nobody declared would be found here: 20 of the app and its one WebSocket, 9 of the intake."""
    served = app(bench.store, Settings(), extra_routes=routes(Desk(bench), Sessions()))
    all_routes = {(m, r.path) for r in served.routes if isinstance(r, Route) for m in (r.methods or {"GET"}) - {"HEAD"}}
    takes = ("/v1/traces", "/v1/metrics", "/v1/logs", "/v1/changes", "/api/v1/lineage", "/api/v1/lineage/batch",
             "/webhooks/alertmanager")  # fmt: skip
    intake = {("POST", path) for path in takes} | {("GET", "/healthz"), ("GET", "/readyz")}
    sockets = {("WEBSOCKET", r.path) for r in served.routes if isinstance(r, WebSocketRoute)}
    assert sockets == {("WEBSOCKET", "/panel/{case_id}/ws")}
    assert (all_routes - intake) | sockets == set(ROUTES)
    assert len(served.routes) == len(ROUTES) + len(intake)


@pytest.mark.parametrize("role", list(RANK))
def test_each_role_reaches_what_the_table_says_and_nothing_else(bench: Bench, role: Role) -> None:
    """Four roles by twenty routes; a viewer's form is refused even with the token of the page."""
    client = visitor(bench, role)
    for (method, path), needed in ROUTES.items():
        if path in ("/enter", "/live") or method == "WEBSOCKET":
            continue  # Each has a test of its own.
        answer = client.request(method, filled(path), headers={"Origin": HERE})
        refused = answer.status_code in (401, 403) and "form is not of this session" not in answer.text
        assert refused == (RANK[role] < RANK[needed]), (role, method, path, answer.status_code)


def test_an_address_works_once_and_its_cookie_is_out_of_reach_of_scripts(bench: Bench) -> None:
    """The second browser that opens it is refused."""
    sessions = Sessions()
    served = app(bench.store, Settings(), extra_routes=routes(Desk(bench), sessions))
    ticket = {"token": sessions.ticket("viewer")}
    first = TestClient(served, base_url=HERE).get("/enter", params=ticket)
    assert {"httponly", "samesite=strict"} <= {p.strip().lower() for p in first.headers["set-cookie"].split(";")}
    second = TestClient(served, base_url=HERE).get("/enter", params=ticket)
    assert (second.status_code, COOKIE in second.cookies) == (401, False)


def test_forms_from_elsewhere_or_without_their_token_change_nothing(bench: Bench) -> None:
    """Another origin, none at all, a wrong token, another Host, and an operation that no form may call."""
    client = visitor(bench, "responder")
    with Desk(bench).case("INC-1") as case:
        before = case.length()
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {}):
            assert client.post("/do/INC-1/note", data={"text": "x"}, headers=headers).status_code == 403
        assert client.post("/do/INC-1/note", data={"text": "x"}, headers={"Origin": HERE}).status_code == 403
        assert client.get("/inbox", headers={"Host": "evil.example"}).status_code == 400
        assert form(client, "begin", entity="kpi:x").status_code == 400
        assert form(client, "note", text="  ").status_code == 400
        case.refresh()
        assert case.length() == before


def test_each_form_is_one_entry_of_the_journal_and_undo_takes_it_back(bench: Bench) -> None:
    """Note, reject, assign, status, undo: five entries, written by who runs the server."""
    client = visitor(bench, "responder")
    with Desk(bench).case("INC-1") as case:
        before = case.length()
        sent = {"note": {"text": "Looked at it"}, "reject": {"cause": KEY, "reason": "It began before"},
                "assign": {"owner": "grace"}, "status": {"status": "investigating"}, "undo": {}}  # fmt: skip
        assert set(OPERATIONS) - set(sent) == {"select", "pin_baseline", "contrast", "simulate", "check_fix"}
        assert [form(client, name, **fields).status_code for name, fields in sent.items()] == [303] * 5
        case.refresh()
        assert [(e.operation, e.who) for e in case.entries[before:]] == [(name, "ada") for name in sent]
        assert (case.state.status, case.state.owner, case.state.rejected) == ("open", "grace", {KEY: "It began before"})
        assert "It began before" in client.get("/case/INC-1/causes").text
        for _ in range(3):
            form(client, "undo")


@pytest.mark.parametrize("name", SCREENS)
def test_no_hostile_text_becomes_markup_and_every_page_carries_its_policy(bench: Bench, name: str) -> None:
    """The canary stands in entity, signal, statement, factor, path, change and figure; a nonce guards what is ours."""
    answer = visitor(bench, "responder").get("/inbox" if name == "inbox" else f"/case/INC-1/{name}")
    assert answer.status_code == 200
    assert "<img" not in answer.text
    own = re.findall('<script (?!type=.application/json)[^>]*src=.([^"]+)', answer.text)
    assert [path for path in own if not path.startswith("/assets/")] == []
    assert name == "gpu" or "&lt;img" in answer.text
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce
    assert answer.text.count(nonce[1]) == 1 + len(re.findall("<script nonce", answer.text))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ("blob:" in policy) == ("data-panel=" in answer.text), "What Panel needs is let in where it is, alone."
    assert not re.findall(r"(?:src|href|action)=\"https?://", answer.text)


def test_the_nine_screens_have_the_nine_keys() -> None:
    """In the order in which an incident is worked."""
    found = sorted((s.number, name) for name, s in plugins.load_all("screen").items())
    assert found == list(enumerate(SCREENS, start=1))


def test_the_brief_says_the_seven_facts(bench: Bench) -> None:
    """Each by its heading; sources of which nothing arrived are named."""
    text = visitor(bench, "viewer").get("/case/INC-1/brief").text
    for heading in ("Since when", "Harm", "Best lead", "Next", "Owner, status, last note", "Newest data"):
        assert f"<dt>{heading}</dt>" in text
    assert "Suspected (80 %)" in text
    assert "Missing:" in text
    assert "metric samples" in text
    assert "Add note" not in text, "A viewer has no form."


def test_an_empty_store_says_how_to_send_something(tmp_path: Path) -> None:
    """The snippets name the address that the browser itself used."""
    with open_bench(tmp_path / "store") as empty:
        text = visitor(empty, "viewer").get("/inbox").text
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={HERE}" in text
    assert f"OPENLINEAGE_URL={HERE}" in text


def test_a_case_that_was_changed_or_is_not_there_is_said_not_shown(bench: Bench) -> None:
    """404 for what does not exist, no path of this machine in it."""
    client = visitor(bench, "viewer")
    for path in ("/case/INC-9/brief", "/case/INC-1/nothing", "/case/..%2f..%2fetc/brief", "/notebook/INC-9"):
        assert client.get(path).status_code == 404
    assert client.get("/search", params={"text": CANARY}).text.count("<img") == 0


def test_the_verb_serves_prints_an_address_that_works_once_and_ends_when_told(tmp_path: Path) -> None:
    """One process, a free port of the loopback address; SIGTERM ends it with status 0."""
    command = [Path(sys.executable).with_name("workbench"), "triage", "--store", str(tmp_path / "store"), "--port", "0",
               "--no-browser"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONUNBUFFERED": "1"}) as served:  # fmt: skip
        assert served.stdout is not None
        try:
            said = served.stdout.readline() + served.stdout.readline()
            entrance = re.search(r"http://127\.0\.0\.1:\d+/enter\?token=\S+", said)
            assert entrance, said
            with httpx.Client() as client:
                assert [client.get(entrance[0]).status_code, client.get(entrance[0]).status_code] == [200, 303]
            assert httpx.get(entrance[0]).status_code == 401
        finally:
            served.terminate()
        assert served.wait(20) == 0


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}")
def test_keys_alone_reject_a_cause_write_a_note_and_undo_it(bench: Bench) -> None:
    """No request leaves this server, nothing hostile runs, and the first paint stands within 3 s."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    sessions, asked, said = Sessions(), [], []
    desk = Desk(bench, clock=lambda: NOW)
    desk.warm()
    served = routes(desk, sessions)
    with serving(bench.store, Settings(), extra_routes=served) as address, sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{address}/enter?token={sessions.ticket('responder')}")
        page.wait_for_url("**/inbox")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/INC-1/brief")
        _paints(page)
        for key, name in enumerate(SCREENS[2:], start=3):
            page.keyboard.press(str(key))
            page.wait_for_url(f"**/INC-1/{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 1440
        _reject_and_note(page)
        assert page.evaluate("window.struck") is None
        browser.close()
        desk.close()
    assert [url for url in asked if not url.startswith((address, "data:", f"blob:{address}"))] == []
    assert [line for line in said if not line.startswith(("[bokeh", "Bokeh items were rendered"))] == []
    assert [t for t in threading.enumerate() if t.name == "intake"] == []


def _paints(page: Any) -> None:
    """Hold the first paint of the brief to the contract's cold limit."""
    # Not a wait in the page: it would evaluate a text, which the page's policy refuses.
    becomes(lambda: page.evaluate("performance.getEntriesByName('first-contentful-paint').length"), 1)
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 3000


def _reject_and_note(page: Any) -> None:
    """Work by keys: reject the first cause, write a note, undo it, open and close the sheet, search."""
    page.keyboard.press("7")
    page.wait_for_url("**/causes")
    page.wait_for_load_state("load")
    page.wait_for_selector("[data-drawn] button[aria-label='Reject cause 1']")
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    page.keyboard.press("Tab")
    becomes(lambda: page.evaluate("active().ariaLabel"), "Reject cause 1")
    page.keyboard.press("Enter")
    page.keyboard.type("It began before 9")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=It began before 9")
    page.wait_for_load_state("load")
    page.keyboard.press("2")
    page.wait_for_url("**/brief")
    page.wait_for_load_state("load")
    page.keyboard.press("n")
    page.keyboard.type("Seen by keys")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Seen by keys")
    page.wait_for_load_state("load")
    page.keyboard.press("z")
    page.wait_for_selector("text=no note")
    page.wait_for_load_state("load")
    page.keyboard.press("?")
    assert page.is_visible("dialog.sheet")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("INC-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?text=INC-1")
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/INC-1/brief")
    page.wait_for_load_state("load")


def test_a_refusal_is_a_page_for_people_and_a_sentence_for_programs(bench: Bench) -> None:
    """An unknown screen, asked for with markup in its name: escaped, under a policy without scripts, with a way on."""
    client = visitor(bench, "viewer")
    path = "/case/INC-1/%3Cb%3Ex"
    said = client.get(path)
    assert (said.status_code, said.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    shown = client.get(path, headers={"accept": "text/html"})
    assert shown.status_code == 404
    assert "script-src" not in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert 'href="/inbox"' in shown.text
    assert "<b>x" not in shown.text
