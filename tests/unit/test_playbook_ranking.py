"""Causes are weighed by path, signal, time and effect: decoys sink, inherited deviations sink, two causes stay."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pandas as pd
import pytest

from workbench.analysis.lineage import build
from workbench.analysis.rank_incident import HOUR_NS, Candidate, weigh
from workbench.case.symptom import Symptom
from workbench.model.findings import Cause, Evidence, Finding
from workbench.model.window import Window
from workbench.playbook.leftover import told_once
from workbench.playbook.signatures.bad_deploy import SIGNATURE as BAD_DEPLOY
from workbench.playbook.signatures.null_burst import SIGNATURE as NULL_BURST
from workbench.playbook.signatures.schema_change import SIGNATURE as SCHEMA_CHANGE
from workbench.playbook.signatures.silent_feed import SIGNATURE as SILENT_FEED
from workbench.playbook.signatures.unmapped_category import SIGNATURE as UNMAPPED
from workbench.playbook.symptoms import Family, family
from workbench.playbook.times import Times
from workbench.playbook.view import View, mentions

ONSET = 100 * HOUR_NS
EVIDENCE = (Evidence("E1", "rows()", "evidence/E1.parquet", "0" * 64, 1),)


def candidate(name: str, **changed: object) -> Candidate:
    """Return a candidate that is right in every respect, but for what is changed."""
    values = {
        "key": f"kind {name}",
        "entity": name,
        "on_path": True,
        "strength": 0.999,
        "onset_ns": ONSET,
        "onset_after_ns": ONSET - HOUR_NS,
        "explained": 0.9,
        "specificity": 1.0,
        "shown": True,
        "refuted": False,
        "covers": frozenset(),
    }
    return Candidate(**{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "flaw",
    [
        {"on_path": False},
        {"strength": 0.3},
        {"onset_ns": ONSET + 6 * HOUR_NS, "onset_after_ns": ONSET + 6 * HOUR_NS},
        {"explained": 0.0},
        {"specificity": 0.2},
        {"refuted": True},
    ],
)
def test_one_flaw_is_enough_to_rank_below_a_flawless_cause(flaw: dict[str, object]) -> None:
    """Off the path, unremarkable, too late, without effect, unspecific or refuted: each sinks below the real cause."""
    ranked = weigh([candidate("a_decoy", **flaw), candidate("z_cause")], ONSET, 1.0)
    assert [w.candidate.entity for w in ranked] == ["z_cause", "a_decoy"]
    assert ranked[0].verdict == "proven"
    assert ranked[1].verdict != "proven"


def test_two_causes_are_both_named_and_what_one_covers_is_not() -> None:
    """Two independent causes are proven; a symptom of the first keeps less than half of its confidence."""
    first = candidate("first", covers=frozenset({"shadow"}))
    ranked = weigh([first, candidate("second", explained=0.5), candidate("shadow")], ONSET, 1.0)
    by_name = {w.candidate.entity: w for w in ranked}
    assert by_name["first"].verdict == by_name["second"].verdict == "proven"
    assert by_name["shadow"].confidence < 0.5 * by_name["second"].confidence


def test_nothing_is_proven_where_the_symptom_is_within_its_usual_range() -> None:
    """A flawless candidate for a symptom of strength .9 gets verdict none."""
    (only,) = weigh([candidate("cause")], ONSET, 0.9)
    assert only.verdict == "none"


def test_the_order_of_candidates_changes_nothing_and_ties_go_by_name() -> None:
    """All 24 orders of four candidates give one ranking."""
    items = [candidate(n) for n in ("b", "a")] + [candidate("c", explained=0.1), candidate("d", on_path=False)]
    rankings = {tuple(w.candidate.entity for w in weigh(order, ONSET, 1.0)) for order in permutations(items)}
    assert rankings == {("a", "b", "c", "d")}


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("kpi_approval_rate", "outcome"),
        ("http_error_ratio", "errors"),
        ("http_request_duration_p95_seconds", "latency"),
        ("kpi_orders_per_hour", "volume"),
        ("model_score_mean", "outcome"),
        ("rows", "volume"),
    ],
)
def test_a_signal_is_read_by_the_words_in_its_name(signal: str, expected: Family) -> None:
    """Errors, latency and volume are told by their words; all else is an outcome of decisions."""
    assert family(signal) == expected


EDGES = [
    ("dataset:topic_a", "dataset:raw"),
    ("dataset:topic_b", "dataset:raw"),
    ("dataset:raw", "dataset:core"),
    ("dataset:code_map", "dataset:core"),
    ("dataset:code_map", "column:code_map.category"),
    ("column:code_map.category", "column:core.category"),
    ("column:core.category", "feature:category"),
    ("column:topic_a.amount", "column:raw.amount"),
    ("column:raw.amount", "feature:amount"),
    ("dataset:topic_a", "column:topic_a.amount"),
    ("dataset:core", "model:m"),
    ("feature:category", "model:m"),
    ("feature:amount", "model:m"),
    ("model:m", "kpi:rate"),
    ("service:store", "service:front"),
    ("service:front", "kpi:rate"),
]


def view(
    *findings: Finding, signal: str = "approval_rate", shares: dict[str, float] | None = None, change: float = -0.1
) -> View:
    """Return a view of a small system in which the findings were made."""
    window = Window(ONSET, ONSET + 5 * HOUR_NS)
    symptom = Symptom("kpi:rate", signal, window, None, "prod")
    graph = build(pd.DataFrame([(*e, "same_event") for e in EDGES], columns=["upstream", "downstream", "rule"]))
    rows = [(name, share * change, share, 9.0, 0.01, 0.3) for name, share in (shares or {}).items()]
    contributions = pd.DataFrame(rows, columns=["column", "contribution", "share", "z", "p_value", "psi"])
    times = Times(ONSET, window.end_ns, 0, ONSET - HOUR_NS)
    return View(symptom, family(signal), times, findings, graph, contributions, change, decisions_z=9.0)


def finding(
    entity: str, signal: str, statement: str = "it deviates.", *, onset: int = ONSET, **values: float | str
) -> Finding:
    """Return a strong finding."""
    return Finding(statement, entity, signal, EVIDENCE, strength=0.999, values=dict(values), onset_ns=onset)


def test_the_most_upstream_silent_data_set_is_proposed_and_the_others_inherit() -> None:
    """Topic, raw and core lose rows; the topic is the only lead and explains the volume that is missing."""
    lost = [
        finding(f"dataset:{n}", "rows", relative=r) for n, r in (("topic_a", -1.0), ("raw", -0.62), ("core", -0.62))
    ]
    (lead,) = SILENT_FEED.propose(view(*lost, signal="orders_per_hour", change=-0.62))
    assert lead.entity == "dataset:topic_a"
    assert set(lead.covers) == {"dataset:raw", "dataset:core"}
    assert lead.explained == 1.0


def test_more_rows_are_no_silent_feed() -> None:
    """A surge proposes nothing."""
    assert list(SILENT_FEED.propose(view(finding("dataset:raw", "rows", relative=0.5)))) == []


def test_a_catch_all_level_that_rises_is_an_unmapped_category_and_another_level_hardly() -> None:
    """'unmapped' fits the signature fully; a season's favourite does not."""
    drift = {"type": "text", "usual": 0.01, "now": 0.15}
    shares = {"category": 0.9}
    (sure,) = UNMAPPED.propose(view(finding("feature:category", "drift", level="unmapped", **drift), shares=shares))
    (season,) = UNMAPPED.propose(view(finding("feature:category", "drift", level="gifts", **drift), shares=shares))
    assert (sure.specificity, sure.shown) == (1.0, True)
    assert season.specificity < 0.5
    assert not season.shown


def test_a_column_that_was_added_explains_nothing_and_one_that_was_lost_explains_its_features() -> None:
    """The near miss of a schema change has explained 0."""
    shares = {"amount": 0.8}
    lost = finding("dataset:topic_a", "schema", removed="amount", added="amount_cents", retyped="")
    gained = finding("dataset:topic_a", "schema", removed="", added="hint", retyped="")
    drift = finding("feature:amount", "drift", type="number", level="(missing)")
    (guilty,) = SCHEMA_CHANGE.propose(view(lost, drift, shares=shares))
    (harmless,) = SCHEMA_CHANGE.propose(view(gained, drift, shares=shares))
    assert guilty.explained == pytest.approx(0.8)
    assert guilty.shown
    assert harmless.explained == 0.0
    assert not harmless.shown


def test_nulls_are_laid_at_the_schema_change_that_made_them() -> None:
    """Missing cells alone are a null burst; with the column gone they are refuted as one."""
    nulls = finding("feature:amount", "null_rate", column="amount", change=0.4)
    schema = finding("dataset:topic_a", "schema", removed="amount", added="", retyped="")
    (alone,) = NULL_BURST.propose(view(nulls, shares={"amount": 0.8}))
    (explained,) = NULL_BURST.propose(view(nulls, schema, shares={"amount": 0.8}))
    assert alone.evidence_against == ()
    assert explained.evidence_against == (schema,)
    assert explained.specificity < alone.specificity


def test_a_release_without_effect_sinks_and_one_with_errors_of_its_own_does_not() -> None:
    """Both services were released; only the one whose own errors rose is a serious lead."""
    releases = [
        finding(f"service:{n}", "change", f"deploy of {n}", onset=ONSET - HOUR_NS // 4) for n in ("store", "front")
    ]
    errors = finding("service:store", "http_error_ratio", family="errors", change=0.2, own=0.2, own_share=1.0)
    leads = {
        lead.entity: lead
        for lead in BAD_DEPLOY.propose(view(*releases, errors, shares={"(decided without the model)": 0.7}))
    }
    assert leads["service:store"].strength > 0.9
    assert leads["service:store"].shown
    assert leads["service:front"].strength <= 0.1


def test_a_change_names_a_data_set_by_its_path() -> None:
    """``reference/code_map.csv`` names ``…/ref_code_map``; ``docs/runbook.md`` does not."""
    edit = finding("change:1", "change", words="reference code_map csv sort")
    other = finding("change:2", "change", words="docs runbook explain")
    assert mentions(edit, "dataset:warehouse/dwh.ref_code_map")
    assert not mentions(other, "dataset:warehouse/dwh.ref_code_map")


def cause(rank: int, entity: str, confidence: float, explained: float) -> Cause:
    """Return a proven cause (suspected below .5, none below .4) that accounts for a share of the symptom."""
    verdict = "proven" if confidence >= 0.5 else "suspected" if confidence >= 0.4 else "none"
    factors = {"explains": 0.1 + 0.9 * explained**0.5}
    return Cause(rank, entity, "kind", "it is to blame.", confidence, verdict, factors)


WITHOUT = "(decided without the model)"


def test_what_a_better_cause_accounts_for_makes_room_for_a_second_one() -> None:
    """Three services claim the decisions without the model; the input that moves the rest comes second, not fourth."""
    causes = (
        cause(1, "service:store", 0.97, 0.9), cause(2, "service:front", 0.9, 0.8), cause(3, "flag:f", 0.85, 0.8),
        cause(4, "feature:amount", 0.45, 0.2),
    )  # fmt: skip
    told = told_once(causes, view(shares={WITHOUT: 0.8, "amount": 0.2}))
    assert [(c.rank, c.entity) for c in told[:2]] == [(1, "service:store"), (2, "feature:amount")]
    assert (told[0].confidence, told[1].confidence, told[1].verdict) == (0.97, 0.45, "suspected")
    assert [c.entity for c in told[2:]] == ["service:front", "flag:f"]
    assert all(c.verdict != "proven" and c.factors["left"] == 0.0 for c in told[2:])


def test_two_causes_that_share_a_rise_between_them_keep_their_places() -> None:
    """Of a slowness one service makes 60 % and another 40 %: nothing is told twice, and both stay proven."""
    causes = (cause(1, "service:store", 0.8, 0.6), cause(2, "service:front", 0.6, 0.4), cause(3, "host:h", 0.55, 0.3))
    told = told_once(causes, view(signal="request_seconds"))
    assert [(c.entity, c.verdict) for c in told[:2]] == [("service:store", "proven"), ("service:front", "proven")]
    assert told[1].confidence == 0.6
    assert told[2].confidence < 0.4
    assert told[2].verdict == "none"


def test_a_lead_that_is_not_named_takes_nothing_from_the_others() -> None:
    """At confidence .3 nothing is claimed: the next lead keeps all of its own."""
    causes = (cause(1, "service:store", 0.3, 0.6), cause(2, "service:front", 0.25, 0.6))
    assert [c.confidence for c in told_once(causes, view(signal="request_seconds"))] == [0.3, 0.25]


def test_a_twin_of_what_stands_before_it_is_told_last() -> None:
    """Two tables of one name feed one input and show one failure: the second keeps less than a third."""
    edges = (("dataset:east.orders", "feature:n"), ("dataset:west.orders", "feature:n"), ("feature:n", "kpi:rate"))
    own = view()
    graph = build(pd.DataFrame([(*e, "same_event") for e in edges], columns=["upstream", "downstream", "rule"]))
    causes = (cause(1, "dataset:east.orders", 0.3, 0.1), cause(2, "dataset:west.orders", 0.29, 0.1))
    told = told_once((*causes, cause(3, "host:h", 0.1, 0.0)), replace(own, graph=graph))
    assert [c.entity for c in told] == ["dataset:east.orders", "host:h", "dataset:west.orders"]
    assert told[2].confidence == pytest.approx(0.29 * 0.3)
