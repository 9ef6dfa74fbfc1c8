"""Visits, event shares and fusion, on traces small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.event_rates import changed_events, events, template
from workbench.analysis.fusion import CAP, CHANCE, fuse, ranked, surprise
from workbench.analysis.visits import extra_time, visits
from workbench.errors import CouldNotRunError, UsageError

QUIET = [f"q{i}" for i in range(8)]


def trace(
    number: int, window: str, *, wait_us: int = 100, own_us: int = 500, names: tuple[str, ...] = ()
) -> list[dict[str, object]]:
    """Return one request: web calls pay and waits *wait_us* more than pay works, which is *own_us* and its steps."""
    id_ = f"{window}-{number}"
    work = own_us + 10 * len(names)
    rows = [("root", "web", "GET /", work + wait_us + 50), ("client", "web", "HTTP POST", work + wait_us),
            ("server", "pay", "/charge", work), *((name, "pay", name, 10) for name in names)]  # fmt: skip
    parents = {"root": "", "client": "root", "server": "client"}
    return [
        {"trace_id": id_, "span_id": span, "parent_id": parents.get(span, "server"), "service": service, "name": name,
         "start_ns": 0, "duration_us": duration, "window": window}
        for span, service, name, duration in rows
    ]  # fmt: skip


def recording(**faulty: object) -> pd.DataFrame:
    """Return eight quiet windows of 20 requests and a faulty one."""
    rng = np.random.default_rng(1)
    rows = []
    for number, window in [(i, w) for w in QUIET for i in range(20)]:
        wait, own = int(rng.integers(80, 120)), int(rng.integers(450, 550))
        rows += trace(number, window, wait_us=wait, own_us=own, names=("db",))
    rows += [row for i in range(20) for row in trace(i, "fault", **{"names": ("db",), **faulty})]
    return visits(pd.DataFrame(rows))


NO_LOGS = pd.DataFrame({"trace_id": [], "span_id": [], "time_ns": [], "log": []}).astype({"time_ns": "int64"})


def test_a_visit_holds_own_time_and_the_gap_that_its_caller_waited() -> None:
    """Web waited 610 us for 510 us of work, of which 10 were the database's."""
    out = visits(pd.DataFrame(trace(0, "w", names=("db",)))).set_index("span_id")
    assert out["entry"].to_dict() == {"root": True, "client": False, "server": True, "db": False}
    assert out["self_us"].to_dict() == {"root": 50.0, "client": 100.0, "server": 500.0, "db": 10.0}
    assert (out.at["server", "gap_us"], out.at["server", "caller"]) == (100.0, "web")
    assert out["visit"].nunique() == 2
    assert out.at["server", "parent_visit"] == out.at["root", "visit"]


def test_spans_given_twice_and_parents_in_a_ring_do_no_harm() -> None:
    """Each span counts once; a ring ends."""
    rows = pd.DataFrame(trace(0, "w"))
    assert len(visits(pd.concat([rows, rows]))) == 3
    rows.loc[0, "parent_id"] = "server"
    assert len(visits(rows)) == 3
    with pytest.raises(UsageError, match="missing: duration_us"):
        visits(rows.drop(columns="duration_us"))


def test_waiting_is_blamed_on_the_callee_and_own_time_on_the_service() -> None:
    """20 ms more on the way to pay, or inside it: pay in both cases, web in neither."""
    for fault in ({"wait_us": 20_000}, {"own_us": 20_000}):
        moved = extra_time(recording(**fault), QUIET)
        assert moved.at["pay", "fault"] > 30
    assert extra_time(recording(own_us=20_000), QUIET).at["web", "fault"] < 1


def test_an_early_return_shows_where_its_step_is_missing() -> None:
    """Pay no longer asks its database: its events move, those of web do not."""
    rows = recording(names=())
    moved = changed_events(rows, events(rows, NO_LOGS), QUIET)
    assert moved.at["pay", "fault"] > 5
    assert moved.at["web", "fault"] == pytest.approx(0.0, abs=1e-6)


def test_fewer_visits_alone_are_no_change() -> None:
    """Half the requests of the same kind."""
    rows = recording()
    rows = rows[(rows["window"] != "fault") | (rows["visit"] % 2 == 0)]
    assert changed_events(rows, events(rows, NO_LOGS), QUIET)["fault"].max() < 1e-6


def test_a_loop_that_breaks_off_shows_in_which_line_follows_which() -> None:
    """Both lines are there in either trace; only their order tells."""
    rows = visits(pd.DataFrame(trace(0, "w")))
    logs = pd.DataFrame({"trace_id": "w-0", "span_id": "server", "time_ns": [1, 2, 3],
                         "log": ["10:00:01 INFO begin 7", "10:00:02 INFO end 7", "10:00:03 INFO begin 8"]})  # fmt: skip
    seen = set(events(rows, logs)["event"])
    assert {"log INFO begin #", "log INFO end #"} <= seen
    assert {"next INFO begin # -> INFO end #", "next INFO end # -> INFO begin #"} <= seen


@pytest.mark.parametrize(("line", "shape"), [
    ("16:48:42.424 INFO  t.s.Travel#532 TraceID: ab12 SpanID: 9f [get][Route is: Route(id=3)]",
     "INFO  t.s.Travel##   get|Route is"),
    ("timed out after 30 s", "timed out after # s"),
    ("", ""),
])  # fmt: skip
def test_a_template_keeps_what_stays_the_same(line: str, shape: str) -> None:
    """Clock, ids, numbers and what follows a colon in brackets are left out."""
    assert template(line) == shape


def test_surprise_is_the_log_of_the_share_of_quiet_values_and_capped() -> None:
    """Of 1,000 quiet values 500 are at least 500; far beyond them all the cap holds; unknown says nothing."""
    scores = pd.DataFrame([[*np.arange(1000.0), 500.0, 1e9, np.nan]])
    scores.columns = [f"q{i}" for i in range(1000)] + ["now", "huge", "unknown"]
    told = surprise(scores, [f"q{i}" for i in range(1000)])
    assert told.at[0, "now"] == pytest.approx(-math.log(501 / 1001))
    assert (told.at[0, "huge"], told.at[0, "unknown"]) == (CAP, 0.0)
    with pytest.raises(CouldNotRunError, match="needs 20 values of quiet windows; there are 3"):
        surprise(scores, ["q0", "q1", "q2"])


def test_quiet_windows_surprise_as_rarely_as_they_should_whatever_the_signal_looks_like() -> None:
    """Of heavy-tailed quiet windows one in twenty exceeds the chance level, give or take."""
    rng = np.random.default_rng(2)
    names = [f"q{i}" for i in range(200)]
    told = surprise(pd.DataFrame(rng.pareto(1.2, (20, 200)), columns=names), names)
    assert (told.to_numpy() > CHANCE).mean() == pytest.approx(0.05, abs=0.01)


def test_evidences_add_up_only_beyond_chance() -> None:
    """Two middling ones of 2 nats say nothing together; one of 8 says 5."""
    a = pd.DataFrame({"w": [2.0, 8.0]}, index=["x", "y"])
    fused = fuse({"a": a, "b": pd.DataFrame({"w": [2.0, 0.0]}, index=["x", "y"])})
    assert fused["w"].tolist() == pytest.approx([0.0, 8.0 - CHANCE])
    assert ranked(fused["w"], fused["w"]) == ["y", "x"]
    assert ranked(pd.Series({"b": 0.0, "a": 0.0}), pd.Series({"b": 0.0, "a": 0.0})) == ["a", "b"]
