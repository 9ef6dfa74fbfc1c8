"""Score rows with boosted trees column by column: each threshold is held against many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

CHUNK = 32_768
"""Rows at a time: what is compared fits into a core's cache."""
BITS = 8


@dataclass(frozen=True)
class Tree:
    """Hold one tree as its splits and the value of each combination of their outcomes."""

    splits: tuple[tuple[int, np.float32], ...]
    """Column, and the greatest value that goes left."""
    values: np.ndarray
    """``(2 ** splits,)``; the first split's outcome is the highest bit, 1 is left."""


def scores(classifier: Any, columns: np.ndarray) -> np.ndarray:
    """Return what ``predict_proba`` of a fitted HistGradientBoostingClassifier says of class 1, bit by bit, ``(n,)``.

    *columns* is ``(features, n)`` of float32 without NaN. The classifier's own way walks every
    tree row by row, from cache miss to cache miss.
    """
    from scipy.special import expit

    trees = [_tree(grown.nodes) for (grown,) in classifier._predictors]  # noqa: SLF001 - shown nowhere else
    raw = np.empty(columns.shape[1])
    raw[:] = classifier._baseline_prediction.item()  # noqa: SLF001 - shown nowhere else
    for begin in range(0, len(raw), CHUNK):
        part = columns[:, begin : begin + CHUNK]
        for tree in trees:
            raw[begin : begin + CHUNK] += _values(tree, part)
    found: np.ndarray = expit(raw)
    return found


def _tree(nodes: np.ndarray) -> Tree:
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    place = {int(node): k for k, node in enumerate(inner)}
    codes = np.arange(2 ** len(inner))
    values = np.empty(len(codes))
    waiting = [(0, codes)]
    while waiting:
        node, reached = waiting.pop()
        if nodes["is_leaf"][node]:
            values[reached] = nodes["value"][node]
            continue
        left = (reached >> (len(inner) - 1 - place[node])) & 1 == 1
        waiting += [(int(nodes["left"][node]), reached[left]), (int(nodes["right"][node]), reached[~left])]
    limits = _below(nodes["num_threshold"][inner])
    return Tree(tuple(zip(nodes["feature_idx"][inner].tolist(), limits, strict=True)), values)


def _below(thresholds: np.ndarray) -> np.ndarray:
    """Return the greatest float32 that is not above each threshold: equal for float32 values, half as wide."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def _values(tree: Tree, part: np.ndarray) -> np.ndarray:
    """Return a tree's value for every row: outcomes are gathered as bits, eight a byte, and looked up."""
    n = part.shape[1]
    left = np.empty(n, bool)
    code: np.ndarray = np.zeros(n, np.intp)
    for begin in range(0, len(tree.splits), BITS):
        eight = tree.splits[begin : begin + BITS]
        byte = np.zeros(n, np.uint8)
        for column, limit in eight:
            np.less_equal(part[column], limit, out=left)
            np.add(byte, byte, out=byte)
            np.bitwise_or(byte, left.view(np.uint8), out=byte)
        code <<= len(eight)
        code |= byte
    return tree.values.take(code)
