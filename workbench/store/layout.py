"""Where things lie below a store's root, and which column of a table tells its time."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from workbench.errors import StoreError, UsageError
from workbench.model.tables import Table
from workbench.model.window import DAY_NS

FORMAT = 1
"""Version of the layout on disk; raised when an older workbench could misread it."""
WHOLE = "whole"
"""Stands for the day in tables that are kept whole."""
DATABASE = "store.sqlite"
LOCK = "store.lock"
QUARANTINE = "quarantine"
SCRATCH = "scratch"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).date()


def escape(name: str) -> str:
    """Return *name* as one safe directory name; different names give different directories on any file system."""
    if not name:
        raise UsageError("An environment needs a name, such as prod or dev; an empty one was given.")
    safe = "".join(c if c in _PLAIN else "".join(f"%{b:02x}" for b in c.encode()) for c in name)
    if len(safe) > 200:
        raise UsageError(
            f"The environment's name is too long for a directory: {name[:40]!r}... ({len(name)} characters)."
        )
    return f"%{ord(safe[0]):02x}{safe[1:]}" if safe in {QUARANTINE, SCRATCH} else safe


def day_of(time_ns: int) -> str:
    """Return the UTC day of a time as ``YYYY-MM-DD``."""
    return (_EPOCH + timedelta(days=time_ns // DAY_NS)).isoformat()


def segment_folder(environment: str, table: Table, day: str) -> str:
    """Return the folder of a day's segments, relative to the root, with forward slashes."""
    return f"{escape(environment)}/{table.name}/day={day}"


@cache
def time_column(table: Table) -> str:
    """Return the column that places a row in time: the partition, else its first time, else when it was received."""
    if table.partition is not None:
        return table.partition
    times = [c.name for c in table.own_columns if c.type == "time_ns"]
    return times[0] if times else "received_ns"


@cache
def identity_fixes_time(table: Table) -> bool:
    """Say whether rows of one key have one time, so that a window can be cut before duplicates are resolved.

    It holds by construction where the key contains the time, and for spans and logs,
    whose ids are drawn for one event. A sender that breaks it is put right by compaction.
    """
    return table.partition is not None and (table.partition in table.key or table.name in {"spans", "logs"})


def prepare(root: Path) -> None:
    """Create a store's folder and its format file where there is none yet."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        marker = root / "format"
        if not marker.exists():
            if (root / DATABASE).exists() or any(p for p in root.iterdir() if p.name != LOCK):
                raise StoreError(f"{root} is not empty and holds no store; choose an empty or a new folder.")
            partial = root / f"format.{os.getpid()}.part"
            partial.write_text(f"incident-workbench store {FORMAT}\n")
            partial.replace(marker)
    except OSError as error:
        raise StoreError(f"The store {root} cannot be created: {error}. Check the path and its permissions.") from error


def check_format(root: Path) -> None:
    """Refuse in words what is no store, or one that a newer workbench wrote."""
    try:
        text = (root / "format").read_text(errors="replace").strip()
    except OSError as error:
        raise StoreError(
            f"There is no store at {root}. Create it with `workbench init` or ingest something."
        ) from error
    words, _, version = text[:80].rpartition(" ")
    if words != "incident-workbench store" or not version.isdigit():
        raise StoreError(f"{root}/format reads {text[:80]!r}: this is no store of the workbench.")
    if int(version) > FORMAT:
        raise StoreError(
            f"The store {root} has format {version}, this workbench reads up to {FORMAT}. "
            "Update incident-workbench to open it."
        )
