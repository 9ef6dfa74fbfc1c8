"""Working a case in the app: alerts open cases, people meet without loss, links pin numbers, roles hold everywhere."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from tests.strategies.triage import CAUSE, NOW, STAMP, client, post, working
from workbench.analysis.lineage import build as graph_of
from workbench.apps.address import MOST_CHARACTERS, View, decode, encode, pinned
from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.session import Sessions
from workbench.apps.week import week_name, week_start
from workbench.bench import Bench
from workbench.columnar import build
from workbench.config import Settings
from workbench.errors import UsageError
from workbench.intake.server import serving
from workbench.model.tables import KPIS
from workbench.model.window import HOUR_NS, MINUTE_NS, iso
from workbench.playbook.folding import Open, joins


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Hold ten days of a figure that fell an hour ago and has been well again for 40 minutes, and one case."""
    with working(tmp_path) as opened:
        yield opened


# -- alerts ------------------------------------------------------------------------------------------------------------


def alert(name: str, entity: str, starts_ns: int, **more: str) -> dict[str, Any]:
    """Return one firing alert as Alertmanager sends it."""
    return {"status": "firing", "labels": {"alertname": name, "entity": entity, "signal": name, "severity": "critical"},
            "annotations": {}, "startsAt": iso(starts_ns), "endsAt": "0001-01-01T00:00:00Z", "fingerprint": name,
            **more}  # fmt: skip


def waited(found: Callable[[], bool], seconds: float) -> float:
    """Return after how many seconds something was so; fail where it was not in time."""
    begun = time.monotonic()
    while not found():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - begun


def test_a_webhook_opens_a_case_within_5_s_and_alerts_with_one_cause_are_folded(bench: Bench) -> None:
    """A new figure opens a case; the same entity, the same group and one on the lead's way join; nothing twice."""
    desk = Desk(bench, clock=lambda: NOW)
    placed: list[tuple[str, str]] = []
    take: Callable[[], object] = lambda: placed.extend(bench.take_alerts())  # noqa: E731 - one step, typed
    start = NOW - 30 * MINUTE_NS
    with serving(bench.store, Settings(), extra_routes=routes(desk, Sessions()), on_alerts=take) as address:

        def send(group: str, *alerts: dict[str, Any]) -> None:
            body = {"version": "4", "groupKey": group, "status": "firing", "alerts": alerts}
            assert httpx.post(f"{address}/webhooks/alertmanager", json=body).status_code == 200

        send("g1", alert("chargebacks", "kpi:chargebacks", start))
        waited(lambda: len(desk.case_ids()) == 2, 5)
        made = next(c for c in desk.case_ids() if c != "INC-1")
        assert made == "ALERT-20260311-1"
        send("g2", alert("approval_low", "kpi:approval", start))
        waited(lambda: len(placed) == 2, 5)
        send("g1", alert("chargebacks_more", "service:billing", start))
        send("g3", alert("null_share", "dataset:raw", start))
        waited(lambda: len(placed) == 4, 5)
        send("g1", alert("chargebacks", "kpi:chargebacks", start))
        time.sleep(0.5)
    assert len(placed) == 4
    assert len(desk.case_ids()) == 2
    assert placed == [
        (made, ""),
        ("INC-1", "it is about kpi:approval too"),
        (made, "its sender groups it with them"),
        ("INC-1", "dataset:raw lies on the way of the best lead"),
    ]


def test_an_alert_far_away_in_time_or_without_an_entity_joins_nothing(bench: Bench) -> None:
    """Eight hours after the selection it is another incident; a closed case takes no more."""
    edges = graph_of(pd.DataFrame({"upstream": ["dataset:a"], "downstream": ["kpi:b"], "rule": ["x"]}))
    case = Open("INC-1", False, "kpi:b", NOW, NOW + HOUR_NS, frozenset({"g"}), frozenset(), frozenset())
    fired = {"fingerprint": "f", "starts_ns": NOW + 10 * MINUTE_NS, "entity": "dataset:a", "group_key": ""}
    assert joins(fired, [case], lambda: edges) == ("INC-1", "dataset:a feeds kpi:b, within 30 min")
    for changed in ({"starts_ns": NOW + 8 * HOUR_NS}, {"entity": ""}, {"entity": "dataset:other"}):
        assert joins({**fired, **changed}, [case], lambda: edges) is None
    assert joins(fired, [replace(case, over=True)], lambda: edges) is None


# -- live --------------------------------------------------------------------------------------------------------------


def test_news_of_a_case_and_of_telemetry_reach_an_open_page_within_3_s(bench: Bench) -> None:
    """One long answer: first the state, then a stamp for a note of somebody else, and one for a new row."""
    sessions = Sessions()
    desk = Desk(bench, clock=lambda: NOW)
    heard: list[dict[str, str]] = []
    with serving(bench.store, Settings(), extra_routes=routes(desk, sessions)) as address, httpx.Client() as visitor:
        visitor.get(f"{address}/enter", params={"token": sessions.ticket("viewer")})

        def listen() -> None:
            with visitor.stream("GET", f"{address}/live", params={"case": "INC-1"}, timeout=20) as answer:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        heard.append(json.loads(line[6:]))
                    if len(heard) == 3:
                        return

        listener = threading.Thread(target=listen)
        listener.start()
        waited(lambda: len(heard) == 1, 5)
        bench.case("INC-1").call("note", "Seen by a colleague")
        assert waited(lambda: len(heard) == 2, 3) < 3
        assert (heard[1]["case"] != heard[0]["case"], heard[1]["data"] == heard[0]["data"]) == (True, True)
        bench.store.append({"kpis": build(KPIS, {**STAMP, "kpi": "approval", "segment": "", "time_ns": [NOW + 1],
                                                 "value": [0.5]})})  # fmt: skip
        assert waited(lambda: len(heard) == 3, 4) < 4
        listener.join(10)
    assert heard[2]["data"] != heard[1]["data"]


def test_the_newest_hour_is_watched_without_becoming_evidence(bench: Bench) -> None:
    """The part says LIVE and the newest value; neither journal nor bundle grow."""
    case = bench.case("INC-1")
    before = case.length(), len(case.evidence)
    text = client(bench, "visitor").get("/part/case/INC-1/tail").text
    assert "LIVE" in text
    assert "14:35" in text
    case.refresh()
    assert (case.length(), len(case.evidence)) == before


def test_two_people_who_settle_the_same_see_each_other_and_nothing_is_lost(bench: Bench) -> None:
    """Grace assigns while ada's page is open: ada is shown both, and may insist; notes of both stand."""
    ada, grace = client(bench, "ada"), client(bench, "grace")
    seen = re.search(r'name="seen" value="(\d+)"', ada.get("/case/INC-1/brief").text)
    assert seen
    assert post(grace, "/do/INC-1/assign", owner="grace", seen=seen[1]).status_code == 303
    assert post(grace, "/do/INC-1/note", text="Grace was here", seen=seen[1]).status_code == 303
    clash = post(ada, "/do/INC-1/assign", owner="ada", seen=seen[1])
    assert clash.status_code == 409
    assert "grace" in clash.text
    assert 'value="ada"' in clash.text
    assert post(ada, "/do/INC-1/note", text="Ada too", seen=seen[1]).status_code == 303, "Notes never clash."
    assert bench.case("INC-1").state.owner == "grace"
    again = re.search(r'name="seen" value="(\d+)"', clash.text)
    assert again
    newer = str(int(again[1]) + 1)
    assert post(ada, "/do/INC-1/assign", owner="ada", seen=newer).status_code == 303
    case = bench.case("INC-1")
    assert (case.state.owner, case.state.notes) == ("ada", ("Grace was here", "Ada too"))
    assert [e.who for e in case.entries[-4:]] == ["grace", "grace", "ada", "ada"]


# -- links -------------------------------------------------------------------------------------------------------------


def test_a_pinned_link_restores_the_same_state_hash_after_the_case_went_on(bench: Bench) -> None:
    """Shorter than 2,000 characters, no word of telemetry in it; later notes are not shown; nothing can be changed."""
    case = bench.case("INC-1")
    link, was = pinned(case, "handoff"), case.state_hash
    assert len(link) < 300 < MOST_CHARACTERS
    view = decode(link.rpartition("/")[2])
    assert (view.digest, view.length) == (was, case.length())
    case.call("note", "Written later")
    case.call("assign", "somebody else")
    visitor = client(bench, "ada")
    shown = visitor.get(link)
    assert shown.status_code == 200
    assert "PINNED" in shown.text
    assert "Written later" not in shown.text
    assert was[:12] in shown.text
    assert "form_token" not in shown.text
    assert "Written later" in visitor.get("/case/INC-1/handoff").text
    wrong = encode(replace(view, digest="0" * 64))
    assert visitor.get(f"/at/{wrong}").status_code == 409
    assert visitor.get(f"/at/{encode(replace(view, length=99))}").status_code == 409
    assert visitor.get(f"/at/{encode(View('INC-1', 'causes'))}").headers["location"] == "/case/INC-1/causes"


@pytest.mark.parametrize(
    "code", ["", "x", "eJwDAAAAAAE", "A" * 2500, encode(View("INC-1", "brief"))[:-4], "eJyrVkrOz0"]
)
def test_an_address_that_was_not_copied_whole_is_refused_in_words(bench: Bench, code: str) -> None:
    """Six of them; a bomb inflates to nothing."""
    with pytest.raises(UsageError, match="holds no view"):
        decode(code or "-")


# -- acting ------------------------------------------------------------------------------------------------------------


def test_simulate_approve_run_and_verify_from_the_page(bench: Bench) -> None:
    """Each is an entry by who did it; the plan is shown word for word; the run happens once."""
    ada = client(bench, "ada")
    assert post(ada, "/do/INC-1/simulate", cause=CAUSE).status_code == 303
    act = ada.get("/case/INC-1/act").text
    assert "Cannot be estimated" in act
    assert "Delete needs the role admin" in act
    shown = ada.get("/plan/INC-1", params={"cause": CAUSE, "hook": "Pause"}).text
    assert "<code>raw</code>" in shown
    plan = re.search(r'name="plan" value="([^"]+)"', shown)
    assert plan
    assert post(ada, "/approve/INC-1", cause=CAUSE, hook="Pause", plan="0" * 64).status_code == 400
    assert post(ada, "/approve/INC-1", cause=CAUSE, hook="Pause", plan=plan[1]).status_code == 303
    approval = re.search(r'name="approval" value="(\d+)"', ada.get("/case/INC-1/act").text)
    assert approval
    assert post(ada, "/run/INC-1", approval=approval[1]).status_code == 303
    assert "paused raw" in ada.get("/case/INC-1/act").text
    assert post(ada, "/run/INC-1", approval=approval[1]).status_code == 400
    assert post(ada, "/do/INC-1/check_fix", since=iso(NOW - 30 * MINUTE_NS)).status_code == 303
    text = ada.get("/case/INC-1/act").text
    assert "Verified: 2 of 2 windows after the fix are clean" in text
    assert post(ada, "/do/INC-1/check_fix", since=iso(NOW - 90 * MINUTE_NS)).status_code == 303
    assert "Not verified: 0 of 2" in ada.get("/case/INC-1/act").text
    case = bench.case("INC-1")
    assert [(e.operation, e.who) for e in case.entries[2:]] == [
        (name, "ada") for name in ("simulate", "approve", "started", "acted", "check_fix", "check_fix")]  # fmt: skip
    assert case.replay().badge.startswith("Replayed offline: 8/8 match")


def test_a_hook_for_admins_is_neither_shown_approved_nor_run_by_a_responder(bench: Bench) -> None:
    """403 for plan, approval and the run of an approval that an admin gave; the admin's own goes through."""
    ada, root = client(bench, "ada"), client(bench, "root")
    where = {"cause": CAUSE, "hook": "Delete"}
    assert "needs the role admin" in ada.get("/plan/INC-1", params=where).text
    plan = re.search(r'name="plan" value="([^"]+)"', root.get("/plan/INC-1", params=where).text)
    assert plan
    assert post(ada, "/approve/INC-1", **where, plan=plan[1]).status_code == 403
    assert post(root, "/approve/INC-1", **where, plan=plan[1]).status_code == 303
    number = str(bench.case("INC-1").length() - 1)
    assert post(ada, "/run/INC-1", approval=number).status_code == 403
    assert post(root, "/run/INC-1", approval=number).status_code == 303


# -- the week ----------------------------------------------------------------------------------------------------------


def test_the_week_counts_what_is_known_and_says_what_is_not(bench: Bench) -> None:
    """One incident of 2026-W11, open, without a price for decisions that nobody has counted."""
    case = bench.case("INC-1")
    case.call("action", "Alert on nulls", owner="grace", due="2026-04-01", verify_by="null_rate < 1 %")
    visitor = client(bench, "visitor")
    text = visitor.get("/week").text
    assert "Week 2026-W11" in text
    for word in ("1, 1 not over", "Unknown: no price", "Alert on nulls", "dataset:raw"):
        assert word in text
    assert "No incident" in visitor.get("/week", params={"of": "2026-W01"}).text
    for wrong in ("2026-W99", "x", "2026-11"):
        assert visitor.get("/week", params={"of": wrong}).status_code == 404
    assert week_name(week_start("2026-W53")) == "2026-W53"


# -- states ------------------------------------------------------------------------------------------------------------


def test_masked_values_are_said_to_be_masked(bench: Bench) -> None:
    """Where a pseudonym of the intake stands on a page, and nowhere else."""
    visitor = client(bench, "ada")
    assert "Masked:" not in visitor.get("/case/INC-1/handoff").text
    assert post(visitor, "/do/INC-1/note", text="Asked by email_0123456789abcdef").status_code == 303
    assert "Masked:" in visitor.get("/case/INC-1/handoff").text


def test_late_partial_and_missing_data_are_said_in_words(bench: Bench) -> None:
    """A series 40 min behind the newest, a segment whose bytes were changed, tables that never came."""
    from workbench.model.tables import PREDICTIONS

    bench.store.append({"predictions": build(PREDICTIONS, {**STAMP, "prediction_id": ["p"], "score": [0.5],
                                                           "time_ns": [NOW + 40 * MINUTE_NS]})})  # fmt: skip
    visitor = client(bench, "visitor")
    text = visitor.get("/case/INC-1/brief").text
    assert "kpis, 45 min behind" in text
    assert "Missing:" in text
    assert "Partial:" not in text
    bench.store.seal()
    segment = next(iter(bench.store.files("kpis")))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.write_bytes(bytes(content))
    assert bench.store.verify()
    assert "Partial:" in visitor.get("/case/INC-1/brief").text


@pytest.mark.full
def test_jupyterlab_opens_on_the_case_with_its_journal_as_cells(bench: Bench) -> None:
    """An admin on this machine; its token is asked for by the server it starts, and it ends with the app."""
    from workbench.apps.lab import Labs

    labs, desk = Labs(), Desk(bench, clock=lambda: NOW)
    try:
        address = labs.open(desk, "INC-1")
        assert httpx.get(address, follow_redirects=True).status_code == 200
        bare = address.partition("?")[0].replace("/lab/tree/", "/api/contents/")
        assert httpx.get(bare).status_code == 403, "Without the token nothing is read."
        found = httpx.get(bare, params={"token": address.rpartition("=")[2]}).json()
        assert found["type"] == "notebook"
        assert any("case.begin" in str(cell["source"]) for cell in found["content"]["cells"])
        assert labs.open(desk, "INC-1") == address, "The second case uses the same JupyterLab."
    finally:
        labs.close()
    with pytest.raises(httpx.TransportError):
        httpx.get(address)


def test_in_a_storm_of_alerts_one_thread_works_and_no_alert_is_lost(bench: Bench, monkeypatch: Any) -> None:
    """Forty calls at once: at most one looks at a time, the others leave, and the last word is heard."""
    desk = Desk(bench, clock=lambda: NOW)
    at_once, most, looked = [0], [0], [0]

    def slow() -> list[tuple[str, str]]:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        looked[0] += 1
        time.sleep(0.05)
        at_once[0] -= 1
        return []

    monkeypatch.setattr(bench, "take_alerts", slow)
    threads = [threading.Thread(target=desk.take_alerts) for _ in range(40)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert 1 <= looked[0] <= 10
    assert time.monotonic() - begun < 5
    assert not desk._unseen.is_set()


def test_a_playbook_that_is_stopped_ends_after_its_step_and_keeps_what_it_found(bench: Bench, monkeypatch: Any) -> None:
    """Stopped while the first step runs: that one step is in the journal, no other; a later run goes through."""
    from workbench.playbook import runner

    desk, begun, go_on = Desk(bench, clock=lambda: NOW), threading.Event(), threading.Event()
    first = runner.order(runner.steps())[0]

    def held(case: Any, progress: Any) -> dict[str, Any]:
        def told(step: str, done: int, total: int) -> None:
            progress(step, done, total)
            if step == first:
                begun.set()
                assert go_on.wait(20)

        return runner.investigate(case, told)

    monkeypatch.setattr("workbench.apps.desk.investigate", held)
    with desk.case("INC-1") as case:
        before = case.length()
    desk.run("INC-1", "investigate", {})
    assert begun.wait(20)
    desk.run("INC-1", "stop", {})
    assert "stopping" in desk.running("INC-1")
    go_on.set()
    assert waited(lambda: not desk.running("INC-1"), 30) < 30
    with desk.case("INC-1") as case:
        assert [e.operation for e in case.entries[before:]] == [first]
    desk.run("INC-1", "stop", {})
    desk.run("INC-1", "investigate", {})
    assert waited(lambda: not desk.running("INC-1"), 60) < 60
    with desk.case("INC-1") as case:
        assert case.length() > before + 10
