"""A shared bundle in a real JupyterLab, far from its store: its notebook runs, widgets work, static twins stay."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pytest

import workbench.bench  # noqa: F401 - attaches case.share and case.widget
from tests.strategies.labs import opened, served
from workbench.case.archive import unpack
from workbench.case.case import Case
from workbench.model.window import HOUR_NS, iso, parse_time_ns
from workbench.report.share import share

START = parse_time_ns("2026-03-01T13:40:00Z")
SECRET = "mallory@evil.example.com"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds an opened bundle and nothing else; what it was made from is gone."""
    home = tmp_path_factory.mktemp("home")
    rows = pa.table({"time_ns": [START + n for n in range(9)], "value": [0.1 * n for n in range(9)]})
    case = Case.create(home / "INC-1", case_id="INC-1", ask=lambda *_, **__: rows, who="ada", clock=lambda: START)
    case.begin("service:scoring", "error_rate", f"{iso(START)}/{iso(START + HOUR_NS)}")
    case.hunch("serving")
    case.note(f"Asked by {SECRET}.")
    zipped = share(case, tmp_path_factory.mktemp("sent") / "INC-1.zip", notebook="executed").path
    shutil.rmtree(home)
    folder = tmp_path_factory.mktemp("elsewhere")
    unpack(zipped, folder / "INC-1")
    return folder


@pytest.fixture(scope="module")
def address(browser: Any, elsewhere: Path) -> Iterator[str]:
    """Serve the folder with JupyterLab."""
    pytest.importorskip("jupyterlab")
    with served(elsewhere) as place:
        yield place


def test_the_notebook_of_the_bundle_holds_static_twins(elsewhere: Path) -> None:
    """Three widgets, each with picture or table beside its view; no error, and the secret in no byte."""
    path = elsewhere / "INC-1" / "INC-1.ipynb"
    book = nbformat.read(path, as_version=4)
    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    data = [o["data"] for o in outputs if "data" in o]
    twins = [said["text/html"] for said in data if "wbw-twin-" in said.get("text/html", "")]
    assert len([said for said in data if "application/vnd.jupyter.widget-view+json" in said]) == len(twins) == 3
    assert all("<table" in twin or "<svg" in twin for twin in twins)
    assert not [p for p in (elsewhere / "INC-1").rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]


@pytest.mark.browser
def test_a_page_made_of_it_without_a_kernel_shows_the_twins(browser: Any, elsewhere: Path, tmp_path: Path) -> None:
    """nbconvert's page, scripts switched off and nothing fetched: the table of causes and the timeline are seen."""
    exporter = pytest.importorskip("nbconvert").HTMLExporter()
    book = nbformat.read(elsewhere / "INC-1" / "INC-1.ipynb", as_version=4)
    for cell in (c for c in book.cells if c.cell_type == "code"):
        for output in cell.outputs:
            # A viewer that knows no widgets shows the next richest form.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    page_path = tmp_path / "page.html"
    page_path.write_text(exporter.from_notebook_node(book)[0], "utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_path.as_uri())
    assert page.get_by_role("heading", name="Causes").count() == 1
    assert page.locator("svg[aria-label='Joined timeline']").is_visible()
    context.close()


@pytest.mark.full
@pytest.mark.browser
def test_the_bundle_runs_in_jupyterlab_with_widgets(browser: Any, address: str, elsewhere: Path) -> None:
    """Run all: same state hash, three live widgets, no address asked for but the server's; the journal is unchanged."""
    before = (elsewhere / "INC-1" / "journal.jsonl").read_bytes()
    lab = opened(browser, address, "INC-1/INC-1.ipynb")
    assert lab.do("notebook:run-all-cells")
    lab.wait("() => document.querySelectorAll('.jp-OutputArea .wbw').length >= 3")
    assert lab.page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    shown = " ".join(lab.page.locator(".jp-OutputArea .wbw").all_inner_texts())
    assert [name for name in ("Causes", "Joined timeline", "Lineage") if name not in shown] == []
    assert (lab.outside, lab.wrong) == ([], [])
    lab.page.close()
    assert (elsewhere / "INC-1" / "journal.jsonl").read_bytes() == before
    assert Case.open(elsewhere / "INC-1").replay().ok
