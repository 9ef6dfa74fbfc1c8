"""The key of a store's pseudonyms: made once, kept in its folder, readable by its owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from workbench.errors import StoreError

KEY_FILE = "mask.key"
"""File in the store's folder that holds the key of its pseudonyms, readable by its owner only."""


def store_key(folder: Path) -> bytes:
    """Return the 32-byte key kept in a store's folder; make it, mode 0600, where there is none."""
    path = folder / KEY_FILE
    fresh = secrets.token_bytes(32)
    try:
        # Written aside and linked, so that two processes that start at once end with one whole key.
        aside = folder / f"{KEY_FILE}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(fresh.hex().encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
        aside.unlink()
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise StoreError(f"The masking key {path.name} in the store cannot be read or made: {error}.") from error
    if len(key) != 32:
        raise StoreError(f"The masking key {path.name} has {len(key)} bytes, not 32; restore it from a copy.")
    return key
