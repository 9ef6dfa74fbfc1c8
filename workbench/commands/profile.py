"""``workbench profile``: a table's history as counts that any two windows can be compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import _common as common
from workbench.errors import UsageError
from workbench.model.window import parse_duration_ns

EXAMPLES = """
Examples:

  workbench profile transactions.parquet --time created_at --every 1h

  workbench profile dataset:orders                   rows that were taken in before

  workbench profile model:fraud --every 15m          its scores and features
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("profile", epilog=EXAMPLES)(profile)


def profile(
    table: Annotated[str, typer.Argument(help="A Parquet or CSV file, dataset:NAME or model:NAME.")],
    time: Annotated[str | None, typer.Option(help="Column that tells each row's time; needed for a file.")] = None,
    every: Annotated[str, typer.Option(help="Length of a bucket, such as 15m or 1h.")] = "1h",
    name: Annotated[
        str | None, typer.Option(help="Name to keep a file's profiles under; by default the file's.")
    ] = None,
    segment: Annotated[list[str] | None, typer.Option(help="Column of a file by whose values to count apart.")] = None,
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Count a table's columns on fixed grids, bucket by bucket; a second run only adds what is new."""
    from workbench.intake import profiling

    every_ns, path = parse_duration_ns(every), Path(table)
    if path.is_file() and time is None:
        raise UsageError(f"Name the column of {path.name} that tells each row's time: --time COLUMN.")
    with common.bench(store, config, environment) as (bench, _), common.steps("Profiling") as show:
        if path.is_file() and time is not None:
            report = profiling.profile_file(
                bench.store,
                path,
                dataset=name or path.stem,
                time_column=time,
                every_ns=every_ns,
                segments=segment or (),
                progress=show,
            )
        else:
            entity = table if ":" in table else f"dataset:{table}"
            report = profiling.profile_entity(bench.store, entity, every_ns=every_ns, progress=show)
    if as_json:
        common.print_json(vars(report))
    else:
        common.console.print(
            f"{report.dataset}: {report.rows:,} rows of {report.columns} columns in {report.buckets:,} "
            f"buckets of {every}; {report.fresh:,} rows of profiles are new ({report.seconds:.1f} s)."
        )
