"""Half-open windows of time, and the baselines they are compared with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from workbench.errors import UsageError
from workbench.model.show import html

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

_UNITS_NS = {"ms": 1_000_000, "s": SECOND_NS, "m": MINUTE_NS, "min": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time_ns(text: str, *, zone: str = "UTC") -> int:
    """Return integer nanoseconds UTC of an ISO 8601 time; one without an offset is read in *zone*."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"Not a time: {text!r}. Write it like 2026-03-01T13:40:00Z.") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) * 1000


def parse_duration_ns(text: str) -> int:
    """Return integer nanoseconds of a duration such as ``90s``, ``15m``, ``1h 30m`` or ``30 d``."""
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise UsageError(f"Not a duration: {text!r}. Write it like 90s, 15m, 1h or 30d.")
    return sum(round(float(number) * _UNITS_NS[unit]) for number, unit in parts)


def iso(time_ns: int) -> str:
    """Return the time as ISO 8601 in UTC, with as many decimals as it needs."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else text + "Z"


@dataclass(frozen=True, order=True)
class Window:
    """A stretch of time, ``start_ns <= t < end_ns``, in integer nanoseconds UTC.

    >>> Window.parse("2026-03-01T13:40Z/2026-03-01T14:25Z").minutes
    45.0
    """

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if self.end_ns <= self.start_ns:
            raise UsageError(f"Window ends before it starts: {iso(self.start_ns)} .. {iso(self.end_ns)}.")

    @classmethod
    def parse(cls, text: str, *, day_of: int | None = None, zone: str = "UTC") -> Window:
        """Read ``START/END``, each an ISO time, or a clock time on the day of *day_of* (ns UTC)."""
        start, slash, end = text.partition("/")
        if not slash:
            raise UsageError(f"A window is written START/END; got {text!r}.")
        return cls(_moment(start, day_of, zone), _moment(end, day_of, zone))

    @property
    def duration_ns(self) -> int:
        """Length in nanoseconds."""
        return self.end_ns - self.start_ns

    @property
    def minutes(self) -> float:
        """Length in minutes."""
        return self.duration_ns / MINUTE_NS

    def __contains__(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns

    def shifted(self, by_ns: int) -> Window:
        """Return the window moved by *by_ns*, later if positive."""
        return Window(self.start_ns + by_ns, self.end_ns + by_ns)

    def __str__(self) -> str:
        return f"{iso(self.start_ns)}/{iso(self.end_ns)}"

    def _repr_html_(self) -> str:
        return html(self)

    def words(self) -> str:
        """Return the window as people write it: ``2026-03-01 13:40-14:25 UTC``."""
        start, end = (_EPOCH + timedelta(microseconds=t // 1000) for t in (self.start_ns, self.end_ns))
        if start.date() == end.date():
            return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} UTC"
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Baseline:
    """What an incident is compared with: windows that all end before it begins, and the rule in words."""

    windows: tuple[Window, ...]
    rule: str

    @classmethod
    def same_hours(cls, incident: Window, *, days: int = 30, since_ns: int | None = None) -> Baseline:
        """Return the same clock hours of the trailing *days*, cut where history begins at *since_ns*.

        An incident longer than a day is compared with all of the trailing days.
        """
        if incident.duration_ns >= DAY_NS:
            start = incident.start_ns - days * DAY_NS
            start = start if since_ns is None else max(start, since_ns)
            windows: tuple[Window, ...] = (Window(start, incident.start_ns),) if start < incident.start_ns else ()
        else:
            shifted = (incident.shifted(-day * DAY_NS) for day in range(days, 0, -1))
            windows = tuple(w for w in shifted if since_ns is None or w.start_ns >= since_ns)
        if not windows:
            raise UsageError(
                f"No history before {iso(incident.start_ns)} to compare with; ingest earlier data or choose a baseline."
            )
        rule = f"same hours, last {len(windows)} days" if len(windows) > 1 else "the day before"
        return cls(windows, rule)

    @property
    def start_ns(self) -> int:
        """Beginning of the earliest window."""
        return min(w.start_ns for w in self.windows)

    @property
    def end_ns(self) -> int:
        """End of the latest window."""
        return max(w.end_ns for w in self.windows)


def _moment(text: str, day_of: int | None, zone: str) -> int:
    text = text.strip()
    if day_of is not None and re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        local = (_EPOCH + timedelta(microseconds=day_of // 1000)).astimezone(ZoneInfo(zone))
        return parse_time_ns(f"{local:%Y-%m-%d}T{text.zfill(5) if len(text) < 6 else text}", zone=zone)
    return parse_time_ns(text, zone=zone)
