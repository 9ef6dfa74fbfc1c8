"""Alerts handed in to begin a case: their bytes, and which of several it begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.model.window import HOUR_NS


def first_alert(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the earliest firing alert of the newest burst: each of it started within an hour of the next.

    What has been firing for days is another incident's; where nothing fires any more, the same of what was resolved.
    """
    firing = [row for row in rows if row["status"] == "firing"] or rows
    ordered = sorted(firing, key=lambda row: (-row["starts_ns"], row["fingerprint"]))
    first = ordered[0]
    for row in ordered[1:]:
        if first["starts_ns"] - row["starts_ns"] > HOUR_NS:
            break
        if row["starts_ns"] < first["starts_ns"]:
            first = row
    return first


def alert_bytes(alert: str | Path | Mapping[str, Any]) -> tuple[bytes, str]:
    """Return an alert's JSON and where it came from: a file, a mapping, or the text itself."""
    if isinstance(alert, Mapping):
        return json.dumps(_wrapped(alert)).encode(), "alert given as a mapping"
    if isinstance(alert, str) and alert.lstrip().startswith(("{", "[")):
        return alert.encode(), "alert given as text"
    path = Path(alert)
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        raise UsageError(f"The alert {path} cannot be read: {error.strerror}.") from error


def _wrapped(alert: Mapping[str, Any]) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
    """Return one bare alert as the API lists alerts; a webhook is left as it is."""
    return alert if "alerts" in alert else [alert]
