"""A case as a notebook whose cells are the journal's lines, executed in a fresh kernel to the same state hash."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbench.case import operations
from workbench.case.case import Case
from workbench.case.render import line, literal
from workbench.case.replay import Progress
from workbench.errors import IntegrityError, UnknownNameError, WorkbenchError
from workbench.report.words import title

_TIMEOUT_S = 600


LOOKS = ("causes", "timeline", "lineage")
"""Widgets at the end of a postmortem's notebook; each leaves picture and table for viewers without a kernel."""


def write_notebook(case: Case, path: str | Path, *, looks: Sequence[str] = ()) -> Path:
    """Write the notebook of a case, not yet executed, with the widgets *looks* at its end; return its path."""
    path = Path(path)
    nbformat.write(notebook(case, path, looks), path)
    return path


def write_executed_notebook(
    case: Case, path: str | Path, *, looks: Sequence[str] = (), progress: Progress | None = None
) -> Path:
    """Write the notebook, run it top to bottom in a fresh kernel, and return its path.

    Raise `IntegrityError` where a cell fails or ends in another state, `WorkbenchError` where no kernel runs.
    """
    path = write_notebook(case, path, looks=looks)
    book = nbformat.read(path, as_version=4)
    _execute(case, book, path, progress)
    nbformat.write(book, path)
    return path


def _execute(case: Case, book: Any, path: Path, progress: Progress | None) -> None:
    """Run *book* in a fresh kernel whose connection is encrypted wherever ZeroMQ can."""
    # Jupyter's client takes half a second to import; only executing needs it.
    import zmq
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError
    from traitlets.config import Config

    # Evidence passes between kernel and client over TCP; other users of the machine could listen.
    config = Config({"KernelManager": {"transport_encryption": "auto"}}) if zmq.has("curve") else Config()
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(book, kernel_name="python3", timeout=_TIMEOUT_S, resources=resources, config=config)
    if progress is not None:
        client.on_cell_start = lambda cell, cell_index: progress(_first_line(cell), cell_index, len(book.cells))
    try:
        client.execute(env={**os.environ, "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"})
    except CellExecutionError as error:
        raise IntegrityError(f"The notebook of {case.id} does not reproduce it: {str(error)[-400:]}") from error
    except CellTimeoutError as error:
        raise WorkbenchError(f"The notebook of {case.id} took longer than {_TIMEOUT_S} s a cell; it stands unexecuted "
                             f"in {path.name}: run it in JupyterLab.") from error  # fmt: skip
    except (NoSuchKernel, RuntimeError, OSError) as error:
        raise WorkbenchError(f"The kernel for the notebook of {case.id} cannot run ({str(error)[-200:]}); it stands "
                             f"unexecuted in {path.name}. `python -m ipykernel --version` says whether a kernel is "
                             "installed.") from error  # fmt: skip


def notebook(case: Case, path: Path, looks: Sequence[str] = ()) -> Any:
    """Return the notebook of a case as it would stand at *path*; each journal entry is one cell.

    Widgets are for a case that has begun: looking at it adds no entry.
    """
    where = Path(os.path.relpath(case.path.resolve(), path.resolve().parent)).as_posix()
    about = f"{case.symptom.signal} of {case.symptom.entity}, {case.symptom.words()}" if case.symptom else ""
    cells = [
        new_markdown_cell(
            f"# {_text(case.id)}\n\n{_text(about)}\n\nEvery cell below is one entry of the case's journal. Run from "
            "the top they compute everything anew from the frozen evidence, offline, in a scratch copy; the case "
            f"itself is not changed. To go on with the case: `case = wb.Case.open({literal(where)})`."
        ),
        new_code_cell(f'import workbench as wb\n\ncase = wb.Case.open({literal(where)}, at="start")'),
    ]
    for entry in case.entries:
        cells += [new_markdown_cell(_heading(entry.operation, entry.mode)), new_code_cell(line(entry))]
    cells += [
        new_markdown_cell("## The same state\n\nThe hash covers everything the case says; this one was recorded."),
        new_code_cell(f'assert case.state_hash == "{case.state_hash}"\ncase.state_hash'),
    ]
    if looks and case.symptom is not None:
        cells.append(new_markdown_cell("## Look around\n\nThe same case in widgets. Without a kernel each shows the "
                                       "picture and the table that it had when the notebook was run."))  # fmt: skip
        cells += [new_code_cell(f'case.widget("{kind}")') for kind in looks]
    for number, cell in enumerate(cells):
        # Ids are counted, so that writing a case twice gives equal bytes.
        cell["id"] = f"cell-{number:04d}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _first_line(cell: Any) -> str:
    return str(cell["source"]).partition("\n")[0][:60]


def _heading(operation: str, mode: str) -> str:
    if mode != "computed":
        return f"**{title(operation)}**"
    try:
        question, _, why = operations.find(operation).doc.partition("\n")
    except UnknownNameError:
        question, why = "", ""
    return f"### {title(operation).capitalize()}\n\n{question}{f'  {chr(10)}{why.strip()}' if why.strip() else ''}"


def _text(text: str) -> str:
    """Return text so that Markdown and HTML show it as it is."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for character in "\\`*_[]()#!|$~":
        escaped = escaped.replace(character, f"\\{character}")
    return " ".join(escaped.split())
