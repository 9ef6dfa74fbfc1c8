"""What commands share: options, settings, the bench, printing for people and for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workbench.config import Settings, read_settings

if TYPE_CHECKING:
    from workbench.bench import Bench

Store = Annotated[Path | None, typer.Option("--store", "-s", help="Store folder; by default what workbench.toml says.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file; by default ./workbench.toml if there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Environment = Annotated[str | None, typer.Option("--environment", "-e", help="prod, dev, ...")]

console = Console()
"""Where people read; progress goes to the standard error stream, so that pipes stay clean."""
errors = Console(stderr=True)


@contextmanager
def bench(
    store: Path | None, config: Path | None = None, environment: str | None = None, *,
    mode: Literal["write", "read"] = "write",
) -> Iterator[tuple[Bench, Settings]]:  # fmt: skip
    """Open the bench that the options and settings name, and close it afterwards."""
    from workbench.bench import open_bench

    settings = read_settings(config)
    opened = open_bench(
        store or settings.store, environment=environment or settings.environment, mode=mode, settings=settings
    )
    with opened:
        yield opened, settings


@contextmanager
def folder_of(path: Path) -> Iterator[Path]:
    """Yield the folder of a case: itself, or a bundle opened into a scratch folder after checking every byte."""
    if path.suffix != ".zip":
        yield path
        return
    from tempfile import TemporaryDirectory

    from workbench.case.archive import unpack

    with TemporaryDirectory(prefix="bundle-") as scratch:
        yield unpack(path, Path(scratch) / "case")


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show a bar on the standard error stream while work runs; it vanishes when done."""
    columns = (TextColumn("[bold]" + title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("[dim]{task.description}"))  # fmt: skip
    with Progress(*columns, console=errors, transient=True) as bar:
        yield bar


@contextmanager
def steps(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield what work calls with the name of each step, how many are done and how many there are; show it as a bar."""
    with progress(title) as bar:
        task = bar.add_task("", total=None)

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None, description=escape(what))

        yield step


def program() -> str:
    """Return what to type for this program here: its bare name where the shell finds it, else the path it ran by."""
    if shutil.which("workbench"):
        return "workbench"
    beside = Path(sys.executable).parent / "workbench"
    return nearby(beside) if beside.is_file() else "workbench"


def nearby(path: Path) -> str:
    """Return a path as it is shortest to type from here: relative where it lies below the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def print_json(value: Any) -> None:
    """Print one JSON document on the standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
