"""Where the real third-party files lie, and what is known to be true of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "WORKBENCH_CONFORMANCE_DATA"


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real files; skip where it is not set."""
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} is not set: the real third-party files are not here.")
    return Path(given)


@pytest.fixture(scope="session")
def truth(data: Path) -> dict[str, Any]:
    """Return the known values by file or folder."""
    known: dict[str, Any] = json.loads((data / "TRUTH.json").read_text())
    return known
