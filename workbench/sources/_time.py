"""Times as senders write them, to integer nanoseconds UTC; None where it is no time."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,18}))?)?\s*(Z|[+-]\d\d:?(?:\d\d)?)?)?", re.I
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST_NS, _MOST_NS = -(2**63), 2**63 - 1


def iso_ns(text: object) -> int | None:
    """Return ns UTC of an ISO 8601 time, all nine decimals kept; without an offset it is UTC."""
    found = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        zone = _zone(offset)
        day_began = datetime(int(year), int(month), int(day), tzinfo=zone)
        whole = day_began + timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
        seconds = (whole - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    return fitting(seconds * 1_000_000_000 + int((fraction or "0").ljust(9, "0")[:9]))


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if offset[0] == "-" else shift)


def fitting(time_ns: int) -> int | None:
    """Return the time where it fits 64 bits (years 1678 to 2262), else None."""
    return time_ns if _LEAST_NS <= time_ns <= _MOST_NS else None


def epoch_ns(number: float) -> int | None:
    """Return ns of a number since 1970 in s, ms, us or ns, told apart by its size.

    Below 1e11 it is seconds (until the year 5138), then ms, us and ns by factors of a
    thousand: 1e11 ms is 1973, so only moments before March 1973 could be mistaken.
    Fractions are kept to the microsecond, which is what a double of today's time holds.
    """
    if not math.isfinite(number):
        return None
    for limit, to_us in ((1e11, 1_000_000), (1e14, 1000), (1e17, 1)):
        if abs(number) < limit:
            exact = isinstance(number, int)
            return fitting(int(number) * to_us * 1000 if exact else round(number * to_us) * 1000)
    return fitting(int(number))
