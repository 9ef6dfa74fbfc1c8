"""The views of a case: terminal, HTML, notebook and JSON say the same, offline, and nothing in them executes."""

from __future__ import annotations

import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pyarrow as pa
import pytest
from rich.console import Console

from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.replay import replay
from workbench.errors import IntegrityError, UsageError
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.show import html
from workbench.model.window import Window, iso, parse_time_ns
from workbench.report import rich_html
from workbench.report.charts import chart
from workbench.report.html import page, write_html
from workbench.report.notebook import write_executed_notebook, write_notebook
from workbench.report.show import explain, frame, plot
from workbench.report.summary import summary
from workbench.report.terminal import print_report
from workbench.report.words import duration, number

START = parse_time_ns("2026-03-01T13:40:00Z")
HOUR = 3_600_000_000_000
DAY = 24 * HOUR
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&[E1](javascript:alert(1))'
GOLDEN = Path(__file__).parent / "case_report.txt"

rich_html.attach()


def ask(query: str, **_: object) -> pa.Table:
    """Return ten days of a figure that fell, every ten minutes."""
    assert query == "rows"
    times = list(range(START - 10 * DAY, START + HOUR, HOUR // 6))
    usual = [0.90 + 0.02 * math.sin(t / DAY * 2 * math.pi) for t in times]
    values = [u - (0.18 if t >= START else 0.0) for t, u in zip(times, usual, strict=True)]
    return pa.table({"time_ns": times, "kpi": ["approval_rate"] * len(times), "value": values})


def fell(reading: Reading, label: str = "merchant_category") -> Outcome:
    """How far did it fall, and where?"""
    answer = reading.ask("rows", table="kpis", equals={"kpi": "approval_rate"})
    symptom = reading.symptom
    inside = answer.frame["time_ns"].between(symptom.window.start_ns, symptom.window.end_ns - 1)
    now, usual = (float(answer.frame.loc[rows, "value"].mean()) for rows in (inside, ~inside))
    finding = Finding(f"{label} approval fell from {usual:.3f} to {now:.3f}.", symptom.entity, "approval_rate",
                      (answer.evidence,), kind="unmapped_category", strength=0.9, onset_ns=START)  # fmt: skip
    contra = Finding("Requests kept their volume.", symptom.entity, "rows", (answer.evidence,), supports=False)
    shares = pd.DataFrame({"category": ["groceries", label], "baseline_share": [0.5, 0.02],
                           "selection_share": [0.31, 0.27]})  # fmt: skip
    cause = Cause(1, "column:orders.merchant_category", "unmapped_category", f"A new provider sends {label} unmapped.",
                  0.83, "suspected", {"path": 1.0, "time_order": 0.7}, (finding,), (contra,), START,
                  ("column:orders.merchant_category", symptom.entity))  # fmt: skip
    kept = () if reading.rejected else (cause,)
    ranking = Ranking(kept, "suspected" if kept else "none", 0.2, cause.entity, (finding,))
    values = {"usual": usual, "now": now}
    return Outcome((finding, contra), values, {"share_by_category": shares}, f"Fell by {label}.", ranking)


def without_source(reading: Reading) -> Outcome:
    """Which GPU was slow?"""
    return Outcome(could_not_run=f"no GPU metrics in {reading.symptom.environment}", summary="could not run")


register(operation("fell", mode="computed", run=fell, doc="How far did it fall, and where?"))
register(operation("gpu_check", mode="computed", run=without_source, doc="Which GPU was slow?"))


def make_case(folder: Path, label: str = "merchant_category") -> Case:
    """Return an investigated case; its texts hold *label*."""
    case = Case.create(folder / "INC-10", case_id="INC-10", ask=ask, who="ada", clock=lambda: START + 2 * HOUR)
    case.begin("kpi:approval_rate", "approval_rate", f"{iso(START)}/{iso(START + HOUR)}",
               history_start=iso(START - 10 * DAY))  # fmt: skip
    case.fell(label)
    case.gpu_check()
    case.note(f"Seen by {label}.")
    return case


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return an investigated case."""
    return make_case(tmp_path)


def test_the_summary_is_what_programs_are_promised(case: Case) -> None:
    """Keys, ranks and evidence are those of the contract, and it is strict JSON."""
    said = json.loads(json.dumps(summary(case), allow_nan=False))
    assert list(said) == ["case", "verdict", "causes", "first_failure", "impact", "could_not_run"]
    cause = said["causes"][0]
    assert (said["verdict"], cause["rank"], cause["confidence"]) == ("suspected", 1, 0.83)
    assert list(cause) == ["rank", "entity", "kind", "statement", "confidence", "onset", "evidence"]
    assert cause["onset"] == "2026-03-01T13:40:00Z"
    assert [(e["id"], e["rows"], e["speaks"]) for e in cause["evidence"]] == [("E1", 1446, "both")]
    assert said["could_not_run"] == [{"step": "gpu_check", "reason": "no GPU metrics in prod"}]


def test_the_terminal_report_reads_as_recorded(case: Case) -> None:
    """The page for a terminal of 100 columns is the golden one (paths and digests apart)."""
    out = io.StringIO()
    print_report(case, console=Console(file=out, width=100, color_system=None, force_terminal=False))
    text = re.sub(r"state [0-9a-f]{12}", "state 000000000000", out.getvalue())
    text = "\n".join(line.rstrip() for line in text.splitlines() if "INC-10" not in line or "─" in line)
    text = re.sub(r"\n\s+/.*", "", text).strip() + "\n"
    assert text == GOLDEN.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Collect tags, links and ids of a page."""

    def __init__(self, text: str) -> None:
        """Parse *text*."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag with its attributes."""
        self.tags.append((tag, dict(attrs)))


def test_the_html_is_one_file_that_asks_nobody(case: Case, tmp_path: Path) -> None:
    """No script, no outside address, no inline style; each chip leads to its row; below 200 kB."""
    report = write_html(case, tmp_path / "case.html")
    text = (tmp_path / "case.html").read_text(encoding="utf-8")
    parsed = Page(text)
    ids = {a["id"] for _, a in parsed.tags if a.get("id")}
    links = [a["href"] for _, a in parsed.tags if a.get("href")]
    assert report.ok
    assert "Replayed offline: 4/4 match" in text
    assert links == ["#E1"] * len(links) != []
    assert "E1" in ids
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "form"}
    assert not [a for _, a in parsed.tags if any(n == "style" or n == "src" or n.startswith("on") for n in a)]
    assert "default-src 'none'; style-src 'sha256-" in text
    assert len(text) < 200_000
    assert text.count("<svg class=\"chart\"") == 2


def test_every_finding_carries_its_chip(case: Case) -> None:
    """Each list item with a figure in it ends in a chip."""
    items = re.findall(r"<li>.*?</li>", page(case, replay(case.path)), flags=re.S)
    assert len(items) >= 4
    assert all('class="chip"' in item for item in items if re.search(r"\d", re.sub(r"<[^>]*>", "", item)))


def test_a_changed_number_turns_the_badge(case: Case, tmp_path: Path) -> None:
    """An edited result is named in the page instead of the promise."""
    path = case.path / "results" / "000003.json"
    path.write_bytes(path.read_bytes().replace(b"Seen", b"seen"))
    report = write_html(case, tmp_path / "case.html")
    text = (tmp_path / "case.html").read_text(encoding="utf-8")
    assert not report.ok
    assert "Replay failed: 3/4 match" in text
    assert "results/000003.json" in text


def test_nothing_from_telemetry_becomes_markup(tmp_path: Path) -> None:
    """A name full of tags and quotes is text in the page, in notebook output, and in the notebook's Markdown."""
    case = make_case(tmp_path, HOSTILE)
    whole = page(case, replay(case.path))
    outputs = [html(x) for x in (case, case.causes[0], case.ranking, case.outcomes["fell"], case.evidence["E1"])]
    chart_page = plot(case.outcomes["fell"], case=case)._repr_html_()
    for text in [whole, *outputs, chart_page]:
        tags = Page(text).tags
        assert not {tag for tag, _ in tags} & {"script", "img"}
        assert not [a for _, a in tags if any(n.startswith("on") for n in a)]
    book = nbformat.read(write_notebook(case, tmp_path / "case.ipynb"), as_version=4)
    shown = [cell.source for cell in book.cells if cell.cell_type == "markdown"]
    assert not [text for text in shown if "<" in text or "](java" in text]


def test_the_notebook_reaches_the_same_state_in_a_fresh_kernel(tmp_path: Path) -> None:
    """Every line is one cell; run from the bundle alone, the last cell shows the state hash."""
    case = Case.create(tmp_path / "INC-11", case_id="INC-11", who="ada")
    case.begin("kpi:approval_rate", "approval_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    case.note("It's the \"new\" provider.")
    case.select("13:50/14:00")
    case.undo()
    path = write_executed_notebook(case, tmp_path / "case.ipynb")
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code[1:-1]] == case.lines()
    assert code[-1].outputs[0].data["text/plain"] == f"'{case.state_hash}'"
    nbformat.validate(book)


def test_a_notebook_that_does_not_reproduce_is_refused(case: Case, tmp_path: Path) -> None:
    """A case whose operations are not installed in the fresh kernel is refused by name, not written as if it ran."""
    with pytest.raises(IntegrityError, match="notebook of INC-10 does not reproduce it"):
        write_executed_notebook(case, tmp_path / "case.ipynb")


def test_charts_caption_what_they_show() -> None:
    """A series says its median and the usual one; pairs name the largest change; other frames are no chart."""
    window = Window(START, START + HOUR)
    rows = ask("rows").to_pandas()
    made = chart(rows, name="approval rate", window=window, baseline=None)
    assert made.caption.startswith("approval rate: median 0.71")
    assert made.caption.endswith("no baseline to compare with (n = 6).")
    shares = pd.DataFrame({"city": ["a", "b"], "baseline": [1.0, 2.0], "selection": [1.5, 9.0]})
    made = chart(shares, name="orders", window=window, baseline=None)
    assert made.caption == "orders: b went from 2 to 9, the largest change."
    assert chart(pd.DataFrame({"a": ["x"]}), name="n", window=window, baseline=None) is None
    assert chart(rows.iloc[:0], name="n", window=window, baseline=None) is None


def test_numbers_read_as_people_write_them() -> None:
    """Three digits, units, and unknown is a word."""
    figures = [1_900_000, 0.31, 41.0, 12_345, 999.6, 0.000012, None, float("nan"), -3.25]
    assert [number(x) for x in figures] == ["1.90 M", "0.31", "41", "12.3 k", "1,000", "1.2e-05", "unknown", "unknown",
                                            "-3.25"]  # fmt: skip
    assert [duration(n) for n in (850_000_000, 4_200_000_000, 11 * 60 * 10**9, 9 * HOUR)] == [
        "850 ms", "4.2 s", "11 min", "9.0 h"]  # fmt: skip


def test_every_object_answers_frame_and_explain(case: Case) -> None:
    """Cases, rankings, causes, outcomes and replays have rows and words; other things are refused."""
    outcome, ranking = case.outcomes["fell"], case.ranking
    assert list(frame(case)["line"]) == case.lines()
    assert frame(ranking)["kind"].tolist() == ["unmapped_category"]
    assert frame(outcome)["category"].tolist() == ["groceries", "merchant_category"]
    assert len(frame(ranking.causes[0])) == 2
    assert frame(case.replay()).empty
    assert explain(ranking.causes[0]).endswith("Confidence is made of path 1; time order 0.7.")
    assert explain(case.evidence["E1"]).startswith("E1 is the frozen answer to rows(equals={'kpi': 'approval_rate'}")
    assert "Best lead" in explain(case)
    with pytest.raises(UsageError, match="has no rows"):
        frame(3)
