"""Widgets under mouse and keyboard: what is clicked, brushed or typed becomes exactly one thing that is asked for."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.strategies.boards import causes, contrast, lineage, stepper, timeline, waterfall
from tests.strategies.pages import becomes, many, settled, shown, tells
from workbench.case.case import Case
from workbench.views import bind


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


@pytest.mark.browser
def test_keys_move_in_the_lineage_and_stubs_and_searches_ask_for_more(browser: Any, tmp_path: Path) -> None:
    """Left from the model is the feature, plus expands it; the stub of 12 asks for them; a search asks once."""
    opened, _, _ = shown(browser, tmp_path, lineage(), "light")
    opened.locator(".node[data-focus]").focus()
    opened.keyboard.press("ArrowLeft")
    becomes(lambda: opened.evaluate("document.activeElement.dataset.name"), "feature:amount")
    opened.keyboard.press("+")
    assert opened.evaluate("models[0].get('ask')") == {
        "what": "expand", "name": "feature:amount", "side": "both", "serial": 1}  # fmt: skip
    opened.get_by_role("button", name="Draw 12 more upstream of orders").click()
    assert opened.evaluate("models[0].get('ask').side") == "up"
    opened.get_by_role("searchbox", name="Search an entity").fill("fra")
    opened.wait_for_function("models[0].get('ask').what === 'search'")
    assert opened.evaluate("models[0].get('ask').text") == "fra"
    opened.evaluate("document.querySelector('details').open = true")
    many(opened.locator("table[role=treegrid] tbody tr"), 4)
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
    becomes(lambda: opened.evaluate("document.activeElement.getAttribute('aria-selected')"), "true")
    tells(opened.locator(".wbw"), "run:5f2c")
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
        settled(opened)
        assert opened.evaluate("document.documentElement.scrollWidth") <= 360
        assert wrong == []
        opened.close()


@pytest.mark.browser
def test_what_arrives_while_a_reason_is_typed_waits_for_it(browser: Any, tmp_path: Path) -> None:
    """The form keeps its text while three causes arrive; once it is left they are drawn."""
    opened, _, _ = shown(browser, tmp_path, causes(), "light")
    opened.get_by_role("button", name="Reject cause 1").click()
    opened.keyboard.type("It began")
    opened.evaluate("models[0].set('causes', [1, 2, 3].map((rank) => ({ ...models[0].get('causes')[0], rank })))")
    opened.wait_for_timeout(500)
    assert opened.get_by_label("Why is it not the cause?").input_value() == "It began"
    many(opened.locator("li.cause"), 2)
    opened.keyboard.press("Escape")
    opened.locator("li.cause").nth(2).wait_for(timeout=5000)
    opened.close()


@pytest.mark.browser
def test_the_long_tail_of_causes_is_folded_and_stays_open_once_opened(browser: Any, tmp_path: Path) -> None:
    """Of nine causes the five below 2 % after the first three are folded; unproven ones are called so."""
    made = causes()
    shares = (0.9, 0.01, 0.01, 0.3, *[0.005] * 5)
    made.causes = [{**made.causes[0], "rank": n + 1, "confidence": c, "verdict": "none"} for n, c in enumerate(shares)]
    opened, _, _ = shown(browser, tmp_path, made, "light")
    fold = opened.locator(".wbw details", has_text="5 more, each with less than 2 % confidence").first
    many(opened.get_by_role("button", name="Reject cause"), 4)
    fold.locator("summary").first.click()
    many(opened.get_by_role("button", name="Reject cause"), 9)
    opened.locator(".wbw li.cause summary").first.click()
    opened.evaluate("models[0].set('caption', 'Nine.')")
    opened.get_by_text("Nine.").wait_for()
    many(opened.get_by_role("button", name="Reject cause"), 9)
    # The fold and the first cause's make-up stay open.
    many(opened.locator(".wbw details[open]"), 2)
    many(opened.get_by_text("not proven", exact=True), 9)
    opened.close()


@pytest.mark.browser
def test_signs_of_changes_never_lie_on_each_other_and_close_ones_are_one_with_their_number(
    browser: Any, tmp_path: Path
) -> None:
    """Of twelve changes, ten of them in four minutes of ten hours: three signs, one says 10; zoomed in they part."""
    made = timeline()
    first = made.changes[0]
    made.changes = [{**first, "t": first["t"] + n * 24_000, "title": f"v{n}"} for n in range(10)] + [
        {**first, "t": first["t"] - 7_200_000}, {**first, "t": first["t"] + 7_200_000}]  # fmt: skip
    opened, _, wrong = shown(browser, tmp_path, made, "light")
    signs = opened.locator(".glyphs button:visible")
    many(signs, 3)
    assert min(signs.all_inner_texts()) == "10"
    opened.get_by_role("button", name=re.compile("^10 changes: ")).click()
    tells(opened.locator(".wbw"), "v0; ")
    boxes = sorted(one.bounding_box()["x"] for one in signs.all())
    assert min(b - a for a, b in pairwise(boxes)) >= 24
    assert wrong == []
    opened.close()


@pytest.mark.browser
def test_what_arrives_while_a_time_is_typed_into_the_timeline_leaves_it(browser: Any, tmp_path: Path) -> None:
    """A caption comes between the first field and the second: both typed times are what is asked for."""
    opened, _, wrong = shown(browser, tmp_path, timeline(), "light")
    fields = opened.locator(".bar input")
    fields.nth(0).fill("2026-02-10T10:10:00Z")
    opened.evaluate("models[0].set('caption', 'More samples came.')")
    tells(opened.locator(".wbw"), "More samples came.")
    fields.nth(1).fill("2026-02-10T11:00:00Z")
    opened.evaluate("models[0].set('caption', 'And more.')")
    tells(opened.locator(".wbw"), "And more.")
    opened.get_by_role("button", name="Select", exact=True).click()
    wanted = {"window": "2026-02-10T10:10:00Z/2026-02-10T11:00:00Z"}
    becomes(lambda: opened.evaluate("models[0].get('action')").get("arguments"), wanted)
    assert wrong == []
    opened.close()
