"""The SQL of ``resolve`` for engines that know no QUALIFY and quote names by backticks: Spark and ClickHouse."""

from __future__ import annotations

from collections.abc import Callable

from workbench.model.tables import PROVENANCE, Table
from workbench.store.layout import time_column


def within(declared: Table, bounds: tuple[int | None, int | None]) -> str:
    """Return the WHERE that keeps ``bounds[0] <= time < bounds[1]``; nothing where neither is given."""
    terms = [f"`{time_column(declared)}` {sign} {int(bound)}" for sign, bound in zip((">=", "<"), bounds, strict=True)
             if bound is not None]  # fmt: skip
    return f"WHERE {' AND '.join(terms)}" if terms else ""


def resolved(declared: Table, source: str, entries: Callable[[str], str]) -> str:
    """Return SQL for one row a key, the winner that ``resolve.winner_order`` names.

    *entries* gives the SQL of a quoted map's entries: neither engine puts maps themselves in an order.
    """

    def orderable(name: str, type_: str) -> str:
        return entries(f"`{name}`") if type_ in {"texts", "numbers"} else f"`{name}`"

    first = [f"`{declared.latest_by}` DESC NULLS LAST"] if declared.latest_by else []
    own = [c for c in declared.own_columns if c.name not in declared.key]
    order = first + [f"{orderable(c.name, c.type)} DESC NULLS LAST" for c in own]
    order += [f"`{c.name}` ASC NULLS LAST" for c in reversed(PROVENANCE)]
    key = ", ".join(f"`{name}`" for name in declared.key)
    number = f"row_number() OVER (PARTITION BY {key} ORDER BY {', '.join(order)}) AS place_of_key"
    return f"(SELECT * FROM (SELECT *, {number} FROM {source}) WHERE place_of_key = 1)"
