"""Read prose by its grammar: who acts, what is a name, what is a system; what is quoted or code says nothing."""

from __future__ import annotations

import re

_LABEL = re.compile(r"^\s*[-*]\s+(?:\*\*[^*]*\*\*:?)?\s*")
_LEFT_OUT = re.compile(r"(?<!\w)'[^'\n]{1,200}'(?!\w)|`[^`]*`|\"[^\"]*\"|“[^”]*”|«[^»]*»|(?<!\w)‘[^’]*’(?!\w)")
_CHIP = re.compile(r"\[[EJ]\d+\]")
_MARKS = re.compile(r"\*\*|__|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)")
_COMPOUND = re.compile(r"(?<![\w/.])[\w.]*(?:[_/]|::|=)[\w/.=:-]*\w|\b\w+\.(?:py|sql|ya?ml|json|md|sh|txt|csv|ipynb)\b")
_LINK = re.compile(r"https?://\S+")


def vocabulary(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def own_words(text: str) -> str:
    """Return a line's own words: without its label, chips, emphasis, quoted words and code."""
    bare = _LABEL.sub("", _CHIP.sub(" ", text.replace("\\", "")))
    return _MARKS.sub("", _LEFT_OUT.sub(" thing ", bare))


def plain_words(text: str) -> str:
    """Return a line's own words without links and without names built with underscores, slashes or extensions."""
    return _COMPOUND.sub(" thing ", _LINK.sub(" thing ", own_words(text)))
