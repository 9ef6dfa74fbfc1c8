"""``workbench ingest``: files, folders and addresses into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from workbench.commands import _common as common
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.intake.report import IngestReport

EXAMPLES = """
Examples:

  workbench ingest telemetry/                       every file below, by its content

  workbench ingest traces.jsonl.gz mlflow/mlflow.db

  workbench ingest mlflow+http://127.0.0.1:5000     a live system, named with its source

  workbench ingest scores.parquet --as predictions --map prediction_id=id,time_ns=ts,score=p

  cat spans.json | workbench ingest -
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("ingest", epilog=EXAMPLES)(ingest)


def ingest(
    uris: Annotated[list[str], typer.Argument(help="Files, folders, globs, addresses, or - for standard input.")],
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
    source: Annotated[str | None, typer.Option(help="Read with this source instead of recognising it.")] = None,
    as_table: Annotated[str | None, typer.Option("--as", help="Declared table that tables of your own enter.")] = None,
    mapping: Annotated[str | None, typer.Option("--map", help="declared=own column, comma-separated.")] = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Read files, folders or live systems into the store, and report what became of each."""
    mapped = None if mapping is None else _mapping(mapping)
    with common.bench(store, config, environment) as (bench, _), common.steps("Reading") as step:
        report = bench.ingest(
            [Path(u) if "://" not in u and u != "-" else u for u in uris],
            progress=step,
            source=source,
            as_table=as_table,
            mapping=mapped if as_table else None,
        )
    if as_json:
        common.print_json(report.as_json())
    else:
        show(report)
    if report.files and not report.rows:
        raise typer.Exit(3)


def show(report: IngestReport) -> None:
    """Print what was read, and what was not and why."""
    table = Table(title=f"Read {len(report.files)} files in {report.seconds:.1f} s", title_justify="left", box=None)
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, rows in report.rows.items():
        table.add_row(name, f"{rows:,}")
    common.console.print(table)
    notes = []
    if report.duplicates:
        notes.append(f"{report.duplicates:,} rows were there already")
    if report.masked:
        notes.append(f"{sum(report.masked.values()):,} values masked ({', '.join(report.masked)})")
    if notes:
        common.console.print("; ".join(notes) + ".")
    for reason, count in report.rejections.items():
        common.console.print(f"[yellow]rejected[/] {count} x {escape(reason)} (kept in the quarantine)")
    alike: dict[tuple[str, str], list[str]] = {}
    for file in report.not_read:
        alike.setdefault((file.outcome, file.reason), []).append(file.place)
    for (outcome, reason), places in alike.items():
        named = ", ".join(places[:1] if len(places) == 1 else [Path(place).name for place in places])
        common.console.print(f"[yellow]{outcome}[/] {escape(named)}: {escape(reason)}")


def _mapping(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(equals and declared.strip() and own.strip() for declared, equals, own in pairs):
        raise UsageError(f"A mapping is written declared=own,declared=own; got {text!r}.")
    return {declared.strip(): own.strip() for declared, _, own in pairs}
