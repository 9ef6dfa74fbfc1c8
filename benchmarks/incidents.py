"""Print how often the playbook names the right cause, over generated incidents taken in through the real intake.

``python -m benchmarks.incidents --cases 60`` creates incidents with seeds from 10000 on (tuning
uses seeds below 1000 only), ingests each into a store of its own, investigates it from its
alert file, and compares with the sealed truth, which nothing else reads. Predictions are
appended to *out* as JSON lines ``{"case", "ranking", "verdict", "confidence", "seconds", …}``; a run that was
stopped goes on where it was, unless the code changed meanwhile.
"""

from __future__ import annotations

import argparse
import atexit
import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import incident_board, rules
from benchmarks.incident_board import Judged
from workbench import plugins, scenarios
from workbench.bench import open_bench
from workbench.model.findings import Ranking

FIRST_REPORTED_SEED = 10_000
FIRST_UNTUNED_SEED = 1_000
DAYS = 16
"""History of each incident: half the default, so that twice as many fit into an hour."""
SEALED = "truth.json"
NO_LEAD = "none"


@dataclass(frozen=True)
class Prediction:
    """What was said about one incident."""

    case: str
    ranking: list[str]
    verdict: str
    confidence: float
    seconds: float
    named: list[str]
    """Causes whose own verdict is proven."""
    kinds: list[str] = field(default_factory=list)
    """Failure signature of each of *ranking*."""
    rules: dict[str, list[str]] = field(default_factory=dict)
    """What every single rule ranks."""


@dataclass(frozen=True)
class Order:
    """One incident to make."""

    fault: str
    variant: scenarios.Variant
    seed: int

    @property
    def name(self) -> str:
        """Return the name of its folder and of its line."""
        return f"{self.fault}-{self.variant}-{self.seed}"


def plan(cases: int, first_seed: int) -> Iterator[tuple[str, scenarios.Variant, int]]:
    """Yield fault, variant and seed of each incident: every fault with every variant in turn, a new seed each."""
    faults = plugins.names("fault")
    for number in range(cases):
        turn, place_of = divmod(number, len(faults))
        yield faults[place_of], scenarios.VARIANTS[(turn + place_of) % len(scenarios.VARIANTS)], first_seed + number


def predict(folder: Path, store: Path) -> Prediction:
    """Ingest one incident's files, the sealed truth left out, and investigate it from its alert."""
    files = sorted(p for p in folder.iterdir() if p.name != SEALED)
    with open_bench(store) as bench:
        report = bench.ingest(files)
        unread = [f.place for f in report.files if f.outcome in ("unrecognised", "unmapped", "failed")]
        if unread:
            print(f"  {folder.name}: not read: {', '.join(unread)}", file=sys.stderr)
        begun = time.perf_counter()
        case = bench.case("INC-1", alert=folder / "alert.json")
        ranking = bench.investigate(case)
        seconds = time.perf_counter() - begun
        alone = rules.rankings(case)
    return _prediction(folder.name, ranking, seconds, alone)


def _prediction(case: str, ranking: Ranking, seconds: float, alone: dict[str, list[str]]) -> Prediction:
    causes = ranking.causes
    return Prediction(
        case,
        [c.entity for c in causes] or [NO_LEAD],
        ranking.verdict,
        causes[0].confidence if causes else 0.0,
        round(seconds, 3),
        [c.entity for c in causes if c.verdict == "proven"],
        [c.kind for c in causes],
        {name: found[:3] for name, found in alone.items()},
    )


def judge(prediction: Prediction, truth: dict[str, Any]) -> Judged:
    """Compare a prediction with the sealed truth; any accepted name of a planted place counts."""
    accepted = [{c["entity"], *c["also"]} for c in truth["causes"]]
    right = set().union(*accepted) if accepted else set()
    decoys = set(truth["decoys"])
    kinds = {kind for entity, kind in zip(prediction.ranking, prediction.kinds, strict=False) if entity in right}
    return Judged(
        prediction.case,
        truth["fault"],
        truth["variant"],
        tuple(place(prediction.ranking, names) for names in accepted),
        prediction.verdict,
        prediction.confidence,
        bool(decoys & set(prediction.named)),
        any(e not in right for e in prediction.named),
        bool(kinds & {c["kind"] for c in truth["causes"]}),
        prediction.seconds,
        tuple(name for name, found in prediction.rules.items() if found and found[0] in right),
        str(truth["topology_id"]),
    )


def place(ranking: list[str], names: set[str]) -> int | None:
    """Return the best rank of any of *names*, from 1."""
    return next((rank for rank, entity in enumerate(ranking, start=1) if entity in names), None)


def one(order: Order, *, days: int) -> tuple[Prediction, Judged]:
    """Create, predict and judge one incident in a folder of its own, which is removed."""
    work = Path(tempfile.mkdtemp(prefix="incident-"))
    try:
        folder = work / order.name
        scenarios.create(order.fault, seed=order.seed, days=days, variant=order.variant, out=folder)
        prediction = predict(folder, work / "store")
        return prediction, judge(prediction, json.loads((folder / SEALED).read_text(encoding="utf-8")))
    finally:
        shutil.rmtree(work)


def code_version() -> str:
    """Return a digest of the code that makes, reads and judges incidents: figures of two versions never mix."""
    import workbench

    digest = hashlib.sha256()
    for folder in (Path(workbench.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def take_core(locks: Path) -> None:
    """Confine this process to a core that no other worker has, if one is left; the lock ends with the process."""
    for core in sorted(os.sched_getaffinity(0)):
        handle = (locks / str(core)).open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            continue
        os.sched_setaffinity(0, {core})
        pa.set_cpu_count(1)
        atexit.register(handle.close)
        return


def run(orders: list[Order], out: Path, *, days: int = DAYS, workers: int = 1) -> list[Judged]:
    """Create, predict and judge incidents; lines go to *out* as they come, and those in it are not made again."""
    version = code_version()
    done = incident_board.read(out, version)
    known = {judged.case for judged in done}
    left = [order for order in orders if order.name not in known]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads of one incident would wait for those of another
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as locks,
        out.open("a", encoding="utf-8") as sink,
        context.Pool(workers, take_core, (Path(locks),), maxtasksperchild=50) as pool,
    ):
        for prediction, judged in pool.imap_unordered(partial(one, days=days), left):
            done.append(judged)
            sink.write(json.dumps(asdict(prediction) | {"judged": asdict(judged), "code": version}) + "\n")
            sink.flush()
            print(
                f"{len(done):4d}/{len(orders)} {judged.case:44s} places {list(judged.places)} verdict {judged.verdict}"
                f" {judged.seconds:.1f} s",
                flush=True,
            )
    return [judged for judged in done if judged.case in {order.name for order in orders}]


def main(arguments: list[str] | None = None) -> int:
    """Run the board from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=FIRST_REPORTED_SEED, help="seed of the first incident")
    parser.add_argument("--days", type=int, default=DAYS, help="days of history of each incident")
    parser.add_argument("--workers", type=int, default=1, help="incidents at a time")
    parser.add_argument("--out", type=Path, default=Path("incidents.jsonl"))
    given = parser.parse_args(arguments)
    if given.seed < FIRST_UNTUNED_SEED:
        print("These seeds were used for tuning: the figures say nothing about new incidents.")
    orders = [Order(*planned) for planned in plan(given.cases, given.seed)]
    judged = run(orders, given.out, days=given.days, workers=given.workers)
    print("\n".join(incident_board.lines(judged)))
    print(topologies(judged, given.days))
    return 0


def topologies(judged: list[Judged], days: int) -> str:
    """Return on how many systems the incidents played, and how many of those any tuning seed could have made."""
    from workbench.scenarios.world import build

    tuned = {build(seed, days).topology_id for seed in range(FIRST_UNTUNED_SEED)}
    met = sum(j.topology in tuned for j in judged)
    systems = len({j.topology for j in judged})
    return f"{systems} systems; {met} of {len(judged)} incidents on one that tuning could have met"


if __name__ == "__main__":
    raise SystemExit(main())
