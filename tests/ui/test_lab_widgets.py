"""All eight widgets over a real case in a real JupyterLab: drawn, clicked, and each click a cell and an entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.strategies.labs import KERNEL, Lab, opened, served
from workbench import scenarios
from workbench.bench import open_bench
from workbench.case.case import Case

SEED = 11
OPEN = 'import workbench as wb\nbench = wb.open("store")\ncase = bench.case("INC-1")'
KINDS = ("stepper", "lineage", "timeline", "contrast", "causes", "waterfall", "gpu", "comparator")
STEPS = ("scope", "serving", "changes", "lineage", "hardware", "rank", "contrast")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store, a case that has something for every widget, and a notebook of eight of them."""
    folder = tmp_path_factory.mktemp("lab")
    made = scenarios.create("bad_deploy", seed=SEED, variant="cause", out=folder / "made")
    with open_bench(folder / "store", who="tester") as bench:
        bench.ingest(sorted(p for p in made.iterdir() if p.name != "truth.json"))
        case = bench.case("INC-1", alert=made / "alert.json")
        for name in STEPS:
            case.call(name)
        case.call("inspect", condition=case.outcomes["contrast"].frames["conditions"]["condition"].iloc[0])
        case.call("trace", trace_id=case.outcomes["inspect"].frames["traces"]["trace_id"].iloc[0])
        table = bench.ask("volume_history", start_ns=0, end_ns=2**62, every_ns=2**61)["entity"]
    name = next(e for e in sorted(set(table)) if e.startswith("model:"))
    shows = [f'case.widget("comparator", "{name}")' if kind == "comparator" else f'case.widget("{kind}")'
             for kind in KINDS]  # fmt: skip
    cells = [new_code_cell(source) for source in (OPEN, *shows)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), folder / "all.ipynb")
    return folder


@pytest.fixture(scope="module")
def address(browser: Any, workspace: Path) -> Iterator[str]:
    """Serve the folder."""
    pytest.importorskip("jupyterlab")
    with served(workspace) as place:
        yield place


def board(lab: Lab, kind: str) -> Any:
    """Return the widget of a kind on the page."""
    return lab.page.locator(".jp-OutputArea .wbw").nth(KINDS.index(kind))


def brush(lab: Lab, kind: str) -> None:
    """Draw over a part of the axis with the mouse, and take it as selection."""
    canvas = board(lab, kind).locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    lab.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 60)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 60, steps=5)
    lab.page.mouse.up()
    board(lab, kind).get_by_role("button", name="Select", exact=True).click()


def reject(lab: Lab) -> None:
    """Reject the first cause, with a reason."""
    board(lab, "causes").get_by_role("button", name="Reject cause 1").click()
    board(lab, "causes").get_by_label("Why is it not the cause?").fill("It began later.")
    board(lab, "causes").get_by_role("button", name="Save").click()


def first(lab: Lab, kind: str, name: str, row: str) -> None:
    """Open the first row or node of a widget, then click a button of it."""
    board(lab, kind).locator(row).first.click()
    board(lab, kind).get_by_role("button", name=name).first.click()


CLICKS: dict[str, Any] = {
    "stepper": (
        "hunch",
        lambda lab: board(lab, "stepper").get_by_role("button", name="My hunch is step").first.click(),
    ),
    "lineage": ("hypothesis", lambda lab: first(lab, "lineage", "Make hypothesis", ".node")),
    "waterfall": ("hypothesis", lambda lab: first(lab, "waterfall", "Make hypothesis", ".row")),
    "contrast": ("inspect", lambda lab: board(lab, "contrast").get_by_role("button", name="inspect:").nth(1).click()),
    "causes": ("reject", reject),
    "timeline": ("select", lambda lab: brush(lab, "timeline")),
    "gpu": ("select", lambda lab: brush(lab, "gpu")),
}
"""Widget -> the operation its click is, and how a hand does it; selections last, as they change what is selected."""


@pytest.mark.browser
@pytest.mark.timeout(400)
def test_every_widget_in_jupyterlab_is_drawn_clicked_and_written_as_a_cell(
    browser: Any, address: str, workspace: Path
) -> None:
    """8 widgets drawn, 7 clicks by hand: 7 entries, 7 cells below their widgets; themes follow; 0 requests outside."""
    lab = opened(browser, address, "all.ipynb", high=9000)
    lab.do("notebook:run-all-cells")
    lab.wait(f"() => document.querySelectorAll('.jp-OutputArea .wbw').length === {len(KINDS)}")
    lab.idle()
    before = Case.open(workspace / "store/cases/INC-1").length()
    for kind, (operation, act) in CLICKS.items():
        act(lab)
        board(lab, kind).locator(".said code").wait_for(timeout=60_000)
        line = board(lab, kind).locator(".said code").inner_text()
        assert line.startswith(f"case.{operation}("), (kind, line, board(lab, kind).locator(".said").inner_text())
        assert lab.sources()[lab.sources().index(f'case.widget("{kind}")') + 1] == line
    case = Case.open(workspace / "store/cases/INC-1")
    assert [e.operation for e in case.entries[before:]] == [operation for operation, _ in CLICKS.values()]
    lab.do("apputils:change-theme", '{theme: "JupyterLab Dark"}')
    lab.wait("() => [...document.querySelectorAll('.wbw')].every((one) => one.dataset.theme === 'dark')")
    assert (lab.outside, lab.wrong) == ([], [])
    lab.page.close()
    again = Case.open(case.path, at="start")
    for written in case.lines():
        exec(written, {"case": again})  # the lines of the case are what is under test
    assert again.state_hash == case.state_hash
