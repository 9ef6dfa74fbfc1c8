"""Numbers, times and states as people read them: three digits, always a unit, never a bare id."""

from __future__ import annotations

import math
import re

from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, iso

_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_NS = re.compile(r"\b(\w+)_ns=(\d+)\b")
_SHAPES = {"proven": "●", "suspected": "◐", "none": "○", "interesting": "◆", "clear": "○", "could not run": "—"}


def number(value: float | None) -> str:
    """Return a figure with at most three significant digits: ``1.90 M``, ``0.310``, ``unknown``.

    >>> number(1_900_000), number(0.31), number(41.0), number(None)
    ('1.90 M', '0.31', '41', 'unknown')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "unknown"
    if 999.5 <= abs(value) < 10_000:
        return f"{value:,.0f}"
    for size, letter in _LARGE:
        if abs(value) >= size:
            scaled = abs(value) / size
            decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{value / size:.{decimals}f} {letter}"
    return f"{value:.3g}"


def money(value: float, currency: str) -> str:
    """Return an amount: cents below a thousand, then three digits, such as ``C$0.58`` and ``C$1.90 k``."""
    return f"{currency}{value:,.2f}" if abs(value) < 1000 else f"{currency}{number(value)}"


def share(value: float) -> str:
    """Return a share 0..1 as whole percent."""
    return f"{value * 100:.0f} %"


def duration(ns: int) -> str:
    """Return a stretch of time: ``850 ms``, ``4.2 s``, ``11 min``, ``3.5 h``, ``12 days``."""
    if abs(ns) < SECOND_NS:
        return f"{ns / 1e6:.0f} ms"
    if abs(ns) < MINUTE_NS:
        return f"{ns / SECOND_NS:.1f} s"
    if abs(ns) < 2 * HOUR_NS:
        return f"{ns / MINUTE_NS:.0f} min"
    if abs(ns) < 2 * DAY_NS:
        return f"{ns / HOUR_NS:.1f} h"
    return f"{ns / DAY_NS:,.0f} days"


def clock(time_ns: int | None) -> str:
    """Return a time for people, UTC, to the minute where seconds are zero."""
    if time_ns is None:
        return "unknown"
    text = iso(time_ns)
    return f"{text[:10]} {text[11:16] if text[17:19] == '00' else text[11:19]} UTC"


def short(text: str, length: int = 12) -> str:
    """Return the beginning of a digest or id."""
    return text if len(text) <= length else f"{text[:length]}…"


def shape(state: str) -> str:
    """Return a mark that tells states apart without colour."""
    return _SHAPES.get(state, "○")


def asked(query: str) -> str:
    """Return a query for people: times as clock times and lengths as durations instead of nanoseconds.

    >>> asked("rows(every_ns=3600000000000, start_ns=1772366400000000000)")
    'rows(every=60 min, start=2026-03-01 12:00 UTC)'
    """
    return _NS.sub(lambda m: f"{m[1]}={clock(int(m[2])) if len(m[2]) > 17 else duration(int(m[2]))}", query)


def title(name: str) -> str:
    """Return an operation's or signature's name as words."""
    return name.replace("_", " ")


def in_words(statement: str, signal: str) -> str:
    """Return a statement that begins with the signal's name in words, since people read it first."""
    rest = statement.removeprefix(signal)
    named = re.match(r" of (\w+)", rest)
    if named and (signal == named[1] or signal.endswith(f"_{named[1]}")):
        return f"{title(named[1]).capitalize()}{rest[named.end() :]}"
    return f"{title(signal).capitalize()}{rest}" if rest != statement else statement


def measured_words(signal: str, entity: str) -> str:
    """Return what was measured in words: "Latency of model risk"; a figure named after its entity only once."""
    name = entity.partition(":")[2]
    if signal == name or signal.endswith(f"_{name}"):
        return title(name).capitalize()
    return f"{title(signal).capitalize()} of {plain_entity(entity)}"


def plain_entity(entity: str) -> str:
    """Return an entity in words: "feature ad_vertical"."""
    kind, _, name = entity.partition(":")
    return f"{title(kind)} {name}"
