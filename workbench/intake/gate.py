"""The one way into the store: limit the keys, mask, append, and keep what was refused."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.intake.cardinality import MOST_KEYS, KeyLimit
from workbench.intake.key import store_key
from workbench.intake.mask import Masker, MaskPolicy
from workbench.intake.quarantine import Quarantine
from workbench.sources import Batch
from workbench.store import Receipt, Store


@dataclass(frozen=True)
class Admitted:
    """Say what became of a batch: the store's receipt, how many things were refused, what was masked."""

    receipt: Receipt
    rejections: int
    masked: Counter[str]


class Gate:
    """Hold what every batch passes through; threads share one gate."""

    def __init__(self, store: Store, policy: MaskPolicy, *, attribute_keys: int = MOST_KEYS) -> None:
        """Open the gate of a store with its own masking key."""
        folder = store.root
        self.store = store
        self.masker = Masker(policy, store_key(folder))
        self.quarantine = Quarantine(folder)
        self.masked: Counter[str] = Counter()
        self._keys = KeyLimit(attribute_keys, environments=(store.environment, *store.environments()))
        self._lock = threading.Lock()

    def prepare(self, batch: Batch) -> tuple[Batch, Counter[str]]:
        """Return a batch that may be written: keys limited, texts masked; what was masked is counted."""
        masked, counts = self.masker.mask(Batch(self._keys.apply(batch.tables), batch.rejections))
        with self._lock:
            self.masked += counts
        return masked, counts

    def admit(self, batch: Batch, *, cursors: Mapping[str, str] | None = None) -> Admitted:
        """Mask a batch and return when its rows, its refusals and the cursors after it are on disk.

        StoreError where the disk refuses, UsageError where rows do not fit their table.
        """
        masked, counts = self.prepare(batch)
        self.quarantine.keep(masked.rejections)
        return Admitted(self.store.append(masked.tables, cursors=cursors), len(masked.rejections), counts)
