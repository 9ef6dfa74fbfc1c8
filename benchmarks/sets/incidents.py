"""Folders of incidents, each with an ``alert.json`` and the files of other systems: created here or by others.

Each folder is taken in by the real intake into a store of its own and investigated from its alert; a sealed
``truth.json`` is left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import incidents
from benchmarks.sets import Prediction


def predictions(folder: Path) -> Iterator[Prediction]:
    """Yield one prediction per folder below *folder* that holds an alert."""
    for case in sorted(p for p in folder.iterdir() if (p / "alert.json").is_file()):
        with tempfile.TemporaryDirectory(prefix="incident-") as work:
            made = incidents.predict(case, Path(work) / "store")
        yield Prediction(case.name, tuple(made.ranking), made.verdict, made.confidence, made.seconds)
