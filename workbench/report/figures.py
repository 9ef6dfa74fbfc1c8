"""Figures in prose, in digits or in words, by their value: ``41,263``, ``41263`` and ``1.2k`` are read alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workbench.report.prose.proper_names import PRODUCTS

WHEN = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\d\d?:\d\d(?::\d\d)?")
"""Dates and clock times say when, not how much."""
_MONTH = (r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
          r"|Oct(?:ober)?"
          r"|Nov(?:ember)?|Dec(?:ember)?)")  # fmt: skip
_CALENDAR = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?)?{_MONTH}\.?(?: \d{{1,2}}(?:st|nd|rd|th)?(?!\d)(?! ?(?:%|\w+s\b)))?,?"
    rf" (?:19|20)\d\d\b(?![,.]?\d)|\b\d{{1,2}}(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}\b|\b{_MONTH}\.? \d{{1,2}}(?:st|nd"
    rf"|rd|th)?\b"
    r"(?![,.]?\d)(?! ?(?:%|\w+s\b))|\b(?:FY|[QH][1-4]|(?i:spring|summer|autumn|fall|winter|season|year|edition|calendar"
    r"|fiscal year|mid|early|late|since|until|of|in|from)) ?[ '’/-]?(?:19|20)\d\d\b(?![,.]?\d)(?! (?!and\b|to\b"
    r"|or\b)[a-z]+s\b)"
    r"|\b(?:19|20)\d\d(?:[-/ ](?:[QHW]\d{1,2}|\d\d)\b| (?i:calendar|season|edition|price list|tariff|budget|contract"
    r"|holidays?|schedule|campaign|census|release|version|standard|report)\b)"
)
"""Days, months, quarters and years of the calendar."""
_NAME = re.compile(
    r"[A-Za-z_]\w*[-_.:/]\w[\w./:-]*|\[[^\]]*\]|`[^`]*`|\b\dxx\b|\b\d+(?:st|nd|rd|th)\b|https?://\S+"
    r"|\b(?i:versions?|releases?|revisions?|steps?|ports?|lines?|layers?|ranks?|nodes?|shards?|replicas?"
    r"|partitions?|severity|sev|priority"
    r"|rungs?|HTTP|CUDA|drivers?|tickets?|issues?|chapters?|sections?|rules?|options?|epochs?|seeds?|commits?"
    r"|builds?|jobs?|runs?|PRs?|MRs?"
    r"|pull requests?|merge requests?|cases?|incidents?|bugs?|hosts?|racks?|zones?|slots?|gates?|buses|bus"
    r"|attempts?|phases?|stages?|levels?|tiers?"
    r"|articles?|annex|tables?|figures?|pages?|part|items?|ids?|codes?|status|errors?|exit codes?|signals?|week"
    r"|weeks|kw|sprints?|quarter|day|channels?"
    r"|feeds?|contracts?|wards?|depots?|hubs?|lanes?|plants?|units?|sensors?|cameras?|docks?|clusters?|cells?|arms?"
    r"|variants?|cohorts?|groups?|segments?|folds?|towers?|blocks?|floors?|rooms?|buildings?|cores?|sockets?"
    r"|threads?|workers?|pid|queues?|pools?|regions?|appendix|forms?|class|types?|categor(?:y|ies)|modes?"
    r"|scenarios?|experiments?|trials?|candidates?|templates?|prompts?|agents?|teams?|shifts?|platform|track|room"
    r"|bay|hall|terminal|silo|pump|turbine|inverter|meter|bed|hypothes[ie]s|cause|finding|change|deploy|answer"
    r"|question|note|entry|columns?|bits?|topics?|schemas?|models?|snapshots?|checkpoints?|generations?|wave|round"
    r"|iterations?|batch|site|store|gpu|card|device"
    r"|offsets?|vlan|asn|rfc|iso|python|java|node\.js)"
    r" (?:no\. ?|number |id |#|= ?)?[vVr#]?\d[\w.]*(?:(?:,| and| to| or|-|–) ?#?[vV]?\d[\w.]*)*"
    r"(?![\w.,]*\d)(?!\s*(?:%|per ?cent|percent|pp\b|ms\b|s\b|min\b|h\b|GB\b|MB\b|times\b|hours?\b|minutes?\b"
    r"|seconds?\b|days?\b|x\b|k\b|million|thousand))"
    r"|\b(?:RFC|ISO|IEC|IEEE|CVE|DIN|EN|PEP|AS|HTTP) \d[\d:./-]*\b|(?i:(?:answer(?:s|ed|ing)?|return(?:s|ed|ing)?"
    r"|repl(?:y|ies|ied)|respond(?:s|ed)?|with|status|codes?|got|raised?) (?:an? )?(?:[45]\d\d)\b)(?! *%| \w+s\b)"
    r"|\b[45]\d\d (?:answers?|errors?|responses?|status(?:es)?|codes?)\b|(?i:\b(?:kernel|firmware|glibc|libc|gcc"
    r"|openssl|bios|runtime|os|android|ios|chrome|firefox|safari|go|php|npm|pip|conda|sql|api|spec|protocol|tls"
    r"|chiller|compressor|boiler|fan|valve|conveyor|crane|broker|robot|truck|vessel|engine|furnace|reactor|transformer"
    r"|feeder|elevator|kiosk|atm|camera|scanner) \d+(?:\.\d+)*\b(?!\s*%))|[#!]\d[\w-]*"
    r"|\b(?:(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,64})\b|\b[vV]\d[\w.]*\b"
    r"|\b\d+(?:\.\d+){2,}(?:[-+]\w[\w.]*)?\b"
    r"|\b(?:[Tt]op|TOP)[- ]\d+\b|\b24/7\b|\b[A-Za-z]\w*@\.?\d+(?:\.\d+)?\b|\b(?!C\$)[A-Za-z][A-Za-z_]*=\d[\w.]*\b"
    r"|\b[A-Za-z]+\d[\w-]*\b"
    r"|\b\d+[- ](?:bit|digit|letter|char|character|fold|hop|way|shot|stage|tier|phase|factor|point scale|layer|node"
    r"|class|arm)s?\b"
    r"|\b\d+-(?:day|hour|minute|second|week|month|year|min|h|s|d)s? (?:rolling |moving |trailing |sliding"
    r" )?(?:window|average|mean|median|rolling"
    r"|horizon|look-?back|retention|period|bucket|buckets|baseline|interval|schedule|TTL|timeout|aggregate|feature"
    r"|forecast|ahead|grid|resolution|cycle)s?\b"
)
"""Names such as INC-1, node-152, HTTP 5xx, PR #8812, 9f2c41d or version 42 hold digits that are no figures."""
_PRODUCT = re.compile(r"\b([A-Z][\w.+-]*) v?(\d+(?:\.\d+)*)((?: to| and| or|,|/) v?\d+(?:\.\d+)*)?(?![\d,]*\d)(?!\s*%)")
_CODE = re.compile(r"\[[^\]]*\]|`[^`]*`")
_NUMBER = re.compile(
    r"(?<![\w.])(\.\d+|\d[\d,]*(?:\.\d+)?(?:[eE]\+?\d+\b)?)([kMB](?![\w])|(?: (?:thousand|million|billion)\b))?"
)
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
_EVERY = {"second": 2, "other": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
          "tenth": 10, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
          "seven": 7, "eight": 8, "ten": 10}  # fmt: skip
_EACH = re.compile(rf"\b(?:(?:every|each)|one (?:in|out of)) ({'|'.join(_EVERY)})\b", re.IGNORECASE)
_FOLD = {"doubl": 2, "tripl": 3, "quadrupl": 4, "halv": 0.5, "twofold": 2, "threefold": 3, "fourfold": 4, "fivefold": 5,
         "tenfold": 10, "twice": 2, "thrice": 3, "dozen": 12, "order": 10, "half": 1.5}  # fmt: skip
_FOLDED = re.compile(
    r"\b(?:(?<!was )(?<!were )(?<!been )(?<!be )(?<!is )(doubl|tripl|quadrupl|halv)ed\b(?!-| (?:the|a|an|its|their"
    r"|our|up)\b)|((?:two|three|four|five|ten)fold)\b"
    r"|(twice|thrice) (?:the|as|its|what|that|their|our)\b|\ba (dozen)\b|\ban (order) of magnitude\b"
    r"|\b(?:an?|one) (?:hour|day|week|month|year|minute)s? and a (half)\b)", re.IGNORECASE)  # fmt: skip
"""How much more, by a verb: figures that need their evidence as those in digits do."""
_SMALL = 10
_MONEY_BEFORE = re.compile(r"(?:[$€£¥]|\b(?:USD|EUR|CHF|GBP|CAD|SEK|NOK|DKK|PLN|JPY|INR|Rs))\s?$")
_UNIT_AFTER = {
    "%": re.compile(r"\s?(?:%|percent\b|per cent\b|pp\b|percentage points?\b)"),
    "money": re.compile(r"\s?(?:[kM]\s?)?(?:[€$£]|(?:euros?|dollars?|USD|EUR|CHF|GBP|CAD|SEK|pounds?|francs?|yen"
                        r"|cents?)\b)"),
    "time": re.compile(r"\s?(?:[mµn]?s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|weeks?|months?"
                       r"|years?)\b"),
    "x": re.compile(r"\s?(?:x\b|×|-?fold\b|times\b)"),
    "bytes": re.compile(r"\s?(?:[kKMGT]i?B|bytes)\b"),
    "count": re.compile(r"\s(?!(?:was|is|has|as|its|this|plus|times|thus|yes|across)\b)(?:[a-z][\w-]+"
                        r" ){0,1}?[a-z]{3,}s\b"),
}  # fmt: skip


def plain(text: str) -> str:
    """Return a text without dates, times, names and chips, whose digits are no figures."""
    told = _PRODUCT.sub(_unversioned, _CALENDAR.sub(" ", WHEN.sub(" ", text.replace("\\", ""))))
    return _NAME.sub(" ", told)


def _unversioned(found: re.Match[str]) -> str:
    """Return a product without its version; what is no product, as it stands."""
    return found[1] if found[1].lower() in PRODUCTS else found[0]


class Figure(NamedTuple):
    """A figure by its value and what it is of: ``%``, ``money``, ``time``, ``x``, ``bytes``, ``count``, empty if
    untold."""

    value: float
    unit: str

    def held_by(self, known: Iterable[Figure]) -> bool:
        """Say whether one of the figures known has this value, of the same or an untold unit."""
        return any(self.value == k.value and (self.unit == k.unit or not (self.unit and k.unit)) for k in known)


def measured(text: str) -> Iterator[tuple[str, Figure]]:
    """Yield each figure of a text, in digits or in words, as it stands and by value and unit."""
    told = plain(text)
    for found in _NUMBER.finditer(told):
        value = float(found[1].replace(",", "")) * _TIMES.get((found[2] or "").strip(), 1.0)
        yield found[0].rstrip(","), Figure(value, _unit(told[: found.start()], told[found.end() :]))
    for word, value in in_words(text):
        after = text.partition(word)[2]
        yield word, Figure(value, "%" if _FRACTION.match(f"{word}{after}") else _unit("", after))
    for folded in _FOLDED.finditer(_CODE.sub(" ", text)):
        stem = next(part for part in folded.groups() if part).lower()
        yield folded[0], Figure(_FOLD[stem], "x" if stem not in ("dozen", "half") else "")


def _unit(before: str, after: str) -> str:
    """Return what a figure is of, by the words around it."""
    if _MONEY_BEFORE.search(before):
        return "money"
    return next((unit for unit, pattern in _UNIT_AFTER.items() if pattern.match(after)), "")


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
    for found in _EACH.finditer(told):
        yield found[0], round(100.0 / _EVERY[found[1].lower()], 1)
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
