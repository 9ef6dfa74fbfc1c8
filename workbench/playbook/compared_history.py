"""The history of a table that a comparison reads: kept profiles, or rows counted anew."""

from __future__ import annotations

import math

from workbench.analysis.profile_history import History
from workbench.analysis.profile_rows import Unpacked, from_counts, from_rows, grids_of
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.entities import split
from workbench.model.window import HOUR_NS, MINUTE_NS, Window

PROFILE_COLUMNS = [
    "dataset",
    "column",
    "start_ns",
    "end_ns",
    "grid",
    "segment",
    "rows",
    "nulls",
    "infinite",
    "sum",
    "sumsq",
    "min",
    "max",
    "distinct",
    "counts",
]


def unpacked_key(kept: str) -> tuple[str, ...]:
    """Return under which a case shares what profiles of a table, as they name it, were unpacked to."""
    return ("unpacked profiles", kept)


def history_of(reading: Reading, entity: str, start_ns: int, window: Window) -> tuple[History, Answer, str]:
    """Return the history of an entity's columns, what it was read from, and that in words.

    Profiles serve where their buckets end with the window, rows everywhere else.
    """
    kind, name = split(entity)
    kept = name if kind == "dataset" else entity
    stored = reading.ask(
        "rows",
        table="profiles",
        start_ns=start_ns,
        end_ns=window.end_ns,
        columns=PROFILE_COLUMNS,
        equals={"dataset": kept},
    )
    if len(stored.frame):
        # A settled brush reads nearly the rows of the one before.
        history = History(from_rows(stored.frame, reading.share(unpacked_key(kept), Unpacked)))
        if _aligned(history, window):
            return history, stored, "from profiles"
    counted = _counted(reading, entity, start_ns, window)
    if counted is not None:
        return counted[0], counted[1], "counted from rows"
    if len(stored.frame):
        return history, stored, "from profiles"
    raise CouldNotRunError(
        f"neither profiles nor rows of {entity} are kept; run `workbench profile {name} --time COLUMN --every 1h`"
    )


def _counted(reading: Reading, entity: str, start_ns: int, window: Window) -> tuple[History, Answer] | None:
    quantiles = reading.ask("column_quantiles", entity=entity, start_ns=start_ns, end_ns=window.start_ns)
    grids = grids_of(quantiles.frame)
    if not grids:
        return None
    every = math.gcd(window.start_ns, window.end_ns, HOUR_NS)
    every = max(every, MINUTE_NS)
    answer = reading.ask(
        "build_profiles",
        entity=entity,
        start_ns=start_ns,
        end_ns=window.end_ns,
        every_ns=every,
        grids={name: grid.id for name, grid in sorted(grids.items())},
    )
    return History(from_counts(answer.frame, grids, every)), answer


def _aligned(history: History, window: Window) -> bool:
    """Say whether buckets begin and end where the window does."""
    every = int((history.ends - history.starts).max())
    return window.start_ns % every == 0 and window.end_ns % every == 0


def snapped(history: History, window: Window) -> tuple[Window, str]:
    """Return the window widened to whole buckets, and the words that say so."""
    every = int((history.ends - history.starts).max())
    start, end = window.start_ns // every * every, -(-window.end_ns // every) * every
    if (start, end) == (window.start_ns, window.end_ns):
        return window, ""
    return Window(start, end), f", widened to whole buckets of {every / MINUTE_NS:g} min"
