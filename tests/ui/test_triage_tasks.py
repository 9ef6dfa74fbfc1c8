"""Ten tasks of a shift, by mouse and by keyboard alone: each ends in what the case or the page then says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.strategies.triage import Shown, browsing
from tests.strategies.triage_shift import BASELINE, MISSING, ONSET, WORST, shift
from workbench.bench import Bench
from workbench.case.case import Case

pytestmark = pytest.mark.browser
Way = Literal["mouse", "keys"]
MOST_TABS = 90


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Hold the incident of the shift."""
    with shift(tmp_path) as opened:
        yield opened


@dataclass
class Hand:
    """Work a page in one way only; whatever is not reached in it fails."""

    app: Shown
    way: Way
    case: Case

    @property
    def page(self) -> Any:
        """The browser's page."""
        return self.app.page

    def screen(self, key: int, name: str) -> None:
        """Go to a screen by its tab or its key, and wait until its boards are drawn."""
        if self.way == "mouse":
            self.page.click(f"nav.screens a[data-key='{key}']")
        else:
            self.page.wait_for_load_state()  # keys are heard once the page's script has run
            self.page.keyboard.press("Escape")
            self.page.keyboard.press(str(key))
        self.page.wait_for_url(f"**/{name}*")
        self.app.drawn()

    def press(self, selector: str) -> None:
        """Use a button or a link."""
        if self.way == "mouse":
            self.page.click(selector)
            return
        self.reach(selector)
        self.page.keyboard.press("Enter")

    def write(self, selector: str, text: str) -> None:
        """Put a text into a field."""
        if self.way == "mouse":
            self.page.fill(selector, text)
            return
        self.reach(selector)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def reach(self, selector: str) -> None:
        """Come to an element with the Tab key alone."""
        self.page.wait_for_selector(selector)
        for _ in range(MOST_TABS):
            if self.page.evaluate("(selector) => active().matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"{MOST_TABS} times Tab do not reach {selector}.")

    def newest(self) -> str:
        """Return the operation of the journal's newest entry."""
        self.case.refresh()
        return self.case.entries[-1].operation

    def waits(self, text: str) -> None:
        """Wait for a text."""
        self.page.wait_for_selector(f"text={text}")


def onset(hand: Hand) -> None:
    """Find the onset: the brief says it, and the timeline marks the lane."""
    hand.screen(2, "brief")
    assert f"Symptom since {ONSET}" in hand.page.inner_text(".seven")
    hand.screen(3, "timeline")
    hand.page.wait_for_selector("canvas[aria-label*='Business']")


def missing(hand: Hand) -> None:
    """Name the missing source."""
    hand.screen(2, "brief")
    assert MISSING in hand.page.inner_text(".seven").partition("Missing:")[2]


def compare(hand: Hand) -> None:
    """Compare v42 with v41: two cohorts of requests, with what takes longer."""
    hand.screen(4, "contrast")
    hand.press("nav.views a:nth-of-type(2)")
    hand.page.wait_for_url("**view=trace*")
    hand.app.drawn()
    hand.write("input[aria-label^='First cohort']", "model_version = 41")
    hand.write("input[aria-label^='Second cohort']", "model_version = 42")
    hand.press("button[aria-label^='Compare cohorts']")
    hand.waits("model_version = 42 against model_version = 41")
    assert hand.newest() == "slower"


def pin(hand: Hand) -> None:
    """Pin a baseline."""
    hand.screen(3, "timeline")
    if hand.way == "keys":
        hand.page.keyboard.press("b")
    hand.write("#windows", BASELINE)
    hand.press("#windows + button") if hand.way == "mouse" else hand.page.keyboard.press("Enter")
    hand.waits("vs 2026-03-10 13:00-14:00 UTC")
    assert hand.newest() == "pin_baseline"


def reject(hand: Hand) -> None:
    """Reject a cause with a reason, on the board."""
    hand.screen(7, "causes")
    if hand.way == "keys":
        hand.page.keyboard.press("j")
    hand.press("button[aria-label='Reject cause 1']")
    hand.write("input[aria-label='Why is it not the cause?']", "Nulls began after it")
    hand.press(".wbw form button.main") if hand.way == "mouse" else hand.page.keyboard.press("Enter")
    hand.waits("Rejected: Nulls began after it")
    assert hand.newest() == "reject"
    assert hand.case.state.rejected == {"null_burst dataset:raw": "Nulls began after it"}


def worst(hand: Hand) -> None:
    """Reach the worst trace: contrast the failed, inspect the first condition, open the slowest."""
    hand.screen(4, "contrast")
    hand.press("form:has(input[value=errors]) button")
    hand.page.wait_for_load_state("load")
    hand.app.drawn()
    hand.press("tbody tr:first-of-type button[aria-label^='inspect:']")
    hand.waits("case.inspect")
    hand.press("nav.views a:nth-of-type(2)")
    hand.page.wait_for_url("**view=trace*")
    hand.app.drawn()
    hand.press("p.small a[data-row]:first-of-type")
    hand.page.wait_for_url(f"**{WORST}*")
    hand.app.drawn()
    hand.waits("9 s")
    assert hand.newest() == "trace"
    assert hand.case.entries[-1].arguments["trace_id"] == WORST


def undo(hand: Hand) -> None:
    """Take the newest entry back."""
    before = hand.case.length()
    hand.screen(2, "brief")
    if hand.way == "mouse":
        hand.press("form[data-undo] button")
    else:
        hand.page.keyboard.press("z")
    for _ in range(100):
        if hand.newest() == "undo":
            break
        hand.page.wait_for_timeout(100)
    assert hand.case.length() == before + 1


def lineage(hand: Hand) -> None:
    """Open the lineage as of an earlier run: a table that only the newest run read is not there."""
    hand.screen(5, "lineage")
    hand.page.wait_for_selector(".node[data-name='dataset:extra']")
    slider = "input[aria-label='As of']"
    hand.reach(slider) if hand.way == "keys" else hand.page.click(slider)
    hand.page.keyboard.press("Home") if hand.way == "keys" else hand.page.click(slider, position={"x": 12, "y": 8})
    hand.page.wait_for_selector(".node[data-name='dataset:extra']", state="detached")
    assert hand.page.is_visible(".node[data-name='kpi:approval']")


def verify(hand: Hand) -> None:
    """Verify a fix by the check that found the symptom."""
    hand.screen(8, "act")
    hand.write("#since", "2026-03-11T14:05:00Z")
    hand.press("#since + button") if hand.way == "mouse" else hand.page.keyboard.press("Enter")
    hand.waits("Verified: 2 of 2 windows")
    assert hand.newest() == "check_fix"


def hand_off(hand: Hand) -> None:
    """Hand off: the six lines are copied, and the link pins what they say."""
    hand.screen(9, "handoff")
    hand.press("button[data-copy='shift-note']")
    hand.page.wait_for_selector("button:has-text('Copied'), button:has-text('Selected')")
    assert "INC-1" in hand.page.inner_text("#shift-note")
    assert "/at/" in hand.page.inner_text("#pinned")


TASKS: tuple[Callable[[Hand], None], ...] = (
    onset, missing, compare, pin, reject, worst, undo, lineage, verify, hand_off,
)  # fmt: skip


@pytest.mark.parametrize("way", ["mouse", "keys"])
def test_ten_of_ten_tasks_are_done(bench: Bench, browser: Any, way: Way) -> None:
    """One shift: ten tasks in a row, in one way only; the browser says nothing and asks nobody else."""
    with browsing(bench, browser) as app:
        hand = Hand(app, way, bench.case("INC-1"))
        if way == "mouse":
            app.page.click("a.open")
        else:
            app.page.keyboard.press("j")
            app.page.keyboard.press("Enter")
        app.page.wait_for_url("**/INC-1/brief")
        done = []
        for task in TASKS:
            task(hand)
            done.append(task.__name__)
        assert len(done) == 10
        assert app.wrong() == []
        assert [url for url in app.asked if not url.startswith((app.address, "data:", f"blob:{app.address}"))] == []
