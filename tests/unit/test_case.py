"""The case: operations are journaled once, evidence is frozen once, state is a fold of the journal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from workbench.case import codec, operations
from workbench.case.archive import pack, unpack
from workbench.case.canonical import digest, plain, ranked, restored
from workbench.case.case import Case
from workbench.case.human import cause_key
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError, IntegrityError, UsageError
from workbench.model.findings import Cause, Finding, Ranking

WINDOW = "2026-03-01T13:40:00Z/2026-03-01T14:40:00Z"


class Answers:
    """Stand where a store stands; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, query: str, **arguments: object) -> pa.Table:
        """Return three rows, one with unknown values."""
        assert query == "rows"
        self.asked += 1
        offset = len(str(arguments.get("start_ns", "")))
        return pa.table({
            "time_ns": pa.array([1_772_372_400_000_000_001, None, offset], pa.int64()),
            "value": [0.1, 0.2, None],
            "texts": pa.array([[("a", "1")], [], None], pa.map_(pa.string(), pa.string())),
        })  # fmt: skip


def measure(reading: Reading, factor: float = 1.0) -> Outcome:
    """Add up the values of the selection."""
    answer = reading.ask("rows", table="kpis", start_ns=reading.symptom.window.start_ns, limit=None)
    total = float(answer.frame["value"].sum() * factor)
    finding = Finding(f"values add up to {total:.3g}.", "service:scoring", "value", (answer.evidence,), strength=0.5)
    return Outcome((finding,), {"total": total}, {"rows": answer.frame[["time_ns", "value"]]}, "Added up.")


def conclude(reading: Reading) -> Outcome:
    """Rank one cause from what was measured."""
    measured = reading.earlier("measured")
    if measured is None:
        raise CouldNotRunError("nothing was measured for this selection")
    seen = measured.findings
    cause = Cause(1, "dataset:orders", "rows_missing", "orders lost rows", 0.8, "suspected", evidence_for=seen)
    kept = () if cause_key(cause) in reading.rejected else (cause,)
    return Outcome(ranking=Ranking(kept, "suspected" if kept else "none", impact=measured.findings))


def broken(_: Reading) -> Outcome:
    """Fail as a faulty step would."""
    raise KeyError("no such column")


for _name, _run in (("measured", measure), ("concluded", conclude), ("broken_step", broken)):
    register(operation(_name, mode="computed", run=_run, doc=_run.__doc__ or ""))


@pytest.fixture
def answers() -> Answers:
    """Return what the case asks."""
    return Answers()


@pytest.fixture
def case(tmp_path: Path, answers: Answers) -> Case:
    """Return a case that has begun."""
    made = Case.create(tmp_path / "INC-1", case_id="INC-1", ask=answers.ask, who="ada", clock=lambda: 10**18)
    made.begin("service:scoring", "p95_ms", WINDOW, history_start="2026-02-01T00:00Z")
    return made


def test_equal_calls_append_one_entry_and_ask_once(case: Case, answers: Answers) -> None:
    """Two equal calls are one entry, one question; another argument is a second entry on the same evidence."""
    first, second = case.measured(), case.measured(factor=1.0)
    assert first.values == second.values
    assert (case.length(), answers.asked) == (2, 1)
    case.measured(2.0)
    assert (case.length(), answers.asked, list(case.evidence)) == (3, 1, ["E1"])


def test_integers_beside_gaps_stay_exact(case: Case) -> None:
    """A nanosecond time above 2**53 survives a null in its column; maps become dicts."""
    case.measured()
    frame = case.frame("E1")
    assert frame["time_ns"].iloc[0] == 1_772_372_400_000_000_001
    assert frame["time_ns"].isna().tolist() == [False, True, False]
    assert frame["texts"].iloc[0] == {"a": "1"}
    assert case.outcomes["measured"].frames["rows"]["time_ns"].iloc[0] == 1_772_372_400_000_000_001


def test_selection_moves_the_baseline_until_it_is_pinned(case: Case) -> None:
    """Clock times mean the day of the incident; 28 days of history give 28 windows; a pinned baseline stays."""
    case.select("13:45/14:00")
    assert str(case.symptom.window) == "2026-03-01T13:45:00Z/2026-03-01T14:00:00Z"
    assert len(case.symptom.baseline.windows) == 28
    assert case.symptom.words() == "2026-03-01 13:45-14:00 UTC vs same hours, last 28 days"
    case.pin_baseline("2026-02-20T00:00Z/2026-02-21T00:00Z")
    case.select("13:50/14:00")
    assert len(case.symptom.baseline.windows) == 1
    with pytest.raises(UsageError, match="ends before the incident begins"):
        case.pin_baseline("2026-03-01T13:00Z/2026-03-01T14:00Z")


def test_another_selection_makes_earlier_answers_old(case: Case) -> None:
    """After a new selection the old outcome is no input any more, and undoing the selection brings it back."""
    case.measured()
    assert case.concluded().ranking.causes[0].kind == "rows_missing"
    case.select("13:45/14:00")
    assert case.concluded().could_not_run == "nothing was measured for this selection"
    case.undo(3)
    case.undo(4)
    assert case.causes[0].confidence == 0.8


def test_rejecting_by_rank_reaches_the_next_ranking(case: Case) -> None:
    """reject(1, why) is journaled with the cause's own name, and the ranking computed after it respects it."""
    case.measured()
    case.concluded()
    case.reject(1, "the rows came back late")
    assert case.lines()[-1] == 'case.reject("rows_missing dataset:orders", reason="the rows came back late")'
    assert case.concluded().ranking.verdict == "none"
    with pytest.raises(UsageError, match="No cause has rank 7"):
        case.reject(7, "no")


def test_undo_is_an_entry_and_can_be_undone(case: Case) -> None:
    """Undo takes back the newest entry, undoing the undo brings it back, and equal undos append nothing."""
    case.note("a")
    before = case.state_hash
    case.note("b")
    case.undo()
    assert (case.state.notes, case.length(), case.state_hash) == (("a",), 4, before)
    case.undo(2)
    assert case.length() == 4
    case.undo(3)
    assert case.state.notes == ("a", "b")


def test_a_broken_step_is_recorded_and_tried_again(case: Case) -> None:
    """What a step raises becomes 'could not run: …'; calling it again with the same end appends nothing."""
    assert case.broken_step().could_not_run == "KeyError: 'no such column'"
    assert case.outcomes["broken_step"].state == "could not run"
    case.broken_step()
    assert case.length() == 2


def test_verbs_complete_and_carry_their_documentation(case: Case) -> None:
    """Every operation is listed, documented and typed; a misspelt one is refused with the nearest."""
    assert {"note", "select", "measured"} <= set(dir(case))
    assert case.measured.__doc__ == "Add up the values of the selection."
    with pytest.raises(AttributeError, match="Did you mean: measured"):
        _ = case.mesured
    with pytest.raises(UsageError, match="text must be str; got 3"):
        case.note(3)
    with pytest.raises(UsageError, match="missing a required argument"):
        case.reject(1)
    assert case.length() == 1


def test_without_a_store_frozen_questions_are_still_answered(case: Case, answers: Answers) -> None:
    """Opened from its folder alone, the case answers what is frozen and says what is not."""
    case.measured()
    again = Case.open(case.path, who="bob")
    assert again.measured(3.0).values["total"] == pytest.approx(0.9)
    again.select("13:45/14:00")
    assert "no store here to ask" in again.measured().could_not_run
    assert (answers.asked, again.entries[-1].who) == (1, "bob")


def test_from_the_start_every_line_computes_anew(case: Case) -> None:
    """Opened at its start, the journal's lines give the same state and leave the case itself alone."""
    case.measured()
    case.concluded()
    case.note("it's \"odd\"\nand long")
    case.undo()
    before = case.path.joinpath("journal.jsonl").read_bytes()
    again = Case.open(case.path, at="start")
    assert again.length() == 0
    for text in case.lines():
        eval(text, {"__builtins__": {}, "case": again})
    assert (again.lines(), again.state_hash) == (case.lines(), case.state_hash)
    assert case.path.joinpath("journal.jsonl").read_bytes() == before


def test_only_names_from_the_registry_run(case: Case) -> None:
    """Text that names no operation never runs, and an operation's name cannot be taken twice."""
    with pytest.raises(UsageError, match="There is no operation"):
        case.call("__import__('os').system")
    with pytest.raises(UsageError, match="already is an operation"):
        register(operation("note", mode="computed", run=measure, doc=""))
    with pytest.raises(UsageError, match="named like a function"):
        operation("Drop Table", mode="human", run=measure, doc="")


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a..b", "x" * 101, "a\n"])
def test_case_ids_stay_inside_their_folder(tmp_path: Path, name: str) -> None:
    """Ids that could leave the folder are refused before anything is written."""
    with pytest.raises(UsageError, match="A case id is"):
        Case.create(tmp_path / "case", case_id=name)
    assert not (tmp_path / "case" / "case.json").exists()


def test_ranks_ignore_the_tenth_digit() -> None:
    """0.1 + 0.2 and 0.3 are one score; their names decide."""
    assert ranked({"b": 0.1 + 0.2, "a": 0.3, "c": 0.31}) == ["c", "a", "b"]
    assert digest({"x": 0.1 + 0.2, "y": -0.0}) == digest({"x": 0.3, "y": 0.0})
    assert digest(1) != digest(1.0)


def test_plain_values_keep_what_they_are() -> None:
    """Not-a-number is null, infinity stays infinite, and objects are refused by place."""
    assert plain({"a": float("nan"), "b": (1, 2)}) == {"a": None, "b": [1, 2]}
    assert restored(plain([float("inf"), float("-inf")])) == [float("inf"), float("-inf")]
    with pytest.raises(UsageError, match=r"value\.a\[0\]: a set cannot be kept"):
        plain({"a": [{1}]})


def test_outcomes_survive_their_file(case: Case) -> None:
    """Findings, frames and rankings read back equal; evidence from elsewhere is refused."""
    outcome = case.measured()
    again = codec.decode(codec.encode(outcome), case.evidence)
    assert again.findings == outcome.findings
    pd.testing.assert_frame_equal(again.frames["rows"], outcome.frames["rows"])
    with pytest.raises(IntegrityError, match="rests on evidence E1"):
        codec.decode(codec.encode(outcome), {})
    with pytest.raises(UsageError, match="integer ns"):
        codec.encode_frame(pd.DataFrame({"t": pd.to_datetime(["2026-03-01"])}), "f")


def test_an_archive_holds_the_case_and_nothing_else_gets_out_of_it(case: Case, tmp_path: Path) -> None:
    """Packed twice it is the same bytes; unpacked it replays; a name outside the case is refused."""
    import zipfile

    case.measured()
    one, two = pack(case.path, tmp_path / "a.zip"), pack(case.path, tmp_path / "b.zip")
    assert one.read_bytes() == two.read_bytes()
    opened = unpack(one, tmp_path / "elsewhere")
    assert Case.open(opened).replay().badge.startswith("Replayed offline: 2/2 match")
    for number, name in enumerate(["../escape.json", "/etc/x", "results/../../x.json", "evidence/E1.pkl"]):
        with zipfile.ZipFile(tmp_path / f"bad{number}.zip", "w") as bad:
            bad.writestr(name, "x")
        with pytest.raises(IntegrityError, match="no file of a case"):
            unpack(tmp_path / f"bad{number}.zip", tmp_path / f"out{number}")
    assert not (tmp_path / "escape.json").exists()


def test_registered_operations_know_their_mode() -> None:
    """People's operations are human, steps are computed."""
    assert {operations.find(n).mode for n in ("begin", "note", "reject", "select", "undo")} == {"human"}
    assert operations.find("measured").mode == "computed"
