"""What a page takes long to make and a case's journal decides: made once for each state, for all visitors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

from workbench.case.case import Case

MOST = 48
"""Pieces that are kept; the one not asked for the longest goes first."""
T = TypeVar("T")


class Kept:
    """Keep pieces of pages by case, state and name; a new entry of the journal makes them anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._making: dict[tuple[str, ...], threading.RLock] = {}

    def piece(self, case: Case, name: str, make: Callable[[], T], *, theme: str = "") -> T:
        """Return a piece of a case as it stands, made by *make* where it is not kept."""
        newest = case.entries[-1].hash if case.entries else ""
        key = (str(case.path), newest, str(len(case.evidence)), name, theme)
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
                return cast("T", self._pieces[key])
            making = self._making.setdefault(key, threading.RLock())
        # Of many who ask at once, one makes it and the others wait.
        with making:
            with self._lock:
                if key in self._pieces:
                    return cast("T", self._pieces[key])
            made = make()
            with self._lock:
                self._making.pop(key, None)
                self._pieces[key] = made
                while len(self._pieces) > MOST:
                    self._pieces.popitem(last=False)
        return made
