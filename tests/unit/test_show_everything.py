"""``wb.frame``, ``wb.plot`` and ``wb.explain`` answer for everything that the public verbs hand out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb
from workbench.case.operations import Outcome
from workbench.case.reading import Answer
from workbench.case.symptom import Symptom
from workbench.errors import UsageError
from workbench.hooks import Plan, Ran
from workbench.intake.report import FileReport, IngestReport
from workbench.model.findings import Cause, Evidence, Finding, Ranking
from workbench.model.window import Baseline, Window
from workbench.playbook.likeness import Like
from workbench.report.show import Plot

WINDOW = Window.parse("2026-02-10T10:00Z/2026-02-10T11:00Z")
EVIDENCE = Evidence("E1", "spans()", "evidence/E1.parquet", "0" * 64, 2)
FINDING = Finding("Answers are slow.", "service:a", "p95_ms", (EVIDENCE,))
CAUSE = Cause(rank=1, kind="bad_deploy", entity="service:a", statement="v42 is slow.", confidence=0.8,
              verdict="suspected", factors={"path": 1.0}, evidence_for=(FINDING,), evidence_against=(), path=(),
              onset_ns=None)  # fmt: skip
ROWS = pd.DataFrame({"region": ["a", "c"], "baseline": [1.0, 1.0], "current": [1.0, 9.0]})
DRAWN = ("answer", "contrast", "frame", "outcome", "plot", "table")
"""What has figures to draw by itself; the others say what is missing."""


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return one of everything."""
    bench = wb.open(tmp_path_factory.mktemp("bench") / "store", who="ada")
    case = bench.case("INC-1", entity="service:a", signal="p95_ms", window=str(WINDOW))
    baseline = Baseline((WINDOW.shifted(-86_400_000_000_000),), "the day before")
    slow = [n % 10 == 0 for n in range(1000)]
    rows = pd.DataFrame({"region": ["c" if s else "a" for s in slow], "n": range(1000)})
    return {
        "answer": Answer(ROWS, EVIDENCE), "baseline": baseline, "case": case, "cause": CAUSE,
        "contrast": wb.contrast(rows, slow, by=["region"]), "evidence": EVIDENCE, "finding": FINDING, "frame": ROWS,
        "ingested": IngestReport((FileReport("a.json", "read", "otlp", rows={"spans": 2}),)),
        "outcome": Outcome((FINDING,), {}, {"regions": ROWS}, "Slow."), "plot": wb.plot(ROWS),
        "ranking": Ranking((CAUSE,), "suspected"), "replay": case.replay(), "table": pa.Table.from_pandas(ROWS),
        "symptom": Symptom("service:a", "p95_ms", WINDOW, baseline, "prod"), "window": WINDOW,
        "bench": bench, "cases": bench.cases(), "causes": case.causes or (CAUSE,), "entry": case.entries[0],
        "findings": [FINDING, FINDING], "like": Like("INC-7", 0.9, "bad_deploy service:a", "Roll back."),
        "plan": Plan("page", "command", "bad_deploy service:a", ("true",)), "ran": Ran(True, "ok"),
        "path": bench.path("trace:0af7"), "counts": bench.store.counts(), "widget": case.widget("causes"),
    }  # fmt: skip


NAMES = ("answer", "baseline", "bench", "case", "cases", "cause", "causes", "contrast", "counts", "entry", "evidence",
         "finding", "findings", "frame", "ingested", "like", "outcome", "path", "plan", "plot", "ran", "ranking",
         "replay", "symptom", "table", "widget", "window")  # fmt: skip
WITHOUT_ROWS = {"counts": "has no rows; give a case", "widget": "has no rows; give a case",
                "evidence": r"case\.frame\('E1'\)"}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_frame_gives_rows_or_says_where_they_are(things: dict[str, Any], name: str) -> None:
    """24 of 27 give a frame; evidence names the call that reads it, counts and a widget say what has rows."""
    assert set(things) == set(NAMES)
    if name in WITHOUT_ROWS:
        with pytest.raises(UsageError, match=WITHOUT_ROWS[name]):
            wb.frame(things[name])
    else:
        assert isinstance(wb.frame(things[name]), pd.DataFrame)


@pytest.mark.parametrize("name", NAMES)
def test_explain_says_a_sentence_and_no_address_in_memory(things: dict[str, Any], name: str) -> None:
    """Plain words: no ``object at 0x…``, no class in angle brackets."""
    said = wb.explain(things[name])
    assert len(said) > 8
    assert "0x" not in said
    assert not said.startswith("<")


@pytest.mark.parametrize("name", NAMES)
def test_plot_draws_figures_or_says_what_is_missing(things: dict[str, Any], name: str) -> None:
    """Six have figures; of the others each is refused in words that say what to give."""
    if name in DRAWN:
        made = wb.plot(things[name])
        assert isinstance(made, Plot)
        assert "<svg" in str(made)
        return
    with pytest.raises(UsageError, match=r"There is no chart|call plot|has no rows|case="):
        wb.plot(things[name])


SHOWN = ["bench", "case", "cause", "evidence", "finding", "outcome", "path", "plot", "ranking", "replay", "window"]


def test_a_bench_tells_its_tables_and_cases(things: dict[str, Any]) -> None:
    """An empty store: no table, one case that is open; many of one kind are one table of as many rows."""
    assert list(wb.frame(things["bench"]).columns) == ["table", "rows", "newest"]
    assert "Cases: INC-1 (open)." in wb.explain(things["bench"])
    assert "INC-1" in things["bench"]._repr_html_()
    assert wb.frame(things["cases"])["id"].tolist() == ["INC-1"]
    assert len(wb.frame(things["findings"])) == 2
    assert wb.explain(things["like"]).startswith("Like INC-7 (0.90): bad deploy of service:a.")


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_shows_it_with_its_text_escaped(things: dict[str, Any], name: str) -> None:
    """Rich HTML, and markup in it stays text."""
    assert "<" in things[name]._repr_html_()
    hostile = Finding("<img src=x onerror=alert(1)>", "service:a", "p95_ms", (EVIDENCE,))
    assert "<img" not in hostile._repr_html_()


def test_what_is_unknown_is_refused_with_what_is_known(tmp_path: Path) -> None:
    """A path has no rows and no chart, and an explanation is its own words."""
    with pytest.raises(UsageError, match="has no rows; give a case"):
        wb.frame(tmp_path)
    assert str(tmp_path) in wb.explain(tmp_path)
