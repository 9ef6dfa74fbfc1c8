"""``workbench init``: a commented settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import _common as common
from workbench.config import FILE, write_commented


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init", epilog="Example:  workbench init && workbench doctor")(init)


def init(folder: Annotated[Path, typer.Argument(help="Folder to write the settings into.")] = Path()) -> None:
    """Write a commented workbench.toml to begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_commented(folder / FILE)
    common.console.print(f"Wrote {path}. Next: name your sources in it, then `workbench doctor`.")
