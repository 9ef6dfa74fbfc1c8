"""Who may do what: one table, and what does not stand in it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from workbench.errors import WorkbenchError

Role = Literal["anyone", "viewer", "responder", "admin"]

RANK: Mapping[Role, int] = {"anyone": 0, "viewer": 1, "responder": 2, "admin": 3}

ROUTES: Mapping[tuple[str, str], Role] = {
    ("GET", "/"): "viewer",
    ("GET", "/enter"): "anyone",
    ("GET", "/assets/{name}"): "anyone",
    ("GET", "/assets/panel/{path:path}"): "viewer",
    ("GET", "/inbox"): "viewer",
    ("GET", "/part/inbox"): "viewer",
    ("GET", "/week"): "viewer",
    ("GET", "/search"): "viewer",
    ("GET", "/live"): "viewer",
    ("GET", "/at/{code}"): "viewer",
    ("GET", "/case/{case_id}"): "viewer",
    ("GET", "/case/{case_id}/{screen}"): "viewer",
    ("GET", "/part/case/{case_id}/{piece}"): "viewer",
    ("GET", "/board/{case_id}/{kind}"): "viewer",
    ("GET", "/notebook/{case_id}"): "viewer",
    ("GET", "/plan/{case_id}"): "responder",
    ("POST", "/do/{case_id}/{operation}"): "responder",
    ("POST", "/approve/{case_id}"): "responder",
    ("POST", "/run/{case_id}"): "responder",
    ("POST", "/lab/{case_id}"): "admin",
    ("WEBSOCKET", "/panel/{case_id}/ws"): "viewer",
}
"""Method and path of every route of the app -> the least role that may use it; a WebSocket's method is its name."""

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "note": ("text",),
    "reject": ("cause", "reason"),
    "assign": ("owner",),
    "status": ("status",),
    "select": ("window",),
    "pin_baseline": ("windows",),
    "contrast": ("of",),
    "simulate": ("cause",),
    "check_fix": ("since",),
    "undo": (),
}
"""Operations of a case that a form may call, with the fields it must bring; no other is reachable."""

INVESTIGATE, STOP = "investigate", "stop"
"""The two further acts, as the forms call them: running the playbook, and stopping it after the step it is at."""


class Denied(WorkbenchError):  # noqa: N818 - an answer to the visitor, no failure of ours
    """Refuse what a visitor's role or session does not allow."""


def allows(role: Role, needed: Role) -> bool:
    """Say whether a role may do what needs another one."""
    return RANK[role] >= RANK[needed]
