"""``workbench lab``: JupyterLab with the notebooks, the store and the widgets."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands import _common as common

EXAMPLES = """
Examples:

  workbench lab

  workbench lab demo/unmapped_category-cause-7 --no-browser
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("lab", epilog=EXAMPLES)(lab)


def lab(
    folder: Annotated[Path, typer.Argument(help="Workspace to open; notebooks are laid into it once.")] = Path(),
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,  # noqa: FBT002
) -> None:
    """Open JupyterLab in a workspace with the bench's notebooks."""
    lay_notebooks(folder / "notebooks")
    common.errors.print(f"Opening JupyterLab in {folder.resolve()} (Ctrl-C twice stops).")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}", *lab_options()]
    os.execv(sys.executable, [*command, "--no-browser"] if no_browser else command)


def lab_options() -> list[str]:
    """Return JupyterLab's options: the extension that puts clicks below as cells, and no look at the network."""
    # In a checkout nothing is laid into the environment's share folder, so the extension is named where it stands.
    return [
        f"--LabApp.extra_labextensions_path={Path(str(files('workbench_widgets'))) / 'labextensions'}",
        "--LabApp.news_url=''",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def lay_notebooks(folder: Path) -> list[Path]:
    """Copy the shipped notebooks into *folder*; those that are there already are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with as_file(_shipped()) as source:
        for notebook in sorted(source.rglob("*.ipynb")):
            target = folder / notebook.relative_to(source)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(notebook, target)
                written.append(target)
    return written


def _shipped() -> Any:  # a Traversable, whose home moved between Python versions
    inside = files("workbench") / "_notebooks"
    # In a checkout the notebooks stand beside the package; in a wheel, inside it.
    return inside if inside.is_dir() else Path(__file__).parents[2] / "notebooks"
