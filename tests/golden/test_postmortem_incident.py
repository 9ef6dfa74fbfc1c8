"""The postmortem of a whole generated incident: how much of it fills itself, how fast, and that it travels."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from workbench import scenarios
from workbench.bench import open_bench
from workbench.case.case import Case
from workbench.config import Prices, Settings
from workbench.report.document import filled
from workbench.report.postmortem import draft, write_postmortem
from workbench.report.verify_page import verify_page

FAULTS = ("unmapped_category", "null_burst", "bad_deploy", "wrong_snapshot", "silent_feed", "schema_change")


def investigated(folder: Path, fault: str, seed: int, days: int, settings: Settings | None = None) -> Case:
    """Return the case of a generated incident; nobody typed anything."""
    incident = scenarios.create(fault, seed=seed, days=days, variant="cause", out=folder / "incident")
    with open_bench(folder / "store", settings=settings) as bench:
        bench.ingest([path for path in sorted(incident.iterdir()) if path.name != "truth.json"])
        case = bench.case("INC-1", alert=incident / "alert.json")
        bench.investigate(case)
    return case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return the tutorial's incident with nine days of history, so that it is made in a third of the time."""
    return investigated(tmp_path_factory.mktemp("incident"), "unmapped_category", 7, 9)


def test_nine_tenths_of_the_fields_fill_themselves(case: Case) -> None:
    """At least 90 % of the fields are known although no person typed one; what is unknown is said by name."""
    found = filled(draft(case))
    print(f"fields filled: {found.known}/{found.total} = {found.share:.1%}; unknown: {', '.join(found.missing)}")
    assert found.share >= 0.9
    assert found.total >= 50
    assert "header: Owner" in found.missing
    # No step froze ids of users: that is said, and not filled with the number of decisions.
    assert "impact: Users" in found.missing


def test_every_figure_of_the_incident_is_chipped_and_the_draft_takes_less_than_thirty_seconds(
    case: Case, tmp_path: Path
) -> None:
    """100 % of numeric sentences carry chips; replay, HTML, Markdown, notebook and guard take at most 30 s."""
    document = draft(case)
    numeric = [(name, s) for name, s in document.sentences() if s.numeric]
    assert len(numeric) >= 40
    assert [name for name, s in numeric if not s.evidence] == []
    begun = time.monotonic()
    written = write_postmortem(Case.open(case.path), tmp_path / "out")
    took = time.monotonic() - begun
    print(f"draft: {took:.1f} s; {len(numeric)} numeric sentences, all chipped; {written.replay.badge}")
    assert took <= 30
    assert written.replay.ok
    assert verify_page(written.html, case.path) == []
    assert written.html.stat().st_size <= 5_000_000
    marked = written.markdown.read_text("utf-8")
    assert [s.title for s in document.sections if f"\n## {s.title}\n" not in marked] == []
    assert "mustBeLessThan" in marked or "type: text" in marked
    # Only what nobody has agreed on yet is to mend: no sentence of the workbench's own breaks a rule.
    assert {d.rule for d in written.defects} <= {"incomplete action"}


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_other_incidents_fill_themselves_too(fault: str, tmp_path: Path) -> None:
    """Each of six faults, with prices set: at least 90 % of the fields."""
    settings = Settings(prices=Prices(per_prediction=0.4))
    found = filled(draft(investigated(tmp_path, fault, 11, 14, settings)))
    print(f"{fault}: {found.known}/{found.total} = {found.share:.1%}; unknown: {', '.join(found.missing)}")
    assert found.share >= 0.9
    assert "impact: Money (C$)" not in found.missing
