"""What can act on the serving side beyond releases: flags, prompts, clocks, caches, repeats, replicas, bad records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Toggle:
    """Switch a feature flag on, in one region or everywhere; what its code does shows in the canary's version only."""

    flag: int
    start_s: float
    region: int | None = None
    errors: float = 0.0
    """Share of the requests with the flag on, at the new version, that fail."""
    end_s: float = float("inf")


@dataclass(frozen=True)
class Canary:
    """Let a share of a service's requests reach its next version."""

    service: int
    start_s: float
    share: float


@dataclass(frozen=True)
class Prompt:
    """Promote the next version of the prompt that words the explanations; *drop* is what judges take off its score."""

    start_s: float
    drop: float = 0.0


@dataclass(frozen=True)
class SkewClock:
    """Let a machine's clock run off; what it measures by itself stays right."""

    host: int
    start_s: float
    offset_s: float


@dataclass(frozen=True)
class CacheFor:
    """Keep a feature view's values in the client's cache for so long; what is behind the cache stays fresh."""

    view: int
    start_s: float
    ttl_s: float
    pace: float = 1.0
    """How fast the values themselves move, relative to the usual."""


@dataclass(frozen=True)
class Repeat:
    """Let a caller give up on its callee after *timeout_ms* and ask again."""

    caller: int
    callee: int
    start_s: float
    calls: float
    """Mean calls per request, from 1."""
    timeout_ms: float


@dataclass(frozen=True)
class Shrink:
    """Take replicas away from the scorer: *load* is how much more each of those left has to do."""

    start_s: float
    load: float


@dataclass(frozen=True)
class Poison:
    """Let one record of a topic make its reader fail again and again; what stands behind it waits."""

    feed: int
    start_s: float
    end_s: float
    share: float
    """Share of the feed's events that stand behind the record."""
    offset: int


@dataclass(frozen=True)
class Setting:
    """Change a setting of a service, as the configuration system reports it."""

    service: int
    name: str
    before: str
    after: str
    start_s: float


ServiceEffect = Toggle | Canary | Prompt | SkewClock | CacheFor | Repeat | Shrink | Poison | Setting
