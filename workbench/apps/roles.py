"""Who may do what: one table, and what does not stand in it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Role = Literal["anyone", "viewer", "responder", "admin"]

RANK: Mapping[Role, int] = {"anyone": 0, "viewer": 1, "responder": 2, "admin": 3}

ROUTES: Mapping[tuple[str, str], Role] = {
    ("GET", "/"): "viewer",
    ("GET", "/enter"): "anyone",
    ("GET", "/assets/app.js"): "anyone",
    ("GET", "/inbox"): "viewer",
    ("GET", "/part/inbox"): "viewer",
    ("GET", "/search"): "viewer",
    ("GET", "/case/{case_id}"): "viewer",
    ("GET", "/case/{case_id}/{screen}"): "viewer",
    ("GET", "/part/case/{case_id}"): "viewer",
    ("GET", "/notebook/{case_id}"): "viewer",
    ("POST", "/do/{case_id}/{operation}"): "responder",
}
"""Method and path of every route of the app -> the least role that may use it."""

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "note": ("text",),
    "reject": ("cause", "reason"),
    "assign": ("owner",),
    "status": ("status",),
    "undo": (),
}
"""Operations of a case that a form may call, with the fields it must bring; no other is reachable."""

INVESTIGATE = "investigate"
"""The one further act: running the playbook, which the forms call by this name."""


def allows(role: Role, needed: Role) -> bool:
    """Say whether a role may do what needs another one."""
    return RANK[role] >= RANK[needed]
