"""``workbench actions``, ``share`` and ``open``: what is still to be done, and cases handed on as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("actions", epilog="Example:  workbench actions --json")(actions)
    app.command("share", epilog="Example:  workbench share store/cases/INC-1 INC-1.zip")(share)
    app.command("open", epilog="Example:  workbench open INC-1.zip INC-1")(open_bundle)


def actions(
    store: common.Store = None,
    config: common.Config = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """List the open actions of every case, those due first at the top, undated ones at the end."""
    with common.bench(store, config, mode="read") as (bench, _):
        rows = open_actions([line.path for line in bench.cases() if not line.problem])
    if as_json:
        common.print_json(rows)
        return
    if not rows:
        common.console.print('No open action. Agree on one: case.action("…", owner="…", due="…", verify_by="…")')
        return
    names = ("case", "what", "kind", "owner", "due", "verify_by")
    table = Table(*names, box=None)
    for row in rows:
        table.add_row(*(Text(row[name] or "unknown") for name in names))
    common.console.print(table)


def open_actions(folders: list[Path]) -> list[dict[str, Any]]:
    """Return the open actions of cases in plain values; what is not known is None."""
    from workbench.case.case import Case

    found = [
        {"case": case.id, **case.outcome(entry.seq).values}
        for case in map(Case.open, folders) for entry in case.state.in_force
        if entry.operation == "action" and entry.arguments["state"] == "open"
    ]  # fmt: skip
    return sorted(found, key=lambda a: (a["due"] is None, a["due"] or "", a["case"], a["what"]))


def share(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    to: Annotated[Path, typer.Argument(help="Zip file to write.")],
) -> None:
    """Write a case as one zip file that opens and replays without the store; nothing is masked anew."""
    from workbench.case.archive import pack

    common.console.print(Text(f"{pack(case, to)}: {to.stat().st_size:,} bytes"))


def open_bundle(
    bundle: Annotated[Path, typer.Argument(help="Zip file of a case.")],
    folder: Annotated[Path, typer.Argument(help="New folder to open it into.")],
) -> None:
    """Open a shared case into a new folder, after checking every byte of it."""
    from workbench.case.archive import unpack

    common.console.print(Text(f"{unpack(bundle, folder)}: opened. Next: workbench replay {folder}"))
