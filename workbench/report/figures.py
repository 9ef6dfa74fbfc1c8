"""Figures in prose, in digits or in words, by their value: ``41,263``, ``41263`` and ``1.2k`` are read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

WHEN = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\d\d?:\d\d(?::\d\d)?")
"""Dates and clock times say when, not how much."""
_NAME = re.compile(
    r"[A-Za-z_]\w*[-_.:/]\w[\w./:-]*|\[[^\]]*\]|`[^`]*`|\b\dxx\b|\b\d+(?:st|nd|rd|th)\b"
    r"|\b(?:version|release|revision|step|port|line|layer|rank|node|shard|replica|partition|severity|sev|priority|rung"
    r"|HTTP|CUDA|Python|driver|ticket|issue|chapter|section|rule|option)s? (?:no\. ?|number |#)?v?\d[\d.]*\b"
)
"""Names such as INC-1, node-152, HTTP 5xx or version 42 hold digits that are no figures."""
_CODE = re.compile(r"\[[^\]]*\]|`[^`]*`")
_NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)([kMB](?![\w])|(?: (?:thousand|million|billion)\b))?")
_TIMES = {"k": 1e3, "M": 1e6, "B": 1e9, "thousand": 1e3, "million": 1e6, "billion": 1e9, "hundred": 1e2}
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve"
_TEENS = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_ONES = f"{_UNITS} {_TEENS}".split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {**{w: n for n, w in enumerate(_ONES)}, **{w: 10 * n for n, w in enumerate(_TENS, start=2)}}
_WORD = "|".join(sorted((*_VALUES, "hundred", "thousand", "million", "billion"), key=len, reverse=True))
_WORDS = re.compile(rf"\b(?:an? (?=hundred|thousand|million|billion))?(?:{_WORD})"
                    rf"(?:(?:[- ]|[- ]and[- ])(?:{_WORD}))*\b", re.IGNORECASE)  # fmt: skip
_MEASURED = re.compile(
    r"\s*(?:%|(?:percent|per cent|seconds?|minutes?|hours?|days?|weeks?|months?|times|points?|fold|users?|customers?"
    r"|decisions?|predictions?|requests?|rows?|dollars?|euros?)\b)", re.IGNORECASE)  # fmt: skip
"""Units that make a figure of a small number in words; alone, two and three point at things already told."""
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_FRACTION = re.compile(
    r"\b(?:(a|an|one|two|three|four|nine)[- ])?(half|third|quarter|fifth|sixth|eighth|tenth)s?"
    r"(?= (?:of|the|our|all|its|an? (?:hour|day|million|billion))\b)", re.IGNORECASE)  # fmt: skip
_SMALL = 10


def plain(text: str) -> str:
    """Return a text without dates, times, names and chips, whose digits are no figures."""
    return _NAME.sub(" ", WHEN.sub(" ", text.replace("\\", "")))


def in_digits(text: str) -> Iterator[tuple[str, float]]:
    """Yield each figure written in digits, as it stands and by its value."""
    for found in _NUMBER.finditer(plain(text)):
        yield found[0].rstrip(","), float(found[1].replace(",", "")) * _TIMES.get((found[2] or "").strip(), 1.0)


def in_words(text: str) -> Iterator[tuple[str, float]]:
    """Yield each figure written in words that measures something: from ten, with a unit, or a part in percent."""
    told = _CODE.sub(" ", text.replace("\\", ""))
    for found in _WORDS.finditer(told):
        value = _value(found[0])
        if value >= _SMALL or (value > 1 and _MEASURED.match(told[found.end() :])):
            yield found[0], value
    for found in _FRACTION.finditer(told):
        many = _VALUES.get((found[1] or "one").lower(), 1)
        yield found[0], round(100.0 * many / _PARTS[found[2].lower()], 1)


def _value(words: str) -> float:
    """Return the value of a number in words, such as forty-one thousand."""
    total = current = 0.0
    for word in re.split(r"[- ]+", words.lower()):
        if word in _VALUES:
            current += _VALUES[word]
        elif word == "hundred":
            current = max(current, 1.0) * 100
        elif word in _TIMES:
            total, current = total + max(current, 1.0) * _TIMES[word], 0.0
    return total + current
