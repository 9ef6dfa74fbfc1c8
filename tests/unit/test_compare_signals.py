"""`case.compare` beyond columns: a table's own signals, the rules of its contract, and whichever baseline is named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.contract_rules import of_contract
from workbench.analysis.drift_decision import Policy
from workbench.analysis.table_signals import Series, table_of
from workbench.bench import Bench, open_bench
from workbench.case.operations import Outcome
from workbench.columnar import build
from workbench.intake.profiling import profile_entity
from workbench.model.tables import ASSERTIONS, CHANGES, MODEL_VERSIONS, PREDICTIONS, PROFILES, RUN_DATA, TABLE_ROWS
from workbench.model.window import DAY_NS, HOUR_NS, iso, parse_time_ns

START = parse_time_ns("2026-02-10T00:00:00Z")
DAYS = 10
NOW = START + DAYS * DAY_NS
HOURS = 2
Rows = dict[str, list[Any]]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as made:
        yield made


def orders(seed: int = 4, per_hour: int = 60) -> Rows:
    """Orders of ten days, 20 to 24 o'clock, with amount, items, kind and shop."""
    rng = np.random.default_rng(seed)
    times = [START + i * (HOUR_NS // per_hour) for i in range(DAYS * 24 * per_hour)]
    times = [t for t in times if t % DAY_NS >= 20 * HOUR_NS]
    n = len(times)
    kinds = rng.choice(["food", "rent"], n)
    return {
        "row_id": [f"{seed}/{i}" for i in range(n)],
        "time_ns": times,
        "numbers": [{"amount": float(a), "items": float(i)} for a, i in
                    zip(rng.lognormal(3, 1, n), rng.poisson(3, n), strict=True)],
        "texts": [{"kind": str(k), "shop": f"shop {i % 20}"} for i, k in enumerate(kinds)],
    }  # fmt: skip


def keep(bench: Bench, rows: Rows, *, place: str = "here", environment: str = "prod", received_ns: int = NOW) -> None:
    held = {"environment": environment, "source": "test", "place": place, "received_ns": received_ns,
            "dataset": "orders"}  # fmt: skip
    bench.store.append({"table_rows": build(TABLE_ROWS, {**held, **rows})})


def late(rows: Rows) -> slice:
    return slice(len(rows["row_id"]) - HOURS * 60, None)


def compared(bench: Bench, **asked: str) -> Outcome:
    window = f"{iso(NOW - HOURS * HOUR_NS)}/{iso(NOW)}"
    return bench.case("INC-1", entity="dataset:orders", signal="amount", window=window).compare("orders", **asked)


def verdicts(found: Outcome) -> dict[str, str]:
    return found.values["signals"]


def test_a_quiet_table_is_ok_in_every_signal(bench: Bench) -> None:
    """Rows, freshness, schema, levels and repeats have a history of nine quiet windows and the verdict ok."""
    keep(bench, orders())
    found = compared(bench)
    assert set(verdicts(found).values()) == {"ok"}
    assert set(verdicts(found)) == {"rows", "freshness", "schema", "cardinality kind", "cardinality shop",
                                    "duplicates", "duplicate delivery"}  # fmt: skip
    table = found.frames["signals"].set_index(["signal", "column"])
    assert table.loc[("duplicates", ""), "quiet"] == 9
    assert len(found.frames["signal_history"].query("signal == 'freshness'")) == 9
    assert found.findings == ()


def _twice(rows: Rows) -> None:
    part = late(rows)
    again = rows["row_id"][part][:40]
    for name in ("time_ns", "numbers", "texts"):
        rows[name] += rows[name][part][:40]
    rows["row_id"] += [f"{i}/copy" for i in again]


def _levels(rows: Rows) -> None:
    for i, texts in enumerate(rows["texts"][late(rows)]):
        texts["shop"] = f"shop {i} of many"


def _column_lost(rows: Rows) -> None:
    for texts in rows["texts"][late(rows)]:
        del texts["kind"]


def _column_gained(rows: Rows) -> None:
    for texts in rows["texts"][late(rows)]:
        texts["<script>"] = "x"


def _retyped(rows: Rows) -> None:
    for numbers, texts in zip(rows["numbers"][late(rows)], rows["texts"][late(rows)], strict=True):
        texts["items"] = str(numbers.pop("items"))


@pytest.mark.parametrize(("change", "signal", "words"), [
    (_twice, "duplicates", "25.0% of rows are duplicates, usually 0.0%"),
    (_levels, "cardinality shop", "shop has 120 distinct levels, usually 20"),
    (_column_lost, "schema", "the schema lost kind"),
    (_column_gained, "schema", "the schema gained <script>"),
    (_retyped, "schema", "the schema changed the type of items"),
])  # fmt: skip
def test_each_signal_speaks_for_itself(bench: Bench, change: Callable[[Rows], None], signal: str, words: str) -> None:
    rows = orders()
    change(rows)
    keep(bench, rows)
    found = compared(bench)
    assert verdicts(found)[signal] == "drifted"
    assert words in found.frames["signals"]["words"].tolist()
    assert any(f.signal == signal.split()[0] for f in found.findings)


def test_the_same_rows_delivered_again_are_a_duplicate_delivery_not_duplicates(bench: Bench) -> None:
    rows = orders()
    keep(bench, rows)
    part = late(rows)
    again = {name: values[part] for name, values in rows.items()}
    again["row_id"] = [f"{v}/again" for v in again["row_id"]]
    keep(bench, again, place="another file")
    found = compared(bench)
    assert verdicts(found)["duplicate delivery"] == "drifted"
    assert verdicts(found)["duplicates"] == "ok"
    assert "50.0% of rows were delivered before, within a day" in found.summary


def test_one_delivery_with_the_same_keys_is_harmless(bench: Bench) -> None:
    rows = orders()
    keep(bench, rows)
    keep(bench, {name: values[late(rows)] for name, values in rows.items()}, place="another file")
    assert set(verdicts(compared(bench)).values()) == {"ok"}


def test_a_table_that_stops_is_silent_and_says_how_old_it_is(bench: Bench) -> None:
    rows = orders()
    keep(bench, {name: values[: -HOURS * 60 - 60] for name, values in rows.items()})
    found = compared(bench)
    assert verdicts(found)["rows"] == "silent"
    assert verdicts(found)["freshness"] == "silent"
    assert "the newest row is 3 h old, usually 0 s" in found.frames["signals"]["words"].tolist()
    assert found.values["rows"] == "silent"


def test_profiles_alone_still_have_signals(bench: Bench, tmp_path: Path) -> None:
    """Counts know rows, age, levels and schema; of repeats and drivers they say that no row is kept."""
    rows = orders()
    _levels(rows)
    keep(bench, rows)
    profile_entity(bench.store, "dataset:orders", every_ns=HOUR_NS)
    kept = bench.store.ask("rows", table="profiles")
    with open_bench(tmp_path / "other", who="ada", clock=lambda: NOW) as other:
        other.store.append({"profiles": build(PROFILES, {name: kept[name].to_pylist() for name in kept.column_names}
                                              | {"environment": "prod"})})  # fmt: skip
        found = compared(other)
    assert "from profiles" in found.summary
    assert verdicts(found)["cardinality shop"] == "drifted"
    assert (verdicts(found)["duplicates"], verdicts(found)["schema"], verdicts(found)["freshness"]) == (
        "no data", "ok", "ok")  # fmt: skip
    assert found.values["drivers"] == "unknown: profiles hold no rows to take apart"


def test_few_rows_and_no_history_have_verdicts_of_their_own() -> None:
    starts = np.arange(5, dtype=np.int64)
    none = Series("duplicates", "", 0.5, np.array([]), np.array([], np.int64))
    few = Series("duplicates", "", 0.5, np.zeros(5), starts, rows_now=9)
    one = Series("cardinality", "shop", 90.0, np.array([10.0]), starts[:1])
    assert table_of([none, few, one])["verdict"].tolist() == ["no data", "too few rows", "drifted"]


def test_signals_hold_their_rate_of_false_alarms() -> None:
    """Of 400 quiet windows at most 20 (5 %) are said to have drifted."""
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(400):
        shares = rng.binomial(500, 0.05, 11) / 500
        series = [Series("duplicate delivery", "", shares[0], shares[1:], np.arange(10, dtype=np.int64), 500, 5000)]
        levels = rng.poisson(40, 11).astype(float)
        series.append(Series("cardinality", "x", levels[0], levels[1:], np.arange(10, dtype=np.int64)))
        alarms += bool((table_of(series)["verdict"] == "drifted").any())
    assert alarms <= 20


def contract(bench: Bench, rules: list[dict[str, str]], sla: list[dict[str, str]] | None = None) -> None:
    held = {"environment": "prod", "source": "contracts", "place": "c.yaml", "received_ns": NOW}
    attributes = {"contract": "sales", "rules": json.dumps(rules), "sla": json.dumps(sla or [])}
    row = {"change_id": ["c1"], "time_ns": [START], "kind": ["config"], "entity": ["dataset:orders"],
           "version_after": ["1.2.0"], "attributes": [attributes]}  # fmt: skip
    bench.store.append({"changes": build(CHANGES, {**held, **row})})


def rule(metric: str, operator: str, limit: str, column: str = "", unit: str = "rows") -> dict[str, str]:
    return {"dataset": "orders", "column": column, "metric": metric, "operator": operator, "limit": limit,
            "unit": unit, "severity": "error"}  # fmt: skip


def test_a_contract_sets_the_fixed_rules_and_is_named(bench: Bench) -> None:
    """Of six promises two are broken, one cannot be checked; the rules of practice stand beside what is not set."""
    rows = orders()
    for i, numbers in enumerate(rows["numbers"][late(rows)]):
        if i % 50 == 0:
            numbers["amount"] = None
    keep(bench, rows)
    contract(bench, [
        rule("nullValues", "<=", "2", "amount", "percent"), rule("rowCount", "between", "100,200"),
        rule("psi", "<=", "0.00001", "items"), rule("invalidValues", "<=", "5", "kind", "percent"),
        rule("nullValues", "=", "0", "items"),
    ], [{"property": "freshness", "value": "1", "unit": "h"}])  # fmt: skip
    found = compared(bench)
    assert found.values["policies"] == "contract sales 1.2.0 (5 rules checked), else rules of practice"
    assert found.values["broken"] == ["amount.nullValues <= 2 %", "items.psi <= 0.00001"]
    table = found.frames["policies"].set_index("policy")
    assert table.loc["kind.invalidValues <= 5 %", "state"] == "could not be checked"
    assert table.loc["rowCount between 100,200", "state"] == "held"
    assert table.loc["freshness <= 1 h", "state"] == "held"
    assert table.loc["rows_halved", "source"] == "practice"
    assert next(f.statement for f in found.findings if f.signal == "policy").startswith("orders.amount breaks")
    assert compared(bench, policies="practice").values["policies"] == "rules of practice"
    assert compared(bench, policies="none").frames["policies"].empty


def test_a_failed_check_of_dbt_is_a_broken_policy(bench: Bench) -> None:
    keep(bench, orders())
    held = {"environment": "prod", "source": "dbt", "place": "run_results.json", "received_ns": NOW}
    check = {"dataset": ["orders"] * 2, "column": ["kind"] * 2, "assertion": ["not_null", "accepted_values"],
             "job_run": ["r"] * 2, "time_ns": [NOW - HOUR_NS] * 2, "success": [True, False],
             "actual": [None, "Got 3 results"]}  # fmt: skip
    bench.store.append({"assertions": build(ASSERTIONS, {**held, **check})})
    found = compared(bench)
    assert found.values["broken"] == ["accepted_values"]
    assert "orders.kind breaks accepted_values (dbt): Got 3 results." in [f.statement for f in found.findings]


def test_limits_are_read_as_the_standard_means_them() -> None:
    rules = [
        rule("rowCount", ">", "10"), rule("rowCount", "not between", "5,6"), rule("nullValues", "=", "0", "a"),
        rule("madeUp", "=", "0"), {"metric": "psi", "operator": "<", "limit": "many"},
    ]  # fmt: skip
    policies, unchecked = of_contract({"rules": json.dumps(rules), "sla": "not json"}, "c")
    assert [(p.broken(10), p.broken(5.5), p.broken(0)) for p in policies] == [
        (True, True, True), (False, True, False), (True, True, False)
    ]  # fmt: skip
    assert len(unchecked) == 2
    assert not Policy("x", "psi", 0.1).broken(float("nan"))


def test_every_baseline_is_stated(bench: Bench) -> None:
    keep(bench, orders())
    window = f"{iso(NOW - HOURS * HOUR_NS)}/{iso(NOW)}"
    case = bench.case("INC-2", entity="dataset:orders", signal="amount", window=window)
    assert "no baseline is pinned" in case.compare("orders", baseline="pinned").could_not_run
    assert "same hours of the week, the week before" in case.compare(
        "orders", baseline="same hours of the week, 28 d").summary  # fmt: skip
    first = case.compare("orders", baseline="first 30 d").summary
    assert "in the first 9.08 days kept, of 30 asked for" in first
    day = f"{iso(NOW - 2 * DAY_NS)}/{iso(NOW - DAY_NS)}"
    chosen = case.compare("orders", baseline=day)
    assert (chosen.values["baseline"], "(short: 1.9 days)" in chosen.summary) == ("chosen", True)
    case.pin_baseline(day)
    pinned = case.compare("orders", baseline="pinned")
    assert pinned.values["baseline"] == "pinned"
    assert "the pinned" in pinned.summary
    assert case.replay().badge.startswith("Replayed offline: ")


def test_another_version_and_another_environment_are_baselines(bench: Bench) -> None:
    """Version v1 counts amounts in units, the window in cents; staging is as the window."""
    old, rows = orders(5), orders(6)
    for numbers in rows["numbers"]:
        numbers["amount"] *= 100
    keep(bench, {**old, "data_version": ["v1"] * len(old["row_id"]),
                 "time_ns": [t - 20 * DAY_NS for t in old["time_ns"]]})  # fmt: skip
    keep(bench, {**rows, "data_version": ["v2"] * len(rows["row_id"])})
    keep(bench, {**orders(7), "numbers": rows["numbers"]}, environment="staging")
    found = compared(bench, baseline="version v1")
    assert found.values["drifted"] == ["amount"]
    assert found.values["baseline"] == "version"
    assert "against version v1 (2,400 rows of 9.2 days from 2026-01-21 20:00)" in found.summary
    assert "x100 of what it was" in found.findings[0].statement
    assert "no row of dataset:orders has the version 'v9'" in compared(bench, baseline="version v9").could_not_run
    other = compared(bench, baseline="environment staging")
    assert other.values["drifted"] == []
    assert "environment staging, the same window (120 rows" in other.summary
    assert "There is no environment 'stagin'. Did you mean: staging?" in compared(
        bench, baseline="environment stagin").could_not_run  # fmt: skip


def served(bench: Bench, scale: float) -> None:
    """A model served for two hours, 600 decisions, and the snapshot that its version was trained on."""
    rng = np.random.default_rng(11)
    n = 600
    held = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW}
    bench.store.append({
        "predictions": build(PREDICTIONS, {
            **held, "prediction_id": [f"p{i}" for i in range(n)],
            "time_ns": [NOW - HOURS * HOUR_NS + i * 10**9 for i in range(n)], "model": ["credit"] * n,
            "model_version": ["7"] * n, "score": rng.random(n),
            "feature_numbers": [{"income": float(v) * scale, "age": float(a)} for v, a in
                                zip(rng.lognormal(3, 1, n), rng.integers(18, 90, n), strict=True)],
            "feature_texts": [{"region": str(r)} for r in rng.choice(["n", "s"], n)]}),
        "model_versions": build(MODEL_VERSIONS, {**held, "model": ["credit"], "version": ["7"], "run_id": ["r7"],
                                                 "updated_ns": [START]}),
        "run_data": build(RUN_DATA, {**held, "run_id": ["r7", "r7"], "dataset": ["applicants", "holdout"],
                                     "data_version": ["2026-01", "x"], "role": ["training", "evaluation"]}),
        "table_rows": build(TABLE_ROWS, {
            **held, "dataset": ["applicants"] * 2000, "row_id": [f"a{i}" for i in range(2000)],
            "time_ns": [START - i * 10**9 for i in range(2000)], "data_version": ["2026-01"] * 2000,
            "numbers": [{"income": float(v), "age": float(a), "label": 1.0} for v, a in
                        zip(rng.lognormal(3, 1, 2000), rng.integers(18, 90, 2000), strict=True)],
            "texts": [{"region": str(r)} for r in rng.choice(["n", "s"], 2000)]}),
    })  # fmt: skip


@pytest.mark.parametrize(("scale", "drifted"), [(1.0, []), (1000.0, ["income"])])
def test_serving_is_compared_with_its_training_snapshot(bench: Bench, scale: float, drifted: list[str]) -> None:
    """The version in service names its run, the run its data set: applicants of 2026-01; age and region are equal."""
    served(bench, scale)
    window = f"{iso(NOW - HOURS * HOUR_NS)}/{iso(NOW)}"
    case = bench.case("INC-3", entity="model:credit", signal="score", window=window)
    found = case.compare("model:credit", baseline="training")
    assert found.values["drifted"] == drifted
    assert found.values["baseline"] == "training"
    assert "applicants version 2026-01 by run r7" in found.summary
    assert "the schema lost label" in found.frames["signals"]["words"].tolist()
    assert case.replay().badge.startswith("Replayed offline: 2/2 match")


def test_a_missing_snapshot_is_said(bench: Bench) -> None:
    served(bench, 1.0)
    window = f"{iso(NOW - HOURS * HOUR_NS)}/{iso(NOW)}"
    case = bench.case("INC-4", entity="model:credit", signal="score", window=window)
    assert "belongs to a model" in case.compare("applicants", baseline="training").could_not_run
    assert "decided nothing" in case.compare("model:none", baseline="training").could_not_run


def test_the_rows_that_drive_a_difference_are_named(bench: Bench) -> None:
    """Amounts of one shop's food grow twentyfold; the pair explains most, what it overlaps with is labelled."""
    rows = orders(9, per_hour=300)
    for i, texts in enumerate(rows["texts"]):
        texts["shop"] = f"shop {i % 4}"
    part = slice(len(rows["row_id"]) - HOURS * 300, None)
    for numbers, texts in zip(rows["numbers"][part], rows["texts"][part], strict=True):
        if texts == {"kind": "food", "shop": "shop 1"}:
            numbers["amount"] *= 20
        texts["shop"] = texts["shop"].replace("shop 3", "SHOP 3")
    keep(bench, rows)
    found = compared(bench)
    table = found.frames["drivers"]
    amount = table[table["column"] == "amount"]
    assert set(amount.iloc[0]["segment"].split(" and ")) == {"kind = food", "shop = shop 1"}
    assert (amount.iloc[0]["size"], amount.iloc[0]["explained"] > 0.8) == (2, True)
    assert (amount["overlaps"] != "").any()
    assert "of the divergence of amount is gone (association)" in found.summary
    changes = found.frames["changes"]
    assert "renamed_level" in set(changes.loc[changes["column"] == "shop", "kind"])
    assert isinstance(changes, pd.DataFrame)
