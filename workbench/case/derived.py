"""What was computed from frozen answers alone, kept for the steps that need it again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Derived:
    """Keep the results used last, by what they are and by the digests of the answers they rest on.

    A frozen answer never changes, so that equal digests give equal results. A case holds one; it is dropped with it.
    """

    def __init__(self, most: int = 4) -> None:
        """Keep nothing yet, and *most* results later."""
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def of(self, key: tuple[str, ...], compute: Callable[[], T]) -> T:
        """Return the result known by *key* (name, then digests), computed where it is not kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            known: T = self._kept[key]
            return known
        result = compute()
        self._kept[key] = result
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return result
