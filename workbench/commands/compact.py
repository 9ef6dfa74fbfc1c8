"""``workbench compact``: leave each day with few segments and no row twice."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from workbench.commands import _common as common
from workbench.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compact", epilog="Example:  workbench compact --on engine --json")(compact)


def compact(
    store: common.Store = None,
    config: common.Config = None,
    on: Annotated[
        Literal["here", "engine", "configured"],
        typer.Option(help="DuckDB here, the Spark Connect server that reads shared storage, or what the store says."),
    ] = "configured",
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Seal what waits in the journal, and merge each day that came in pieces; a server does so in the background."""
    from workbench.store.sharing import SharedStore

    with common.bench(store, config) as (bench, _), common.steps("Compacting") as step:
        held = bench.store
        held.seal()
        if on == "configured":
            days = held.compact(progress=step)
        elif isinstance(held, SharedStore):
            days = held.compact_on_engine(progress=step) if on == "engine" else held.compact_here(progress=step)
        elif on == "here":
            days = held.compact(progress=step)
        else:
            raise UsageError(
                "Only a store on shared storage is compacted by a server: sc://host:15002/;path=s3://bucket/folder. "
                "Leave --on engine out."
            )
    if as_json:
        common.print_json({"days": days})
        return
    common.console.print(f"{days} days compacted." if days else "Nothing to compact.")
