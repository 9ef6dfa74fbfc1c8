"""The bench: a real store, cases begun from a window or an alert, and the list of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench as wb
from workbench.bench import Bench, open_bench
from workbench.case import files
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.columnar import build
from workbench.errors import IntegrityError, UsageError
from workbench.model.tables import KPIS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns

NOW = parse_time_ns("2026-03-11T14:40:00Z")
WINDOW = "2026-03-11T13:40Z/2026-03-11T14:40Z"


def approvals(reading: Reading) -> Outcome:
    """Return the selection's mean approval rate."""
    window = reading.symptom.window
    answer = reading.ask("rows", table="kpis", start_ns=window.start_ns, end_ns=window.end_ns, equals={"segment": ""})
    return Outcome(values={"mean": float(answer.frame["value"].mean()), "rows": len(answer.frame)})


register(operation("approvals", mode="computed", run=approvals, doc=approvals.__doc__ or ""))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench over ten days of one business figure every ten minutes."""
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as made:
        times = list(range(NOW - 10 * DAY_NS, NOW, 10 * MINUTE_NS))
        made.store.append({"kpis": build(KPIS, {
            "environment": "prod", "kpi": "approval_rate", "segment": "", "time_ns": times,
            "value": [0.9 if t < NOW - HOUR_NS else 0.7 for t in times],
            "source": "tables", "place": "kpis.parquet", "received_ns": NOW,
        })})  # fmt: skip
        yield made


def test_a_case_begins_with_history_and_a_baseline(bench: Bench) -> None:
    """Ten days of history give a baseline of the same hour on ten days, and the case asks the store once."""
    case = bench.case("INC-5", entity="kpi:approval_rate", signal="approval_rate", window=WINDOW)
    assert case.symptom.baseline.rule == "same hours, last 9 days"
    assert case.approvals().values == {"mean": pytest.approx(0.7), "rows": 6}
    assert case.replay().badge == f"Replayed offline: 2/2 match, {case.replay().replayed[:10]}"
    again = bench.case("INC-5")
    again.approvals()
    assert (again.length(), list(again.evidence), again.entries[0].who) == (2, ["E1"], "ada")


def test_beginning_again_with_the_same_words_appends_nothing(bench: Bench) -> None:
    """The same description is the same entry; another window is a second one."""
    words = {"entity": "kpi:approval_rate", "signal": "approval_rate"}
    bench.case("INC-5", **words, window=WINDOW)
    assert bench.case("INC-5", **words, window=WINDOW).length() == 1
    assert bench.case("INC-5", **words, window="2026-03-11T14:00Z/2026-03-11T14:40Z").length() == 2


def test_what_is_missing_is_asked_for(bench: Bench) -> None:
    """No symptom, no window, no such file: each says what to give."""
    with pytest.raises(UsageError, match="There is no case INC-9 yet"):
        bench.case("INC-9")
    with pytest.raises(UsageError, match="needs an entity"):
        bench.case("INC-9", signal="approval_rate", window=WINDOW)
    with pytest.raises(UsageError, match="needs a window"):
        bench.case("INC-9", entity="kpi:approval_rate", signal="approval_rate")
    with pytest.raises(UsageError, match="cannot be read"):
        bench.case("INC-9", alert=Path("no-such-alert.json"))
    assert bench.cases() == []


def test_a_name_is_found_where_it_stands(bench: Bench) -> None:
    """The figure's name stands in one column of one table, 1,440 times."""
    found = bench.find("approval_rate")
    assert found.places[["table", "column", "n"]].values.tolist() == [["kpis", "kpi", 1440]]
    assert found.entities == ("kpi:approval_rate",)


def test_a_named_query_is_answered_as_a_frame(bench: Bench) -> None:
    """The same rows as the store's, in pandas."""
    assert len(bench.ask("rows", table="kpis")) == 1440


def test_cases_are_listed_even_when_one_was_changed(bench: Bench) -> None:
    """Two cases are two lines; the changed one says what is wrong."""
    for name in ("INC-6", "INC-7"):
        bench.case(name, entity="kpi:approval_rate", signal="approval_rate", window=WINDOW).assign("ada")
    journal = bench.folder / "INC-7" / files.JOURNAL
    journal.write_bytes(journal.read_bytes().replace(b"ada", b"eve", 1))
    first, second = bench.cases()
    assert (first.id, first.owner, first.problem) == ("INC-6", "ada", "")
    assert (second.id, second.status) == ("INC-7", "unknown")
    assert "journal.jsonl entry 0 was changed" in second.problem


def test_a_cut_tail_is_seen_beside_the_cases(bench: Bench) -> None:
    """The bench keeps length and head hash of each case outside of it."""
    case = bench.case("INC-8", entity="kpi:approval_rate", signal="approval_rate", window=WINDOW)
    early = {p: p.read_bytes() for p in (case.path / files.HEAD, case.path / files.JOURNAL)}
    case.note("to be cut")
    for path, content in early.items():
        path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"heads\.jsonl saw 2"):
        bench.case("INC-8")


def test_an_environment_cannot_take_the_folder_of_the_cases(tmp_path: Path) -> None:
    """Environments are folders of the store, and so is 'cases'."""
    with pytest.raises(UsageError, match="cannot be named 'cases'"):
        open_bench(tmp_path / "store", environment="cases")


def test_import_loads_nothing_heavy() -> None:
    """``import workbench`` loads neither pandas nor pyarrow, and takes under 0.3 s beside the interpreter's start."""
    code = (
        "import sys, time; t = time.perf_counter(); import workbench; s = time.perf_counter() - t;"
        "heavy = {'pandas', 'pyarrow', 'numpy', 'duckdb', 'IPython'} & set(sys.modules);"
        "print(sorted(heavy), s < 0.3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[] True"


def test_there_are_ten_public_names() -> None:
    """The ten names are listed, completed, and a misspelt one is refused with the list."""
    assert len(wb.__all__) == 10
    assert set(wb.__all__) <= set(dir(wb))
    assert wb.Bench is Bench
    assert wb.open is open_bench
    with pytest.raises(AttributeError, match="it has: Bench, Case"):
        _ = wb.Cases


def test_a_case_begins_with_the_first_alert_of_the_newest_burst(bench: Bench) -> None:
    """13:46 of 14:16, 14:01 and 13:46; neither one firing for two days, nor one resolved before, begins it."""
    starts = {"a": "03-11T14:16", "b": "03-11T13:46", "c": "03-11T14:01", "d": "03-09T10:00"}
    alerts = [
        {"status": "firing", "labels": {"alertname": name, "kpi": f"kpi_{name}"}, "startsAt": f"2026-{at}:00.000Z",
         "endsAt": "0001-01-01T00:00:00Z", "fingerprint": name * 16}
        for name, at in starts.items()
    ]  # fmt: skip
    gone = dict(alerts[0], status="resolved", labels={"alertname": "e", "kpi": "kpi_e"}, fingerprint="e" * 16,
                startsAt="2026-03-11T13:20:00.000Z", endsAt="2026-03-11T13:30:00.000Z")  # fmt: skip
    case = bench.case("INC-6", alert={"version": "4", "status": "firing", "alerts": [*alerts, gone]})
    assert case.symptom.entity == "kpi:kpi_b"
    assert case.symptom.window.start_ns == parse_time_ns("2026-03-11T13:31:00Z")
