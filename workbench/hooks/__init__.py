"""Hooks: what the owner allows to be run against a cause, shown in full before anybody approves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.case.canonical import digest

Kind = Literal["command", "http", "mlflow_alias", "mlflow_retrain"]


@dataclass(frozen=True)
class Plan:
    """Hold exactly what a hook would do; two plans with one digest do the same."""

    hook: str
    """Name of the hook in the settings."""
    kind: Kind
    cause: str
    """``kind entity`` of the cause that it is run against."""
    steps: tuple[str, ...]
    """The program and its arguments one by one, or method, address and body, as they will be sent."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything that will be done; an approval holds for this alone."""
        return digest({"hook": self.hook, "kind": self.kind, "cause": self.cause, "steps": list(self.steps)})

    @property
    def words(self) -> str:
        """Return what will be done on one line, each argument quoted."""
        return " ".join(repr(step) for step in self.steps)


@dataclass(frozen=True)
class Ran:
    """Say how a run ended."""

    succeeded: bool
    said: str
    """What the program or the other system answered, cut and without control characters."""
