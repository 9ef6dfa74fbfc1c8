"""Every widget looks as it did, light, dark and narrow: small committed pictures, compared by coarse squares.

``WORKBENCH_PICTURES=write`` writes them anew; look at the large ones (``WORKBENCH_SCREENSHOTS=FOLDER``) before that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from tests.strategies.boards import BOARDS, timeline
from tests.strategies.pages import REFERENCES, picture, reduced, shown, unlike

LOOKS = {"light": ("light", 1100), "dark": ("dark", 1100), "narrow": ("light", 400)}
MOST_MEAN = 4.0
"""Mean difference of squares, 0..255; another version of a font or a browser stays well below."""
MOST_PLAIN = 0.02
"""Share of squares that may differ plainly."""


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_widget_looks_as_its_picture(browser: Any, tmp_path: Path, name: str, look: str) -> None:
    """8 widgets x 3 looks; no request, no error, and at most one square in fifty differs plainly."""
    theme, width = LOOKS[look]
    opened, asked, wrong = shown(browser, tmp_path, BOARDS[name](), theme, (width, 900))
    seen = reduced(picture(opened, f"{name}-{look}"))
    opened.close()
    assert (asked, wrong) == ([], [])
    place = REFERENCES / f"{name}-{look}.png"
    if os.environ.get("WORKBENCH_PICTURES") == "write":
        place.parent.mkdir(parents=True, exist_ok=True)
        seen.save(place, optimize=True)
    mean, plain = unlike(seen, Image.open(place).convert("RGB"))
    assert mean <= MOST_MEAN, f"{name} {look}: squares differ by {mean:.1f} of 255 on average"
    assert plain <= MOST_PLAIN, f"{name} {look}: {plain:.1%} of the squares differ plainly"


@pytest.mark.browser
def test_a_changed_widget_is_seen(browser: Any, tmp_path: Path) -> None:
    """The comparison can fail: on a lane less, on the other theme, a selection, and a picture shifted by a row."""
    wanted = Image.open(REFERENCES / "timeline-light.png").convert("RGB")
    fewer, chosen = timeline(), timeline()
    fewer.lanes = fewer.lanes[:-1]
    chosen.selection = [chosen.extent[0] + 3.6e6, chosen.extent[0] + 1.8e7]
    for made, theme in ((fewer, "light"), (timeline(), "dark"), (chosen, "light")):
        opened, _, _ = shown(browser, tmp_path, made, theme, (1100, 900))
        mean, plain = unlike(reduced(picture(opened, "changed")), wanted)
        opened.close()
        assert mean > MOST_MEAN or plain > MOST_PLAIN
    shifted = ImageOps.expand(wanted, (0, 1, 0, 0), "white").crop((0, 0, *wanted.size))
    assert max(unlike(shifted, wanted)[0] / MOST_MEAN, unlike(shifted, wanted)[1] / MOST_PLAIN) > 1


def test_there_is_one_picture_for_each_widget_and_look_and_they_are_small() -> None:
    """24 pictures, 200 KB in all at most: references that nobody draws any more would lie about."""
    found = {p.name for p in REFERENCES.glob("*.png")}
    assert found == {f"{name}-{look}.png" for name in BOARDS for look in LOOKS}
    assert sum(p.stat().st_size for p in REFERENCES.glob("*.png")) <= 200_000
