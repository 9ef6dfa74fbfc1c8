"""Plugins are files: a file's name is the plugin's name, found without importing it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from workbench.errors import UnknownNameError

GROUPS = {
    "source": ("workbench.sources", "SOURCE"),
    "drift metric": ("workbench.analysis.drift", "METRIC"),
    "query": ("workbench.store.queries", "QUERY"),
    "step": ("workbench.playbook.steps", "STEP"),
    "signature": ("workbench.playbook.signatures", "SIGNATURE"),
    "operation": ("workbench.playbook.operations", "OPERATION"),
    "fault": ("workbench.scenarios.faults", "FAULT"),
    "screen": ("workbench.apps.screens", "SCREEN"),
}
"""Plugin kind -> (package whose files are plugins, name of the object each file defines)."""


@cache
def names(group: str) -> tuple[str, ...]:
    """Return the sorted plugin names of a group without importing any of them.

    Files whose name begins with an underscore are helpers, not plugins. Third
    parties add theirs by an entry point in ``incident_workbench.<package's last word>``.
    """
    package, _ = GROUPS[group]
    path = importlib.import_module(package).__path__
    own = {m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")}
    return tuple(sorted(own | set(_third_party(group))))


@cache
def load(group: str, name: str) -> Any:
    """Import one plugin and return its object."""
    if name not in names(group):
        raise UnknownNameError(group, name, names(group))
    third_party = _third_party(group).get(name)
    if third_party is not None:
        return third_party.load()
    package, attribute = GROUPS[group]
    return getattr(importlib.import_module(f"{package}.{name}"), attribute)


def load_all(group: str) -> dict[str, Any]:
    """Import every plugin of a group, by name."""
    return {name: load(group, name) for name in names(group)}


@cache
def _third_party(group: str) -> dict[str, Any]:
    package, _ = GROUPS[group]
    found = entry_points(group=f"incident_workbench.{package.rsplit('.', 1)[-1]}")
    return {point.name: point for point in found}
