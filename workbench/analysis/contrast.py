"""Contrast mining: what is different about the bad ones?

Every condition, pair and triple of conditions is counted inside the selection and
outside it. Rows are kept as bits, so counting a conjunction is one ``and`` and one
``popcount``; pairs are screened on a sample and the promising ones counted exactly.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg.blas import ssyrk

from workbench.analysis.levels import levels
from workbench.errors import CouldNotRunError, UsageError

MIN_SUPPORT = 10
"""Rows of the selection that a condition must hold for, at least."""
SCREEN_ROWS = 32_768
"""Rows sampled on each side to screen pairs."""
SCREENED = 400
"""Promising pairs that are counted exactly."""
SEEDS = 20
"""Best pairs that triples are built from."""
SAME = 0.9
"""Conditions that share this part of their rows of the selection (Jaccard) are one group."""
GAIN = 0.1
"""A conjunction must beat each part of it by this share of the score, or the simpler one stands for it."""


@dataclass(frozen=True)
class Contrast:
    """Hold ranked conditions; *table* has one row each, best first.

    Columns: condition, order, in_selection, in_baseline (rows), share_selection,
    share_baseline (0..1), lift, lift_low, lift_high (95 % interval), p_value, q_value,
    score, same_as (conditions grouped under this one).
    """

    table: pd.DataFrame
    selected: int
    compared: int
    tested: int
    """How many conditions and conjunctions were tested: what the q-values account for."""

    def __iter__(self) -> Iterator[str]:
        return iter(self.table["condition"])

    def __len__(self) -> int:
        return len(self.table)


def contrast(
    frame: pd.DataFrame,
    selection: Sequence[bool] | NDArray[np.bool_] | pd.Series,
    *,
    by: Sequence[str] | None = None,
    max_order: int = 3,
    q: float = 0.05,
) -> Contrast:
    """Rank the conditions that are over-represented in *selection* against the rest of *frame*.

    *selection* is a mask of shape (n,). *by* names the columns to look at; by default
    all of them. Only conditions with a Benjamini-Hochberg q-value of at most *q* over all that was
    tested are returned; an empty result means that nothing is different.

    >>> rows = pd.DataFrame({"region": ["a"] * 900 + ["c"] * 100, "version": ["41", "42"] * 500})
    >>> slow = [n >= 900 and n % 2 == 1 for n in range(1000)]
    >>> contrast(rows, slow).table["condition"].iloc[0]
    'region = c and version = 42'
    """
    inside = np.asarray(selection, dtype=bool)
    if inside.shape != (len(frame),):
        raise UsageError(f"The selection is a mask of {len(frame)} values; its shape is {inside.shape}.")
    if not inside.any() or inside.all():
        raise CouldNotRunError(f"{inside.sum()} of {len(frame)} rows are selected: there is nothing to compare with.")
    columns = list(frame.columns if by is None else by)
    counter = _Counter(frame[columns], inside)
    sets, tested = _candidates(counter, max_order)
    table = _scored(counter, sets, tested)
    found = _grouped(counter, table[table["q_value"] <= q])
    return Contrast(found, counter.selected, counter.others, sum(tested.values()))


class _Counter:
    """Count conjunctions of conditions on packed bits: rows of the selection, then the others."""

    def __init__(self, frame: pd.DataFrame, chosen: NDArray[np.bool_]) -> None:
        # The selection first, so that either side is one slice of the bits.
        order = np.argsort(~chosen, kind="stable")
        self.selected, self.others = int(chosen.sum()), int((~chosen).sum())
        self.words: list[str] = []
        self.columns: list[str] = []
        self._inside: list[NDArray[np.uint64]] = []
        self._outside: list[NDArray[np.uint64]] = []
        sampled = self._sample_rows()
        screens: tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]] = ([], [])
        for name in frame.columns:
            for level in levels(frame[[name]].take(order), [name], MIN_SUPPORT):
                self.words.append(level.words)
                self.columns.append(level.column)
                self._inside.append(_pack(level.rows[: self.selected]))
                self._outside.append(_pack(level.rows[self.selected :]))
                for side, rows in zip(screens, sampled, strict=True):
                    side.append(level.rows[rows])
        self.screens = tuple(np.array(side, dtype=np.float32) for side in screens)

    def _sample_rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        # Evenly spaced: deterministic, and stratified where the frame is ordered by time.
        inside = np.linspace(0, self.selected - 1, min(SCREEN_ROWS, self.selected)).astype(np.intp)
        outside = np.linspace(0, self.others - 1, min(SCREEN_ROWS, self.others)).astype(np.intp)
        return inside, outside + self.selected

    def count(self, members: tuple[int, ...]) -> tuple[int, int]:
        """Return how many rows of the selection, and how many others, meet all the conditions."""
        return self._meet(self._inside, members), self._meet(self._outside, members)

    def inside(self, members: tuple[int, ...]) -> NDArray[np.uint64]:
        """Return the bits of the selection's rows that meet all the conditions."""
        bits = self._inside[members[0]]
        for member in members[1:]:
            bits = bits & self._inside[member]
        return bits

    @staticmethod
    def _meet(side: list[NDArray[np.uint64]], members: tuple[int, ...]) -> int:
        bits = side[members[0]]
        for member in members[1:]:
            bits = bits & side[member]
        return int(np.bitwise_count(bits).sum())


def _pack(rows: NDArray[np.bool_]) -> NDArray[np.uint64]:
    packed = np.packbits(rows)
    return np.pad(packed, (0, -len(packed) % 8)).view(np.uint64)


def _candidates(counter: _Counter, max_order: int) -> tuple[list[tuple[int, ...]], dict[int, int]]:
    """Return conjunctions worth counting exactly, and by order how many there were to choose from."""
    size = len(counter.words)
    sets: list[tuple[int, ...]] = [(i,) for i in range(size)]
    tested = {1: size}
    if max_order < 2 or size < 2:
        return sets, tested
    pairs, tested[2] = _screened_pairs(counter)
    sets += pairs
    if max_order >= 3:
        # Triples are looked for around the best pairs only, yet chosen from all that could have been built.
        best = sorted(pairs, key=lambda pair: -_score(*counter.count(pair), counter))[:SEEDS]
        triples = {
            tuple(sorted((*pair, third)))
            for pair in best
            for third in range(size)
            if counter.columns[third] not in {counter.columns[p] for p in pair}
        }
        sets += sorted(triples)
        tested[3] = max(tested[2] * size // 3, 1)
    return sets, tested


def _screened_pairs(counter: _Counter) -> tuple[list[tuple[int, ...]], int]:
    inside, outside = counter.screens
    both_in, both_out = _met_together(inside), _met_together(outside)
    scale_in, scale_out = counter.selected / inside.shape[1], counter.others / outside.shape[1]
    codes = pd.factorize(np.array(counter.columns))[0]
    upper = np.triu(codes[:, None] != codes[None, :], k=1)
    possible = upper & (both_in * scale_in >= MIN_SUPPORT)
    rows, columns = np.nonzero(possible)
    score = _log_ratio(
        both_in[rows, columns] * scale_in, both_out[rows, columns] * scale_out, counter.selected, counter.others
    )
    keep = np.argsort(-score, kind="stable")[:SCREENED]
    return [(int(rows[k]), int(columns[k])) for k in keep], len(rows)


def _met_together(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how many columns of *rows* ``(n, m)`` each two rows share, ``(n, n)``; below the diagonal nothing."""
    shared: NDArray[np.float32] = ssyrk(1.0, rows.T, trans=1)  # half the work of a product with itself
    return shared


def _log_ratio(
    inside: NDArray[np.float64], outside: NDArray[np.float64], selected: int, others: int
) -> NDArray[np.float64]:
    """Return the signed log-likelihood ratio G / 2 of a two by two table; 0 where the lift is below 1. Shapes (n,)."""
    a, b = np.asarray(inside, float), np.asarray(outside, float)
    rows, total = a + b, float(selected + others)
    gain = np.zeros_like(a)
    for seen, side, met in ((a, selected, rows), (b, others, rows), (selected - a, selected, total - rows),
                            (others - b, others, total - rows)):  # fmt: skip
        expected = np.maximum(side * met / total, 1e-12)
        gain += np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-12) / expected), 0.0)
    return np.where(a * others > b * selected, gain, 0.0)


def _score(inside: int, outside: int, counter: _Counter) -> float:
    return float(_log_ratio(np.array([float(inside)]), np.array([float(outside)]), counter.selected, counter.others)[0])


def _scored(counter: _Counter, sets: list[tuple[int, ...]], tested: dict[int, int]) -> pd.DataFrame:
    counts = np.array([counter.count(members) for members in sets], dtype=np.int64).reshape(-1, 2)
    inside, outside = counts[:, 0], counts[:, 1]
    score = np.round(_log_ratio(inside.astype(float), outside.astype(float), counter.selected, counter.others), 9)
    table = pd.DataFrame({
        "condition": [" and ".join(sorted(counter.words[m] for m in members)) for members in sets],
        "order": [len(members) for members in sets],
        "in_selection": inside,
        "in_baseline": outside,
        "share_selection": inside / counter.selected,
        "share_baseline": outside / counter.others,
        "score": score,
        "members": sets,
    })  # fmt: skip
    table["p_value"] = stats.hypergeom.sf(
        inside - 1, counter.selected + counter.others, inside + outside, counter.selected
    )
    weights = np.array([len(tested) * tested[len(members)] for members in sets], dtype=float)
    table["q_value"] = _benjamini_hochberg(table["p_value"].to_numpy() * weights)
    _add_lift(table, counter)
    table = table[(table["in_selection"] >= MIN_SUPPORT) & (table["score"] > 0)]
    table = table[_earns_its_order(table)]
    return table.sort_values(["score", "order", "condition"], ascending=[False, True, True], ignore_index=True)


def _benjamini_hochberg(weighted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q-values of p-values already multiplied by how many hypotheses share their weight.

    Benjamini and Hochberg 1995, weighted as by Genovese, Roeder and Wasserman 2006: each order
    gets an equal part of the error, so that many triples do not hide a single condition. What was
    screened out is larger and changes no q-value below it.
    """
    order = np.argsort(weighted, kind="stable")
    raw = weighted[order] / np.arange(1, len(order) + 1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return adjusted


def _add_lift(table: pd.DataFrame, counter: _Counter) -> None:
    """Add the lift with a 95 % interval on the log scale (Katz 1978); half a row stands in for none."""
    a = np.maximum(table["in_selection"].to_numpy(float), 0.5)
    b = np.maximum(table["in_baseline"].to_numpy(float), 0.5)
    lift = (a / counter.selected) / (b / counter.others)
    error = np.sqrt(np.maximum(1 / a - 1 / counter.selected + 1 / b - 1 / counter.others, 0.0))
    table["lift"] = lift
    table["lift_low"] = lift * np.exp(-1.96 * error)
    table["lift_high"] = lift * np.exp(1.96 * error)


def _earns_its_order(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Keep a conjunction only where it beats every part of it clearly."""
    score = dict(zip(table["members"], table["score"], strict=True))
    return np.array([
        all(
            value > (1 + GAIN) * score.get(part, 0.0)
            for size in range(1, len(members))
            for part in itertools.combinations(members, size)
        )
        for members, value in zip(table["members"], table["score"], strict=True)
    ], dtype=bool)  # fmt: skip


def _grouped(counter: _Counter, table: pd.DataFrame) -> pd.DataFrame:
    """Fold conditions that hold for the same rows of the selection under the best of them."""
    kept: list[int] = []
    bits: list[NDArray[np.uint64]] = []
    same: dict[int, list[str]] = {}
    for row, members in zip(table.index, table["members"], strict=True):
        mine = counter.inside(members)
        for other, theirs in zip(kept, bits, strict=True):
            union = int(np.bitwise_count(mine | theirs).sum())
            if int(np.bitwise_count(mine & theirs).sum()) >= SAME * union:
                same[other].append(str(table.at[row, "condition"]))
                break
        else:
            kept.append(row)
            bits.append(mine)
            same[row] = []
    result = table.loc[kept].drop(columns="members").reset_index(drop=True)
    result["same_as"] = [tuple(same[row]) for row in kept]
    return result
