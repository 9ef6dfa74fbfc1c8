"""Print the accuracy of the cause engine on every labelled set at hand, with peers beside it on the same cases.

``python -m benchmarks.board --data DIR`` reads ``DIR/petshop``, ``robustspot``, ``nezha_tt`` and
``rootcausebench`` as far as they exist. Labels are read here, to score, and nowhere else. Per set and
class: number of cases, top-1, top-3 and top-5 of everyone, 95 % interval of top-1 by bootstrap over cases; then the
bars. ``--quick`` leaves out the peers that take minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks import nezha_quiet, peers, petshop_hard
from benchmarks.sets import Prediction, nezha, petshop, robustspot, rootcausebench

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
SETS: dict[str, tuple[ModuleType, Labels, Callable[[Path, peers.Scope, Path], peers.Others]]] = {
    "petshop": (petshop, of_petshop, peers.of_petshop),
    "robustspot": (robustspot, of_labels_json, peers.of_robustspot),
    "nezha_tt": (nezha, of_labels_json, peers.of_nezha),
    "rootcausebench": (rootcausebench, of_rootcausebench, peers.of_rootcausebench),
}
BARS: dict[str, dict[int, float]] = {
    "petshop": {1: 25 / 26},
    "robustspot": {1: 0.65, 3: 0.88, 5: 0.94},
    "nezha_tt": {1: 0.60, 3: 0.90},
    "rootcausebench": {1: 8 / 12},
}
"""Share of all cases whose right answer must be among the first k."""
RIVALS = {"robustspot": "RobustSpot"}
SECONDS = {"petshop": 0.1, "robustspot": 0.1}
MOST_DECOYS = {"rootcausebench": 1}
HASH_SEEDS = range(5)
HASHED = ("petshop",)


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
            low, high = interval(places)
            yield f"{cells} {' '.join(f'{share(places, k):6.3f}' for k in (1, 3, 5))} {low:6.2f}-{high:.2f}"


def against_bars(
    name: str, labels: Mapping[str, Label], by: Mapping[str, peers.Rankings], made: Sequence[Prediction], busy: float
) -> Iterator[str]:
    """Yield what must hold over all cases of a set, met or missed; *busy* is processor seconds a case."""
    places = {m: [place(list(rankings.get(case, [])), labels[case]) for case in labels] for m, rankings in by.items()}
    for k, bar in BARS[name].items():
        yield _held(
            name, f"top-{k}", share(places[OURS], k), f">= {bar:.3f}", held=share(places[OURS], k) >= bar - 1e-9
        )
        if (rival := RIVALS.get(name)) in places:
            theirs = share(places[str(rival)], k)
            held = share(places[OURS], k) >= theirs
            yield _held(name, f"top-{k}", share(places[OURS], k), f">= {theirs:.3f} of {rival}", held=held)
    decoys = sum(bool(p.ranking) and p.ranking[0] in labels[p.case].decoys for p in made if p.case in labels)
    if name in MOST_DECOYS:
        yield _held(name, "decoys ranked first", decoys, f"<= {MOST_DECOYS[name]}", held=decoys <= MOST_DECOYS[name])
    wall = sum(p.seconds for p in made) / len(made)
    said = f"{name:15s} seconds a case: {wall:.3f} on the clock, {busy:.3f} of processor with reading the files"
    limit = SECONDS.get(name)
    held = "" if limit is None else f"  bar < {limit} {'met' if wall < limit else 'MISSED'} on the clock, "
    yield said if limit is None else f"{said}{held}{'met' if busy < limit else 'MISSED'} by the processor"


def _held(name: str, what: str, figure: float, bar: str, *, held: bool) -> str:
    return f"{name:15s} {what:20s} {figure:6.3f}  bar {bar}  {'met' if held else 'MISSED'}"


def same_over_hash_seeds(name: str, folder: Path) -> str:
    """Run the set once per hash seed, each in a process of its own, and compare all but the seconds."""
    said = set()
    with tempfile.TemporaryDirectory() as place:
        for seed in HASH_SEEDS:
            out = Path(place) / f"{seed}.jsonl"
            asked = [sys.executable, "-m", "benchmarks.causes", "--set", name, "--data", str(folder), "--out", str(out)]
            subprocess.run(asked, env={**os.environ, "PYTHONHASHSEED": str(seed)}, check=True)
            rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
            said.add(json.dumps([{k: v for k, v in row.items() if k != "seconds"} for row in rows]))
    held = "met" if len(said) == 1 else "MISSED"
    return f"{name:15s} {len(said)} unlike answer(s) over {len(HASH_SEEDS)} PYTHONHASHSEEDs  bar 1  {held}"


def board(data: Path, names: list[str], out: Path | None, scope: peers.Scope, environments: Path) -> Iterator[str]:
    """Yield the board; predictions go to *out*, one file a set."""
    heads = " ".join(f"top-{k:<2d}" for k in (1, 3, 5))
    yield f"{'set':15s} {'class':17s} {'n':>4s} {'method':19s} {heads}  95 % of top-1"
    for name in names:
        module, read, others = SETS[name]
        folder = data / name
        if not folder.is_dir():
            yield f"{name:15s} not at hand: {name} is no folder of the data given"
            continue
        used = time.process_time()
        made: list[Prediction] = list(module.predictions(folder))
        busy = (time.process_time() - used) / len(made)
        if out is not None:
            text = "".join(json.dumps(asdict(p), ensure_ascii=False) + "\n" for p in made)
            (out / f"{name}.jsonl").write_text(text, encoding="utf-8")
        labels, found = read(folder), others(folder, scope, environments)
        by = {OURS: {p.case: list(p.ranking) for p in made}, **found.rankings}
        yield from lines(name, labels, by)
        yield from (f"{name:15s} {note}" for note in found.notes)
        yield from against_bars(name, labels, by, made, busy)
        if name in HASHED:
            yield same_over_hash_seeds(name, folder)
        if name == "petshop":
            yield from petshop_hard.lines(folder)
        if name == "nezha_tt":
            yield from nezha_quiet.lines(folder)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = os.environ.get("WORKBENCH_CONFORMANCE_DATA", "")
    parser.add_argument("--data", type=Path, default=Path(known) / "causes", help="folder of the labelled sets")
    parser.add_argument("--set", action="append", choices=sorted(SETS), dest="names", help="only this set; repeatable")
    parser.add_argument("--out", type=Path, help="folder for predictions")
    parser.add_argument("--quick", action="store_const", const="quick", default="whole", dest="scope",
                        help="leave out the peers that take minutes, and say so")  # fmt: skip
    parser.add_argument("--peers", type=Path, default=Path("peers"), help="folder of the peers' own environments")
    given = parser.parse_args()
    for line in board(given.data, given.names or list(SETS), given.out, given.scope, given.peers):
        print(line, flush=True)


if __name__ == "__main__":
    main()
