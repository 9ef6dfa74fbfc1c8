"""Actions, lessons and the review are entries of the journal; open actions are listed over cases; cases travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.case.case import Case
from workbench.commands.share import open_actions, open_bundle, share
from workbench.errors import UsageError

WINDOW = "2026-03-01T13:40Z/2026-03-01T14:40Z"


def made(folder: Path, name: str) -> Case:
    """Return a begun case."""
    case = Case.create(folder / name, case_id=name, who="ada")
    case.begin("kpi:approval_rate", "approval_rate", WINDOW)
    return case


def test_an_action_said_again_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Three actions of two cases are listed by due date; one that is done is not; unknown is None."""
    first, second = made(tmp_path, "INC-1"), made(tmp_path, "INC-2")
    first.action("Guard the feed", owner="ada")
    first.action("Guard the feed", owner="eve", due="2026-04-01")
    first.action("Backfill")
    second.action("Alert", due="2026-03-20")
    second.action("Write it up", state="done")
    second.review("in review")
    second.lesson("The rollback took one minute.", kind="well")
    found = open_actions([first.path, second.path])
    assert [(a["case"], a["what"], a["owner"], a["due"]) for a in found] == [
        ("INC-2", "Alert", None, "2026-03-20"), ("INC-1", "Guard the feed", "eve", "2026-04-01"),
        ("INC-1", "Backfill", None, None)]  # fmt: skip
    assert first.replay().ok
    assert second.replay().badge.startswith("Replayed offline: 5/5 match")


def test_wrong_dates_and_states_are_refused(tmp_path: Path) -> None:
    """Each error says what to write."""
    case = made(tmp_path, "INC-1")
    with pytest.raises(UsageError, match="such as 2026-03-15"):
        case.action("x", due="soon")
    with pytest.raises(UsageError, match="status must be"):
        case.review("perfect")
    with pytest.raises(UsageError, match="needs words"):
        case.action(" ")


def test_a_shared_case_opens_elsewhere_and_replays(tmp_path: Path) -> None:
    """The same state hash from one zip file."""
    case = made(tmp_path, "INC-1")
    case.action("Guard the feed")
    share(case.path, tmp_path / "INC-1.zip")
    open_bundle(tmp_path / "INC-1.zip", tmp_path / "elsewhere")
    opened = Case.open(tmp_path / "elsewhere")
    assert opened.state_hash == case.state_hash
    assert opened.replay().ok
