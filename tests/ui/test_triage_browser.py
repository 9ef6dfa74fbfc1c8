"""In Chromium: no text of any table runs, no serious barrier in either theme, and the path from page to proof."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.strategies.pages import becomes
from tests.strategies.triage import NOW, browsing, two_leads
from workbench.apps.address import pinned
from workbench.bench import Bench, open_bench
from workbench.case import operations
from workbench.case.operations import Outcome, operation
from workbench.columnar import build
from workbench.config import ActSettings, HookSettings, Settings
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.schema import Column, Table
from workbench.model.tables import ALERTS, CHANGES, KPIS, TABLES
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, iso
from workbench.playbook.runner import investigate

pytestmark = pytest.mark.browser
SCREENS = ["brief", "timeline", "contrast", "lineage", "gpu", "causes", "act", "handoff"]
STRIKE = "window.struck=(window.struck||0)+1"
PAYLOADS = [
    f"<script>{STRIKE}</script>", f'<img src=x onerror="{STRIKE}">', f"<svg onload={STRIKE}>",
    f'"><img src=x onerror={STRIKE}>', f"'><svg/onload={STRIKE}>", f"</script><script>{STRIKE}</script>",
    f"</style><script>{STRIKE}</script>", f"javascript:{STRIKE}", f'" autofocus onfocus="{STRIKE}', f"${{{STRIKE}}}",
    "{{ 7*7 }}{% raw %}", f"<iframe srcdoc='<script>parent.{STRIKE.replace('window', 'parent')}</script>'></iframe>",
]  # fmt: skip
"""Twelve ways in; column by column the next one is used, so that all stand in every table of twelve texts."""


# -- hostile texts -----------------------------------------------------------------------------------------------------


def hostile(column: Column, number: int) -> Any:
    """Return the payload of one field; entities keep their kind, times their place in the window."""
    payload = PAYLOADS[number % len(PAYLOADS)]
    if column.name == "environment":
        return "prod"
    plain: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True, "time_ns": NOW - 30 * MINUTE_NS,
                             "texts": {payload: payload}, "numbers": {payload: 0.5},
                             "json": '[{"name": "' + payload.replace('"', "'") + '"}]'}  # fmt: skip
    if column.type != "text":
        return plain[column.type]
    return f"service:{payload}" if column.name in ("entity", "upstream", "downstream") else payload


def rows_of(table: Table) -> Any:
    """Return one row of a table in which every field that takes text carries a payload."""
    return build(table, {c.name: [hostile(c, i)] for i, c in enumerate(table)})


def condemned(reading: Any) -> Outcome:
    """Rank causes whose every text is a payload."""
    kpis = reading.ask("kpi_series", start_ns=NOW - 2 * HOUR_NS, end_ns=NOW)
    finding = Finding(PAYLOADS[0], f"service:{PAYLOADS[1]}", PAYLOADS[2], (kpis.evidence,), strength=0.9,
                      values={"now": 0.7, "usual": 0.9, PAYLOADS[3]: PAYLOADS[4]})  # fmt: skip
    causes = tuple(
        Cause(i + 1, f"dataset:{PAYLOADS[i]}", "null_burst", PAYLOADS[(i + 1) % 12], 0.5, "suspected",
              {PAYLOADS[i]: 0.4}, (finding,), (finding,), NOW - HOUR_NS,
              (f"dataset:{PAYLOADS[i]}", f"kpi:{PAYLOADS[5]}"))
        for i in range(12)
    )  # fmt: skip
    return Outcome((finding,), summary=PAYLOADS[6], ranking=Ranking(causes, "suspected", 0.1, PAYLOADS[7], (finding,)))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Hold a store and a case in which every text of every table, note, owner, hook and reason is hostile."""
    operations.register(operation("browser_test_condemn", mode="computed", run=condemned, doc="Rank."))
    hook = HookSettings(PAYLOADS[1], "command", ("null_burst",), command=(sys.executable, PAYLOADS[2], "{case}"))
    with open_bench(tmp_path_factory.mktemp("xss") / "store", who=PAYLOADS[0], clock=lambda: NOW,
                    settings=Settings(hooks=(hook,))) as bench:  # fmt: skip
        bench.store.append({table.name: rows_of(table) for table in TABLES.values()})
        times = list(range(NOW - DAY_NS, NOW, 10 * MINUTE_NS))
        stamp = {"environment": "prod", "source": "tables", "place": PAYLOADS[3], "received_ns": NOW}
        values = [0.5 + 0.01 * (i % 9) for i in range(len(times))]
        known = {**stamp, "kpi": PAYLOADS[5], "segment": "", "time_ns": times, "value": values}
        bench.store.append({"kpis": build(KPIS, known)})
        alert = {c.name: hostile(c, i) for i, c in enumerate(ALERTS.own_columns)}
        case = bench.case("INC-1", entity=f"kpi:{PAYLOADS[5]}", signal=PAYLOADS[6],
                          window=f"{iso(NOW - HOUR_NS)}/{iso(NOW)}")  # fmt: skip
        investigate(case)
        case.call("browser_test_condemn")
        for number, payload in enumerate(PAYLOADS):
            case.call("note", payload)
            case.call("join_alert", {**alert, "fingerprint": str(number)}, payload)
        case.call("assign", PAYLOADS[1])
        case.call("reject", f"null_burst dataset:{PAYLOADS[2]}", PAYLOADS[3])
        case.call("action", PAYLOADS[4], owner=PAYLOADS[5], verify_by=PAYLOADS[6])
        bench.act(case, bench.approve(case, bench.plan(case, f"null_burst dataset:{PAYLOADS[3]}", PAYLOADS[1])))
        case.call("simulate", f"null_burst dataset:{PAYLOADS[0]}")
        yield bench
    operations._REGISTERED.pop("browser_test_condemn")


def test_no_text_of_any_table_or_person_runs_on_any_screen(poisoned: Bench, browser: Any) -> None:
    """33 tables or so x all their text fields, twelve payloads, twelve pages, parts and boards; no request leaves."""
    assert sum(c.type in ("text", "texts", "numbers", "json") for t in TABLES.values() for c in t) > 150
    with browsing(poisoned, browser, role="admin") as app:
        link = pinned(poisoned.case("INC-1"), "causes")
        paths = ["/inbox", "/week", *(f"/case/INC-1/{name}" for name in SCREENS), link,
                 f"/search?text={PAYLOADS[1]}", f"/search?text=service:{PAYLOADS[3]}",
                 f"/plan/INC-1?hook={PAYLOADS[1]}&cause=null_burst+dataset:x"]  # fmt: skip
        seen: set[str] = set()
        for path in paths:
            app.open(path)
            app.page.wait_for_timeout(150)
            text = app.page.inner_text("body")
            seen |= {payload for payload in PAYLOADS if payload in text}
            for summary in app.page.query_selector_all("summary"):
                summary.click()
            assert app.page.evaluate("window.struck") is None, path
            assert app.page.evaluate("document.querySelectorAll('iframe, img').length") == 0, path
        assert len(seen) >= 10, "The payloads stand on the pages as text."
        assert [url for url in app.asked if not url.startswith((app.address, "data:", f"blob:{app.address}"))] == []
        assert [line for line in app.said if "Content Security" in line] == []


# -- barriers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Hold ten days of a figure that fell and recovered, with two causes, changes and a hook."""
    operations.register(operation("browser_test_rank", mode="computed", run=_ranked, doc="Rank."))
    hook = HookSettings("Pause the feed", "command", ("null_burst",), role="responder",
                        command=(sys.executable, "-c", "print('paused')"))  # fmt: skip
    stamp = {"environment": "prod", "source": "tables", "place": "made.parquet", "received_ns": NOW}
    times = list(range(NOW - 10 * DAY_NS, NOW, 5 * MINUTE_NS))
    bad = range(NOW - 100 * MINUTE_NS, NOW - 40 * MINUTE_NS)
    with open_bench(tmp_path_factory.mktemp("quiet") / "store", who="ada", clock=lambda: NOW,
                    settings=Settings(hooks=(hook,), act=ActSettings(windows=2))) as bench:  # fmt: skip
        bench.store.append({
            "kpis": build(KPIS, {**stamp, "kpi": "approval", "segment": "", "time_ns": times,
                                 "value": [0.7 if t in bad else 0.9 + 0.001 * (i % 7) for i, t in enumerate(times)]}),
            "changes": build(CHANGES, {**stamp, "change_id": ["c1", "c2"], "kind": ["deploy", "commit"],
                                       "time_ns": [NOW - 110 * MINUTE_NS, NOW - 3 * HOUR_NS],
                                       "entity": ["service:scoring", "dataset:raw"], "title": ["v42", "Clean up"]}),
        })  # fmt: skip
        case = bench.case("INC-1", entity="kpi:approval", signal="approval_rate",
                          window="2026-03-11T13:00Z/2026-03-11T14:00Z")  # fmt: skip
        case.call("scope")
        case.call("browser_test_rank")
        yield bench
    operations._REGISTERED.pop("browser_test_rank")


def _ranked(reading: Any) -> Outcome:
    return two_leads(reading, NOW - 2 * HOUR_NS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_barrier_on_any_screen(quiet: Bench, browser: Any, theme: str) -> None:
    """The rules of axe, serious and critical: 0 on eleven pages."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with browsing(quiet, browser, role="admin", bypass_csp=True) as app:
        found = []
        for path in ["/inbox", "/week", *(f"/case/INC-1/{name}" for name in SCREENS), "/search?text=raw"]:
            app.open(f"{path}{'&' if '?' in path else '?'}theme={theme}")
            app.page.wait_for_timeout(200)
            app.page.evaluate(axe)
            result = app.page.evaluate("axe.run(document, {resultTypes: ['violations', 'passes']})")
            assert len(result["passes"]) > 15, path
            found += [(path, v["id"], [n["html"][:160] for n in v["nodes"][:2]])
                      for v in result["violations"] if v["impact"] in ("serious", "critical")]  # fmt: skip
        assert found == []


@pytest.mark.parametrize("width", [390, 1440, pytest.param(2560, marks=pytest.mark.full)])
def test_nothing_is_wider_than_the_window_and_targets_are_large_enough(quiet: Bench, browser: Any, width: int) -> None:
    """No sideways scroll of the page at three widths; buttons, fields and links of their own are 24 px at least."""
    small = """[...document.querySelectorAll('button, select, input:not([type=hidden]), nav a, .button, summary')]
      .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 24 && !e.closest('.unseen'))
      .map((e) => e.outerHTML.slice(0, 120))"""
    with browsing(quiet, browser, role="admin") as app:
        app.page.set_viewport_size({"width": width, "height": 900})
        for path in ["/inbox", "/week", *(f"/case/INC-1/{name}" for name in SCREENS)]:
            app.open(path)
            app.page.wait_for_timeout(150)
            assert app.page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert app.page.evaluate(small) == [], path


# -- the person's path -------------------------------------------------------------------------------------------------


def test_from_the_inbox_to_a_verified_fix_with_the_mouse(quiet: Bench, browser: Any) -> None:
    """Open the case, see the plan, approve, run, verify, and read it in the hand-off: no dead end on the way."""
    with browsing(quiet, browser) as app:
        page = app.page
        page.click("a.open")
        page.wait_for_url("**/INC-1/brief")
        assert page.is_visible("text=Best lead")
        page.click("nav.screens >> text=Act")
        page.click("text=Pause the feed: show what would run")
        page.click("text=Approve one run, as ada")
        page.wait_for_url("**/INC-1/act")
        page.click("text=Run this once")
        page.wait_for_selector("text=paused")
        page.fill("#since", "2026-03-11T14:10:00Z")
        page.click("button:has-text('Verify')")
        page.wait_for_selector("text=Verified: 2 of 2 windows")
        page.click("nav.screens >> text=Hand-off")
        page.wait_for_selector("text=case.check_fix")
        assert app.wrong() == []


def test_a_note_of_somebody_else_appears_and_a_lost_connection_is_said(quiet: Bench, browser: Any) -> None:
    """Within 5 s without reload; when the server is gone, a line says since when what is shown is old."""
    with browsing(quiet, browser, role="viewer") as app:
        with app.page.expect_request("**/live*"):
            app.open("/case/INC-1/handoff")
        app.page.wait_for_timeout(800)
        quiet.case("INC-1").call("note", "Written by a colleague")
        app.page.wait_for_selector("text=Written by a colleague", timeout=5000)
        app.page.route("**/live*", lambda route: route.abort())
        app.page.reload()
        app.page.wait_for_selector("text=Connection lost", timeout=8000)


def test_the_joined_timeline_is_drawn_under_the_strict_policy_and_selects(quiet: Bench, browser: Any) -> None:
    """Panel holds the widget, its style is let in by nonce; its Select button is one entry, and the page follows."""
    with browsing(quiet, browser) as app:
        app.open("/case/INC-1/timeline?theme=dark")
        app.page.wait_for_selector(".wbw[data-theme=dark] canvas, .wbw[data-theme=dark] svg")
        board = app.page.locator(".wbw")
        assert board.evaluate("(board) => getComputedStyle(board).borderRadius") == "8px"
        before = quiet.case("INC-1").length()
        fields = app.page.locator(".wbw input")
        fields.nth(0).fill("2026-03-11T13:10:00Z")
        fields.nth(1).fill("2026-03-11T14:00:00Z")
        app.page.click(".wbw button:has-text('Select')")
        app.page.wait_for_selector(".wbw >> text=case.select")
        app.page.wait_for_selector("text=2026-03-11 13:10-14:00 UTC")
        case = quiet.case("INC-1")
        assert [e.operation for e in case.entries[before:]] == ["select"]
        assert [line for line in app.said if "Security" in line] == []
        case.call("undo")


def test_the_work_of_a_shift_is_done_by_keys_alone(quiet: Bench, browser: Any) -> None:
    """Onset, missing source, baseline, selection, change, lineage, verify, note, undo, hand-off: no mouse."""
    with browsing(quiet, browser) as app:
        page, keys = app.page, app.page.keyboard

        def arrive(place: str) -> None:
            """Wait for a page, and for its script: a key pressed before it listens is lost."""
            page.wait_for_url(place)
            page.wait_for_load_state("load")

        def read(words: str, state: str = "visible") -> None:
            page.wait_for_selector(f"text={words}", state=state)
            page.wait_for_load_state("load")

        case = quiet.case("INC-1")
        before = case.length()
        keys.press("j")
        keys.press("Enter")
        arrive("**/brief")
        assert "2026-03-11 13:00 UTC" in page.inner_text(".seven"), "The onset."
        assert "Missing:" in page.inner_text(".seven"), "The missing source."
        keys.press("b")
        arrive("**/timeline#windows")
        keys.press("Control+a")
        keys.type("2026-03-10T13:00:00Z/2026-03-10T14:00:00Z")
        keys.press("Enter")
        read("vs 2026-03-10 13:00-14:00 UTC")
        keys.press("]")
        becomes(lambda: page.evaluate("document.activeElement.tagName"), "TR")  # the next change
        keys.press("c")
        arrive("**/contrast")
        keys.press("5")
        arrive("**/lineage")
        keys.press("8")
        arrive("**/act")
        while page.evaluate("document.activeElement.id") != "since":
            keys.press("Tab")
        keys.press("Control+a")
        keys.type("2026-03-11T14:12:00Z")
        keys.press("Enter")
        read("fixed at 2026-03-11T14:12:00Z")
        keys.press("n")
        arrive("**/brief#note")
        keys.type("Fixed, watched for an hour")
        keys.press("Enter")
        read("Fixed, watched for an hour")
        keys.press("z")
        read("Fixed, watched for an hour", state="detached")
        keys.press("9")
        arrive("**/handoff")
        assert "INC-1" in page.inner_text("#shift-note")
        case.refresh()
        assert [e.operation for e in case.entries[before:]] == ["pin_baseline", "check_fix", "note", "undo"]
        assert app.wrong() == []
        case.call("undo", seq=before)
