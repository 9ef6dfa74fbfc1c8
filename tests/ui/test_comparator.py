"""The drift comparator: two brushes, columns by evidence, drivers; each settled brush is one entry and one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.strategies.boards import BUCKETS, HOSTILE, HOUR_MS, START_MS
from tests.strategies.boards import comparator as board
from tests.strategies.pages import becomes, many, settled
from workbench_widgets.comparator import Comparator
from workbench_widgets.page import page

SIZES = [(1100, 900), (360, 800)]


def shown(browser: Any, tmp_path: Path, made: Comparator, theme: str, size: tuple[int, int] = SIZES[0]) -> Any:
    """Open a page with the widget; `page.asked` and `page.wrong` hold outside requests and errors."""
    place = tmp_path / f"{theme}.html"
    place.write_text(page([made], theme=theme), encoding="utf-8")
    opened = browser.new_page(viewport={"width": size[0], "height": size[1]})
    opened.asked, opened.wrong = [], []
    opened.on("request", lambda r: None if r.url.startswith(("file:", "blob:")) else opened.asked.append(r.url))
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.goto(place.as_uri())
    opened.wait_for_selector(".wbw")
    settled(opened)
    if os.environ.get("WORKBENCH_SCREENSHOTS"):
        folder = Path(os.environ["WORKBENCH_SCREENSHOTS"])
        opened.screenshot(path=folder / f"Comparator-{theme}-{size[0]}.png", full_page=True)
    return opened


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_draws_both_themes_wide_and_narrow_without_requests(
    browser: Any, tmp_path: Path, theme: str, size: tuple[int, int]
) -> None:
    """0 requests, 0 errors, hostile text is text, six rows, pixels in strip and bars, nothing wider than the page."""
    opened = shown(browser, tmp_path, board(HOSTILE), theme, size)
    opened.get_by_role("button", name="amount", exact=True).click()
    opened.wait_for_selector(".detail svg")
    assert (opened.asked, opened.wrong) == ([], [])
    assert opened.evaluate("window.hacked") is None
    assert opened.locator(".wbw img").count() == 0
    many(opened.locator(".cols tbody tr"), 6)
    assert opened.evaluate("document.documentElement.scrollWidth") <= size[0]
    inked = """(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data
      .filter((v, i) => i % 4 === 3 && v > 0).length"""
    counts = [opened.locator("canvas").nth(k).evaluate(inked) for k in (0, 1, 6)]
    assert counts[0] > 3000
    assert counts[1] > 500
    assert counts[2] < 300  # a silent column has a floor and no bars
    assert "98 %" in opened.locator(".wbw").inner_text()
    opened.close()


def axis(opened: Any) -> tuple[float, float, float]:
    """Return left edge and width of the strip's axis, and a height within it, in px."""
    box = opened.locator(".strip canvas").bounding_box()
    return box["x"] + 104, box["width"] - 110, box["y"] + 60


@pytest.mark.browser
def test_a_brush_asks_while_it_moves_and_becomes_one_action_when_it_settles(browser: Any, tmp_path: Path) -> None:
    """The second fifth of 480 hours: 96 whole hours, one operation, the line's own arguments."""
    opened = shown(browser, tmp_path, board(), "light")
    left, width, y = axis(opened)
    opened.mouse.move(left + width / 5, y)
    opened.mouse.down()
    opened.mouse.move(left + 2 * width / 5, y, steps=6)
    becomes(lambda: opened.evaluate("models[0].get('ask')?.what"), "windows")
    asked = opened.evaluate("models[0].get('ask')")
    assert asked["baseline"] is None
    assert opened.evaluate("models[0].get('action')") == {}
    opened.mouse.up()
    action = opened.evaluate("models[0].get('action')")
    assert action["operation"] == "compare"
    assert action["arguments"]["dataset"] == "features.transactions"
    assert action["arguments"]["baseline"] == "same hours, 30 d"
    start, end = (np.datetime64(t.rstrip("Z")) for t in action["arguments"]["current"].split("/"))
    assert abs((end - start) / np.timedelta64(1, "h") - 96) <= 1
    assert action["serial"] == 1
    opened.get_by_role("button", name="Compare", exact=True).click()
    assert opened.evaluate("models[0].get('action').serial") == 1  # nothing moved: no second entry
    opened.close()


@pytest.mark.browser
def test_another_environment_is_typed_as_the_baseline_offered_again_and_stated(browser: Any, tmp_path: Path) -> None:
    """One action with that baseline; three ways are offered; what is compared is stated; a drag keeps the baseline."""
    made = board()
    made.ways = ["same hours, 30 d", "first 30 d", "environment staging"]
    made.stated = "14:00 to 16:00 against environment staging, the same window (200 rows)"
    opened = shown(browser, tmp_path, made, "light")
    field = opened.get_by_role("combobox", name="Baseline by name")
    assert field.input_value() == "same hours, 30 d"
    assert opened.locator("datalist option").count() == 3
    assert "Compared: 14:00 to 16:00 against environment staging" in opened.locator(".wbw").inner_text()
    field.fill("environment staging")
    field.press("Tab")
    assert opened.evaluate("models[0].get('action').arguments.baseline") == "environment staging"
    opened.evaluate("models[0].set('against', 'environment staging'); models[0].set('rule', '')")
    left, width, y = axis(opened)
    opened.mouse.move(left + width * 0.2, y)
    opened.mouse.down()
    opened.mouse.move(left + width * 0.3, y, steps=4)
    opened.mouse.up()
    asked = opened.evaluate("models[0].get('action')")
    assert (asked["serial"], asked["arguments"]["baseline"]) == (2, "environment staging")
    assert opened.wrong == []
    opened.close()


@pytest.mark.browser
def test_keys_choose_move_widen_and_settle_either_window(browser: Any, tmp_path: Path) -> None:
    """b and a drag make one baseline window; Shift+Right widens it by an hour, c and Left move the other."""
    opened = shown(browser, tmp_path, board(), "dark")
    left, width, y = axis(opened)
    opened.locator(".strip").focus()
    opened.keyboard.press("b")
    opened.mouse.move(left + width * 0.05, y)
    opened.mouse.down()
    opened.mouse.move(left + width * 0.25, y, steps=4)
    opened.mouse.up()
    assert opened.evaluate("models[0].get('rule')") == ""
    first = opened.evaluate("models[0].get('action').arguments.baseline")
    assert first.count("/") == 1
    opened.keyboard.press("Shift+ArrowRight")
    opened.keyboard.press("c")
    opened.keyboard.press("ArrowLeft")
    opened.keyboard.press("Enter")
    second = opened.evaluate("models[0].get('action').arguments")
    ends = [np.datetime64(one["baseline"].split("/")[1].rstrip("Z")) for one in ({"baseline": first}, second)]
    assert (ends[1] - ends[0]) / np.timedelta64(1, "h") == 1
    wanted = START_MS + (BUCKETS - 1) * HOUR_MS
    assert second["current"].split("/")[1] == str(np.datetime64(wanted, "ms"))[:19] + "Z"
    assert opened.wrong == []
    opened.close()


@pytest.mark.browser
def test_a_window_can_be_typed_and_a_column_opens_its_shares(browser: Any, tmp_path: Path) -> None:
    """Typed clock times do what the brush does; the column's 24 bars stand in a table of 24 rows."""
    opened = shown(browser, tmp_path, board(), "light")
    day = str(np.datetime64(START_MS + 48 * HOUR_MS, "ms"))[:10]
    opened.get_by_label("current window from, UTC").fill(f"{day} 10:00")
    opened.get_by_label("current window to, UTC").fill(f"{day} 12:00")
    opened.keyboard.press("Tab")
    assert opened.evaluate("models[0].get('action').arguments.current") == f"{day}T10:00:00Z/{day}T12:00:00Z"
    opened.get_by_role("button", name="amount", exact=True).click()
    opened.wait_for_selector(".detail table")
    many(opened.locator(".detail tbody tr"), 24)
    assert opened.evaluate("models[0].get('chosen')") == "amount"
    opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_or_critical_barrier(browser: Any, tmp_path: Path, theme: str) -> None:
    """With everything open: 0 findings."""
    rules = pytest.importorskip("axe_playwright_python")
    opened = shown(browser, tmp_path, board(), theme)
    opened.get_by_role("button", name="amount", exact=True).click()
    opened.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    opened.evaluate((Path(rules.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = opened.evaluate("axe.run('.wbw', {resultTypes: ['violations', 'passes']})")
    bad = [(v["id"], n["target"], n["failureSummary"]) for v in found["violations"]
           if v["impact"] in ("serious", "critical") for n in v["nodes"]]  # fmt: skip
    assert len(found["passes"]) > 10
    assert bad == []
    opened.close()


@pytest.mark.browser
def test_two_hundred_answers_at_once_repaint_only_the_last(browser: Any, tmp_path: Path) -> None:
    """200 sets of columns take at most 1 s with the drawing; the last stands there."""
    opened = shown(browser, tmp_path, board(), "light")
    took, name = opened.evaluate("""async () => {
      const begun = performance.now(), one = models[0].get('columns')[0];
      for (let k = 0; k < 200; k++) models[0].set('columns', [{ ...one, name: `c${k}` }]);
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return [performance.now() - begun, document.querySelector('.cols tbody button').textContent];
    }""")
    assert name == "c199"
    many(opened.locator(".cols tbody tr"), 1)
    assert took < 1000
    opened.close()


def test_the_twin_holds_strip_columns_bars_and_drivers_escaped() -> None:
    """Three SVGs (strip, two drifted columns), six columns, one driver; hostile names as text; bars are bytes."""
    made = board(HOSTILE)
    twin = made.twin()
    assert "<img" not in twin
    assert "<script" not in twin
    assert twin.count("<svg") == 3
    assert "provider_zeta" in twin
    assert twin.count("<tr>") == 1 + 6 + 1 + 1
    before, now = made.shares(1)
    assert before.tolist() == pytest.approx([0.5, 0.3, 0.0, 0.2])
    assert now.tolist() == pytest.approx([0.3, 0.2, 0.4, 0.1])
    assert len(made.bars) == 4 * 2 * (24 * 4 + 4)
