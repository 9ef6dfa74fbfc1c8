"""What is masked when a case is handed on: by whom it is read, by key, and by the value itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.errors import UsageError
from workbench.intake.mask import Masker, MaskPolicy
from workbench.intake.patterns import KINDS, plain_key

Audience = Literal["responder", "viewer", "outside"]
"""Who reads it: responders see all that the store holds, viewers no people and no addresses, outsiders no hosts."""
AUDIENCES: tuple[Audience, ...] = ("responder", "viewer", "outside")

_SHORTEST = 4
"""Found values shorter than this are masked where they were found, not wherever their letters occur."""
_AUTHORS = ("author", "author_name", "author_email", "committer", "user", "user_name", "user_id", "owner", "who")


@dataclass(frozen=True)
class Rules:
    """Say what is masked: whole keys, single values, and what the audience must not see."""

    audience: Audience = "responder"
    keys: frozenset[str] = frozenset()
    """Attribute keys and columns, compared without regard to case and joints."""
    values: frozenset[str] = frozenset()

    @classmethod
    def of(cls, audience: str, mask: Iterable[str]) -> Rules:
        """Return the rules of an audience and of texts: ``key:NAME`` for all values of a key, else a value itself."""
        if audience not in AUDIENCES:
            raise UsageError(f"A case is shared with one of {', '.join(AUDIENCES)}; got {audience!r}.")
        given = [mask] if isinstance(mask, str) else list(mask)
        keys = {plain_key(text[4:]) for text in given if text.startswith("key:")}
        values = {text for text in given if not text.startswith("key:")}
        short = sorted(v for v in values if len(v) < _SHORTEST)
        if short or "" in keys:
            raise UsageError(f"A value to mask has at least {_SHORTEST} characters, or it would be found everywhere; "
                             f"got {short[0] if short else 'key:'!r}.")  # fmt: skip
        if audience != "responder":
            keys |= set(_AUTHORS)
        return cls(audience, frozenset(keys), frozenset(values))  # type: ignore[arg-type]

    def policy(self) -> MaskPolicy:
        """Return which patterns apply."""
        kinds = frozenset(KINDS) if self.audience != "responder" else frozenset(KINDS) - {"ip"}
        return MaskPolicy(kinds, self.keys)


class _Recording(Masker):
    """Mask as the intake does, and remember each value that was found."""

    def __init__(self, policy: MaskPolicy, key: bytes) -> None:
        super().__init__(policy, key)
        self.found: dict[str, str] = {}

    def pseudonym(self, kind: str, text: str) -> str:
        """Return the stable name that stands for *text*."""
        self.found.setdefault(text, kind)
        return super().pseudonym(kind, text)


class ShareMask:
    """Replace what must not be handed on; equal values get equal pseudonyms, so that joins still work.

    The first pass over a case finds values where their key or form gives them away; once `settle` was called, they
    are replaced wherever their text occurs, also where nothing around it would tell.
    """

    def __init__(self, rules: Rules, key: bytes) -> None:
        self.rules = rules
        self._masker = _Recording(rules.policy(), key)
        self._literal: re.Pattern[str] | None = None
        self._terms: dict[str, str] = dict.fromkeys(rules.values, "secret")
        self._people: dict[str, str] = {}
        self._seen: set[str] = set()
        self._cache: dict[tuple[str, str], str] = {}

    def person(self, name: str | None) -> None:
        """Note the name of a person; viewers and outsiders do not see it."""
        if name and self.rules.audience != "responder":
            self._people[name] = "person"
            if len(name) > _SHORTEST:
                self._terms[name] = "person"

    def host(self, name: str) -> None:
        """Note the name of a machine or a card; outsiders do not see it."""
        if self.rules.audience == "outside" and len(name) >= _SHORTEST:
            self._terms[name] = "host"

    def settle(self) -> None:
        """End the first pass: from now on what was found is replaced wherever it occurs."""
        found = {t: k for t, k in self._masker.found.items() if len(t) >= _SHORTEST and not t.isdigit()}
        # Digits alone may be any count; with nine or more, they are what was found.
        found |= {t: k for t, k in self._masker.found.items() if t.isdigit() and len(t) >= 9}
        self._terms = {**found, **self._terms}
        self._cache.clear()
        if self._terms:
            longest = sorted(self._terms, key=lambda t: (-len(t), t))
            self._literal = re.compile("|".join(map(re.escape, longest)))

    def text(self, text: str) -> str:
        """Return a text with everything replaced that must not be handed on."""
        return self.value("", text)

    def value(self, key: str, text: str) -> str:
        """Return a text that stands under a key or in a column."""
        at = (key, text)
        if at not in self._cache:
            self._cache[at] = self._value(key, text)
        return self._cache[at]

    def _value(self, key: str, text: str) -> str:
        self._count(text)
        if text in self._people:
            return self._masker.pseudonym("person", text)
        text = self._literal.sub(self._replaced, text) if self._literal is not None else text
        if text[:1] in "[{" and text[-1:] in "]}":
            return self._masker.json(text, Counter())
        return self._masker.value(key, text) if key else self._masker.text(text)

    def _replaced(self, match: re.Match[str]) -> str:
        return self._masker.pseudonym(self._terms[match[0]], match[0])

    def _count(self, text: str) -> None:
        """Note which of the values to mask occur at all."""
        if text in self._people:
            self._seen.add(text)
        if self._literal is None:
            self._seen.update(term for term in self._terms if term in text)

    def hides(self, key: str) -> bool:
        """Say whether numbers under a key or in a column become unknown."""
        return bool(key) and self._masker.key_kind(key) is not None

    def tree(self, node: Any, key: str = "") -> Any:
        """Return plain values with every text in them replaced; a number under a hidden key becomes None."""
        if isinstance(node, str):
            return self.value(key, node)
        if isinstance(node, Mapping):
            return {self.text(k): self.tree(v, k) for k, v in node.items()}
        if isinstance(node, list | tuple):
            return [self.tree(item, key) for item in node]
        if isinstance(node, int | float) and not isinstance(node, bool) and self.hides(key):
            return None
        return node

    def found(self) -> Counter[str]:
        """Return how many different values were found, by kind."""
        kinds = {**self._masker.found, **{t: k for t, k in (self._terms | self._people).items() if t in self._seen}}
        return Counter(kinds.values())
