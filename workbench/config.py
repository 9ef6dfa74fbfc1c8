"""Settings: read once at the edge from ``workbench.toml``, then passed down unchanged."""

from __future__ import annotations
