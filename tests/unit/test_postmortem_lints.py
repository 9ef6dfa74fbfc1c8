"""Lints find each kind of defect at its line, and let a clean postmortem be."""

from __future__ import annotations

import pytest

from workbench.report.lint import lint

CLEAN = """# Postmortem INC-1

- Owner: ada [J1]

## Impact

- **Predictions**: 690 decisions were made. [E1]

## Timeline

| When | What | Event | Evidence |
|---|---|---|---|
| 2026-03-01 13:40 UTC | drift | it drifted | [E1] |

## Trigger and contributing factors

- **Trigger**: codes arrive that the mapping does not know. [E1]

## Actions

| Action | Type | Owner | Due | Verified by | State | Evidence |
|---|---|---|---|---|---|---|
| Guard it | prevent | ada | 2026-03-15 | case.quality() | open | [J1] |

## Evidence index

- [E1] rows(), evidence/E1.parquet
- [J1] case.assign("ada"), journal.jsonl
"""
BROKEN = [
    ("690 decisions were made. [E1]", "many decisions were made. [E1]", "impact without numbers", 7),
    ("it drifted | [E1] |", "it drifted |  |", "timeline row without evidence", 13),
    ("| ada | 2026-03-15 |", "| unknown | 2026-03-15 |", "incomplete action", 23),
    ("| 2026-03-15 |", "| unknown |", "incomplete action", 23),
    ("| case.quality() |", "|  |", "incomplete action", 23),
    ("codes arrive", "ada sent codes", "person in causes", 17),
    ("codes arrive", "codes sent by Mary Smith arrive", "person in causes", 17),
    ("codes arrive", "human error: codes arrive", "human error", 17),
    ("codes arrive", "it should have been seen that codes arrive", "should have", 17),
    ("made. [E1]", "made.", "number without evidence", 7),
    ("made. [E1]", "made. [E9]", "number without evidence", 7),
    ("made. [E1]", "made (live). [E1]", "live evidence", 7),
]


def test_a_clean_postmortem_has_no_defect() -> None:
    """Eight rules find nothing."""
    assert lint(CLEAN) == []


@pytest.mark.parametrize(("was", "now", "rule", "line"), BROKEN)
def test_each_defect_is_named_at_its_line_with_a_fix(was: str, now: str, rule: str, line: int) -> None:
    """One defect is put in; it alone is found."""
    found = lint(CLEAN.replace(was, now))
    assert [(d.rule, d.line) for d in found] == [(rule, line)]
    assert found[0].fix
