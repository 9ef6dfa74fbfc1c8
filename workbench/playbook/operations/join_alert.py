"""``case.join_alert(alert, because)``: a further alert that has one cause with those of the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.case.operations import Operation, Outcome


def run(_: object, alert: Mapping[str, Any], because: str) -> Outcome:
    """Fold an alert into the case; *because* says what it shares with the alerts that are here."""
    about = f"{alert.get('signal') or alert.get('name') or 'an alert'} of {alert.get('entity')}"
    return Outcome(values={"alert": dict(alert), "because": because}, summary=f"Joined {about}: {because}.")


def _slot(arguments: Mapping[str, Any]) -> str:
    alert = arguments["alert"]
    return f"join_alert:{alert.get('fingerprint')}:{alert.get('starts_ns')}"


OPERATION = Operation("join_alert", "human", run, run.__doc__ or "", slot=_slot)
