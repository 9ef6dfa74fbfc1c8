"""Without a kernel: pages of executed notebooks and stripped-down viewers show each widget's picture and table."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import zmq
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from tests.strategies.boards import BOARDS, HOSTILE
from tests.strategies.labs import KERNEL

ROOT = Path(__file__).parents[2]
KEPT = ["b", "br", "details", "div", "h3", "li", "ol", "p", "strong", "summary", "table", "tbody", "td", "th", "thead",
        "tr", "ul"]  # fmt: skip
"""What a strict viewer of notebooks lets through: no drawing, no style, no script, no class."""
DRAWN = {"comparator", "gpu", "lineage", "timeline", "waterfall"}
"""Boards whose twin holds a drawing beside the table."""


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    """Run a notebook that shows every board, as continuous integration does: a kernel, and nobody in front of it."""
    first = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.strategies.boards import BOARDS"
    cells = [new_code_cell(s) for s in (first, *(f"BOARDS[{name!r}]()" for name in sorted(BOARDS)))]
    book = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    config = Config({"KernelManager": {"transport_encryption": "auto"}}) if zmq.has("curve") else Config()
    NotebookClient(book, kernel_name="python3", timeout=120, config=config).execute(env=dict(os.environ))
    return book


def test_an_output_is_the_widget_and_beside_it_the_twin(executed: nbformat.NotebookNode) -> None:
    """Two outputs a board: a view that only a living widget fills, and a twin with words, table, and drawing."""
    for cell, name in zip(executed.cells[1:], sorted(BOARDS), strict=True):
        view, twin = (output["data"] for output in cell.outputs)
        assert view["text/plain"] == ""
        assert "text/html" not in view
        assert view["application/vnd.jupyter.widget-view+json"]["model_id"] in twin["text/html"]
        assert "<table>" in twin["text/html"]
        assert ("<svg" in twin["text/html"]) == (name in DRAWN), name
        assert len(twin["text/plain"]) >= 7


@pytest.mark.browser
def test_a_page_made_of_an_executed_notebook_shows_every_twin_without_a_network(
    browser: Any, tmp_path: Path, executed: nbformat.NotebookNode
) -> None:
    """nbconvert's page with the network cut: 8 tables and 5 drawings can be seen, each where its cell is."""
    from nbconvert import HTMLExporter

    place = tmp_path / "executed.html"
    place.write_text(HTMLExporter().from_notebook_node(executed)[0], encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1100, "height": 900})
    opened.route(re.compile("^https?:"), lambda route: route.abort())
    opened.goto(place.as_uri(), wait_until="domcontentloaded")
    for number, name in enumerate(sorted(BOARDS), start=1):
        cell = opened.locator(".jp-CodeCell").nth(number)
        assert cell.locator("table").first.is_visible(), name
        assert cell.locator("table").first.bounding_box()["width"] > 200, name
        drawings = [d for d in cell.locator("svg").all() if d.is_visible() and d.bounding_box()["width"] > 200]
        assert bool(drawings) == (name in DRAWN), name
    opened.close()


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_viewer_that_strips_drawings_and_styles_still_tells_it_in_words_and_a_table(name: str) -> None:
    """As GitHub shows notebooks: only the table and the sentences are left, and hostile text is text."""
    bleach = pytest.importorskip("bleach")
    made = BOARDS[name]()
    left = bleach.clean(made.twin(), tags=KEPT, attributes={}, strip=True)
    rows = re.findall(r"<tr>(.*?)</tr>", left, re.S)
    assert len(rows) >= 2, "a head and a row"
    assert all(re.sub(r"<[^>]+>", "", row).strip() for row in rows)
    assert made.caption in left or not made.caption
    assert "<img" not in bleach.clean(BOARDS[name](HOSTILE).twin(), tags=KEPT, attributes={}, strip=True)


@pytest.mark.browser
def test_no_text_of_a_twin_is_cut_or_leaves_its_box(browser: Any, tmp_path: Path) -> None:
    """In a wide font, with long names: every text of the five drawings lies inside, a node's inside its node."""
    long = BOARDS["lineage"]("1108eeffdd847c2b46acf32d17167316")
    twins = [BOARDS[name]().twin() for name in sorted(DRAWN)] + [long.twin()]
    place = tmp_path / "twins.html"
    place.write_text("<style>* { font-family: 'DejaVu Sans' }</style>" + "".join(twins), encoding="utf-8")
    opened = browser.new_page(viewport={"width": 1000, "height": 900})
    opened.goto(place.as_uri())
    out = opened.evaluate("""() => [...document.querySelectorAll("svg text")].filter((text) => {
      const mine = text.getBoundingClientRect(), before = text.previousElementSibling;
      const node = before?.tagName === "rect" && before.getAttribute("rx") === "4" ? before : text.ownerSVGElement;
      const box = node.getBoundingClientRect();
      return mine.left < box.left - 1 || mine.right > box.right + 1;
    }).map((text) => text.textContent)""")
    assert opened.locator("svg text").count() > 20
    assert out == []
    opened.close()
