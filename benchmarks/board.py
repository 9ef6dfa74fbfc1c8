"""Print the accuracy of the cause engine on every labelled set at hand, with simple rules beside it on the same cases.

``python -m benchmarks.board --data DIR`` reads ``DIR/petshop``, ``robustspot``, ``nezha_tt`` and
``rootcausebench`` as far as they exist. Labels are read here, to score, and nowhere else. Per set and
class: number of cases, top-1, top-3 and top-5 of everyone, 95 % interval of our top-1 by bootstrap over cases.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import peers, petshop_hard
from benchmarks.sets import nezha, petshop, robustspot, rootcausebench

DRAWS = 2000
HALVED = ("robustspot", "nezha_tt")
"""Sets whose even-numbered cases (in the order of their label file) were tuned on."""
OURS = "workbench"


@dataclass(frozen=True)
class Label:
    """What was right, any of several names, and the class of the case."""

    right: frozenset[str]
    group: str
    decoys: frozenset[str] = frozenset()


def of_labels_json(folder: Path) -> dict[str, Label]:
    """Read ``labels.json``: case -> node or nodes, group."""
    raw = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    return {
        case: Label(frozenset([v["node"]] if isinstance(v["node"], str) else v["node"]), v.get("group", "all"))
        for case, v in raw.items()
    }


def of_petshop(folder: Path) -> dict[str, Label]:
    """Read the root cause of every ``target.json``."""
    found = {}
    for path in sorted(folder.glob("*/t*/issue_*/target.json")):
        target = json.loads(path.read_text(encoding="utf-8"))
        case = path.parent.relative_to(folder).as_posix()
        found[case] = Label(frozenset([target["root_cause"]["node"]]), target["target"]["metric"])
    return found


def of_rootcausebench(folder: Path) -> dict[str, Label]:
    """Read every ``ground_truth.json``; "none" where no change is guilty."""
    found = {}
    for path in sorted(folder.glob("*/ground_truth.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        right = truth["root_cause_commit"]
        group = "no change guilty" if right == "none" else "guilty change"
        found[path.parent.name] = Label(frozenset([right]), group, frozenset(truth.get("decoy_deploy_commits", [])))
    return found


Labels = Callable[[Path], dict[str, Label]]
SETS: dict[str, tuple[object, Labels, Callable[[Path], dict[str, peers.Rankings]]]] = {
    "petshop": (petshop, of_petshop, peers.of_petshop),
    "robustspot": (robustspot, of_labels_json, peers.of_robustspot),
    "nezha_tt": (nezha, of_labels_json, peers.of_nezha),
    "rootcausebench": (rootcausebench, of_rootcausebench, peers.of_rootcausebench),
}


def place(ranking: list[str], label: Label) -> int | None:
    """Return the best place of a right answer, from 1."""
    return next((rank for rank, name in enumerate(ranking, start=1) if name in label.right), None)


def share(places: list[int | None], k: int) -> float:
    """Return how often the right answer is among the first *k*, 0..1."""
    return sum(p is not None and p <= k for p in places) / len(places)


def interval(places: list[int | None]) -> tuple[float, float]:
    """Return the 95 % interval of top-1 by bootstrap over cases, seeded."""
    hits = np.array([p == 1 for p in places], dtype=float)
    means = np.random.default_rng(7).choice(hits, (DRAWS, len(hits))).mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def lines(name: str, labels: Mapping[str, Label], by: Mapping[str, peers.Rankings]) -> Iterator[str]:
    """Yield one line per class and method; a case without a ranking is a miss."""
    groups: dict[str, list[str]] = {}
    for case, label in labels.items():
        groups.setdefault(label.group, []).append(case)
    if name in HALVED:
        for parity, group in enumerate(("even, tuned on", "odd")):
            groups[group] = list(labels)[parity::2]
    groups["all"] = list(labels)
    for group, cases in groups.items():
        for method, rankings in by.items():
            places = [place(list(rankings.get(case, [])), labels[case]) for case in cases]
            cells = f"{name:15s} {group:17s} {len(cases):4d} {method:19s} "
            cells += " ".join(f"{share(places, k):6.3f}" for k in (1, 3, 5))
            low, high = interval(places)
            yield f"{cells} {low:6.2f}-{high:.2f}" if method == OURS else cells


def board(data: Path, names: list[str], out: Path | None) -> Iterator[str]:
    """Yield the board; predictions go to *out*, one file a set."""
    heads = " ".join(f"top-{k:<2d}" for k in (1, 3, 5))
    yield f"{'set':15s} {'class':17s} {'n':>4s} {'method':19s} {heads}  95 % of top-1"
    for name in names:
        module, read, rules = SETS[name]
        folder = data / name
        if not folder.is_dir():
            yield f"{name:15s} not at hand: {name} is no folder of the data given"
            continue
        made = list(module.predictions(folder))  # type: ignore[attr-defined]
        if out is not None:
            rows = [{"case": p.case, "ranking": p.ranking, "verdict": p.verdict, "confidence": p.confidence,
                     "seconds": p.seconds} for p in made]  # fmt: skip
            (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        ours = {p.case: list(p.ranking) for p in made}
        labels = read(folder)
        yield from lines(name, labels, {OURS: ours, **rules(folder)})
        decoys = sum(bool(r) and r[0] in labels[c].decoys for c, r in ours.items() if c in labels)
        yield f"{name:15s} {sum(p.seconds for p in made) / len(made):.3f} s a case, decoys first: {decoys}"
        if name == "petshop":
            yield from petshop_hard.lines(folder)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = os.environ.get("WORKBENCH_CONFORMANCE_DATA", "")
    parser.add_argument("--data", type=Path, default=Path(known) / "causes", help="folder of the labelled sets")
    parser.add_argument("--set", action="append", choices=sorted(SETS), dest="names", help="only this set; repeatable")
    parser.add_argument("--out", type=Path, help="folder for predictions")
    given = parser.parse_args()
    for line in board(given.data, given.names or list(SETS), given.out):
        print(line, flush=True)


if __name__ == "__main__":
    main()
