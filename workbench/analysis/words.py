"""Words shared by what changed and what broke: identifiers taken apart, weighed by how rare they are."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_COMMON = frozenset([
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "do", "does", "for", "from", "had",
    "has", "have", "if", "in", "into", "is", "it", "its", "more", "no", "not", "of", "off", "on", "or", "out",
    "per", "so", "than", "that", "the", "their", "then", "this", "to", "too", "up", "was", "were", "when",
    "which", "will", "with", "you", "add", "adds", "added", "change", "changed", "fix", "fixes", "fixed", "feat",
    "chore", "refactor", "update", "updates", "updated", "use", "used", "using", "remove", "new", "self",
    "return", "returns", "def", "func", "function", "class", "var", "let", "const", "val", "int", "str", "string",
    "bool", "float", "none", "nil", "null", "true", "false", "import", "package", "public", "private", "static",
    "void", "err", "error", "errors", "test", "tests", "src", "main", "get", "set", "else", "elif", "while",
    "try", "except", "catch", "throw", "raise", "go", "py", "js", "ts", "java", "json", "yaml", "yml", "md",
    "txt", "http", "https", "service", "services", "svc",
])  # fmt: skip
MIN_LENGTH = 3


def tokens(text: str) -> Counter[str]:
    """Count the identifiers in a text, each whole and in its parts: ``maxRetries`` gives maxretries, max, retries."""
    found: Counter[str] = Counter()
    for word in _WORD.findall(text):
        parts = [p.lower() for p in _PART.findall(word)]
        whole = {word.lower().strip("_"), *parts, *(_stem(p) for p in parts)}
        names = whole if len(parts) > 1 else {_stem(word.lower())}
        found.update(n for n in names if len(n) >= MIN_LENGTH and n not in _COMMON)
    return found


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= MIN_LENGTH:
            return word[: -len(ending)]
    return word


def rarity(documents: Iterable[Mapping[str, object]]) -> dict[str, float]:
    """Return per token how telling it is: the log of how few of the documents hold it, at least 0."""
    seen: Counter[str] = Counter()
    size = 0
    for document in documents:
        seen.update(document.keys())
        size += 1
    return {token: math.log((size + 1) / (count + 0.5)) for token, count in seen.items()}
