"""``case.simulate``: recorded requests of the old version say what the new one would have; or that nobody can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.bench import open_bench
from workbench.case import operations
from workbench.case.operations import Outcome, operation
from workbench.columnar import build
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.tables import KPIS, PREDICTIONS, SPANS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns

NOW = parse_time_ns("2026-03-11T15:00:00Z")
START = NOW - HOUR_NS
STAMP = {"environment": "prod", "source": "tables", "place": "made.parquet", "received_ns": NOW}
CAUSE = "wrong_snapshot run:r42"


def ranked(reading: Any) -> Outcome:
    """Rank one cause that is about version 42."""
    kpis = reading.ask("kpi_series", start_ns=START, end_ns=NOW)
    finding = Finding("42 decides differently", "model_version:fraud/42", "version_effect", (kpis.evidence,))
    cause = Cause(1, "run:r42", "wrong_snapshot", "42 decides differently", 0.9, "proven", {}, (finding,), (), START,
                  ("run:r42", "kpi:approve_rate"))  # fmt: skip
    return Outcome((finding,), ranking=Ranking((cause,), "proven"))


def simulated(folder: Path, *, donors: tuple[str, ...]) -> Outcome:
    """Return the simulation on a store in which version 42 takes 0.3 off the approval of *north* and serves it more."""
    chance = np.random.default_rng(5)
    n = 6000
    times = np.sort(chance.integers(NOW - 3 * HOUR_NS, NOW, n))
    region = chance.choice(["north", "south"], n)
    new = (times >= START) & (chance.random(n) < np.where(region == "north", 0.8, 0.3))
    usual = np.where(region == "north", 0.8, 0.4)
    approve = chance.random(n) < usual - 0.3 * (new & (region == "north"))
    kept = new | np.isin(region, donors)
    rows = np.flatnonzero(kept)
    took = np.where(new, 900, 300) * 10**6 + chance.integers(0, 10**6, n)
    with open_bench(folder / "store", who="ada", clock=lambda: NOW) as bench:
        bench.store.append({
            "kpis": build(KPIS, {**STAMP, "kpi": "approve", "segment": "", "value": [0.8] * 20,
                                 "time_ns": [START - i * 5 * MINUTE_NS for i in range(20)]}),
            "predictions": build(PREDICTIONS, {
                **STAMP, "prediction_id": [f"p{i}" for i in rows], "time_ns": times[rows].tolist(),
                "model_version": ["42" if new[i] else "41" for i in rows],
                "output": ["approve" if approve[i] else "decline" for i in rows],
                "score": [float(usual[i]) for i in rows],
                "feature_texts": [{"region": str(region[i])} for i in rows]}),
            "spans": build(SPANS, {
                **STAMP, "trace_id": [f"{i:032x}" for i in rows], "span_id": [f"{i:016x}" for i in rows],
                "service": "scoring", "name": "/score", "kind": "server", "status": "ok",
                "start_ns": times[rows].tolist(), "end_ns": (times + took)[rows].tolist(),
                "duration_ns": took[rows].tolist(), "model_version": ["42" if new[i] else "41" for i in rows]}),
        })  # fmt: skip
        case = bench.case("INC-1", entity="kpi:approve", signal="approve_rate",
                          window="2026-03-11T14:00Z/2026-03-11T15:00Z")  # fmt: skip
        case.call("rank")
        outcome = case.call("simulate", "1")
        assert case.replay().ok
        return outcome


@pytest.fixture(autouse=True)
def _rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the ranking of one cause in place of the playbook's."""
    made = operation("rank", mode="computed", run=ranked, doc="Rank.")
    monkeypatch.setitem(operations._REGISTERED, "rank", made)


def test_the_old_versions_requests_say_what_the_new_ones_would_have_been(tmp_path: Path) -> None:
    """Share approved 0.47 → 0.69 for the new version's own mix of regions, p95 901 → 301 ms; the truth is inside."""
    outcome = simulated(tmp_path, donors=("north", "south"))
    rows = outcome.frames["estimates"].set_index("figure")
    share = rows.loc["share decided approve"]
    mix = 0.8 / 1.1
    assert share["low"] <= mix * 0.8 + (1 - mix) * 0.4 <= share["high"]
    assert share["was"] == pytest.approx(mix * 0.5 + (1 - mix) * 0.4, abs=0.04)
    assert share["overlap"] == 1.0
    late = rows.loc["p95 of requests"]
    assert (late["was"], late["would"]) == (pytest.approx(901, abs=1), pytest.approx(301, abs=1))
    assert outcome.values["version"] == "42"
    assert "would have been" in outcome.summary


def test_without_requests_like_them_it_is_said_that_nobody_can_tell(tmp_path: Path) -> None:
    """Version 41 is known from the south only, where less than a third of 42's requests come from."""
    outcome = simulated(tmp_path, donors=("south",))
    share = outcome.frames["estimates"].set_index("figure").loc["share decided approve"]
    assert np.isnan(share["would"])
    assert "look like only" in share["why_not"]
    assert "cannot be estimated" in outcome.summary


def test_a_cause_that_was_not_ranked_cannot_be_simulated(tmp_path: Path) -> None:
    """The reason stands in the journal; the case goes on."""
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as bench:
        bench.store.append({"kpis": build(KPIS, {**STAMP, "kpi": "approve", "segment": "", "value": [0.8],
                                                 "time_ns": [NOW - DAY_NS]})})  # fmt: skip
        case = bench.case("INC-1", entity="kpi:approve", signal="approve_rate",
                          window="2026-03-11T14:00Z/2026-03-11T15:00Z")  # fmt: skip
        assert "not among the ranked causes" in case.call("simulate", CAUSE).could_not_run
