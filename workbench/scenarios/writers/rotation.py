"""Write the parts of a growing file as a rotating writer leaves them: older ones compressed, the newest plain."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

LEVEL = 3
"""Higher levels cost three times the time for a tenth of the size."""


def write_parts(folder: Path, parts: Sequence[tuple[str, bytes]]) -> None:
    """Write ``(name, content)``, oldest first, all but the last as ``name.gz``; equal contents give equal bytes."""
    for name, content in parts[:-1]:
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, LEVEL, mtime=0))
    for name, content in parts[-1:]:
        (folder / name).write_bytes(content)
