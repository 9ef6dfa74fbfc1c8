"""What must not reach the disk: validated patterns of personal data and secrets, and the keys that name them.

Three stages. ``PLAIN`` drops the numbers and ids among a batch's distinct strings, ``SCREEN``
is one linear-time expression over the rest, and only what it lets through meets the exact
patterns, which are written with possessive or bounded repetition, so that no input makes
them backtrack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

KINDS = (
    "private_key", "jwt", "token", "aws", "password", "secret", "cookie",
    "email", "card", "ssn", "sin", "phone", "ip",
)  # fmt: skip
"""What can be masked; a pseudonym begins with one of these words."""

PSEUDONYM = re.compile(r"(?:" + "|".join(KINDS) + r")_[0-9a-f]{16}")
"""What a masked value looks like; masking leaves it as it is."""

SCREEN = (
    r"(?i)@|%40|://[^/\s]*:|-----BEGIN|eyJ[a-z0-9_-]{4}"
    r"|\b[2-6]\d{3}[ -]?\d{4,6}[ -]?\d{4,5}|\b\d{3}[ -]?\d{3}[ -]?\d{3}\b|\b\d{3}-\d{2}-\d{4}\b"
    r"|\+\d[\d ().-]{6,}\d|[2-9]\d\d\)?[ .-]?[2-9]\d\d[ .-]\d{4}\b"
    r"|\b(?:akia|asia|aroa|aida)[0-9a-z]{16}|gh[pousr]_[a-z0-9]{20}|github_pat_|glpat-|xox[abeprs]-|aiza[0-9a-z_-]{30}"
    r"|\b[spr]k[-_][a-z0-9_-]{16}|\bhf_[a-z0-9]{20}|npm_[a-z0-9]{30}|pypi-[a-z0-9_-]{20}|dapi[0-9a-f]{32}|\bsg\.[a-z0-9_-]{16}"
    r"|bearer\s|basic\s"
    r"|(?:passw|pwd|passphrase|secret|api.?key|access.?key|private.?key|accountkey|token|authorization|cookie"
    r"|credential|connection.?string|jwt|csrf|xsrf|session.?(?:id|token)|e[-_]?mail|msisdn|credit.?card|card.?n|pin.?code"
    r"|ssn|\bsin\b|\bnas\b|social insurance|social security|cvv|cvc|phone|\btel\b|mobile|\bfax\b)"
)
"""RE2, in linear time: does a string hold anything that the exact patterns should look at?"""

SCREEN_WITH_IPS = SCREEN + r"|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[0-9a-f]{1,4}:[0-9a-f]{0,4}:"

PLAIN = r"^(?:-?\d{1,12}(?:\.\d+(?:e[+-]?\d{1,3})?)?|[0-9a-f]*[a-f][0-9a-f]*)$"
"""RE2: numbers of up to 12 digits before the point, and hexadecimal ids with a letter: no exact pattern finds these."""

_CARD_LENGTHS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = (
    (re.compile(r"4"), frozenset({13, 16, 19})),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), frozenset({16})),
    (re.compile(r"3[47]"), frozenset({15})),
    (re.compile(r"6011|64[4-9]|65|62"), frozenset({16, 17, 18, 19})),
    (re.compile(r"30[0-5]|36|3[89]"), frozenset({14})),
    (re.compile(r"352[89]|35[3-8]"), frozenset({16, 17, 18, 19})),
    (re.compile(r"50|5[6-9]|6[0-9]"), frozenset({16})),
)
"""Issuer prefixes with the lengths that they use; anything else that passes Luhn is a number like any other."""

_NOT_A_VALUE = frozenset({"", "none", "null", "nil", "true", "false", "undefined", "redacted", "masked", "***", "****"})


def luhn(digits: str) -> bool:
    """Return whether the last digit is the Luhn check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def is_card(text: str) -> bool:
    """Return whether digits, blanks and hyphens are a payment card number: issuer, length and check digit."""
    digits = _digits(text)
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1 or not luhn(digits):
        return False
    return any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _CARD_LENGTHS)


def is_sin(text: str) -> bool:
    """Return whether nine digits are a Canadian social insurance number by their check digit."""
    digits = _digits(text)
    return len(digits) == 9 and len(set(digits)) > 1 and luhn(digits)


def _digits(text: str) -> str:
    return "".join(c for c in text if "0" <= c <= "9")


def _is_value(text: str) -> bool:
    return text.strip("\"'\\").lower() not in _NOT_A_VALUE and PSEUDONYM.fullmatch(text) is None


def _is_token_value(text: str) -> bool:
    return len(text) >= 6 and not text.isdigit() and _is_value(text)


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


def _is_address(text: str) -> bool:
    return all(int(part) < 256 for part in text.split(".")) if "." in text and ":" not in text else True


def _always(_text: str) -> bool:
    return True


@dataclass(frozen=True)
class Pattern:
    """One thing to mask: group 1 of *regex*, or all of it, where *valid* agrees."""

    kind: str
    regex: re.Pattern[str]
    hint: Callable[[str], bool] = _always
    valid: Callable[[str], bool] = _always


def _has(*words: str) -> Callable[[str], bool]:
    """Return a test for one of the words in a lower-case text; plain loops, since it meets every candidate."""
    if len(words) == 1:
        word = words[0]
        return lambda lower: word in lower

    def one_of(lower: str) -> bool:
        for each in words:  # noqa: SIM110 - a generator costs more than the search
            if each in lower:
                return True
        return False

    return one_of


# Neither letter, digit nor joint before or after: a number inside an id or a longer number is no number of its own.
_START, _END = r"(?<![\w.+-])", r"(?![\w-]|\.\d)"
_QUOTES = r"[\"'\\]{0,4}"
_IS = _QUOTES + r"\s{0,4}(?:=>|:=|[=:])\s{0,4}" + _QUOTES
_WORD_VALUE = r"([^\s\"'\\&,;<>(){}\[\]]++)"
# One label after the first begins with a letter, as every top-level domain does: ``orders@v1.2`` is a version.
_EMAIL_DOMAIN = r"[\w-]++(?:\.[\d_-][\w-]*+)*+\.[^\W\d_][\w-]++(?:\.[\w-]++)*+"
# What stands between the user and the last @ before the path. A password with a bare slash breaks the URL's own
# rules and is masked all the same, within 256 characters; digits before a path or a further host are a port,
# an address in brackets is no user, and a port before a digest is a data version (12 hexadecimal digits are
# left out: containers are named so).
_DIGEST = r"(?:[0-9a-f]{8}|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?![\w.:/@-])"
_URL_PASSWORD = (
    r"://(?!\[[0-9A-Fa-f:.]{2,45}\])[^\s/:@]*+:(?!\d{1,5}@"
    + _DIGEST
    + r")([^\s/?#]+(?=@)|(?!\d{1,5}[/?#,;])[^\s@/][^\s@]{0,255}+(?=@))"
)

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "private_key",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.S
        ),
        _has("private key"),
    ),
    Pattern("jwt", re.compile(r"(?<![\w-])eyJ[\w-]{4,}+\.[\w-]{4,}+(?:\.[\w-]*+){0,3}+"), _has("eyj")),
    Pattern(
        "token",
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+|xox[abeprs]-[\w-]{10,}+"
            r"|AIza[\w-]{30,}+|[spr]k[-_][\w-]{16,}+|hf_[A-Za-z0-9]{20,}+|npm_\w{30,}+|pypi-[\w-]{20,}+|dapi[0-9a-f]{32}"
            r"|SG\.[\w-]{16,}+\.[\w-]{16,}+)"
        ),
        _has("gh", "glpat-", "xox", "aiza", "k-", "k_", "hf_", "npm_", "pypi-", "dapi", "sg."),
    ),
    Pattern(
        "aws",
        re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _has("akia", "asia", "aroa", "aida"),
    ),
    Pattern(
        "aws",
        re.compile(r"(?i)aws.{0,24}?(?:secret|key).{0,24}?(?<![\w/+])([\w/+]{40}(?![\w/+]))"),
        _has("aws"),
    ),
    Pattern("password", re.compile(_URL_PASSWORD), _has("://"), _is_value),
    Pattern(
        "token",
        re.compile(r"(?i)(?<![a-z])(?:bearer|basic|digest|negotiate|token)\s++([\w.~+/=-]{8,}+)"),
        _has("bearer ", "basic ", "digest ", "negotiate ", "token "),
        lambda text: _is_token_value(text) and not text.islower(),
    ),
    Pattern("token", re.compile(r"(?i)bearer\s++([\w.~+/=-]{6,}+)"), _has("bearer"), _is_value),
    Pattern(
        "token",
        re.compile(r"(?i)authorization" + _IS + r"(?:[a-z]++\s++)?" + _WORD_VALUE),
        _has("authorization"),
        _is_value,
    ),
    Pattern("cookie", re.compile(r"(?i)cookie" + _IS + r"([^\r\n\"'\\]++)"), _has("cookie"), _is_value),
    Pattern(
        "password",
        re.compile(r"(?i)(?:passw(?:or)?d|passphrase|(?<![a-z])(?:pwd|pass))" + _IS + _WORD_VALUE),
        _has("pass", "pwd"),
        _is_value,
    ),
    Pattern(
        "secret",
        re.compile(
            r"(?i)(?:secret|api[ _-]?key|access[ _-]?key|private[ _-]?key|accountkey|(?<![a-z])(?:cvv2?|cvc))"
            r"(?:[ _-]?(?:id|key|token))?" + _IS + _WORD_VALUE
        ),
        _has("secret", "key", "cvv", "cvc"),
        _is_value,
    ),
    Pattern("token", re.compile(r"(?i)token" + _IS + _WORD_VALUE), _has("token"), _is_token_value),
    Pattern("email", re.compile(r"(?<![\w.+-])[\w.+-]++@" + _EMAIL_DOMAIN), _has("@")),
    Pattern("email", re.compile(r"(?i)(?<![\w.+-])[\w.+-]++%40" + _EMAIL_DOMAIN), _has("%40")),
    Pattern("card", re.compile(_START + r"[2-6]\d{3}(?:[ -]?\d){9,15}" + _END), valid=is_card),
    Pattern("ssn", re.compile(_START + r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}" + _END), _has("-")),
    Pattern(
        "sin",
        re.compile(
            r"(?i)\b(?:sin|nas|ssn|social (?:insurance|security)(?: number)?)\b[\"'\\]{0,4}"
            r"(?:\s(?:is|no|number|num))?[ .:=#\"'\\]{1,6}(\d{3}[ -]?\d{3}[ -]?\d{3})" + _END
        ),
        _has("sin", "nas", "ssn", "social"),
    ),
    Pattern("sin", re.compile(_START + r"\d{3}([ -])\d{3}\1\d{3}" + _END), _has(" ", "-"), is_sin),
    # Nine digits alone may be any figure; in a sentence, not followed by a unit, their check digit speaks for a person.
    Pattern(
        "sin",
        re.compile(_START + r"\d{9}" + _END + r"(?!\s?(?:[nµum]?s|bytes?|[kmg]?i?b|rows?|records?|tokens?)\b)"),
        lambda lower: " " in lower and any("a" <= c <= "z" for c in lower),
        is_sin,
    ),
    Pattern("phone", re.compile(r"(?<![\w+.])\+\d(?:[ ().-]{0,2}\d){7,14}" + _END), _has("+"), _is_phone),
    Pattern(
        "phone",
        re.compile(_START + r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}" + _END),
        _has("-", ".", " "),
    ),
    Pattern(
        "phone",
        re.compile(
            r"(?i)(?<![a-z])(?:phone|tel|mobile|fax)(?:[ _-]?(?:no|number))?\b[ .:=#\"'\\]{1,6}"
            r"(\d(?:[ ().-]?\d){6,14})" + _END
        ),
        _has("phone", "tel", "mobile", "fax"),
    ),
)
IP_PATTERNS: tuple[Pattern, ...] = (
    Pattern("ip", re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"), _has("."), _is_address),
    Pattern("ip", re.compile(r"(?i)(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])"), _has(":")),
)
"""Only where the policy asks for them: an address is often what the investigation needs."""


def matches(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each thing that *pattern* finds and its validation confirms."""
    group = 1 if pattern.regex.groups and not _backreferenced(pattern) else 0
    for match in pattern.regex.finditer(text):
        begin, end = match.span(group)
        if pattern.valid(text[begin:end]):
            yield begin, end


def _backreferenced(pattern: Pattern) -> bool:
    return "\\1" in pattern.regex.pattern


_KEY_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("password", re.compile(r"(?:.*_)?(?:pass_?word|passwd|passphrase|pwd)(?:_hash)?")),
    ("cookie", re.compile(r"(?:.*_)?(?:cookies?|setcookie)")),
    ("token", re.compile(
        r"(?:.*_)?(?:(?:proxy_)?authorization|(?:access|refresh|auth|id|bearer|session|csrf|xsrf|security)_?token|jwt)")),
    ("secret", re.compile(
        r"(?:.*_)?(?:secrets?|secret_?key|client_?secret|api_?key|access_?key(?:_id)?|private_?key|account_?key"
        r"|encryption_?key|signing_?key|credentials?|cvv2?|cvc|pin_?code|connection_?string)")),
    ("ssn", re.compile(r"(?:.*_)?(?:ssn|social_security(?:_number)?)")),
    ("sin", re.compile(r"(?:.*_)?(?:social_insurance(?:_number)?|sin_number)")),
    ("card", re.compile(r"(?:.*_)?(?:credit_?card|card_?number|card_?no|card_pan|pan_number)(?:_number)?")),
    ("email", re.compile(r"(?:.*_)?e_?mail(?:_address)?")),
    ("phone", re.compile(r"(?:.*_)?(?:phone|phone_?number|mobile_?number|telephone|msisdn|fax)")),
)  # fmt: skip
AMBIGUOUS_KEYS = frozenset({"token", "sin", "nas"})
"""Last words of keys that also name counts and sines: the value decides."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_JOINTS = re.compile(r"[^a-z0-9]+")
_LONGEST_KEY = 200


@lru_cache(maxsize=8192)
def key_kind(key: str) -> str | None:
    """Return what a key such as ``http.request.header.set-cookie`` or ``apiKey`` promises to hold, or None.

    Keys ``token`` and ``sin`` are not here: they also name counts and sines, so
    their values decide (see ``value_kind``).
    """
    if len(key) > _LONGEST_KEY:
        return None
    plain = plain_key(key)
    for kind, regex in _KEY_KINDS:
        if regex.fullmatch(plain):
            return kind
    return None


@lru_cache(maxsize=8192)
def plain_key(key: str) -> str:
    """Return a key in lower case with ``_`` for every joint and camel hump."""
    return _JOINTS.sub("_", _CAMEL.sub("_", key).lower()).strip("_")


def value_kind(key: str, value: str) -> str | None:
    """Return the kind of a value whose key is ambiguous: a token that is no count, a SIN that has nine digits."""
    last = plain_key(key[-_LONGEST_KEY:]).rsplit("_", 1)[-1]
    if last == "token" and _is_token_value(value):
        return "token"
    if last in ("sin", "nas") and re.fullmatch(r"\d{3}[ -]?\d{3}[ -]?\d{3}", value):
        return "sin"
    return None


def normal(kind: str, text: str) -> str:
    """Return the form that is hashed: ``A@x.org`` and ``a@x.org`` share a pseudonym, and so do 4111-… and 4111…."""
    if kind in ("card", "sin", "ssn", "phone"):
        digits = _digits(text)
        return digits[1:] if kind == "phone" and len(digits) == 11 and digits[0] == "1" else digits or text
    return text.lower().replace("%40", "@") if kind in ("email", "ip") else text
