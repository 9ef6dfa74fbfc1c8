"""``workbench investigate``, ``case`` and ``replay``: open, look at and recompute cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.bench import Bench
    from workbench.case.case import Case

INVESTIGATE = """
Examples:

  workbench investigate --alert alert.json

  workbench investigate --entity service:scoring --signal p95_ms --start 2026-03-01T13:40Z --end 2026-03-01T14:25Z
"""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("investigate", epilog=INVESTIGATE)(investigate)
    app.command("replay", epilog="Example:  workbench replay store/cases/INC-1 --strict")(replay)
    family = typer.Typer(no_args_is_help=True, help="List and show cases.")
    family.command("list", epilog="Example:  workbench case list --json")(list_cases)
    family.command("show", epilog="Example:  workbench case show INC-1")(show_case)
    app.add_typer(family, name="case")


def investigate(
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
    alert: Annotated[Path | None, typer.Option(help="Alertmanager JSON that says what is wrong.")] = None,
    entity: Annotated[str | None, typer.Option(help="What is wrong, written kind:name.")] = None,
    signal: Annotated[str | None, typer.Option(help="Which figure of it, such as error_rate.")] = None,
    start: Annotated[str | None, typer.Option(help="Begin of the incident, ISO time.")] = None,
    end: Annotated[str | None, typer.Option(help="End of the incident, ISO time.")] = None,
    case_id: Annotated[str | None, typer.Option("--case", help="Name of the case; by default the next INC-n.")] = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Open a case, run the playbook's automatic steps, and print the causes with their evidence."""
    if (start is None) != (end is None):
        raise UsageError("A window needs both --start and --end.")
    window = f"{start}/{end}" if start and end else None
    with common.bench(store, config, environment) as (bench, _):
        case = bench.case(case_id or next_id(bench), alert=alert, entity=entity, signal=signal, window=window)
        run(bench, case)
        present(case, as_json=as_json)
        if not as_json:
            for like in bench.similar(case):
                common.console.print(Text(like.words()))


def run(bench: Bench, case: Case) -> None:
    """Run the automatic steps while a bar names each."""
    with common.steps("Asking the playbook") as step:
        bench.investigate(case, progress=step)


def present(case: Case, *, as_json: bool) -> None:
    """Print a case's causes for people or for a program."""
    if as_json:
        from workbench.report.summary import summary

        common.print_json(summary(case))
        return
    from workbench.report.terminal import print_report

    print_report(case, console=common.console)


def next_id(bench: Bench) -> str:
    """Return the first free INC-n."""
    taken = {line.id for line in bench.cases()}
    return next(f"INC-{n}" for n in range(1, len(taken) + 2) if f"INC-{n}" not in taken)


def replay(
    path: Annotated[Path, typer.Argument(help="Case folder, or a bundle.")],
    strict: Annotated[bool, typer.Option("--strict/--no-strict", help="Exit with 5 unless everything matches.")] = True,  # noqa: FBT002
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Recompute a case offline from its frozen evidence and say what matches."""
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.replay import replay as recompute

    with common.folder_of(path) as folder, common.steps("Recomputing") as step:
        report = recompute(folder, progress=step)
    if as_json:
        common.print_json(report.plain())
    else:
        common.console.print(Text(report.badge))
        for mismatch in report.mismatches:
            common.console.print(Text(f"  {mismatch}"))
    if strict and not report.ok:
        raise typer.Exit(5)


def list_cases(
    store: common.Store = None,
    config: common.Config = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """List the cases of a store."""
    with common.bench(store, config, mode="read") as (bench, _):
        lines = bench.cases()
    if as_json:
        common.print_json([{"id": c.id, "path": str(c.path), "status": c.status, "owner": c.owner, "about": c.about,
                            "entries": c.entries, "problem": c.problem} for c in lines])  # fmt: skip
        return
    if not lines:
        common.console.print("No case yet. Begin one: workbench investigate --alert alert.json")
        return
    table = Table(box=None)
    for name in ("case", "status", "owner", "about", "entries"):
        table.add_column(name)
    for c in lines:
        table.add_row(c.id, c.status, Text(c.owner or "-"), Text(c.problem or c.about), str(c.entries))
    common.console.print(table)


def show_case(
    case_id: Annotated[str, typer.Argument(help="Name of the case.")],
    store: common.Store = None,
    config: common.Config = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Show a case's causes, evidence and next step."""
    with common.bench(store, config) as (bench, _):
        present(bench.case(case_id), as_json=as_json)
