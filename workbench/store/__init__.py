"""The store: durable journal, immutable segments, locked-down readers, named queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.store.journal import Receipt
    from workbench.store.manifest import Gap
    from workbench.store.query import Query
    from workbench.store.store import Store

__all__ = ["Gap", "Query", "Receipt", "Store"]

_HOMES = {"Gap": "manifest", "Query": "query", "Receipt": "journal", "Store": "store"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing a query stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
