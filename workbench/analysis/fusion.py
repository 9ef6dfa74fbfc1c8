"""Fuse evidences of different kinds: each becomes a tail probability of its own quiet windows; only those add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.errors import CouldNotRunError

TAIL = 0.05
"""Share of the quiet values beyond which the tail is taken to fall exponentially: so few values cannot be counted."""
MIN_TAIL = 10
CAP = 25.0
"""Most that one evidence may say, in nats: no single broken signal outweighs everything else."""
CHANCE = float(np.log(20.0))
"""What one entity in twenty reaches by chance says nothing, and is taken off."""


def surprise(scores: pd.DataFrame, quiet: Sequence[str]) -> pd.DataFrame:
    """Return minus the log of the share of quiet values at least as large, in nats, 0..``CAP``.

    *scores* has one row per entity and one column per window, larger is worse, unknown is null and says
    nothing; *quiet* names the windows known to be quiet, pooled over the entities. Beyond the
    largest ``TAIL`` of them the share falls exponentially at their mean excess.
    """
    known = scores[[name for name in quiet if name in scores]].to_numpy(float).ravel()
    pool = np.sort(known[np.isfinite(known)])
    size = len(pool)
    if size < 2 * MIN_TAIL:
        raise CouldNotRunError(f"Calibration needs {2 * MIN_TAIL} values of quiet windows; there are {size}.")
    count = max(int(TAIL * size), MIN_TAIL)
    edge = float(pool[size - count - 1])
    scale = max(float((pool[size - count :] - edge).mean()), 1e-9)
    values = scores.to_numpy(float)
    at_least = size - np.searchsorted(pool, values, side="left")
    counted = -np.log((at_least + 1) / (size + 1))
    beyond = np.log(size / count) + (values - edge) / scale
    told = np.clip(np.where(values > edge, beyond, counted), 0.0, CAP)
    return pd.DataFrame(np.where(np.isfinite(values), told, 0.0), index=scores.index, columns=scores.columns)


def fuse(evidences: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sum over evidences of what each says beyond chance, in nats; all have the same entities.

    A window that an evidence does not cover gets nothing from it.
    """
    parts = [(evidences[name] - CHANCE).clip(lower=0.0) for name in sorted(evidences)]
    total = parts[0]
    for part in parts[1:]:
        total = total.add(part, fill_value=0.0)
    return total.fillna(0.0).round(9)


def ranked(fused: pd.Series, leads: pd.Series) -> list[str]:
    """Return entities best first; where the fused value is equal, by the plain sum *leads*, then by name."""
    return sorted(map(str, fused.index), key=lambda e: (-float(fused[e]), -round(float(leads[e]), 9), e))
