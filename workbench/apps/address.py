"""A view in an address: a case, a screen, and for pinned links the state that they show; ids and hashes only."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from workbench import plugins
from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.state import State, fold
from workbench.errors import IntegrityError, UsageError

MOST_CHARACTERS = 2000
_MOST_INFLATED = 8192


@dataclass(frozen=True)
class View:
    """What a link restores."""

    case: str
    screen: str
    length: int = 0
    """Entries of the journal that count; 0 for a live link."""
    digest: str = ""
    """State hash after them; empty for a live link."""
    place: str = ""
    """Part of the screen, such as cause-2."""


def encode(view: View) -> str:
    """Return a view as text for an address; `UsageError` where it would be longer than 2,000 characters."""
    content = json.dumps({k: v for k, v in asdict(view).items() if v}, separators=(",", ":"), sort_keys=True)
    code = base64.urlsafe_b64encode(zlib.compress(content.encode(), 9)).decode().rstrip("=")
    if len(code) > MOST_CHARACTERS:
        raise UsageError(f"The view takes {len(code)} characters; an address holds {MOST_CHARACTERS}.")
    return code


def decode(code: str) -> View:
    """Return the view of an address; `UsageError` for anything that `encode` did not write."""
    try:
        if len(code) > MOST_CHARACTERS:
            raise ValueError("too long")
        packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        inflating = zlib.decompressobj()
        content = inflating.decompress(packed, _MOST_INFLATED)
        if not inflating.eof:
            raise ValueError("too much in it")
        found: Any = json.loads(content)
        view = View(**found)
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError) as error:
        raise UsageError("This address holds no view; copy the whole link.") from error
    texts = (view.case, view.screen, view.digest, view.place)
    # bool is an int in Python, and a link could say true.
    if not all(isinstance(t, str) for t in texts) or type(view.length) is not int or view.length < 0:
        raise UsageError("This address holds no view; copy the whole link.")
    if view.screen not in plugins.names("screen"):
        raise UsageError(f"There is no screen {view.screen!r}.")
    return view


def pinned(case: Case, screen: str) -> str:
    """Return the address of what a case shows now, with the digest of its state."""
    return f"/at/{encode(View(case.id, screen, case.length(), case.state_hash))}"


class PinnedCase(Case):
    """A case as it stood after its first entries; it reads what is frozen and asks no store."""

    until: int | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The first entries of the journal."""
        return super().entries[: self.until]

    @cached_property
    def state(self) -> State:
        """What these entries say."""
        return fold(self.entries)

    def length(self) -> int:
        """Return the number of these entries."""
        return len(self.entries)


def restored(folder: str, view: View, clock: Callable[[], int]) -> PinnedCase:
    """Return the case as a pinned link saw it; `IntegrityError` where its journal no longer gives that state."""
    case = PinnedCase.open(folder, clock=clock)
    assert isinstance(case, PinnedCase)
    if case.length() < view.length:
        raise IntegrityError(f"The link pins {view.length} entries of {case.id}; its journal holds {case.length()}.")
    case.until = view.length
    if case.state_hash != view.digest:
        raise IntegrityError(f"{case.id} no longer gives the state {view.digest[:12]}… that the link pins; its first "
                             f"{view.length} entries give {case.state_hash[:12]}….")  # fmt: skip
    return case
