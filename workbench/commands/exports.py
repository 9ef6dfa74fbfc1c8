"""``workbench tell``: tell other systems of an incident, where the settings name them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.commands import _common as common


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("tell", epilog="Example:  workbench tell store/cases/INC-1 --show")(tell)


def tell(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    config: common.Config = None,
    audience: Annotated[str, typer.Option(help="responder, viewer or outside: who reads it.")] = "responder",
    mask: Annotated[list[str] | None, typer.Option(help="A value, or key:NAME for all values of a key.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the payloads and send nothing.")] = False,  # noqa: FBT002
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Send OpenLineage, CDEvents, Slack and PagerDuty messages to what [exports] names; what fails is kept."""
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.case import Case
    from workbench.config import read_settings, secret
    from workbench.report.exports import payloads
    from workbench.report.outbox import Outbox, addresses

    settings = read_settings(config).exports
    found = payloads(Case.open(case), link=settings.link, audience=audience, mask=mask or ())
    if show:
        common.print_json([{"kind": p.kind, "body": p.body} for p in found])
        return
    key = secret(settings.pagerduty) if settings.pagerduty else ""
    outbox = Outbox(case.parent.parent, addresses(settings), routing_key=key)
    outbox.put(found)
    sent = outbox.flush()
    if as_json:
        common.print_json([vars(s) for s in sent])
    elif not sent:
        common.console.print("Nothing to send: [exports] names no address, or all was taken before.", markup=False)
    for s in () if as_json else sent:
        words = "taken" if s.taken else f"kept for later after {s.attempts} attempts: {s.problem}"
        common.console.print(Text(f"{s.kind}: {words}"))
    if any(not s.taken for s in sent):
        raise typer.Exit(3)
