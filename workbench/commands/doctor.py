"""``workbench doctor``: what is configured and reachable, how fresh, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common
from workbench.config import read_settings

if TYPE_CHECKING:
    from workbench.commands._doctor import Health

EXAMPLES = """
Examples:

  workbench doctor

  workbench doctor --config workbench.toml --json

Exit codes: 0 all is well; 3 a configured source cannot be reached; 4 the store cannot be opened or trusted.
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor", epilog=EXAMPLES)(doctor)


def doctor(
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Say which sources are configured and reachable, how fresh each table is, and what is missing."""
    from workbench.commands._doctor import look
    from workbench.store.cluster import parse

    settings = read_settings(config)
    with common.errors.status("Asking the sources ..."):
        health = look(settings, parse(store or settings.store), environment or settings.environment)
    if as_json:
        common.print_json(health.plain())
    else:
        show(health)
    if health.exit_code:
        raise typer.Exit(health.exit_code)


def show(health: Health) -> None:
    """Print what was found for people."""
    common.console.print(Text(f"Python {health.python}"))
    versions = ", ".join(f"{name} {number or 'not installed'}" for name, number in health.packages.items())
    common.console.print(Text(versions, style="dim"))
    common.console.print(Text(health.engine.says, style="" if health.engine.state == "reachable" else "red"))
    common.console.print(_sources(health))
    if health.store_problem:
        common.console.print(Text(f"The store {health.store} cannot be used: {health.store_problem}", style="red"))
    elif health.tables:
        common.console.print(_tables(health))
    if health.missing:
        common.console.print("Tables without rows, and the sources that would fill them:", style="bold")
    for name, sources in health.missing.items():
        common.console.print(Text(f"  {name:<20}{', '.join(sources) or 'no source yet'}"))
    for warning in health.warnings:
        common.console.print(Text(f"Warning: {warning}", style="yellow"))


def age(seconds: float) -> str:
    """Return an age in its largest fitting unit, such as ``3 h``."""
    if seconds < 0:
        return f"{age(-seconds)} ahead"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _sources(health: Health) -> Table | Text:
    if not health.sources:
        return Text("No live source is configured; name them as [[sources]] in workbench.toml (workbench init).")
    table = Table(title="Sources", title_justify="left", box=None)
    for name in ("name", "kind", "address", "state", "says"):
        table.add_column(name, overflow="fold")
    for line in health.sources:
        style = "green" if line.state == "reachable" else "red" if line.state == "unreachable" else ""
        cells = (line.name, line.kind, line.uri)
        table.add_row(*(Text(cell) for cell in cells), Text(line.state, style=style), Text(line.says))
    return table


def _tables(health: Health) -> Table:
    table = Table(title=f"Store {health.store}, {health.environment}", title_justify="left", box=None)
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("newest")
    table.add_column("age", justify="right")
    for line in health.tables:
        table.add_row(line.table, f"{line.rows:,}", line.newest, age(line.age_s))
    return table
