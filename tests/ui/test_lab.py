"""A real JupyterLab in a real browser: widgets render, clicks become entries and cells, and all of it survives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.strategies.labs import KERNEL, opened, served
from tests.strategies.pages import becomes, many, tells
from workbench.case.case import Case
from workbench.commands.lab import lay_notebooks

WINDOW = "2026-02-10T10:00:00Z/2026-02-10T11:00:00Z"
OPEN = 'import workbench as wb\nfrom workbench.views.bind_steps import stepper\n\ncase = wb.Case.open("INC-1")'
SHOW = "board = stepper(case)\nboard"
TELL = 'print("said", case.length(), board.hunch, case.state_hash)'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a case, a notebook about it, and the shipped notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    case = Case.create(folder / "INC-1", case_id="INC-1", who="tester")
    case.call("begin", entity="service:a", signal="error_rate", window=WINDOW)
    book = new_notebook(cells=[new_code_cell(s) for s in (OPEN, SHOW, TELL)], metadata={"kernelspec": KERNEL})
    nbformat.write(book, folder / "case.ipynb")
    lay_notebooks(folder / "notebooks")
    return folder


@pytest.fixture(scope="module")
def address(browser: Any, workspace: Path) -> Iterator[str]:
    """Serve the folder; the browser is asked for first, since without one there is nothing to test."""
    pytest.importorskip("jupyterlab")
    with served(workspace) as place:
        yield place


@pytest.mark.browser
def test_a_click_in_jupyterlab_is_an_entry_and_a_cell_below_and_both_survive(
    browser: Any, address: str, workspace: Path
) -> None:
    """Run all, click, read the state in Python, switch the theme, edit, save, reopen: 2 entries, 2 cells, 1 mark."""
    lab = opened(browser, address, "case.ipynb")
    assert lab.do("notebook:run-all-cells")
    lab.page.wait_for_selector(".jp-OutputArea .wbw li.step", timeout=90_000)
    many(lab.page.locator(".wbw li.step"), 15)
    # The twin is an output of its own and may come a moment later; a living widget stands in its place.
    lab.page.wait_for_selector("[class^=wbw-twin]", state="attached")
    assert not lab.page.locator("[class^=wbw-twin]").first.is_visible()
    lab.page.get_by_role("button", name="My hunch is step 8: Which").click()
    lab.page.wait_for_selector(".wbw .said code")
    assert lab.page.locator(".wbw .said code").inner_text() == 'case.hunch("serving")'
    assert lab.sources() == [OPEN, SHOW, 'case.hunch("serving")', TELL]
    lab.page.get_by_role("button", name="My hunch is step 9").click()
    lab.wait("() => document.querySelector('.wbw .said code')?.textContent.includes('hardware')")
    assert lab.sources()[2:4] == ['case.hunch("serving")', 'case.hunch("hardware")']
    # Running all again repeats both lines; what stands already appends nothing.
    case = Case.open(workspace / "INC-1")
    assert [e.operation for e in case.entries] == ["begin", "hunch", "hunch"]
    lab.do("apputils:change-theme", '{theme: "JupyterLab Dark"}')
    lab.wait("() => document.querySelector('.wbw').dataset.theme === 'dark'")
    lab.type_into(2, 'case.hunch("drift")')
    lab.page.wait_for_selector(".jp-Cell .workbench-edited")
    tells(lab.page.locator(".workbench-edited"), 'the click said case.hunch("serving")')
    lab.type_into(3, 'case.hunch("quality")')
    lab.type_into(3, 'case.hunch("hardware")')
    many(lab.page.locator(".workbench-edited"), 1)
    lab.do("docmanager:save")
    lab.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert (lab.outside, lab.wrong) == ([], [])
    lab.page.close()
    saved = nbformat.read(workspace / "case.ipynb", as_version=4)
    twin = saved.cells[1].outputs[-1]["data"]["text/html"]
    assert "<table>" in twin
    assert "Which service is slow or failing by itself" in twin
    marks = [c.metadata.get("incident_workbench", {}).get("edited") for c in saved.cells]
    assert marks == [None, None, True, False, None]
    again = opened(browser, address, "case.ipynb")
    again.page.wait_for_selector(".jp-OutputArea .wbw li.step", timeout=90_000)
    many(again.page.locator(".wbw .tag", has_text="your hunch"), 1)
    becomes(lambda: again.page.locator(".wbw").get_attribute("data-theme"), "dark")
    many(again.page.locator(".jp-Cell .workbench-edited"), 1)
    again.page.wait_for_selector("[class^=wbw-twin]", state="attached")
    assert not again.page.locator("[class^=wbw-twin]").first.is_visible()
    assert len(again.sources()) == 5
    again.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_restart_and_run_all_ends_in_the_same_state_hash(browser: Any, address: str, workspace: Path) -> None:
    """A scratch copy of the case runs the inserted lines: the hash is the case's, whoever clicked."""
    case = Case.open(workspace / "INC-1")
    case.call("hunch", step="drift")
    lines = "\n".join(case.lines())
    book = nbformat.read(workspace / "case.ipynb", as_version=4)
    book.cells = [new_code_cell(OPEN.replace('"INC-1")', '"INC-1", at="start")')), new_code_cell(lines),
                  new_code_cell('print("said", case.length(), "x", case.state_hash)')]  # fmt: skip
    nbformat.write(book, workspace / "again.ipynb")
    lab = opened(browser, address, "again.ipynb")
    lab.do("notebook:run-all-cells")
    lab.page.wait_for_selector("text=/said \\d+/", timeout=90_000)
    assert lab.said()[-1] == case.state_hash
    lab.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_the_launcher_opens_a_copy_of_the_investigation(browser: Any, address: str, workspace: Path) -> None:
    """The entry stands in the launcher; a click lays a copy into the folder and opens it; a second one, another."""
    lab = opened(browser, address, "case.ipynb")
    for wanted in ("investigation.ipynb", "investigation-Copy1.ipynb"):
        lab.do("launcher:create")
        lab.page.locator(".jp-LauncherCard", has_text="New investigation").last.click()
        lab.wait(f"() => window.jupyterapp.shell.currentWidget.title.label === '{wanted}'")
        assert (workspace / wanted).is_file()
    assert lab.wrong == []
    lab.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_a_notebook_whose_kernel_is_gone_shows_the_static_twin(browser: Any, address: str, workspace: Path) -> None:
    """The widget's model is unknown to every kernel: the table stands in its place."""
    book = nbformat.read(workspace / "case.ipynb", as_version=4)
    view, twin = next(c.outputs for c in book.cells if c.cell_type == "code" and len(c.outputs) == 2)
    view["data"]["application/vnd.jupyter.widget-view+json"]["model_id"] = "0" * 32
    book.cells = [new_code_cell("board", outputs=[view, twin])]
    nbformat.write(book, workspace / "gone.ipynb")
    lab = opened(browser, address, "gone.ipynb")
    lab.page.wait_for_selector(".jp-OutputArea table", timeout=60_000)
    tells(lab.page.locator(".jp-OutputArea").last, "Which service is slow or failing by itself")
    lab.page.close()
