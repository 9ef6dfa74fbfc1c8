"""Every click of every widget is one entry of the case and one line of Python that gives the same state again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any

import pytest

from workbench import plugins, scenarios
from workbench.bench import Bench, open_bench
from workbench.case import operations
from workbench.case.case import Case
from workbench.views import bind, bind_drift, bind_gpu, bind_lineage, bind_requests, bind_steps, bind_timeline
from workbench_widgets.board import Board
from workbench_widgets.causes import Causes
from workbench_widgets.comparator import Comparator
from workbench_widgets.contrast import Contrast
from workbench_widgets.gpu import GpuTimeline
from workbench_widgets.lineage import Lineage
from workbench_widgets.stepper import Stepper
from workbench_widgets.timeline import Timeline
from workbench_widgets.waterfall import Waterfall

SEED = 11
BOUND: dict[type[Board], Any] = {
    Causes: bind.causes, Comparator: bind_drift.comparator, Contrast: bind_requests.contrast,
    GpuTimeline: bind_gpu.gpu, Lineage: bind_lineage.lineage,
    Stepper: bind_steps.stepper, Timeline: bind_timeline.timeline, Waterfall: bind_requests.waterfall,
}  # fmt: skip
ACTIONS = [(kind, name) for kind in BOUND for name in kind.actions]
CLICKS = 10
SMALL = {"filter", "exclude"}
"""Actions that narrow the selection: they come last, so that the others have something to look at."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a bench with a generated incident taken in: a bad deploy that makes answers slow."""
    folder = tmp_path_factory.mktemp("incident")
    made = scenarios.create("bad_deploy", seed=SEED, variant="cause", out=folder / "made")
    with open_bench(folder / "store", who="tester", clock=lambda: 0) as opened:
        opened.ingest(sorted(p for p in made.iterdir() if p.name != "truth.json"))
        opened.alert = made / "alert.json"  # type: ignore[attr-defined]
        yield opened


@pytest.fixture(scope="module")
def case(bench: Bench) -> Case:
    """Return a case with a few steps, a ranking, a contrast and traces to click on."""
    opened = bench.case("INC-1", alert=bench.alert)  # type: ignore[attr-defined]
    for name in ("scope", "serving", "changes", "rank", "contrast"):
        opened.call(name)
    opened.call("inspect", condition=opened.outcomes["contrast"].frames["conditions"]["condition"].iloc[0])
    return opened


def clicked(board: Board, operation: str, arguments: dict[str, Any]) -> None:
    """Do what the module does at a click."""
    board.action = {"operation": operation, "arguments": arguments, "serial": board.action.get("serial", 0) + 1}


def asked_for(board: Board, action: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what clicking an action asks for, with arguments as the module makes them from what it shows."""
    if isinstance(board, Causes):
        return [("reject", {"cause": board.causes[-1]["rank"], "reason": "It began later."})]
    if isinstance(board, Contrast):
        key = "statement" if action == "hypothesis" else "condition"
        return [(action, {key: board.rows[-1]["condition"]})]
    if isinstance(board, Comparator):
        current = "2026-01-04T15:00:00Z/2026-01-04T16:00:00Z"
        return [("compare", {"dataset": "nothing", "current": current, "baseline": "same hours, 30 d"})]
    if isinstance(board, GpuTimeline):
        return [("select", {"window": "2026-01-04T15:30:00Z/2026-01-04T17:30:00Z"})]
    if isinstance(board, Timeline):
        return [("select", {"window": "2026-01-04T15:00:00Z/2026-01-04T18:00:00Z"})]
    if isinstance(board, Lineage):
        name = next((n["name"] for n in board.nodes if n["kind"] == "model"), board.focus)
        return [(action, {"dataset": name} if action == "compare" else {"statement": "Here.", "entity": name})]
    if isinstance(board, Waterfall):
        about = {"trace": {"trace_id": board.traces[0], "against": board.traces[1]}, "slower": {},
                 "hypothesis": {"statement": "It holds requests up.", "entity": "service:edge-api"}}  # fmt: skip
        return [(action, about[action])]
    if action == "*":
        return [("telemetry", {}), ("hardware", {})]
    return [(action, {"skip": {"step": "drift", "reason": "No features."}, "hunch": {"step": "quality"},
                      "action": {"what": "Roll back."}}[action])]  # fmt: skip


def test_every_action_in_a_module_is_declared_by_its_class_and_is_an_operation() -> None:
    """All modules are looked at: each that acts has a class here, or names nothing that changes state."""
    known = {module.__module__.rpartition(".")[2]: module for module in BOUND}
    folder = files("workbench_widgets")
    acting = {}
    for place in sorted(f.name for f in folder.iterdir() if f.name.endswith(".js") and f.name != "base.js"):
        text = (folder / place).read_text(encoding="utf-8")
        calls = re.findall(r"ui\.act\(([^,)]+)", text)
        if calls:
            acting[place.removesuffix(".js")] = {c.strip('"') for c in calls}
    assert {"causes", "contrast", "lineage", "stepper", "timeline", "waterfall"} <= set(acting)
    for name, calls in acting.items():
        kind = known.get(name) or _class_of(name)
        literal = {c for c in calls if re.fullmatch(r"[a-z_]+", c) and c != "name"}
        assert literal <= set(kind.actions), name
        assert set(kind.actions) - {"*"} <= set(operations.names()), name


def _class_of(name: str) -> type[Board]:
    from importlib import import_module

    found = vars(import_module(f"workbench_widgets.{name}")).values()
    return next(v for v in found if isinstance(v, type) and issubclass(v, Board) and v is not Board)


def test_all_actions_of_all_widgets_are_one_entry_with_one_line_that_gives_the_same_state(case: Case) -> None:
    """100 %: each action appends 1 entry, offers its line, and all lines run again end in the same state hash."""
    seen = set()
    late = (Timeline, GpuTimeline, Causes)
    for kind, action in sorted(ACTIONS, key=lambda pair: (pair[1] in SMALL, pair[0] in late)):
        board = BOUND[kind](case)
        for operation, arguments in asked_for(board, action):
            before = case.length()
            clicked(board, operation, arguments)
            assert case.length() == before + 1, (kind.__name__, operation, board.said)
            assert board.said["line"] == case.lines()[-1]
            assert board.said["line"].startswith(f"case.{operation}(")
            seen.add((kind, action))
    assert seen == set(ACTIONS)
    assert len(seen) == 17
    assert replayed(case) == case.state_hash


def replayed(case: Case) -> str:
    """Run the lines of a case as a notebook does, in a scratch copy, and return the state hash."""
    again = Case.open(case.path, at="start")
    for line in case.lines():
        exec(line, {"case": again})  # the lines of the case are what is under test
    return again.state_hash


def test_a_refused_click_is_no_entry_and_says_why(case: Case) -> None:
    """Five refusals."""
    before = case.length()
    wrong: list[tuple[type[Board], str, dict[str, Any]]] = [
        (Causes, "reject", {"cause": 99, "reason": "x"}), (Contrast, "filter", {"condition": "nonsense"}),
        (Stepper, "skip", {"step": "drift", "reason": " "}), (Timeline, "select", {"window": "yesterday"}),
        (Lineage, "hypothesis", {"statement": "x", "entity": "no kind"}),
    ]  # fmt: skip
    for kind, operation, arguments in wrong:
        board = BOUND[kind](case)
        clicked(board, operation, arguments)
        assert board.said["line"] == ""
        assert len(board.said["text"]) > 10
    assert case.length() == before


def test_looking_changes_no_state(case: Case) -> None:
    """Seventeen looks at the lineage, 0 entries; the drawing follows."""
    before, board = case.length(), bind_lineage.lineage(case)
    middle = (board.times["start"] + board.times["end"]) // 2
    looks: list[dict[str, Any]] = [
        {"what": "hop"}, {"what": "more", "most": 200}, {"what": "columns", "columns": "shown"},
        {"what": "as_of", "at": middle},
        {"what": "against", "at": board.times["start"]}, {"what": "against", "at": None}, {"what": "as_of", "at": None},
        {"what": "overlay", "signal": "p95_ms"}, {"what": "overlay", "signal": ""}, {"what": "reset"},
        {"what": "focus", "name": "nowhere"}, {"what": "search", "text": "model"}, {"what": "search", "text": ""},
        {"what": "profile", "name": board.focus}, {"what": "nonsense"},
    ]  # fmt: skip
    for number, look in enumerate(looks):
        board.ask = {**look, "serial": number}
        assert 1 <= len(board.nodes) <= 200
    focus = board.nodes[0]["name"]
    board.ask = {"what": "focus", "name": focus, "serial": 98}
    assert board.focus == focus
    board.ask = {"what": "expand", "name": focus, "side": "up", "serial": 99}
    assert case.length() == before


def offered(case: Case, kind: type[Board], action: str, random: Random) -> tuple[str, dict[str, Any]] | None:
    """Return what a random click of an action asks for; None where the widget has nothing to click on yet."""
    condition = random.choice(["region = eu", "status = error", "queue_wait_ms >= 20", "service = edge-api",
                               "not (kind = client)"])  # fmt: skip
    if kind in (Timeline, GpuTimeline):
        hour = random.randrange(14, 20)
        return "select", {"window": f"2026-01-04T{hour}:00:00Z/2026-01-04T{hour + 2}:00:00Z"}
    if kind is Contrast:
        return action, {"statement" if action == "hypothesis" else "condition": condition}
    if kind is Causes:
        ranks = [cause.rank for cause in case.causes]
        return ("reject", {"cause": random.choice(ranks), "reason": "No."}) if ranks else None
    if kind is Stepper:
        step = random.choice(plugins.names("step"))
        asked = {"*": {}, "hunch": {"step": step}, "skip": {"step": step, "reason": "Later."},
                 "action": {"what": "Roll back."}}  # fmt: skip
        run = random.choice(["scope", "changes", "serving", "telemetry", "rank"])
        return (run if action == "*" else action), asked[action]
    if kind is Waterfall and action == "trace":
        known = bind_requests.waterfall(case).traces
        return ("trace", {"trace_id": random.choice(known), "against": ""}) if known else None
    if kind is Waterfall and action == "slower":
        return "slower", {"first": condition} if random.random() < 0.5 else {}
    if action == "compare":
        return "compare", {"dataset": "nothing", "current": "15:00/16:00"}
    return action, {"statement": "It holds requests up.", "entity": "service:edge-api"}


def scripted(case: Case, seed: int) -> None:
    """Do ten random things that widgets offer; what is refused is refused."""
    random, done = Random(seed), 0
    while done < CLICKS:
        kind, action = random.choice(ACTIONS)
        asked = offered(case, kind, action, random)
        if asked is None:
            continue
        clicked(BOUND[kind](case), *asked)
        done += 1
        if random.random() < 0.2 and case.length() > 2:
            case.call("undo")


@pytest.mark.parametrize("seed", [s if s < 5 else pytest.param(s, marks=pytest.mark.full) for s in range(50)])
def test_a_random_investigation_by_clicks_runs_again_to_the_same_state_hash(bench: Bench, seed: int) -> None:
    """Ten random clicks and some undos, then all lines again from the frozen evidence alone."""
    case = bench.case(f"R-{seed}", alert=bench.alert)  # type: ignore[attr-defined]
    scripted(case, seed)
    assert case.length() >= 4
    assert replayed(case) == case.state_hash
