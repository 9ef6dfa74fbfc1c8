"""``workbench triage``: what is open, what it probably is, and whose it is, in a browser or in the terminal."""

from __future__ import annotations

import os
import signal
import sys
import threading
import webbrowser
from dataclasses import replace
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
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default this machine alone.")] = None,
    behind_proxy: Annotated[  # noqa: FBT002
        bool, typer.Option("--behind-proxy", help="A proxy in front ends TLS and says who visits.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,  # noqa: FBT002
) -> None:
    """Serve the triage app, with the intake, on this machine; or print every case, the urgent and unowned first."""
    if not as_json and not as_list:
        with common.bench(store, config) as (bench, settings):
            if behind_proxy:
                settings = replace(settings, server=replace(settings.server, behind_proxy=True))
            chosen = host or settings.server.host, settings.server.port if port is None else port
            _serve(bench, settings, chosen, no_browser=no_browser)
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


def _serve(bench: Bench, settings: Settings, address: tuple[str, int], *, no_browser: bool) -> None:
    """Serve app and intake until interrupted; on this machine the printed address works once."""
    from workbench.apps.desk import Desk
    from workbench.apps.host import routes
    from workbench.apps.lab import Labs
    from workbench.apps.session import Sessions, trusted
    from workbench.apps.team import check
    from workbench.intake.server import serving

    check(address[0], settings)
    proxy = trusted(settings.server)
    desk, sessions, labs = Desk(bench), Sessions(proxy=proxy), Labs()
    signal.signal(signal.SIGTERM, _interrupt)
    app_routes = routes(desk, sessions, labs=labs)
    with serving(bench.store, settings, *address, extra_routes=app_routes, on_alerts=desk.take_alerts) as served:
        desk.warm()
        entrance = f"{served}/inbox" if proxy else f"{served}/enter?token={sessions.ticket('admin')}"
        typer.echo(f"Triage, and telemetry for {bench.store.root}, on {served} (Ctrl-C stops).")
        typer.echo("Your proxy says who visits." if proxy else f"Open, once: {entrance}")
        try:
            if not no_browser and not proxy and _has_screen():
                webbrowser.open(entrance)
            threading.Event().wait()
        except KeyboardInterrupt:
            desk.close()
        finally:
            labs.close()


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
