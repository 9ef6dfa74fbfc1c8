"""A widget on a page of its own in a browser, and its picture beside a committed small one."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench_widgets.board import Board
from workbench_widgets.page import page

SIZE = (1100, 760)
BLOCK_PX = 8
"""Pictures are compared by the mean colour of squares this wide: how a letter is smoothed then matters little."""
REFERENCES = Path(__file__).parents[1] / "ui" / "pictures"
ONE_FONT = ".wbw, .wbw * { font-family: 'DejaVu Sans' !important }"
"""Pages name no font, so a machine's own would decide where lines break."""


WAIT_S = 20.0
"""How long what is drawn a moment later is waited for: machines may be slow, and a wait ends as soon as it is there."""
SETTLED = """() => document.fonts.ready.then(() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150)))))"""
"""Two frames, and what is written a moment after a change: counted by the page's own clock, however slow it is."""


def settled(opened: Any) -> None:
    """Wait until a page has drawn what was changed."""
    opened.evaluate(SETTLED)


def becomes(look: Callable[[], Any], wanted: Any) -> None:
    """Look again until it is as wanted; fail with what was seen last."""
    until = time.monotonic() + WAIT_S
    while (seen := look()) != wanted and time.monotonic() < until:
        time.sleep(0.05)
    assert seen == wanted


def many(found: Any, wanted: int) -> None:
    """Wait until a locator finds so many."""
    becomes(found.count, wanted)


def tells(found: Any, text: str) -> None:
    """Wait until a locator's text holds another."""
    becomes(lambda: text if text in (seen := found.inner_text()) else seen, text)


def shown(
    browser: Any, tmp_path: Path, board: Board, theme: str, size: tuple[int, int] = SIZE
) -> tuple[Any, list[str], list[str]]:
    """Open a page with one widget; return it, what it asked outside, and its errors."""
    place = tmp_path / f"{theme}.html"
    place.write_text(page([board], theme=theme), encoding="utf-8")
    opened = browser.new_page(viewport={"width": size[0], "height": size[1]})
    asked: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(place.as_uri())
    opened.wait_for_selector(".wbw")
    settled(opened)
    return opened, [u for u in asked if not u.startswith(("file:", "blob:"))], wrong


def picture(opened: Any, name: str) -> Image.Image:
    """Return the widget's picture; it is kept where ``WORKBENCH_SCREENSHOTS`` says."""
    opened.add_style_tag(content=ONE_FONT)
    # Whoever measures text on a canvas draws again once the page has its font.
    opened.evaluate("dispatchEvent(new Event('resize'))")
    settled(opened)
    content = opened.locator(".wbw").screenshot()
    if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(content)
    return Image.open(io.BytesIO(content)).convert("RGB")


def reduced(whole: Image.Image) -> Image.Image:
    """Return a picture with one pixel for each square."""
    return whole.resize((whole.width // BLOCK_PX, whole.height // BLOCK_PX), Image.Resampling.BOX)


def unlike(seen: Image.Image, wanted: Image.Image) -> tuple[float, float]:
    """Return the mean difference of two reduced pictures (0..255) and the share of squares that differ plainly.

    Where one is larger, what the other lacks differs wholly.
    """
    high, wide = max(seen.height, wanted.height), max(seen.width, wanted.width)
    pair = np.full((2, high, wide, 3), np.nan)
    for place, one in enumerate((seen, wanted)):
        pair[place, : one.height, : one.width] = np.asarray(one, dtype=float)
    apart = np.nan_to_num(np.abs(pair[0] - pair[1]).max(axis=2), nan=255.0)
    return float(apart.mean()), float((apart > 48).mean())
