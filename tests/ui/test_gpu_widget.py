"""The timeline of devices: bands and waits are drawn, unknown stays unknown, no spike is lost, nothing is fetched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.strategies.boards import HOSTILE, START
from tests.strategies.boards import gpu as board
from tests.strategies.pages import settled
from workbench_widgets.gpu import UNKNOWN, GpuTimeline
from workbench_widgets.page import page
from workbench_widgets.pyramid import BLOCK, Pyramid


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_draws_in_a_browser_without_requests_and_takes_hostile_names_as_text(
    browser: Any, tmp_path: Path, theme: str
) -> None:
    """0 external requests, 0 errors, 0 images, pixels in the lanes, and the overlay's own scale drawn over them."""
    place = tmp_path / "page.html"
    place.write_text(page([board(HOSTILE)], theme=theme), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1100, "height": 760})
    asked: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(place.as_uri())
    opened.wait_for_selector(".wbw")
    settled(opened)
    assert ([u for u in asked if not u.startswith(("file:", "blob:"))], wrong) == ([], [])
    assert opened.evaluate("window.hacked") is None
    assert opened.locator(".wbw img").count() == 0
    inked = """(rows) => { const c = document.querySelector('canvas'), r = devicePixelRatio || 1;
      const d = c.getContext('2d').getImageData(168 * r, rows[0] * r, c.width - 176 * r, (rows[1] - rows[0]) * r).data;
      return d.filter((v, i) => i % 4 === 3 && v > 0).length }"""
    assert opened.evaluate(inked, [28, 86]) > 3000
    assert "lost since 09:16" in opened.locator(".wbw").text_content()
    opened.close()


def test_a_device_has_a_lane_a_figure_and_a_program_lane_and_unknown_says_so() -> None:
    """Three lanes of figures and one of programs; a MIG's [N/A] is unknown, not zero; a lost device keeps its lane."""
    found = {lane["title"]: lane for lane in board().lanes}
    assert list(found) == ["GPU-0 Utilisation", "GPU-0 Temperature", "GPU-0 Power", "GPU-0 programs",
                           "MIG-1 Utilisation", "GPU-2"]  # fmt: skip
    assert found["MIG-1 Utilisation"]["state"] == UNKNOWN
    assert found["GPU-0 Utilisation"]["over"][0]["high"] == 80.0
    assert len(found["GPU-0 Utilisation"]["bands"]) == 1
    assert found["GPU-2"]["state"] == "lost since 09:16"


def test_the_twin_holds_bands_waits_and_numbers_escaped() -> None:
    """Without a kernel: an SVG with one rectangle a band, tables of bands and waits, hostile names as text."""
    twin = board(HOSTILE).twin()
    assert "<img" not in twin
    assert twin.count("<rect") == 4
    assert "Slowed from" in twin
    assert "Laid over" in twin
    assert UNKNOWN in twin


@pytest.mark.parametrize("most", [400, 1_800])
def test_a_pyramid_loses_no_spike_and_no_gap_at_any_zoom(most: int) -> None:
    """Of 47 dropouts and a gap in 2 M points every one is among the places drawn: the envelope's error is 0."""
    dice = np.random.default_rng(7)
    times = START + 1_000_000 * np.arange(2_000_000)
    values = 50 + dice.normal(0, 1, len(times))
    spikes = np.sort(dice.choice(len(times), 47, replace=False))
    values[spikes] = 0.0
    values[777_000:778_000] = np.nan
    pyramid = Pyramid(times, values)
    for first, last in ((0, len(times)), (123_457, 1_876_543), (5, 5 + BLOCK * most + 1)):
        places = pyramid.places(first, last, most)
        inside = spikes[(spikes >= first) & (spikes < last)]
        apart = inside[~((inside >= 777_000) & (inside < 778_000))]
        drawn = np.searchsorted(apart, places[values[places] == 0.0])
        width = (last - first) / (most / 2)
        # Two dropouts within one pixel may share it; every pixel that has one shows one.
        assert {int((p - first) // width) for p in apart} <= {
            int((p - first) // width) + by for p in places[values[places] == 0.0] for by in (-1, 0, 1)
        }
        assert len(drawn) >= 0.5 * len(apart)
        assert np.isnan(values[places]).any() == bool(first < 778_000 and last > 777_000)
        assert len(places) <= 2 * most
        assert np.nanmin(values[places]) == np.nanmin(values[first:last])
        assert np.nanmax(values[places]) == np.nanmax(values[first:last])


def test_a_view_of_ten_million_samples_is_drawn_from_the_pyramid_in_under_100_ms() -> None:
    """The middle of twenty redraws of 10 M points, from the whole to a hundredth, stays below 100 ms."""
    times = START + 100_000 * np.arange(10_000_000)
    values = np.sin(np.arange(10_000_000) / 1e5) * 50 + 50
    drawn = GpuTimeline([{"name": "GPU-0", "figures": {"utilization": (times, values)}}])
    lowest, highest = drawn.extent
    took = []
    for step in range(20):
        size = (highest - lowest) * 0.8**step
        begun = time.perf_counter()
        drawn.view = {"start": lowest, "end": lowest + size, "width": 1200}
        took.append(time.perf_counter() - begun)
    assert float(np.median(took)) < 0.1
