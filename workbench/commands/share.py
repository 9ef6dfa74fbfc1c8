"""``workbench actions``, ``share`` and ``open``: what is still to be done, and cases handed on as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common
from workbench.errors import UsageError

SHARE = """
Examples:

  workbench share store/cases/INC-1 --preview --audience viewer

  workbench share store/cases/INC-1 INC-1.zip --audience outside --mask key:customer_ref --mask "Acme Ltd"
"""


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("actions", epilog="Example:  workbench actions --json")(actions)
    app.command("share", epilog=SHARE)(share)
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
    to: Annotated[Path | None, typer.Argument(help="New folder, or a name that ends in .zip.")] = None,
    audience: Annotated[str, typer.Option(help="responder, viewer or outside: who reads it.")] = "responder",
    mask: Annotated[list[str] | None, typer.Option(help="A value, or key:NAME for all values of a key.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would be masked.")] = False,  # noqa: FBT002
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Write a case, masked for who reads it, as a folder or one zip file that opens and replays without the store."""
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.case import Case
    from workbench.report import share as sharing

    opened = Case.open(case)
    if preview or to is None:
        if not preview:
            raise UsageError("Say where to write: workbench share CASE FOLDER|NAME.zip, or ask with --preview.")
        seen = sharing.preview(opened, mask=mask or (), audience=audience)
        if as_json:
            common.print_json({"case": seen.case, "audience": seen.audience, "masked": dict(seen.masked)})
        else:
            common.console.print(Text(f"{seen}."))
        return
    with common.steps("Masking, computing again"):
        written = sharing.share(opened, to, mask=mask or (), audience=audience)
    if as_json:
        common.print_json({
            "path": str(written.path), "audience": audience, "masked": dict(written.preview.masked),
            "taken_over": list(written.copied.taken_over), "replay": written.replay.plain(),
        })  # fmt: skip
        return
    common.console.print(Text(f"{written.path}: {str(written.preview).replace('will be', 'were')}; "
                              f"{written.replay.badge}"))  # fmt: skip
    for line in written.copied.taken_over:
        common.console.print(Text(f"  taken over as recorded, this version computes it otherwise: {line}"))


def open_bundle(
    bundle: Annotated[Path, typer.Argument(help="Zip file of a case.")],
    folder: Annotated[Path, typer.Argument(help="New folder to open it into.")],
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Open a shared case into a new folder, after checking every byte of it."""
    from workbench.case.archive import unpack

    opened = unpack(bundle, folder)
    if as_json:
        common.print_json({"path": str(opened)})
    else:
        common.console.print(Text(f"{opened}: opened. Next: workbench replay {folder}"))
