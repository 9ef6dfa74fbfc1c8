"""Widgets in a real browser, light and dark: they draw, they answer, they fetch nothing, and run no telemetry."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.case.case import Case
from workbench.views import bind
from workbench.views.components import component, kind_of
from workbench_widgets.board import Board
from workbench_widgets.causes import Causes
from workbench_widgets.contrast import Contrast
from workbench_widgets.lineage import Lineage
from workbench_widgets.page import page
from workbench_widgets.stepper import Stepper
from workbench_widgets.timeline import Timeline, thin
from workbench_widgets.waterfall import Waterfall

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script>'
START = 1_770_714_960_000_000_000
MINUTE = 60_000_000_000


def timeline(title: str = "Accuracy fell at 13:42") -> Timeline:
    """Return three lanes of ten hours: one drops, one has a gap, one could not be asked."""
    times = START + MINUTE * np.arange(600)
    score = 0.8 + 0.02 * np.sin(np.arange(600) / 20)
    score[360:] -= 0.18
    waits = 11 + 2 * np.cos(np.arange(600) / 9)
    waits[350:] += 57
    waits[100:140] = np.nan
    lanes: list[dict[str, Any]] = [
        {"title": "Confidence", "unit": "", "series": [{"name": title, "times": times, "values": score}],
         "first": True, "onset": [START + 355 * MINUTE, START + 362 * MINUTE]},
        {"title": "Requests", "unit": "ms", "series": [{"name": "queue_wait", "times": times, "values": waits},
                                                      {"name": "forward_pass", "times": times, "values": waits / 3}]},
        {"title": "GPU", "state": "source down: no figures since 09:16"},
    ]  # fmt: skip
    changes = [{"time_ns": START + 340 * MINUTE, "kind": "deploy", "title": f"v42 {title}"}]
    return Timeline(lanes, changes=changes, title=title, caption="Queue wait rose from 11 ms to 68 ms.")


def causes(text: str = "'unknown' in ad_vertical rose from 1.2 % to 14 %") -> Causes:
    """Return two causes, one of them rejected."""
    one = {"rank": 1, "entity": "feature:ad_vertical", "kind": "unmapped_category", "statement": text, "for": [text],
           "confidence": 0.811, "verdict": "suspected", "factors": {"path": 1.0, "symptom": 0.73}, "against": [],
           "rejected": ""}  # fmt: skip
    return Causes([one, {**one, "rank": 2, "entity": "column:clicks", "rejected": text}], caption="2 candidates.")


def contrast(text: str = "model_version = v42 and region = c") -> Contrast:
    """Return two conditions, one without an interval."""
    one = {"condition": text, "share_in": 0.58, "share_out": 0.02, "lift": 29.0, "lift_low": 21.0, "lift_high": 40.0,
           "support": 410, "q": 1e-9}  # fmt: skip
    return Contrast([one, {**one, "condition": "region = c", "lift": 2.1, "lift_low": None}], caption="Errors.")


def lineage(text: str = "orders") -> Lineage:
    """Return a path of three and a stub; one of them deviates by itself, one inherits it."""
    nodes = [
        {"name": f"dataset:{text}", "kind": "dataset", "layer": 0, "row": 0.5, "hidden_up": 12, "health": "nulls 31 %",
         "origin": "own", "proven": True, "detail": text},
        {"name": "job:shop/clean", "kind": "job", "layer": 0, "row": 1.5, "health": "well"},
        {"name": "feature:amount", "kind": "feature", "layer": 1, "row": 1.0, "origin": "inherited", "proven": True,
         "health": "drift .31", "change": "changed"},
        {"name": "model:fraud", "kind": "model", "layer": 2, "row": 1.0, "proven": True, "hidden_down": 3},
    ]  # fmt: skip
    edges = [{"source": f"dataset:{text}", "target": "feature:amount", "proven": True, "rule": "column_lineage"},
             {"source": "job:shop/clean", "target": "feature:amount", "change": "appeared"},
             {"source": "feature:amount", "target": "model:fraud", "proven": True}]  # fmt: skip
    times = {"start": START / 1e6, "end": START / 1e6 + 864e5, "at": None, "against": None}
    return Lineage(nodes, edges, focus="model:fraud", times=times, signals=["null_rate", "drift"], caption="4 of 19.")


def waterfall(text: str = "predict") -> Waterfall:
    """Return a trace of four spans: one failed, one whose parent is missing; and a comparison."""
    one = {"depth": 1, "status": "ok", "queue": None, "forward": None, "flags": [], "logs": [], "links": []}
    spans = [
        {**one, "id": "a", "depth": 0, "service": "edge", "name": "POST /v1", "start": 0.0, "duration": 100.0,
         "self": 10.0, "critical": [[0.0, 5.0], [95.0, 100.0]]},
        {**one, "id": "b", "service": "predictor", "name": text, "start": 5.0, "duration": 90.0, "self": 90.0,
         "critical": [[5.0, 95.0]], "queue": 62.0, "forward": 20.0, "links": ["run:5f2c"]},
        {**one, "id": "c", "service": "session", "name": "check", "start": 10.0, "duration": 20.0, "self": 20.0,
         "critical": [], "status": "error", "logs": [{"at": 12.0, "severity": "error", "body": text}]},
        {**one, "id": "d", "depth": 0, "service": "lost", "name": "orphan", "start": 30.0, "duration": 9.0,
         "self": 9.0, "critical": [[30.0, 39.0]], "flags": ["its parent span is missing"]},
    ]  # fmt: skip
    rows = [{"service": "predictor", "name": text, "a": 31.0, "b": 90.0, "more": 59.0, "low": 51.0, "high": 66.0}]
    return Waterfall(spans, trace="0af7", against="baseline", operations=rows, traces=["0af7"], caption="100 ms.")


def stepper(text: str = "Requests are 36 % slower since 13:42.") -> Stepper:
    """Return three steps: one interesting, one skipped, one to do and suggested; and one that writes an action."""
    one = {"why": "It matters.", "cost": "", "summary": "", "reason": "", "kind": "step"}
    steps = [
        {**one, "name": "scope", "number": 2, "question": "What is wrong?", "state": "interesting", "summary": text},
        {**one, "name": "hardware", "number": 9, "question": "Are machines well?", "state": "skipped", "reason": text},
        {**one, "name": "serving", "number": 8, "question": "Who is slow?", "state": "to do"},
        {**one, "name": "action", "number": 11, "question": "What is done?", "state": "to do", "kind": "form"},
    ]  # fmt: skip
    return Stepper(steps, suggested={"step": "serving", "why": "It is the most telling step left."})


BOARDS = {"causes": causes, "contrast": contrast, "lineage": lineage, "stepper": stepper, "timeline": timeline,
          "waterfall": waterfall}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start headless Chromium once."""
    if CHROMIUM is None:
        pytest.skip("No Chromium was found; install it to test widgets in a browser.")
    sync = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


def shown(browser: Any, tmp_path: Path, board: Board, theme: str) -> tuple[Any, list[str], list[str]]:
    """Open a page with one widget; return it, its requests and its errors."""
    place = tmp_path / f"{theme}.html"
    place.write_text(page([board], theme=theme), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1100, "height": 760})
    asked: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(place.as_uri())
    opened.wait_for_selector(".wbw")
    opened.wait_for_timeout(150)
    if os.environ.get("WORKBENCH_SCREENSHOTS"):
        opened.screenshot(path=f"{os.environ['WORKBENCH_SCREENSHOTS']}/{type(board).__name__}-{theme}.png")
    return opened, [u for u in asked if not u.startswith(("file:", "blob:"))], wrong


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_hostile_text_is_drawn_as_text_without_requests(browser: Any, tmp_path: Path, name: str, theme: str) -> None:
    """0 external requests, 0 errors, 0 images; the text itself stands there."""
    opened, asked, wrong = shown(browser, tmp_path, BOARDS[name](HOSTILE), theme)
    assert (asked, wrong) == ([], [])
    assert opened.evaluate("window.hacked") is None
    assert opened.locator(".wbw img").count() == 0
    assert HOSTILE[:20] in opened.locator(".wbw").text_content()
    assert opened.locator(".wbw").get_attribute("data-theme") == theme
    opened.close()


@pytest.mark.full
@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_widgets_in_both_themes_raise_no_error(browser: Any, tmp_path: Path, name: str, theme: str) -> None:
    """Ordinary content, for eyes too."""
    opened, asked, wrong = shown(browser, tmp_path, BOARDS[name](), theme)
    assert (asked, wrong) == ([], [])
    unnamed = "[...document.querySelectorAll('.wbw button')].filter(b => !b.textContent.trim() && !b.ariaLabel).length"
    assert opened.evaluate(unnamed) == 0
    opened.close()


@pytest.mark.browser
def test_a_brush_on_the_timeline_sets_the_selection_and_the_button_asks_for_it(browser: Any, tmp_path: Path) -> None:
    """Pixels are drawn; a drag over a third of the axis selects a third of ten hours."""
    opened, _, _ = shown(browser, tmp_path, timeline(), "light")
    inked = """() => { const c = document.querySelector('canvas');
      const all = c.getContext('2d').getImageData(0, 0, c.width, c.height)
      .data;
      return all.filter((v, i) => i % 4 === 3 && v > 0).length }"""
    assert opened.evaluate(inked) > 3000
    box = opened.locator("canvas").bounding_box()
    axis = box["width"] - 168 - 8
    opened.mouse.move(box["x"] + 168 + axis / 3, box["y"] + 90)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 168 + 2 * axis / 3, box["y"] + 90, steps=4)
    opened.mouse.up()
    start, end = opened.evaluate("models[0].get('selection')")
    assert (end - start) / (599 * 60_000) == pytest.approx(1 / 3, abs=0.01)
    opened.get_by_role("button", name="Select", exact=True).click()
    action = opened.evaluate("models[0].get('action')")
    assert action["operation"] == "select"
    assert re.fullmatch(r"2026-02-10T\S+Z/2026-02-10T\S+Z", action["arguments"]["window"])
    opened.close()


def test_downsampling_a_million_points_keeps_every_spike_and_gap() -> None:
    """47 planted dropouts and 3 gaps among 1,000,000 points survive 2,000 columns."""
    values = np.ones(1_000_000)
    spikes = np.arange(47) * 20_011 + 5_003
    values[spikes] = -50.0
    gaps = np.array([200, 500_000, 900_000])
    values[gaps] = np.nan
    places = thin(np.arange(1_000_000, dtype=np.int64) * MINUTE, values, 4_000)
    assert set(spikes) <= set(places)
    assert set(gaps) <= set(places)
    assert len(places) <= 4_003


def test_a_view_draws_only_what_it_shows() -> None:
    """One hour of ten: 60 points and one beyond either edge."""
    board = timeline()
    start = START / 1e6 + 60 * 60_000
    board.view = {"start": start, "end": start + 3_540_000, "width": 900}
    assert board.lanes[0]["series"][0]["n"] == 62
    board.selection = [1000.4, 2000.0]
    assert board.selection_ns == (1_000_000_000, 2_000_000_000)


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_twins_without_a_kernel_hold_the_content_escaped(name: str) -> None:
    """The bundle has text/html; hostile text is in it, as text."""
    twin = BOARDS[name](HOSTILE)._repr_mimebundle_()[0]["text/html"]
    assert "<img" not in twin
    assert "<script" not in twin
    assert "&lt;img" in twin
    assert "<table>" in twin


@pytest.mark.browser
def test_rejecting_a_cause_needs_a_reason_and_asks_for_the_operation(browser: Any, tmp_path: Path) -> None:
    """An empty reason does nothing; a given one becomes {operation, arguments}."""
    opened, _, _ = shown(browser, tmp_path, causes(), "light")
    opened.get_by_role("button", name="Reject cause 1").click()
    opened.get_by_role("button", name="Save").click()
    assert opened.evaluate("models[0].get('action')") == {}
    opened.keyboard.type("It began before")
    opened.keyboard.press("Enter")
    wanted = {"operation": "reject", "arguments": {"cause": 1, "reason": "It began before"}, "serial": 1}
    assert opened.evaluate("models[0].get('action')") == wanted
    opened.close()


def test_a_click_is_one_journal_entry_and_a_refused_one_is_none(tmp_path: Path) -> None:
    """Begin, then a note: 2 entries; a rejection without such a rank says why and adds none."""
    case = Case.create(tmp_path / "case", case_id="INC-1")
    case.call("begin", entity="service:a", signal="error_rate", window="2026-02-10T10:00:00Z/2026-02-10T11:00:00Z")
    board = bind.causes(case)
    board.action = {"operation": "note", "arguments": {"text": "Look at v42."}, "serial": 1}
    assert case.length() == 2
    assert board.said["line"] == 'case.note("Look at v42.")'
    board.action = {"operation": "reject", "arguments": {"cause": 7, "reason": "no"}, "serial": 2}
    assert case.length() == 2
    assert "No cause has rank 7" in board.said["text"]


@pytest.mark.browser
def test_filtering_a_condition_asks_for_it_by_name(browser: Any, tmp_path: Path) -> None:
    """The button beside the second row names the second condition."""
    opened, _, _ = shown(browser, tmp_path, contrast(), "light")
    opened.get_by_role("button", name="filter: region = c", exact=True).click()
    wanted = {"operation": "filter", "arguments": {"condition": "region = c"}, "serial": 1}
    assert opened.evaluate("models[0].get('action')") == wanted
    opened.close()


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_panel_component_and_its_widget_follow_each_other(name: str) -> None:
    """A click in Panel reaches the widget's listeners; new values of the widget reach Panel; the module is one."""
    board = BOARDS[name]()
    heard: list[tuple[str, object]] = []
    looked: list[object] = []
    board.on_action(lambda operation, arguments: heard.append((operation, arguments)))
    board.on_ask(looked.append)
    made: Any = component(board)
    made.action = {"operation": "note", "arguments": {"text": "x"}, "serial": 1}
    made.ask = {"what": "hop", "serial": 1}
    assert heard == [("note", {"text": "x"})]
    assert looked == [{"what": "hop", "serial": 1}]
    board.caption = "Slowest requests."
    assert made.caption == "Slowest requests."
    assert type(made)._esm == board.code()
    assert type(made) is type(component(BOARDS[name]()))


def test_every_module_beside_a_class_has_its_panel_component() -> None:
    """Each widget file gives a component with the values that its class draws."""
    folder = Path(__import__("workbench_widgets").__file__).parent
    names = sorted(p.stem for p in folder.glob("*.js") if p.stem != "base")
    assert set(BOARDS) <= set(names)
    for name in names:
        found = vars(import_module(f"workbench_widgets.{name}")).values()
        kinds = [v for v in found if isinstance(v, type) and issubclass(v, Board) and v is not Board]
        assert {"action", "said", "theme", "title"} <= set(kind_of(kinds[0]).param), name


@pytest.mark.browser
def test_keys_move_in_the_lineage_and_stubs_and_searches_ask_for_more(browser: Any, tmp_path: Path) -> None:
    """Left from the model is the feature, plus expands it; the stub of 12 asks for them; a search asks once."""
    opened, _, _ = shown(browser, tmp_path, lineage(), "light")
    opened.locator(".node[data-focus]").focus()
    opened.keyboard.press("ArrowLeft")
    assert opened.evaluate("document.activeElement.dataset.name") == "feature:amount"
    opened.keyboard.press("+")
    assert opened.evaluate("models[0].get('ask')") == {
        "what": "expand", "name": "feature:amount", "side": "both", "serial": 1}  # fmt: skip
    opened.get_by_role("button", name="Draw 12 more upstream of orders").click()
    assert opened.evaluate("models[0].get('ask').side") == "up"
    opened.get_by_role("searchbox", name="Search an entity").fill("fra")
    opened.wait_for_function("models[0].get('ask').what === 'search'")
    assert opened.evaluate("models[0].get('ask').text") == "fra"
    opened.evaluate("document.querySelector('details').open = true")
    assert opened.locator("table[role=treegrid] tbody tr").count() == 4
    opened.locator(".node[data-name='feature:amount']").click()
    opened.get_by_role("button", name="Make hypothesis: amount").click()
    wanted = {"statement": "amount is where it began", "entity": "feature:amount"}
    assert opened.evaluate("models[0].get('action').arguments") == wanted
    opened.close()


@pytest.mark.browser
def test_keys_move_in_the_waterfall_and_two_cohorts_are_asked_for(browser: Any, tmp_path: Path) -> None:
    """Arrow down opens the second span with its links; two conditions become one operation."""
    opened, _, _ = shown(browser, tmp_path, waterfall(), "light")
    opened.locator(".row").first.focus()
    opened.keyboard.press("ArrowDown")
    assert opened.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert "run:5f2c" in opened.locator(".wbw").inner_text()
    opened.get_by_label("First cohort, a condition").fill("region = a")
    opened.get_by_label("Second cohort, a condition").fill("region = c")
    opened.get_by_role("button", name="Compare cohorts").click()
    assert opened.evaluate("models[0].get('action')")["arguments"] == {"first": "region = a", "second": "region = c"}
    opened.close()


@pytest.mark.browser
def test_the_stepper_runs_what_is_suggested_and_skips_only_with_a_reason(browser: Any, tmp_path: Path) -> None:
    """Skip asks first; the next best step runs as the operation of its name."""
    opened, _, _ = shown(browser, tmp_path, stepper(), "light")
    opened.get_by_role("button", name="Skip step 8").click()
    opened.get_by_role("button", name="Save").click()
    assert opened.evaluate("models[0].get('action')") == {}
    opened.keyboard.type("No model is served")
    opened.keyboard.press("Enter")
    wanted = {"operation": "skip", "arguments": {"step": "serving", "reason": "No model is served"}, "serial": 1}
    assert opened.evaluate("models[0].get('action')") == wanted
    opened.get_by_role("button", name="Run the next best step").click()
    assert opened.evaluate("models[0].get('action').operation") == "serving"
    opened.wait_for_selector("li.step[data-state=running]", timeout=5000)  # drawn with the next frame
    opened.close()


@pytest.mark.browser
def test_a_widget_drawn_before_it_is_attached_and_then_narrowed_stays_inside(browser: Any, tmp_path: Path) -> None:
    """At 360 px no widget is wider than its place."""
    for make in (lineage, waterfall, stepper):
        opened, _, wrong = shown(browser, tmp_path, make(), "light")
        opened.set_viewport_size({"width": 360, "height": 700})
        opened.wait_for_timeout(100)
        assert opened.evaluate("document.documentElement.scrollWidth") <= 360
        assert wrong == []
        opened.close()


@pytest.mark.browser
def test_five_hundred_updates_at_once_freeze_nothing_and_the_last_one_is_drawn(browser: Any, tmp_path: Path) -> None:
    """500 sets of 200 nodes take at most 2 s in all, the drawing included."""
    opened, _, wrong = shown(browser, tmp_path, lineage(), "light")
    took, drawn = opened.evaluate("""async () => {
      const begun = performance.now(), blank = models[0].get('nodes')[0];
      for (let round = 0; round < 500; round++)
        models[0].set("nodes", Array.from({ length: 200 }, (_, i) => (
          { ...blank, name: `dataset:${round}-${i}`, layer: i % 8, row: Math.floor(i / 8) })));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return [performance.now() - begun, document.querySelector('.node').dataset.name];
    }""")
    assert drawn == "dataset:499-0"
    assert took < 2000
    assert wrong == []
    opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_or_critical_barrier_in_any_widget(browser: Any, tmp_path: Path, theme: str) -> None:
    """All widgets with their folds open, on one page: 0 findings."""
    rules = pytest.importorskip("axe_playwright_python")
    axe = (Path(rules.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    place = tmp_path / "all.html"
    place.write_text(page([make() for make in BOARDS.values()], theme=theme), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1100, "height": 2400})
    opened.goto(place.as_uri())
    opened.wait_for_selector(".wbw")
    opened.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    opened.locator(".node").first.click()
    opened.locator(".row").nth(2).click()
    opened.evaluate(axe)
    found = opened.evaluate("axe.run('.wbw', {resultTypes: ['violations', 'passes']})")
    bad = [(v["id"], n["target"], n["failureSummary"]) for v in found["violations"]
           if v["impact"] in ("serious", "critical") for n in v["nodes"]]  # fmt: skip
    assert len(found["passes"]) > 10
    assert bad == []
    opened.close()
