"""What a case is about: the entity and signal that went wrong, when, and compared with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.errors import UsageError
from workbench.model.entities import split
from workbench.model.window import Baseline, Window, iso


@dataclass(frozen=True)
class Symptom:
    """Hold what was seen going wrong; the selection and the baseline are global to the case."""

    entity: str
    """``kind:name`` that shows the harm."""
    signal: str
    """What is wrong with it, such as approval_rate, p95_ms or error_rate."""
    window: Window
    """The selection: the stretch of time under investigation."""
    baseline: Baseline | None
    """What it is compared with; None where history is too short."""
    environment: str
    alert: Mapping[str, Any] | None = None
    """The alert as it was received, in plain values."""
    where: str = ""
    """Filter of the selection in words of the query, or empty."""
    history_start_ns: int | None = None
    """Where history begins; default baselines are cut there."""
    pinned: bool = False
    """True when a person pinned the baseline; it then stays as the selection moves."""

    def __post_init__(self) -> None:
        split(self.entity)

    def selecting(self, window: Window, where: str) -> Symptom:
        """Return the symptom with another selection; a baseline that nobody pinned moves along."""
        baseline = self.baseline if self.pinned else default_baseline(window, self.history_start_ns)
        return replace(self, window=window, where=where, baseline=baseline)

    def words(self) -> str:
        """Return the selection and the baseline as people write them."""
        against = self.baseline.rule if self.baseline else "no baseline: history is too short"
        return f"{self.window.words()} vs {against}"

    def plain(self) -> dict[str, Any]:
        """Return the symptom in plain values, as the state hash covers it."""
        baseline = self.baseline and {"rule": self.baseline.rule, "windows": [str(w) for w in self.baseline.windows]}
        start = None if self.history_start_ns is None else iso(self.history_start_ns)
        return {
            "alert": None if self.alert is None else dict(self.alert), "baseline": baseline, "entity": self.entity,
            "environment": self.environment, "history_start": start, "signal": self.signal,
            "where": self.where, "window": str(self.window),
        }  # fmt: skip


def default_baseline(window: Window, history_start_ns: int | None, *, days: int = 30) -> Baseline | None:
    """Return the same hours of the trailing *days*, or None where there is no history."""
    try:
        return Baseline.same_hours(window, days=days, since_ns=history_start_ns)
    except UsageError:
        return None


def parse_baseline(text: str) -> Baseline:
    """Return the baseline of one or more windows, written ``START/END, START/END``."""
    windows = tuple(Window.parse(part) for part in text.split(","))
    rule = windows[0].words() if len(windows) == 1 else f"{len(windows)} chosen windows"
    return Baseline(windows, rule)
