"""Defects written by somebody who has not seen the lints: one document an entry, found where the entry itself is named.

The set was split once by `half`. As the rules stood, they found 63 of 97 (A) and 68 of 103 (B). They were improved on
misses of half A alone; half B, measured once after that, gave 96 of 103 and 2 of 32 clean ones flagged: the blind
figure. Then the misses of B were mended too, so what this test prints now is no longer blind.

A second set, by the same method: 78 of 97 (A) and about 71 of 103 (B) before; after learning on A alone, 86 of 103 =
83.5 % of B and 3 of its 61 clean ones flagged. Then B was learned from, too: it is no longer blind either.

A third set was measured once, whole, after that: 193 of 200 = 96.5 % found and 1 of 120 clean ones flagged. Nothing was
learned from it since, so its figure is blind.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import workbench.bench  # noqa: F401 - attaches case.postmortem
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.replay import replay
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import HOUR_NS, iso, parse_time_ns
from workbench.report.figures import Figure
from workbench.report.held_numbers import figures, figures_held, lint_figures
from workbench.report.lint import Defect, lint
from workbench.report.postmortem import draft, markdown

START = parse_time_ns("2026-03-01T13:40:00Z")
DAY = 24 * HOUR_NS
HERE = Path(__file__).parent
SETS = {"first": HERE / "blind_postmortem_defects.toml", "second": HERE / "postmortem_defects" / "blind_2.toml",
        "third": HERE / "postmortem_defects" / "blind_3.toml"}  # fmt: skip
CLEAN = {"first": 60, "second": 120, "third": 120}
TITLES = {"impact": "Impact", "causes": "Trigger and contributing factors", "timeline": "Timeline",
          "actions": "Actions", "summary": "Summary", "response": "Response", "lessons": "Lessons",
          "detection": "Detection", "guard": "Detection"}  # fmt: skip
NUMBER, FROZEN, LIVE = "41,263", "E1", "E7"


def half(entry: Mapping[str, Any]) -> str:
    """Return the half that an entry belongs to, by the parity of the SHA-256 of its canonical JSON."""
    digest = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).digest()
    return "AB"[digest[0] % 2]


def entries(name: str) -> list[dict[str, Any]]:
    """Return a whole set, in its order."""
    return list(tomllib.loads(SETS[name].read_text("utf-8"))["entry"])


def ask(query: str, **_: object) -> pa.Table:
    """Return ten days of a figure that fell."""
    assert query == "rows"
    times = list(range(START - 10 * DAY, START + HOUR_NS, HOUR_NS // 6))
    return pa.table({"time_ns": times, "value": [0.9 + 0.01 * math.sin(t) - 0.2 * (t >= START) for t in times]})


def unmapped(reading: Reading) -> Outcome:
    """How many decisions met a code that the mapping does not know?"""
    answer = reading.ask("rows", table="kpis")
    told = f"{NUMBER} decisions met a code that the mapping does not know, usually none."
    finding = Finding(told, "column:orders.amount", "null_rate", (answer.evidence,), strength=0.9,
                      values={"usual": 0, "now": 41263}, onset_ns=START)  # fmt: skip
    named = Cause(1, finding.entity, "null_burst", finding.statement, 0.71, "suspected", {}, (finding,), (), START)
    ranking = Ranking((named,), "suspected", 0.2, finding.entity, (finding,))
    return Outcome((finding,), {}, {"n": pd.DataFrame({"n": [1]})}, told, ranking)


register(operation("unmapped", mode="computed", run=unmapped, doc="How many codes are unknown?"))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, set[Figure]], str]:
    """Return a clean document, what its chips hold, and the chip of its action."""
    folder = tmp_path_factory.mktemp("blind") / "cases" / "INC-20"
    case = Case.create(folder, case_id="INC-20", ask=ask, who="ads-oncall", clock=lambda: START + 2 * HOUR_NS)
    case.begin("kpi:approval_rate", "approval_rate", f"{iso(START)}/{iso(START + HOUR_NS)}",
               history_start=iso(START - 10 * DAY),
               alert={"name": "ApprovalRateLow", "starts_ns": START + 10**12})  # fmt: skip
    case.unmapped()
    case.assign("payments on-call")
    case.action("Guard the mapping", owner="payments platform", due="2026-03-15", verify_by="case.unmapped()")
    action = next(e.seq for e in case.entries if e.operation == "action")
    text = markdown(draft(case), replay(case.path))
    # A chip of a live panel stands in the index as people write one: with its address and without a digest.
    return f"{text.rstrip()}\n- [{LIVE}] panel of requests, live\n", figures_held(case), f"J{action}"


def placed(text: str, entry: Mapping[str, Any], action: str) -> tuple[str, int]:
    """Return a document with an entry at the end of its section, and the line that it stands at."""
    lines = text.splitlines()
    begin = lines.index(f"## {TITLES[entry['section']]}")
    end = next(n for n in range(begin + 1, len(lines)) if lines[n].startswith(("## ", "The guard as an ODCS")))
    while not lines[end - 1].strip():
        end -= 1
    lines[end:end] = [filled(written(entry, action))]
    return "\n".join(lines) + "\n", end + 1


def written(entry: Mapping[str, Any], action: str) -> str:
    """Return an entry's line as the workbench writes Markdown."""
    if entry["section"] == "timeline":
        chips = "".join(f"[{e}]" if e[:1] in "EJ{" and " " not in e else e for e in entry["evidence"])
        return f"| {entry['time']} | response | {entry['text']} | {chips} |"
    if entry["section"] == "actions":
        cells = [entry.get(key, "") for key in ("what", "type", "owner", "due", "verify_by")]
        return f"| {' | '.join(cells)} | open | [{action}] |"
    return f"- {entry['text']}"


def filled(text: str) -> str:
    """Return a text with its placeholders filled."""
    for name, value in (("{E_frozen}", FROZEN), ("{E_live}", LIVE), ("{number}", NUMBER)):
        text = text.replace(name, value)
    return text


def at_entry(base: tuple[str, dict[str, set[Figure]], str], entry: Mapping[str, Any]) -> list[Defect]:
    """Return what the lints say of the line of an entry."""
    text, held, action = base
    document, line = placed(text, entry, action)
    # What an action's row says is held by the journal entry that made it.
    own = {**held, action: held.get(action, set()) | figures(document.splitlines()[line - 1])}
    return [d for d in (*lint(document), *lint_figures(document, own)) if d.line == line]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("which", ["A", "B"])
def test_of_blind_defects_95_percent_are_found_and_2_percent_of_clean_ones_flagged(
    base: tuple[str, dict[str, set[Figure]], str], which: str, name: str
) -> None:
    """40 kinds x 5 and 60 or 120 clean entries, in halves; found means that a lint names the entry's own line."""
    mine = [e for e in entries(name) if half(e) == which]
    missed, flagged = Counter[str](), []
    for entry in mine:
        found = at_entry(base, entry)
        if entry.get("clean") and found:
            flagged.append(f"{entry['kind']}: {found[0]}")
        elif not entry.get("clean") and not found:
            missed[entry["kind"]] += 1
    broken = sum(not e.get("clean", False) for e in mine)
    clean = len(mine) - broken
    print(f"{name} {which}: found {broken - missed.total()}/{broken} = {1 - missed.total() / broken:.1%}, flagged "
          f"{len(flagged)}/{clean} = {len(flagged) / clean:.1%}; missed {dict(missed)}; flagged {flagged}")  # fmt: skip
    assert missed.total() <= 0.05 * broken
    assert len(flagged) <= 0.02 * clean


def test_the_document_around_the_entries_is_clean(base: tuple[str, dict[str, set[Figure]], str]) -> None:
    """What is found at an entry comes from the entry; a set holds 40 kinds x 5 defects and 60 or 120 clean."""
    text, held, _ = base
    assert [str(d) for d in (*lint(text), *lint_figures(text, held))] == []
    for name, clean in CLEAN.items():
        kinds = Counter(e["kind"] for e in entries(name) if not e.get("clean"))
        assert (set(kinds.values()), len(kinds)) == ({5}, 40)
        assert sum(e.get("clean", False) for e in entries(name)) == clean
