"""Retention by age: whole days leave at once."""

from __future__ import annotations

import time

from workbench.errors import UsageError
from workbench.model.tables import table
from workbench.model.window import DAY_NS
from workbench.store import manifest
from workbench.store.database import transaction
from workbench.store.journal import Journal
from workbench.store.sealing import Sealer


def retain(sealer: Sealer, journal: Journal, *, days: float, now_ns: int | None) -> int:
    """Delete the segments of days that ended more than *days* ago; return the rows deleted.

    Journal entries are sealed first, so that late rows of old days leave as well.
    """
    if not days > 0:
        raise UsageError(f"Rows are kept for more than 0 days; got {days!r}.")
    limit_ns = int((time.time_ns() if now_ns is None else now_ns) - days * DAY_NS)
    sealer.seal()
    with sealer.exclusive(), journal.write_lock:
        old = [
            s for s in manifest.segments(journal.connection)
            if table(s.table).partition is not None and (s.max_ns // DAY_NS + 1) * DAY_NS <= limit_ns
        ]  # fmt: skip
        with transaction(journal.connection):
            manifest.retire(journal.connection, old)
            if old:
                # Otherwise sending an expired batch again would be called a duplicate of rows that are gone.
                journal.connection.execute("DELETE FROM seen")
    sealer.remove_retired(grace_s=0)
    return sum(s.rows for s in old)
