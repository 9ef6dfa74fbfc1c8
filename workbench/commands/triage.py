"""``workbench triage``: what is open, what it probably is, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from workbench.commands import _common as common

if TYPE_CHECKING:
    from workbench.bench import CaseLine

URGENCY = ("unknown", "open", "investigating", "mitigated", "resolved", "closed")
"""States of a case, the most urgent first; unknown is a case that cannot be opened."""
EXAMPLES = """
Examples:

  workbench triage

  workbench triage --json
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("triage", epilog=EXAMPLES)(triage)


def triage(
    store: common.Store = None,
    config: common.Config = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Show every case with its best lead, the unfinished and unowned first."""
    with common.bench(store, config, mode="read") as (bench, _):
        rows = sorted((row(line) for line in bench.cases()), key=urgency)
    if as_json:
        common.print_json(rows)
    elif rows:
        common.console.print(_inbox(rows))
        common.console.print(_next(rows[0]))
    else:
        common.console.print("No case yet. Begin one: workbench investigate --alert alert.json")


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
