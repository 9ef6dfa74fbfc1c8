"""What can act on the data side: units, names, copies, lookups, labels, seasons; each changes how one stage works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RenameStyle = Literal["upper", "prefixed", "coded"]


@dataclass(frozen=True)
class Rescale:
    """Let a producer send a column in another unit while its schema stays."""

    feature: int
    feed: int | None
    """The captured table that does so; None where the table of parties does."""
    start_s: float
    factor: float
    readers: Literal["unaware", "converting"]
    """Whether what reads the column goes on as before, or divides by the factor from the same minute on."""


@dataclass(frozen=True)
class Rename:
    """Give levels of the category other names, one to one; the model takes what it never saw for unmapped."""

    levels: tuple[int, ...]
    start_s: float
    style: RenameStyle


@dataclass(frozen=True)
class Recode:
    """Let a partner use other codes that the mapping knows from the same minute on."""

    provider: int
    start_s: float


@dataclass(frozen=True)
class Redeliver:
    """Let a connector deliver batches of its topic twice."""

    feed: int
    start_s: float
    end_s: float
    share: float
    """Share of the batches."""
    consumer: Literal["keeps", "drops"]
    """Whether what reads the topic keeps both, or knows a row by its key."""


@dataclass(frozen=True)
class FanOut:
    """Let keys of the lookup stand in it more than once, so that joining multiplies these partners' rows."""

    providers: tuple[int, ...]
    start_s: float
    copies: int
    """Rows made of one, besides it."""


@dataclass(frozen=True)
class Enlarge:
    """Add new keys to the lookup, none of them there before."""

    start_s: float
    share: float
    """New entries per old one."""


@dataclass(frozen=True)
class Hold:
    """Hold back labels that would arrive in a stretch of time."""

    start_s: float
    end_s: float
    delay_s: float


@dataclass(frozen=True)
class Season:
    """Let the level of features move slowly, as seasons do, ever faster."""

    features: tuple[int, ...]
    start_s: float
    end_s: float
    reach: float
    """Where they have gone by the end, in standard scores."""


@dataclass(frozen=True)
class NoTraining:
    """Train no new version from then on."""

    start_s: float


@dataclass(frozen=True)
class Recalibrate:
    """Change how the classifier's output becomes the score: its log-odds times *slope* plus *shift*."""

    start_s: float
    slope: float
    shift: float


@dataclass(frozen=True)
class Retry:
    """Let one publishing run of a view fail; the next attempt, a little later, copies everything."""

    view: int
    start_s: float
    after_s: float


DataEffect = Rescale | Rename | Recode | Redeliver | FanOut | Enlarge | Hold | Season | NoTraining | Recalibrate | Retry
