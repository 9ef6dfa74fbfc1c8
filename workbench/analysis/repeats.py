"""Ids that come back in failure after failure: the one record at which a reader stops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MIN_REPEATS = 3
MIN_SHARE = 0.6
"""Share of the failures that must name the same thing."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:./-]{3,199}")
_KEY = re.compile(r"(?:^|[_.])(?:id|key|record|offset|row|message|order|uuid)$", re.IGNORECASE)


@dataclass(frozen=True)
class Repeated:
    """One id and how often it came back."""

    name: str
    failures: int
    share: float
    """Of all failures, 0..1."""


def repeated(messages: Sequence[str]) -> Repeated | None:
    """Return the id that most messages have in common; None where the failures are about different things.

    An id is a word that holds a digit, and is told apart from what every message of its kind says (a version, a
    host) by what stands before it: ``id=``, ``key=``, ``offset``; without such a word the longest one is taken.
    """
    counts: Counter[str] = Counter()
    named: set[str] = set()
    for message in messages:
        words = re.split(r"[\s=]+", message[:4000])
        found = set()
        for before, word in zip(["", *words], words, strict=False):
            for match in _ID.findall(word):
                token = match.rstrip(".:")
                if any(c.isdigit() for c in token):
                    found.add(token)
                    if _KEY.search(before):
                        named.add(token)
        counts.update(found)
    fitting = [(t, n) for t, n in counts.items() if n >= MIN_REPEATS and n >= MIN_SHARE * len(messages)]
    if not fitting:
        return None
    name, n = max(fitting, key=lambda f: (f[0] in named, "=" not in f[0], f[1], len(f[0]), f[0]))
    return Repeated(name, n, n / len(messages))
