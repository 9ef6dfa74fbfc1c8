"""The inbox of cases: the urgent and unowned first, the best lead beside each, a changed case named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
from workbench.bench import open_bench
from workbench.cli import application
from workbench.columnar import build
from workbench.commands.triage import urgency
from workbench.model.tables import KPIS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, parse_time_ns

NOW = parse_time_ns("2026-03-11T14:40:00Z")
DESCRIBED = {"entity": "kpi:approval_rate", "signal": "approval_rate", "window": "2026-03-11T13:40Z/2026-03-11T14:40Z"}


def triage(store: Path, *options: str) -> str:
    """Return what the verb prints, in a terminal of 200 columns."""
    done = CliRunner().invoke(application(), ["triage", "--store", str(store), *options], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with four cases: investigated, owned, closed, and one whose journal was changed."""
    path = tmp_path_factory.mktemp("triage") / "store"
    times = list(range(NOW - 10 * DAY_NS, NOW, 10 * MINUTE_NS))
    clock: Callable[[], int] = lambda: NOW  # noqa: E731 - one instant, typed
    with open_bench(path, who="ada", clock=clock) as bench:
        bench.store.append({"kpis": build(KPIS, {
            "environment": "prod", "kpi": "approval_rate", "segment": "", "time_ns": times,
            "value": [0.9 if t < NOW - HOUR_NS else 0.7 for t in times],
            "source": "tables", "place": "kpis.parquet", "received_ns": NOW,
        })})  # fmt: skip
        bench.investigate(bench.case("INC-4", **DESCRIBED))
        bench.case("INC-2", **DESCRIBED).assign("grace")
        bench.case("INC-1", **DESCRIBED).status("closed")
        bench.case("INC-3", **DESCRIBED)
    journal = path / "cases/INC-3/journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"ada", b"bob"))
    return path


def test_what_is_broken_or_unowned_comes_first_and_what_is_closed_last(store: Path) -> None:
    """A case that cannot be opened hides its state, so it is looked at before all others."""
    rows = json.loads(triage(store, "--json"))
    assert [(r["case"], r["status"], r["owner"]) for r in rows] == [
        ("INC-3", "unknown", None), ("INC-4", "open", None), ("INC-2", "open", "grace"), ("INC-1", "closed", None),
    ]  # fmt: skip
    assert "journal.jsonl" in rows[0]["problem"]
    assert [r["problem"] for r in rows[1:]] == [None] * 3


def test_only_an_investigated_case_has_a_verdict(store: Path) -> None:
    """Ten days of one figure prove no cause; what nobody asked is None, not "none"."""
    verdicts = {r["case"]: r["verdict"] for r in json.loads(triage(store, "--json"))}
    assert verdicts == {"INC-3": None, "INC-4": "none", "INC-2": None, "INC-1": None}


def test_people_read_the_owner_the_lead_and_what_to_do_next(store: Path) -> None:
    """The page says "nobody" where nobody owns a case, and names the verb for the first one."""
    text = triage(store, "--list")
    assert "nobody" in text
    assert "no cause proven" in text
    assert "not investigated yet" in text
    assert "Next: workbench replay" in text.replace("\n", " ")


def test_an_empty_store_says_how_to_begin(tmp_path: Path) -> None:
    """No table of nothing."""
    with open_bench(tmp_path / "store"):
        pass
    assert "No case yet" in triage(tmp_path / "store", "--list")
    assert json.loads(triage(tmp_path / "store", "--json")) == []


def test_every_state_of_a_case_has_its_place() -> None:
    """A state that the inbox does not know would stop it."""
    from typing import get_args

    from workbench.case.human import Status

    places = [urgency({"status": s, "owner": None, "case": "INC-1"}) for s in ("unknown", *get_args(Status))]
    assert places == sorted(places)
