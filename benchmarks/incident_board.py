"""Score judged incidents: places, abstention, wrong names, calibration, and the single rules beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BINS = 10
DRAWS = 2000
RULES = ("robust z", "traversal", "largest difference", "coverage + recency")
"""Rules that must not solve more than ``RULE_LIMIT`` of the incidents; every other evidence alone not more than .75."""
RULE_LIMIT, EVIDENCE_LIMIT = 0.60, 0.75


@dataclass(frozen=True)
class Judged:
    """One prediction against its truth."""

    case: str
    fault: str
    variant: str
    places: tuple[int | None, ...]
    """Rank of each planted cause, from 1; None where it is missing."""
    verdict: str
    confidence: float
    decoy_named: bool
    wrong_named: bool
    kind_right: bool
    """A planted place stands in the ranking with the kind that was planted."""
    seconds: float
    solved_by: tuple[str, ...]
    """Single rules whose first answer is a planted cause."""
    topology: str

    @property
    def first(self) -> bool:
        """Is the first of the ranking a planted cause?"""
        return 1 in self.places

    @property
    def among_three(self) -> bool:
        """Are all planted causes among the first three?"""
        return bool(self.places) and all(place is not None and place <= 3 for place in self.places)


def read(path: Path, version: str | None = None) -> list[Judged]:
    """Read the lines of an earlier run of this version of the code, or of any; none where there was none."""
    if not path.is_file():
        return []
    said = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [line["judged"] for line in said if version is None or line["code"] == version]
    return [Judged(**row | {"places": tuple(row["places"]), "solved_by": tuple(row["solved_by"])}) for row in rows]


def lines(judged: Iterable[Judged]) -> Iterator[str]:
    """Yield the board: one line a group, shares with their counts, then calibration and single rules."""
    items = list(judged)
    heads = " ".join(f"{name:>9s}" for name in ("top-1", "top-3", "kind", "abstains", "none said"))
    yield f"{'group':32s} {'n':>4s} {heads} {'decoy':>6s} {'wrong':>6s} {'s/case':>7s}"
    groups: dict[str, list[Judged]] = {}
    for item in items:
        for name in (f"fault {item.fault}", f"variant {item.variant}", "all"):
            groups.setdefault(name, []).append(item)
    for name in sorted(groups, key=lambda n: (n == "all", n)):
        yield _line(name, groups[name])
    yield (
        "top-1: first of the ranking is a planted cause; top-3: all planted causes among the first three; kind: with\n"
        "the planted kind; abstains: verdict none where nothing was planted; none said: verdict none although\n"
        "something was; decoy, wrong: incidents in which such an entity was named as proven."
    )
    yield from _calibration(items)
    yield from _rules(items)


def _line(name: str, group: list[Judged]) -> str:
    guilty = [j for j in group if j.places]
    calm = [j for j in group if not j.places]
    cells = (
        _share(sum(j.first for j in guilty), len(guilty)),
        _share(sum(j.among_three for j in guilty), len(guilty)),
        _share(sum(j.kind_right for j in guilty), len(guilty)),
        _share(sum(j.verdict == "none" for j in calm), len(calm)),
        _share(sum(j.verdict == "none" for j in guilty), len(guilty)),
    )
    shown = " ".join(f"{cell:>9s}" for cell in cells)
    seconds = sum(j.seconds for j in group) / len(group)
    decoys, wrong = sum(j.decoy_named for j in group), sum(j.wrong_named for j in group)
    return f"{name:32s} {len(group):4d} {shown} {decoys:6d} {wrong:6d} {seconds:7.1f}"


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "-"


def expected_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error over ten equal bins: mean |share right - mean confidence|, by size."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    gap = np.abs(np.bincount(bins, right, BINS) - np.bincount(bins, confidence, BINS))
    return float(gap[count > 0].sum() / count.sum())


def interval(items: Sequence[Judged], figure: Callable[[np.ndarray, np.ndarray], float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a figure of confidence and correctness."""
    confidence, right = _pairs(items)
    rng = np.random.default_rng(7)
    draws = [rng.integers(len(items), size=len(items)) for _ in range(DRAWS)]
    values = [figure(confidence[d], right[d]) for d in draws]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def _pairs(items: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([j.confidence for j in items]), np.array([j.first for j in items], dtype=float)


def _calibration(items: list[Judged]) -> Iterator[str]:
    confidence, right = _pairs(items)
    low, high = interval(items, expected_error)
    brier, base = float(((confidence - right) ** 2).mean()), float(right.mean() * (1 - right.mean()))
    error = expected_error(confidence, right)
    yield (
        f"confidence that the first is a planted cause: expected calibration error {error:.3f}"
        f" ({low:.3f}-{high:.3f}; bar 0.06); Brier score {brier:.3f} against {base:.3f} of the base rate"
    )


def _rules(items: list[Judged]) -> Iterator[str]:
    guilty = [j for j in items if j.places]
    if not guilty:
        return
    names = sorted({name for j in guilty for name in j.solved_by} | set(RULES), key=lambda n: (n not in RULES, n))
    for name in names:
        hits = sum(name in j.solved_by for j in guilty)
        limit = RULE_LIMIT if name in RULES else EVIDENCE_LIMIT
        share = hits / len(guilty)
        said = "hard enough" if share <= limit else "TOO EASY"
        yield f"single rule {name:22s} top-1 {hits:4d}/{len(guilty)} {share:.3f} (at most {limit:.2f}: {said})"
