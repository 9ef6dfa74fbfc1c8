"""Mask personal data and secrets before the first disk write, each distinct string once a batch.

A masked value becomes a keyed pseudonym such as ``email_3f9a0c51d2e87b46``: equal
values have equal pseudonyms within a store, so joins and counts still work, and
without the store's key nobody can try candidates against them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import UsageError
from workbench.intake.patterns import (
    AMBIGUOUS_KEYS,
    IP_PATTERNS,
    KINDS,
    PATTERNS,
    PLAIN,
    PSEUDONYM,
    SCREEN,
    SCREEN_WITH_IPS,
    Pattern,
    key_kind,
    matches,
    normal,
    plain_key,
    value_kind,
)
from workbench.model.tables import TABLES
from workbench.sources import Batch, Rejection

_ID_COLUMNS = frozenset({"trace_id", "span_id", "parent_span_id", "log_id", "series", "fingerprint", "schema_digest"})
_ID_KEYS = frozenset({"trace_id", "span_id", "parent_span_id", "traceid", "spanid", "parent_id", "trace", "span"})
_HEX_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64}")
_DIGIT_KINDS = frozenset({"card", "sin", "ssn", "phone"})
_DEEPEST_JSON = 200


@dataclass(frozen=True)
class MaskPolicy:
    """Say what is masked: the kinds, whether IP addresses too, and further keys whose values are secret."""

    kinds: frozenset[str] = frozenset(KINDS) - {"ip"}
    secret_keys: frozenset[str] = frozenset()
    """Attribute keys of one's own, compared without regard to case and joints."""
    open_keys: frozenset[str] = frozenset()
    """Attribute keys whose name looks secret and is not; the patterns still apply to their values."""

    def __post_init__(self) -> None:
        """Refuse kinds that no pattern has."""
        unknown = self.kinds - set(KINDS)
        if unknown:
            raise UsageError(f"Masking knows no kind {min(unknown)!r}; known: {', '.join(KINDS)}.")


class Masker:
    """Mask batches, texts and rejections with one policy and one key; holds no state, so threads may share it."""

    def __init__(self, policy: MaskPolicy, key: bytes) -> None:
        """Take the policy and the store's key."""
        self.policy = policy
        self._key = key
        wanted = PATTERNS + IP_PATTERNS
        self._patterns: tuple[Pattern, ...] = tuple(p for p in wanted if p.kind in policy.kinds)
        self._secret = frozenset(plain_key(k) for k in policy.secret_keys)
        own = "".join("|" + ".?".join(map(re.escape, k.split("_"))) for k in sorted(self._secret) if k)
        self._screen = (SCREEN_WITH_IPS if "ip" in policy.kinds else SCREEN) + own
        self._open = frozenset(plain_key(k) for k in policy.open_keys)

    def pseudonym(self, kind: str, text: str) -> str:
        """Return the stable name that stands for *text*."""
        message = f"{kind}:{normal(kind, text)}".encode("utf-8", "surrogatepass")
        return f"{kind}_{hmac.digest(self._key, message, hashlib.sha256).hex()[:16]}"

    def text(self, text: str, counts: Counter[str] | None = None, times: int = 1) -> str:
        """Return *text* with everything the patterns find replaced; add what was masked to *counts*."""
        lower = text.lower()
        for pattern in self._patterns:
            if not pattern.hint(lower):
                continue
            pieces: list[str] = []
            end = 0
            for begin, stop in matches(pattern, text):
                found = text[begin:stop]
                if PSEUDONYM.fullmatch(found):
                    continue
                pieces += (text[end:begin], self.pseudonym(pattern.kind, found))
                end = stop
                if counts is not None:
                    counts[pattern.kind] += times
            if pieces:
                text = "".join((*pieces, text[end:]))
                lower = text.lower()
        return text

    def key_kind(self, key: str) -> str | None:
        """Return what the values under an attribute key are masked as, or None where only the patterns decide."""
        plain = plain_key(key)
        if plain in self._open:
            return None
        kind = "secret" if plain in self._secret else key_kind(key)
        return kind if kind in self.policy.kinds else None

    def value(self, key: str, value: str, counts: Counter[str] | None = None, times: int = 1) -> str:
        """Return a value with its key taken into account."""
        if plain_key(key) in _ID_KEYS and _HEX_ID.fullmatch(value):
            return value
        kind = self.key_kind(key) or value_kind(key, value)
        if kind is None or kind not in self.policy.kinds:
            return self.text(value, counts, times)
        if value.lower() in ("", "true", "false", "null", "none") or PSEUDONYM.fullmatch(value):
            return value
        if counts is not None:
            counts[kind] += times
        return self.pseudonym(kind, value)

    def mask(self, batch: Batch) -> tuple[Batch, Counter[str]]:
        """Return the batch with every text masked, and how many cells of each kind were."""
        counts: Counter[str] = Counter()
        tables = {name: self._table(name, rows, counts) for name, rows in batch.tables.items()}
        return Batch(tables, self.rejections(batch.rejections, counts)), counts

    def rejections(self, rejections: Iterable[Rejection], counts: Counter[str]) -> tuple[Rejection, ...]:
        """Return rejections with reason, place and content masked; content that is no UTF-8 is dropped."""
        return tuple(
            replace(
                r,
                reason=self.text(r.reason, counts),
                place=self.text(r.place, counts),
                content=None if r.content is None else self._content(r.content, counts),
            )
            for r in rejections
        )

    def _content(self, content: bytes, counts: Counter[str]) -> bytes | None:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return self.json(text, counts).encode("utf-8", "replace")

    def json(self, text: str, counts: Counter[str], times: int = 1) -> str:
        """Return JSON text with keys, texts and numbers masked; what is no JSON is masked as text."""
        try:
            tree = orjson.loads(text) if len(text) < 10**8 else None
        except orjson.JSONDecodeError:
            tree = None
        if not isinstance(tree, dict | list):
            return self.text(text, counts, times)
        if not _shallow(tree):
            return json.dumps(self.pseudonym("secret", text))
        before = counts.total()
        masked = self._tree("", tree, counts, times)
        return text if counts.total() == before else orjson.dumps(masked).decode()

    def _tree(self, key: str, node: Any, counts: Counter[str], times: int) -> Any:
        if isinstance(node, dict):
            named = _named_value(node)
            if named is not None:
                return {k: self._tree(named if k == "value" else k, v, counts, times) for k, v in node.items()}
            return {self.text(k, counts, times): self._tree(k, v, counts, times) for k, v in node.items()}
        if isinstance(node, list):
            return [self._tree(key, item, counts, times) for item in node]
        if isinstance(node, str):
            return self.value(key, node, counts, times)
        if isinstance(node, int | float) and not isinstance(node, bool):
            masked = self.value(key, str(node), counts, times)
            return node if masked == str(node) else masked
        return node

    def _table(self, name: str, rows: pa.Table, counts: Counter[str]) -> pa.Table:
        types = {c.name: c.type for c in TABLES[name]}
        columns = {field: _one(rows.column(field)) for field in rows.column_names}
        self._flat(columns, [f for f, t in types.items() if t in ("text", "json") and f in columns], types, counts)
        for field, kind in types.items():
            if kind in ("texts", "numbers") and field in columns:
                columns[field] = self._map(columns[field], counts)
        return pa.Table.from_arrays([columns[f] for f in rows.column_names], schema=rows.schema)

    def _flat(
        self, columns: dict[str, pa.Array], fields: list[str], types: Mapping[str, str], counts: Counter[str]
    ) -> None:
        """Mask text and JSON columns of one table in place of the originals."""
        for form, chosen in _by_form(fields, types).items():
            if not chosen:
                continue
            joined = pa.concat_arrays([columns[f] for f in chosen])
            change = self._change_json if form == "json" else self._change_text
            masked = self._distinct(joined, change, counts, keep_ids=form == "id")
            if masked is joined:
                continue
            start = 0
            for field in chosen:
                length = len(columns[field])
                columns[field] = masked.slice(start, length)
                start += length

    def _change_text(self, text: str, counts: Counter[str], times: int) -> str:
        return self.text(text, counts, times)

    def _change_json(self, text: str, counts: Counter[str], times: int) -> str:
        return self.json(text, counts, times)

    def _distinct(
        self,
        array: pa.Array,
        change: Callable[[str, Counter[str], int], str],
        counts: Counter[str],
        *,
        keep_ids: bool = False,
    ) -> pa.Array:
        """Return the array with each distinct string changed once; the same object where nothing was found."""
        if len(array) == array.null_count:
            return array
        coded = array.dictionary_encode()
        words = coded.dictionary
        hits = _candidates(words, self._screen)
        if not len(hits):
            return array
        times = _times(coded.indices, len(words))
        replaced = _Replaced(words)
        for hit in hits.tolist():
            word = words[hit].as_py()
            if keep_ids and _HEX_ID.fullmatch(word):
                continue
            replaced.put(hit, word, change(word, counts, int(times[hit])))
        return array if replaced.none else replaced.words().take(coded.indices)

    def _map(self, array: pa.MapArray, counts: Counter[str]) -> pa.MapArray:
        """Mask keys and values of a map column; a value goes whole where its key names something secret."""
        if len(array) == array.null_count:
            return array
        offsets = np.array(array.offsets, copy=True)
        first, last = int(offsets[0]), int(offsets[-1])
        keys, items = array.keys.slice(first, last - first), array.items.slice(first, last - first)
        coded = keys.dictionary_encode()
        names = coded.dictionary.to_pylist()
        marked = [i for i, name in enumerate(names) if self._marked(name)]
        new_items = items
        if marked:
            codes = coded.indices.to_numpy(zero_copy_only=False)
            at = np.flatnonzero(np.isin(codes, marked))
            new_items = self._named_items(items, [names[i] for i in codes[at].tolist()], at, counts)
        if pa.types.is_string(items.type):
            new_items = self._distinct(new_items, self._change_json_or_text, counts)
        new_keys = self._distinct(keys, self._change_text, counts)
        if new_keys is keys and new_items is items:
            return array
        nulls = array.is_null() if array.null_count else None
        return pa.MapArray.from_arrays(pa.array(offsets - first), new_keys, new_items, type=array.type, mask=nulls)

    def _change_json_or_text(self, text: str, counts: Counter[str], times: int) -> str:
        return self.json(text, counts, times) if text[:1] in "[{" else self.text(text, counts, times)

    def _marked(self, key: str) -> bool:
        """Return whether values under *key* need a look of their own."""
        plain = plain_key(key)
        return plain.rsplit("_", 1)[-1] in AMBIGUOUS_KEYS or plain in _ID_KEYS or self.key_kind(key) is not None

    def _named_items(self, items: pa.Array, names: list[str], at: np.ndarray, counts: Counter[str]) -> pa.Array:
        """Mask the items at the given places, each by its own key; a secret number becomes unknown."""
        if not pa.types.is_string(items.type):
            return self._named_numbers(items, names, at, counts)
        pairs = Counter(zip(names, values := items.take(pa.array(at)).to_pylist(), strict=True))
        masked = {(n, v): v if v is None else self.value(n, v, counts, times) for (n, v), times in pairs.items()}
        changed = [masked[pair] for pair in zip(names, values, strict=True)]
        return _scatter(items, at, pa.array(changed, items.type))

    def _named_numbers(self, items: pa.Array, names: list[str], at: np.ndarray, counts: Counter[str]) -> pa.Array:
        changed: list[float | None] = []
        for name, value in zip(names, items.take(pa.array(at)).to_pylist(), strict=True):
            kind = self.key_kind(name) or ("sin" if value_kind(name, _whole(value)) == "sin" else None)
            secret = kind is not None and value is not None and (kind not in _DIGIT_KINDS or abs(value) >= 1e8)
            if secret:
                counts[str(kind)] += 1
            changed.append(None if secret else value)
        return _scatter(items, at, pa.array(changed, items.type))


class _Replaced:
    """Collect new words for some of the distinct words of a column."""

    def __init__(self, words: pa.Array) -> None:
        self._old = words
        self._at: list[int] = []
        self._new: list[str] = []

    @property
    def none(self) -> bool:
        return not self._at

    def put(self, place: int, old: str, new: str) -> None:
        if new != old:
            self._at.append(place)
            self._new.append(new)

    def words(self) -> pa.Array:
        return _scatter(self._old, np.array(self._at, dtype=np.int64), pa.array(self._new, self._old.type))


def _candidates(words: pa.Array, screen: str) -> np.ndarray:
    """Return the places, ascending, of the words that *screen* lets through and that are more than a number or an id.

    Numbers and ids go first: they are most of what is distinct, and their expression costs a fifth of the screen's.
    """
    at = np.flatnonzero(~pc.match_substring_regex(words, PLAIN).to_numpy(zero_copy_only=False))
    if not len(at):
        return at
    rest = words if len(at) == len(words) else words.take(pa.array(at))
    hits: np.ndarray = at[pc.match_substring_regex(rest, screen).to_numpy(zero_copy_only=False)]
    return hits


def _scatter(array: pa.Array, at: np.ndarray, values: pa.Array) -> pa.Array:
    """Return *array* with the values put at the given places, in ascending order."""
    where = np.zeros(len(array), dtype=bool)
    where[at] = True
    return pc.replace_with_mask(array, pa.array(where), values)


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        return combined.chunk(0) if combined.num_chunks else pa.array([], combined.type)
    return combined


def _times(indices: pa.Array, words: int) -> np.ndarray:
    present = indices.drop_null() if indices.null_count else indices
    return np.bincount(present.to_numpy(zero_copy_only=False), minlength=words)


def _by_form(fields: list[str], types: Mapping[str, str]) -> dict[Literal["id", "text", "json"], list[str]]:
    return {
        "id": [f for f in fields if types[f] == "text" and f in _ID_COLUMNS],
        "text": [f for f in fields if types[f] == "text" and f not in _ID_COLUMNS],
        "json": [f for f in fields if types[f] == "json"],
    }


def _whole(value: float | None) -> str:
    return str(int(value)) if value is not None and value == value and float(value).is_integer() else ""


def _named_value(node: dict[str, Any]) -> str | None:
    """Return the name in ``{"key": name, "value": ...}``, the form of attribute lists (or ``name`` for ``key``)."""
    if "value" not in node:
        return None
    name = node.get("key", node.get("name"))
    return name if isinstance(name, str) else None


def _shallow(tree: Any) -> bool:
    """Return whether a tree is no deeper than can be walked."""
    level = [tree]
    for _ in range(_DEEPEST_JSON):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False
