"""The shipped notebooks carry no outputs, call only what exists, and run from top to bottom in a fresh kernel."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import nbformat
import pytest
import zmq
from nbclient import NotebookClient
from traitlets.config import Config

import workbench
from workbench import plugins
from workbench.bench import Bench
from workbench.case import operations
from workbench.case.case import Case

FOLDER = Path(__file__).parents[2] / "notebooks"
BOOKS = sorted(FOLDER.rglob("[!.]*.ipynb"), key=lambda path: path.relative_to(FOLDER).as_posix())
NAMES = [path.relative_to(FOLDER).with_suffix("").as_posix() for path in BOOKS if ".ipynb_checkpoints" not in str(path)]
CELL_S = 600
"""What one cell may take: incidents are made and investigated in them, on machines that others use too."""
QUICK = ("01_first_incident", "03_compare_two_windows", "04_follow_a_prediction")
"""Run by every ``make test``, in this order, on the incident that the first one makes."""


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def execute(name: str, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in *folder* in a fresh kernel and return it with its outputs."""
    book = read(name)
    config = Config({"KernelManager": {"transport_encryption": "auto"}}) if zmq.has("curve") else Config()
    client = NotebookClient(book, kernel_name="python3", timeout=CELL_S, config=config,
                            resources={"metadata": {"path": str(folder)}})  # fmt: skip
    client.execute(env={**os.environ, "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"})
    return book


def wrong_names(source: str) -> list[str]:
    """Return what a cell asks of the package, of ``bench`` or of ``case`` that does not exist."""
    homes: dict[str, set[str]] = {
        "wb": set(workbench.__all__),
        "bench": {*dir(Bench), "store"},
        "case": {*dir(Case), *operations.names(), *plugins.names("step"), *plugins.names("operation"), "id", "path"},
    }
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in homes:
            found += [] if node.attr in homes[node.value.id] else [f"{node.value.id}.{node.attr}"]
        asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ask"
        if asked and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
            query = str(node.args[0].value)
            found += [] if query in plugins.names("query") else [f"query {query}"]
    return found


def test_every_promised_notebook_is_there() -> None:
    """Nine chapters and two templates."""
    assert [name[:2] for name in NAMES if "/" not in name] == [f"0{n}" for n in range(1, 10)]
    assert [name for name in NAMES if "/" in name] == ["templates/investigation", "templates/postmortem"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs_and_with_counted_ids(name: str) -> None:
    """Outputs would bind readers to one machine's numbers; counted ids make equal bytes."""
    book = read(name)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert [cell["id"] for cell in book.cells] == [f"cell-{n:02d}" for n in range(len(book.cells))]
    assert book.cells[0].cell_type == "markdown"
    assert book.cells[0].source.startswith("# ")


@pytest.mark.parametrize("name", NAMES)
def test_everything_a_notebook_calls_exists(name: str) -> None:
    """Names of the package, verbs of bench and case, and named queries; operations made in the notebook count."""
    cells = [cell.source for cell in read(name).cells if cell.cell_type == "code"]
    own = {f"case.{node.args[0].value}" for source in cells for node in ast.walk(ast.parse(source))
           if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "operation"
           and isinstance(node.args[0], ast.Constant)}  # fmt: skip
    assert [wrong for source in cells for wrong in wrong_names(source) if wrong not in own] == []


def test_a_call_that_does_not_exist_is_seen() -> None:
    """The check above can fail: on a verb, a public name and a query."""
    assert sorted(wrong_names('case.guess()\nwb.magic\nbench.ask("nothing")\nbench.ask("runs")')) == [
        "case.guess", "query nothing", "wb.magic",
    ]  # fmt: skip


def test_the_first_incident_is_solved_and_the_next_notebooks_follow_it(tmp_path: Path) -> None:
    """01 proves the run that was trained on the wrong snapshot and replays it; 03 and 04 go on in its folder."""
    books = {name: execute(name, tmp_path) for name in QUICK}
    outputs = "".join(str(cell.get("outputs", "")) for cell in books["01_first_incident"].cells)
    assert "proven" in outputs
    assert "match" in outputs
    assert "<svg" in outputs
    compared = "".join(str(cell.get("outputs", "")) for cell in books["03_compare_two_windows"].cells)
    assert "columns drifted" in compared


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in QUICK])
def test_a_notebook_runs_from_top_to_bottom_by_itself(name: str, tmp_path: Path) -> None:
    """In an empty folder of its own, in a fresh kernel."""
    shutil.rmtree(tmp_path / "practice", ignore_errors=True)
    execute(name, tmp_path)
