"""From the inbox to a verified fix on three generated incidents, by mouse and by keyboard: no dead end on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.strategies.triage import Shown, browsing
from workbench.apps.tail import SERIES
from workbench.bench import Bench, open_bench
from workbench.config import ActSettings, HookSettings, Settings
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, iso
from workbench.playbook.runner import investigate
from workbench.scenarios import incident

pytestmark = [pytest.mark.browser, pytest.mark.full]
SCENARIOS = (("unmapped_category", 7), ("wrong_snapshot", 11), ("null_burst", 5))
_IDS = ("prediction_id", "trace_id", "span_id", "parent_span_id")


@pytest.fixture(scope="module", params=SCENARIOS, ids=[name for name, _ in SCENARIOS])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Make an incident, take it in, look into it; afterwards the figure is as it was a day before the harm."""
    fault, seed = request.param
    folder = tmp_path_factory.mktemp(fault)
    made = incident.write(fault, seed=seed, days=31, variant="cause", out=folder / "incident")
    with opened(folder / "store") as held:
        held.ingest([path for path in sorted(made.iterdir()) if path.name != "truth.json"])
        case = held.case("INC-1", alert=made / "alert.json")
        investigate(case)
        recover(held)
        yield held


def opened(store: Path) -> Bench:
    """Open a store with a hook for whatever kind of cause the case leads with."""
    from workbench import plugins

    hook = HookSettings("Mend it", "command", plugins.names("signature"), role="responder",
                        command=(sys.executable, "-c", "print('mended')"))  # fmt: skip
    return open_bench(store, who="ada", settings=Settings(hooks=(hook,), act=ActSettings(windows=2, every="30m")))


def recover(bench: Bench) -> None:
    """Append two hours after the selection, in which every series is as at these hours of a day before the harm."""
    symptom = bench.case("INC-1").symptom
    assert symptom is not None
    end = symptom.window.end_ns
    back = next(days for days in range(1, 15) if end - days * DAY_NS + 2 * HOUR_NS < symptom.window.start_ns - DAY_NS)
    start = end - back * DAY_NS
    for name in SERIES:
        rows = bench.store.ask("rows", table=name, start_ns=start, end_ns=start + 2 * HOUR_NS)
        if rows.num_rows:
            bench.store.append({name: moved(rows, back * DAY_NS)})


def moved(rows: pa.Table, by_ns: int) -> pa.Table:
    """Return rows later by so many ns, with ids of their own."""
    for number, column in enumerate(rows.schema):
        if column.name in ("time_ns", "start_ns", "end_ns", "received_ns"):
            later = pc.add(rows[column.name], pa.scalar(by_ns, rows[column.name].type))
            rows = rows.set_column(number, column, later)
        elif column.name in _IDS:
            own = pc.binary_join_element_wise("f", pc.utf8_slice_codeunits(rows[column.name], 1), "")
            rows = rows.set_column(number, column, own)
    return rows


def reach(app: Shown, selector: str) -> None:
    """Come to an element with the Tab key alone."""
    app.page.wait_for_selector(selector)
    for _ in range(120):
        if app.page.evaluate("(selector) => active().matches(selector)", selector):
            return
        app.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {selector}.")


@pytest.mark.parametrize("way", ["mouse", "keys"])
def test_the_person_who_was_paged_gets_from_the_inbox_to_a_verified_fix(bench: Bench, browser: Any, way: str) -> None:
    """Inbox, brief, causes, simulate, plan, approve, run, verify, hand-off: each step is one entry of the journal."""
    case = bench.case("INC-1")
    assert case.symptom is not None
    end, before = case.symptom.window.end_ns, case.length()
    with browsing(bench, browser, now_ns=end + 3 * HOUR_NS) as app:
        page = app.page

        def use(selector: str) -> None:
            if way == "mouse":
                page.click(selector)
            else:
                reach(app, selector)
                page.keyboard.press("Enter")

        def screen(key: int, name: str) -> None:
            page.click(f"nav.screens a[data-key='{key}']") if way == "mouse" else page.keyboard.press(str(key))
            page.wait_for_url(f"**/{name}*")
            app.drawn()

        use("a.open")
        page.wait_for_url("**/INC-1/brief")
        assert "Best lead" in page.inner_text(".seven")
        screen(7, "causes")
        page.wait_for_selector(".wbw li.cause")
        screen(8, "act")
        use("article form[action$='/simulate'] button")
        page.wait_for_selector("article dd:not(:has-text('Not yet.'))")
        use("article a.button[href*='/plan/']")
        use("form[action^='/approve/'] button")
        page.wait_for_url("**/INC-1/act")
        use("form[action^='/run/'] button")
        page.wait_for_selector("text=mended")
        if way == "mouse":
            page.fill("#since", iso(end + 5 * MINUTE_NS))
            page.click("#since + button")
        else:
            reach(app, "#since")
            page.keyboard.press("Control+a")
            page.keyboard.type(iso(end + 5 * MINUTE_NS))
            page.keyboard.press("Enter")
        page.wait_for_selector("text=Verified: 2 of 2 windows")
        screen(9, "handoff")
        assert "case.check_fix" in page.inner_text("main")
        assert app.wrong() == []
    case.refresh()
    done = [e.operation for e in case.entries[before:]]
    assert [name for name in done if name in ("simulate", "approve", "acted", "check_fix")] == [
        "simulate", "approve", "acted", "check_fix"]  # fmt: skip
    while case.length() > before and case.last_undoable() >= before:
        case.call("undo")
