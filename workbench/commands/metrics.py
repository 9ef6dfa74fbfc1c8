"""``workbench metrics``: how the practice of incidents goes, over all cases of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common

if TYPE_CHECKING:
    from workbench.case.replay import ReplayReport


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("metrics", epilog="Example:  workbench metrics --plot metrics.html --json")(metrics)


def metrics(
    store: common.Store = None,
    config: common.Config = None,
    plot: Annotated[Path | None, typer.Option(help="HTML file to write plot and tables to.")] = None,
    replay: Annotated[bool, typer.Option("--replay/--no-replay", help="Recompute each case; takes longer.")] = True,  # noqa: FBT002
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Measure the cases: time to each stage, false alarms, recurrence, evidence coverage and replay rate."""
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.replay import replay as recompute
    from workbench.report.practice_metrics import measure
    from workbench.report.practice_page import STAGE_HEAD, facts, stage_rows, write_page

    with common.bench(store, config, mode="read") as (bench, _), common.steps("Replaying") as step:
        folders = [line.path for line in bench.cases()]

        def counted(folder: Path) -> ReplayReport:
            step(folder.name, folders.index(folder), len(folders))
            return recompute(folder)

        found = measure(folders, recompute=counted if replay else None)
    if plot is not None:
        write_page(found, plot)
    if as_json:
        common.print_json(found.plain())
        return
    for name, value in facts(found).items():
        common.console.print(Text(f"{name:<18} {value}"))
    table = Table(*STAGE_HEAD, box=None)
    for row in stage_rows(found):
        table.add_row(*map(Text, row))
    common.console.print(table)
    for line in found.unreadable:
        common.console.print(Text(f"unreadable: {line}"))
