"""How many cores this process may use."""

from __future__ import annotations

import os


def available() -> int:
    """Return how many cores this process may use: fewer than the machine has, where it was confined to some."""
    confined = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(confined(0)) if confined else os.cpu_count() or 1
