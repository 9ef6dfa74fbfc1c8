"""``workbench triage``: what is open, what it probably is, and whose it is, in a browser or in the terminal."""

from __future__ import annotations

import os
import signal
import sys
import threading
import webbrowser
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common

if TYPE_CHECKING:
    from workbench.bench import Bench, CaseLine
    from workbench.config import Settings

EXAMPLES = """
Examples:

  workbench triage                                   serve the app and the intake, open the browser

  workbench triage --list                            the inbox in the terminal

  workbench triage --json
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("triage", epilog=EXAMPLES)(triage)


def triage(
    store: common.Store = None,
    config: common.Config = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
    as_list: Annotated[bool, typer.Option("--list", help="Print the inbox and end.")] = False,  # noqa: FBT002
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,  # noqa: FBT002
) -> None:
    """Serve the triage app, with the intake, on this machine; or print every case, the urgent and unowned first."""
    if not as_json and not as_list:
        with common.bench(store, config) as (bench, settings):
            _serve(bench, settings, port, no_browser=no_browser)
        return
    with common.bench(store, config, mode="read") as (bench, _):
        rows = sorted((row(line) for line in bench.cases()), key=urgency)
    if as_json:
        common.print_json(rows)
    elif rows:
        common.console.print(_inbox(rows))
        common.console.print(_next(rows[0]))
    else:
        common.console.print("No case yet. Begin one: workbench investigate --alert alert.json")


def _serve(bench: Bench, settings: Settings, port: int | None, *, no_browser: bool) -> None:
    """Serve app and intake on the loopback address until interrupted; the printed address works once."""
    from workbench.apps.desk import Desk
    from workbench.apps.host import routes
    from workbench.apps.session import Sessions
    from workbench.intake.server import serving

    desk, sessions = Desk(bench), Sessions()
    chosen = settings.server.port if port is None else port
    signal.signal(signal.SIGTERM, _interrupt)
    with serving(bench.store, settings, "127.0.0.1", chosen, extra_routes=routes(desk, sessions)) as address:
        entrance = f"{address}/enter?token={sessions.ticket('admin')}"
        typer.echo(f"Triage, and telemetry for {bench.store.root}, on {address} (Ctrl-C stops).")
        typer.echo(f"Open, once: {entrance}")
        try:
            if not no_browser and _has_screen():
                webbrowser.open(entrance)
            desk.inbox()  # opens the cases before the first page is asked for
            threading.Event().wait()
        except KeyboardInterrupt:
            desk.close()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _has_screen() -> bool:
    """Say whether a browser would open in a window rather than take over this terminal."""
    graphical = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    return sys.stdout.isatty() and bool(graphical)


def row(line: CaseLine) -> dict[str, Any]:
    """Return one case in plain values; what is not known is None."""
    found: dict[str, Any] = {
        "case": line.id,
        "path": str(line.path),
        "status": line.status,
        "owner": line.owner,
        "about": line.about or None,
        "verdict": None,
        "lead": None,
        "confidence": None,
        "problem": line.problem or None,
    }
    if line.problem:
        return found
    from workbench.case.case import Case

    case = Case.open(line.path)
    if case.ranking is None:
        return found
    best = case.causes[0] if case.causes else None
    return {
        **found,
        "verdict": case.ranking.verdict,
        "lead": best and best.statement,
        "confidence": best and best.confidence,
    }


def urgency(case: dict[str, Any]) -> tuple[int, bool, str]:
    """Return the place of a case in the inbox: by its state, the unowned first, then by name."""
    from workbench.apps.facts import URGENCY

    return URGENCY.index(case["status"]), case["owner"] is not None, case["case"]


def _inbox(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in ("case", "status", "owner", "about", "lead"):
        table.add_column(name, overflow="fold")
    for found in rows:
        cells = (found["case"], found["status"], found["owner"] or "nobody", found["about"] or "-", _lead(found))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _lead(found: dict[str, Any]) -> str:
    if found["problem"]:
        return f"cannot be opened: {found['problem']}"
    if found["verdict"] is None:
        return "not investigated yet"
    if found["lead"] is None:
        return "no cause proven, and no lead"
    share = f"{found['confidence']:.0%}"
    if found["verdict"] == "none":
        return f"no cause proven; strongest lead ({share}): {found['lead']}"
    return f"{found['verdict']} ({share}): {found['lead']}"


def _next(first: dict[str, Any]) -> Text:
    what = f"replay {first['path']}" if first["problem"] else f"case show {first['case']}"
    return Text(f"Next: workbench {what}", style="dim")
