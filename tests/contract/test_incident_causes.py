"""A planted cause is named through the real intake, its twin without a cause is not, and links are scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.incidents import SEALED, judge, predict
from workbench import scenarios
from workbench.playbook.linking import link_window
from workbench.store import Store

SEED = 11
"""A tuning seed: these tests show that the way works, the board shows how often."""


def made(tmp_path: Path, fault: str, variant: scenarios.Variant) -> tuple[Path, dict[str, object]]:
    """Create an incident and return its folder and its sealed truth."""
    folder = scenarios.create(fault, seed=SEED, variant=variant, out=tmp_path / "incident")
    return folder, json.loads((folder / SEALED).read_text(encoding="utf-8"))


@pytest.mark.full
@pytest.mark.parametrize("variant", scenarios.VARIANTS)
def test_an_unmapped_partner_is_named_and_its_twin_is_not(tmp_path: Path, variant: scenarios.Variant) -> None:
    """Every variant of the first scenario ends as it should, and no decoy is named."""
    folder, truth = made(tmp_path, "unmapped_category", variant)
    found = judge(predict(folder, tmp_path / "store"), truth)
    assert not found.decoy_named
    if variant in ("no_cause", "near_miss"):
        assert found.verdict == "none"
    else:
        assert found.first
        assert found.among_three
        assert found.verdict == "proven"


@pytest.mark.full
def test_links_to_runs_recall_and_precision_are_99_percent(tmp_path: Path) -> None:
    """With wrong, unknown and missing run ids among the senders, recall and precision are at least .99."""
    folder, truth = made(tmp_path, "wrong_snapshot", "cause")
    predict(folder, tmp_path / "store")
    with Store.open(tmp_path / "store", mode="read") as store:
        linked = link_window(store.ask, 0, 2**62).links
    to_run = linked[linked["left"].str.startswith("trace:") & linked["right"].str.startswith("run:")]
    got = dict(zip(to_run["left"].str.removeprefix("trace:"), to_run["right"].str.removeprefix("run:"), strict=True))
    wanted, unlinked = truth["links"], truth["unlinked"]
    assert isinstance(wanted, dict)
    assert isinstance(unlinked, list)
    right = sum(got.get(trace) == run for trace, run in wanted.items())
    named = sum(trace in got for trace in (*wanted, *unlinked))
    assert right / len(wanted) >= 0.99
    assert right / named >= 0.99
