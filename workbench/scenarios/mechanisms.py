"""What can act on the simulated system: harmful or harmless, each is a change in how one stage works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from workbench.scenarios.mechanisms_data import DataEffect
from workbench.scenarios.mechanisms_gpu import GpuEffect
from workbench.scenarios.mechanisms_service import ServiceEffect
from workbench.scenarios.world import World


@dataclass(frozen=True)
class Silence:
    """Let a connector deliver nothing; the source goes on."""

    feed: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Unmap:
    """Let one partner's codes miss the mapping table: its entries are gone, or the partner renumbered."""

    provider: int
    start_s: float
    how: Literal["entries_gone", "renumbered"]


@dataclass(frozen=True)
class Train:
    """Add a training run on a data snapshot and make its version the champion."""

    snapshot: Literal["current", "outdated", "immature"]
    start_s: float
    deployed_s: float


@dataclass(frozen=True)
class Stall:
    """Stop the copying of a feature view to the online store; parties new since then get the default."""

    view: int
    start_s: float
    pace: float = 1.0
    """How fast new parties come, relative to the usual."""


@dataclass(frozen=True)
class Reshape:
    """Change the schema of a captured table: a column is renamed or its unit changes."""

    feed: int
    feature: int
    start_s: float
    how: Literal["renamed", "minor_units", "added"]


@dataclass(frozen=True)
class Blank:
    """Let a share of a feature's source column arrive empty."""

    feature: int
    feed: int | None
    start_s: float
    end_s: float
    share: float


@dataclass(frozen=True)
class Shift:
    """Let a feature's level drift, as the world does."""

    feature: int
    start_s: float
    end_s: float
    factor: float


@dataclass(frozen=True)
class Deploy:
    """Replace a service's version; the factors say what the new code does."""

    service: int
    start_s: float
    slower: float = 1.0
    errors: float = 0.0
    """Share of requests that fail, added to the usual."""
    region: int | None = None
    size: int = 1
    """How many files the release touches."""


@dataclass(frozen=True)
class Misreport:
    """Let the exporter of business figures report wrongly while the business is well."""

    start_s: float
    how: Literal["lost_partition", "double_counted", "wrong_filter"]


@dataclass(frozen=True)
class Surge:
    """Bring more traffic of the same mix."""

    start_s: float
    end_s: float
    factor: float


@dataclass(frozen=True)
class HotHost:
    """Let an unrelated batch job heat a machine that has headroom."""

    host: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Backfill:
    """Rewrite a data set off the path with several times its rows."""

    side: int
    start_s: float
    factor: float


@dataclass(frozen=True)
class BackErrors:
    """Let a service that nothing waits for fail often."""

    service: int
    start_s: float
    end_s: float
    share: float


Effect = (
    Silence
    | Unmap
    | Train
    | Stall
    | Reshape
    | Blank
    | Shift
    | Deploy
    | Misreport
    | Surge
    | HotHost
    | Backfill
    | BackErrors
    | DataEffect
    | GpuEffect
    | ServiceEffect
)


@dataclass(frozen=True)
class Commit:
    """One entry of the git log."""

    second: float
    title: str
    body: str
    files: tuple[str, ...]
    patch: tuple[str, ...] = ()
    """Lines of the first file's hunk, each beginning with a space, + or -."""


@dataclass(frozen=True)
class Source:
    """Name where a planted cause sits."""

    entity: str
    """Canonical ``kind:name``."""
    also: tuple[str, ...]
    """Other names of the same place."""
    kind: str
    onset_s: float
    first_failure: str
    """Entity where the harm can first be seen."""


@dataclass(frozen=True)
class Planted:
    """Hold what a fault puts into the system."""

    effects: tuple[Effect, ...]
    source: Source
    commits: tuple[Commit, ...] = ()


@dataclass(frozen=True)
class Harmless:
    """Hold what a loud but harmless change does, and the entity that it makes look guilty."""

    effects: tuple[Effect, ...]
    entity: str
    commits: tuple[Commit, ...] = ()


@dataclass(frozen=True)
class Moment:
    """Say when the incident begins and when the files end, in seconds of the history."""

    onset_s: float
    end_s: float
    strength: float = 1.0
    """How much harder than usual the fault strikes."""
    noticed_s: float = 0.0
    """When anybody notices at the earliest, where that is long after the onset; 0 where it is at once."""

    @property
    def felt_s(self) -> float:
        """Return from when on people look for what went wrong."""
        return self.noticed_s or self.onset_s


@dataclass(frozen=True)
class Fault:
    """Describe one failure mode: how it is planted, and at which hours it begins."""

    name: str
    title: str
    doc: str
    """The mechanism in one sentence."""
    plant: Callable[[World, Moment, np.random.Generator], Planted]
    near_miss: Callable[[World, Moment, np.random.Generator], Harmless]
    """What looks like this failure at first sight and harms nobody."""
    hours: tuple[float, float] = (6.0, 16.0)
    lasts_h: tuple[float, float] = (4.0, 7.5)
    """How long after the onset the files end."""
    noticed_h: tuple[float, float] | None = None
    """How long before the end a slow fault is noticed; None for one that shows at once."""


@dataclass(frozen=True)
class Plan:
    """Hold everything that acts in one incident."""

    moment: Moment
    effects: tuple[Effect, ...] = ()
    sources: tuple[Source, ...] = ()
    commits: tuple[Commit, ...] = ()
    decoys: tuple[str, ...] = ()
    """Entities that harmless changes make look guilty."""

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the effects of one type, in order of planting."""
        if kind not in self._of:
            self._of[kind] = [effect for effect in self.effects if isinstance(effect, kind)]
        return list(self._of[kind])

    @cached_property
    def _of(self) -> dict[type[Any], list[Any]]:
        """Keep what was asked for: the devices' monitors ask at every moment."""
        return {}
