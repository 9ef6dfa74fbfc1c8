"""Replay: counts what matches, names what does not, and lets nothing out."""

from __future__ import annotations

import socket
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.case.case import Case
from workbench.case.offline import offline
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.replay import replay
from workbench.errors import IntegrityError

_DRIFT = {"share": 0.0}


def share(reading: Reading) -> Outcome:
    """Return the mean, shifted by what a changed computation would shift it."""
    answer = reading.ask("rows", table="kpis")
    window = reading.symptom.window
    mean = float(answer.frame["value"].mean()) * (1 + _DRIFT["share"])
    return Outcome(values={"mean": mean, "start": window.start_ns})


def call_out(reading: Reading) -> Outcome:
    """Try to reach the network on replay."""
    if reading.ask("rows", table="kpis").frame.empty:
        return Outcome()
    with socket.socket() as reached:
        reached.settimeout(0.2)
        try:
            reached.connect(("127.0.0.1", 9))
        except OSError:
            return Outcome(summary="refused")
    return Outcome(summary="reached")


register(operation("shared", mode="computed", run=share, doc="Mean."))
register(operation("called_out", mode="computed", run=call_out, doc="Calls out."))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case with three entries on one piece of evidence."""
    table = pa.table({"value": [1.0, 2.0, 4.0]})
    made = Case.create(tmp_path / "INC-2", case_id="INC-2", ask=lambda _query, **_arguments: table, who="ada")
    made.begin("kpi:approval_rate", "approval_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    made.shared()
    made.note("seen before")
    return made


def test_three_replays_give_one_state_hash(case: Case) -> None:
    """Three runs match 3/3 and agree with the recorded state hash."""
    reports = [replay(case.path) for _ in range(3)]
    assert [(r.ok, r.matched, r.total) for r in reports] == [(True, 3, 3)] * 3
    assert {r.state_hash for r in reports} == {case.state_hash}
    assert reports[0].badge.startswith("Replayed offline: 3/3 match")


@pytest.mark.parametrize(("shift", "ok"), [(1e-12, True), (1e-6, False)])
def test_floats_match_to_one_part_in_a_billion(
    case: Case, monkeypatch: pytest.MonkeyPatch, shift: float, ok: bool
) -> None:
    """A change of 1e-12 is noise; one of 1e-6 is named with both values."""
    monkeypatch.setitem(_DRIFT, "share", shift)
    report = replay(case.path)
    assert report.ok is ok
    if not ok:
        assert (report.matched, report.total) == (2, 3)
        assert str(report.mismatches[0]).startswith("entry 1, case.shared(): values.mean recorded 2.33333")


def test_a_replay_cannot_reach_the_network(case: Case) -> None:
    """An operation that opens a connection fails its replay by name; outside the guard sockets work."""
    case.called_out()
    report = replay(case.path)
    assert (report.matched, report.total) == (3, 4)
    assert "replay is offline, yet socket.connect" in str(report.mismatches[0])
    with offline(), pytest.raises(IntegrityError, match=r"socket\.getaddrinfo"):
        socket.getaddrinfo("example.invalid", 80)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_lost_evidence_is_named_by_file_and_entry(case: Case) -> None:
    """Without E1 the entry that read it does not match; the note still does."""
    (case.path / "evidence" / "E1.parquet").unlink()
    report = replay(case.path)
    assert (report.matched, report.total) == (2, 3)
    assert [m.place for m in report.mismatches] == ["evidence/E1.parquet", "entry 1, case.shared()"]


def test_reports_beside_the_journal_are_no_part_of_it(case: Case) -> None:
    """A file that no entry knows is not read and changes nothing."""
    (case.path / "INC-2.html").write_text("<p>report</p>")
    assert replay(case.path).ok
