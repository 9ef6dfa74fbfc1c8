"""Whoever always takes the suggested step comes to the true cause in few steps; the ranking is not asked early."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.incidents import SEALED
from workbench import plugins, scenarios
from workbench.bench import open_bench
from workbench.case.case import Case
from workbench.playbook.runner import steps
from workbench.playbook.suggest import HARM, LOOKS, RESTS_ON, states, suggest
from workbench.playbook.symptoms import Family

FIRST_SEED = 60
"""Tuning seeds lie below 1,000; reported ones are not looked at here."""
INCIDENTS = 20
MOST_STEPS = 14
WINDOW = "2026-02-10T10:00:00Z/2026-02-10T11:00:00Z"


@dataclass(frozen=True)
class Walk:
    """The steps that were taken, and after how many the first cause was a planted one; None where it never was."""

    taken: tuple[str, ...]
    reached: int | None


def walk(case: Case, planted: set[str]) -> Walk:
    """Take the suggested step until none is left; the cause counts from the ranking on that names it first for good."""
    taken: list[str] = []
    reached: int | None = None
    while (best := suggest(case)) is not None and len(taken) < MOST_STEPS:
        case.call(best.step)
        taken.append(best.step)
        if best.step == "rank":
            right = bool(case.causes) and case.causes[0].entity in planted
            reached = (reached or len(taken)) if right else None
    return Walk(tuple(taken), reached)


def walked(tmp_path: Path, fault: str, seed: int) -> Walk:
    """Create an incident, take it in, and follow the suggestions."""
    made = scenarios.create(fault, seed=seed, variant="cause", out=tmp_path / f"incident-{seed}")
    truth = json.loads((made / SEALED).read_text(encoding="utf-8"))
    planted = set().union(*({c["entity"], *c["also"]} for c in truth["causes"]))
    with open_bench(tmp_path / f"store-{seed}") as bench:
        bench.ingest(sorted(p for p in made.iterdir() if p.name != SEALED))
        return walk(bench.case("INC-1", alert=made / "alert.json"), planted)


def judged(walks: list[Walk]) -> None:
    """Hold the promise: four of five reached, in six steps at the median; the ranking is never asked too early."""
    for one in walks:
        assert one.taken[0] == "scope"
        assert one.taken.index("rank") > RESTS_ON
    reached = [w.reached for w in walks if w.reached is not None]
    assert len(reached) / len(walks) >= 0.8, walks
    assert statistics.median(reached) <= 6, walks


@pytest.mark.parametrize("fault", ["null_burst", "schema_change"])
def test_an_incident_is_solved_in_six_suggested_steps(tmp_path: Path, fault: str) -> None:
    """Two incidents: a tenth of the count."""
    judged([walked(tmp_path, fault, FIRST_SEED + len(fault))])


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_four_of_five_incidents_are_solved_in_six_steps_at_the_median(tmp_path: Path) -> None:
    """Twenty incidents, every fault in turn."""
    faults = plugins.names("fault")
    judged([walked(tmp_path, faults[n % len(faults)], FIRST_SEED + n) for n in range(INCIDENTS)])


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case that has begun, without a store: every step says that it could not run."""
    made = Case.create(tmp_path / "case", case_id="INC-1", clock=lambda: 0)
    made.call("begin", entity="service:a", signal="p95_ms", window=WINDOW)
    return made


def test_every_step_has_its_place_for_every_kind_of_harm() -> None:
    """Nothing is forgotten: ten steps besides scope and rank, each once, for each of the six kinds of harm."""
    others = {name for name, _ in steps()} - {"scope", "rank"}
    assert set(LOOKS) == set(HARM) == set(get_args(Family))
    for looks in LOOKS.values():
        assert set(looks) == others
        assert len(looks) == len(others) == 10


def test_a_hunch_comes_first_and_a_skipped_step_never(case: Case) -> None:
    """After the scope: the hunch, then serving, for slow answers; once skipped, the hardware."""
    assert suggest(case).step == "scope"  # type: ignore[union-attr]
    case.call("scope")
    assert suggest(case).step == "serving"  # type: ignore[union-attr]
    case.call("hunch", step="drift")
    assert suggest(case).step == "drift"  # type: ignore[union-attr]
    case.call("drift")
    case.call("skip", step="serving", reason="Nothing is served.")
    assert suggest(case).step == "hardware"  # type: ignore[union-attr]
    assert states(case)["serving"] == "skipped"


def test_where_no_step_can_run_nothing_is_ranked_and_the_suggestions_end(case: Case) -> None:
    """Eleven steps are tried, rank is not among them, and the end comes."""
    found = walk(case, set())
    assert "rank" not in found.taken
    assert len(found.taken) == len(set(found.taken)) == 11
    assert suggest(case) is None
