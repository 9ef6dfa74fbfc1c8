"""Widgets in a real browser, light and dark: they draw, they answer, they fetch nothing, and run no telemetry."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.strategies.boards import BOARDS, HOSTILE, MINUTE, START, lineage, timeline
from tests.strategies.pages import shown
from workbench.views.components import component, kind_of
from workbench_widgets.board import SHARED, Board
from workbench_widgets.page import page
from workbench_widgets.pyramid import thin


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
    names = sorted(p.stem for p in folder.glob("*.js") if p.stem not in SHARED)
    assert set(BOARDS) <= set(names)
    for name in names:
        found = vars(import_module(f"workbench_widgets.{name}")).values()
        kinds = [v for v in found if isinstance(v, type) and issubclass(v, Board) and v is not Board]
        assert {"action", "said", "theme", "title"} <= set(kind_of(kinds[0]).param), name


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
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_thousand_events_of_any_widget_freeze_nothing(browser: Any, tmp_path: Path, name: str) -> None:
    """500 values of all kinds that it draws and 500 captions take at most 2 s in all, and the last one stands there."""
    own = BOARDS[name]()
    drawn = [n for n in own.state() if n not in ("action", "ask", "said", "theme", "want", "view")]
    opened, _, wrong = shown(browser, tmp_path, own, "light")
    took = opened.evaluate("""async (names) => {
      const begun = performance.now(), copy = (value) => (value instanceof DataView ? value : structuredClone(value));
      for (let round = 0; round < 500; round++) {
        const one = names[round % names.length];
        models[0].set(one, copy(models[0].get(one)));
        models[0].set("caption", `event ${round}`);
      }
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return performance.now() - begun;
    }""", drawn)  # fmt: skip
    # What changes at once is written once, a moment after the last change.
    opened.locator(".wbw", has_text="event 499").wait_for(timeout=2000)
    assert wrong == []
    opened.close()
    assert took < 2000


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
