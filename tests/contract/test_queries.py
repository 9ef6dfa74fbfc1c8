"""Every named query: documented, empty on an empty store, and the same before sealing, sealed and compacted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from workbench import plugins
from workbench.columnar import build
from workbench.errors import UnknownNameError, UsageError
from workbench.model.tables import TABLES
from workbench.store import Query, Store

S = 10**9
MINUTE = 60 * S
T0 = 20_500 * 86_400 * S
END = T0 + 60 * MINUTE
STAMP = {"environment": "prod", "source": "test", "place": "here", "received_ns": T0}
HOSTILE = "'; DROP TABLE spans; --"


def _rows(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    columns = {c.name: [{**STAMP, **row}.get(c.name) for row in rows] for c in TABLES[name]}
    return build(TABLES[name], columns)


EVENTS = json.dumps([
    {"name": "feature_flag.evaluation", "time_ns": T0,
     "attributes": {"feature_flag.key": "new-scorer", "feature_flag.result.variant": "on"}},
    {"name": "gen_ai.evaluation.result", "time_ns": T0,
     "attributes": {"gen_ai.evaluation.name": "groundedness", "gen_ai.evaluation.score.value": 0.9}},
])  # fmt: skip
"""What the first span says of itself: a flag was asked for, and its answer was judged."""


def _span(number: int, **own: Any) -> dict[str, Any]:
    start = own.pop("start_ns", T0 + number * S)
    took = own.pop("duration_ns", (number + 1) * 1_000_000)
    return {
        "trace_id": f"{number // 2:032x}", "span_id": f"{number:016x}", "start_ns": start, "end_ns": start + took,
        "duration_ns": took, "service": "api" if number % 2 == 0 else "scoring", "name": f"op{number % 2}",
        "kind": "server", "status": "error" if number % 4 == 1 else "ok",
        "parent_span_id": f"{number - 1:016x}" if number % 2 else None, "queue_wait_ms": 0.5,
        "host": f"h{number % 2}", "events": EVENTS if number == 0 else None,
        "attributes": {"tier": "gold" if number < 4 else "basic", HOSTILE: HOSTILE}, **own,
    }  # fmt: skip


def _world() -> dict[str, pa.Table]:
    def version(n: int, rows: int, schema: str) -> dict[str, Any]:
        return {"dataset": "orders", "version": str(n), "job_run": "", "time_ns": T0 + n * 10 * MINUTE, "rows": rows,
                "schema": schema, "schema_digest": schema, "null_counts": {"merchant": n},
                "last_updated_ns": T0 + n * 10 * MINUTE - 5 * S}  # fmt: skip

    def cell(n: int) -> dict[str, Any]:
        return {"dataset": "orders", "row_id": str(n), "time_ns": T0 + n * MINUTE,
                "numbers": {"amount": float(n % 3), "gone": None},
                "texts": {"category": "food" if n % 2 else None}}  # fmt: skip

    def decision(n: int) -> dict[str, Any]:
        return {"prediction_id": f"p{n}", "time_ns": T0 + n * MINUTE, "model": "fraud", "model_version": "42",
                "score": n / 10, "row_ref": str(n), "output": "deny" if n >= 8 else "allow",
                "feature_numbers": {"amount": float(n)},
                "feature_texts": {"merchant_category": None if n == 3 else "food"}}  # fmt: skip

    return {name: _rows(name, rows) for name, rows in {
        "spans": [_span(n) for n in range(20)],
        "logs": [{"log_id": str(n), "time_ns": T0 + n * S, "service": "api", "severity": "error",
                  "body": f"order {n} failed after {n * 10} ms", "trace_id": f"{n:032x}"} for n in range(5)],
        "metric_samples": [{"series": "s1", "time_ns": T0 + n * S, "entity": "host:h1", "metric": "cpu_percent",
                            "value": 99.0 if n == 123 else 10.0 + n % 2, "unit": "%", "type": "gauge"}
                           for n in range(600)],
        "runs": [{"run_id": "r1", "start_ns": T0, "end_ns": T0 + MINUTE, "updated_ns": T0 + MINUTE,
                  "status": "FINISHED"},
                 {"run_id": "r1", "start_ns": T0, "updated_ns": T0, "status": "RUNNING"}],
        "model_versions": [{"model": "fraud", "version": "42", "run_id": "r1", "created_ns": T0, "updated_ns": T0}],
        "run_data": [{"run_id": "r1", "dataset": "orders", "data_version": "1", "role": "training"}],
        "lineage_edges": [{"upstream": "dataset:raw", "downstream": "dataset:orders", "job": j, "job_run": j,
                           "rule": "same_event", "time_ns": T0 + n} for n, j in enumerate(["j1", "j2"])],
        "column_edges": [{"upstream_dataset": "raw", "upstream_column": "a", "downstream_dataset": "orders",
                          "downstream_column": "b", "job_run": "j1", "job": "j", "transformation": "upper",
                          "time_ns": T0}],
        "job_runs": [{"job_run": "j1", "job": "j", "state": "COMPLETE", "time_ns": T0}],
        "dataset_versions": [version(1, 100, "A"), version(2, 38, "A"), version(3, 90, "B"), version(4, 95, "A")],
        "assertions": [{"dataset": "orders", "column": "", "assertion": "rows > 50", "job_run": "", "time_ns": T0,
                        "success": ok} for ok in (False,)],
        "changes": [{"change_id": "c1", "time_ns": T0 + MINUTE, "kind": "deploy", "entity": "service:api",
                     "title": HOSTILE}],
        "alerts": [{"fingerprint": "f", "starts_ns": T0, "updated_ns": T0 + n, "status": s, "ends_ns": e}
                   for n, (s, e) in enumerate([("firing", None), ("resolved", T0 + MINUTE)])],
        "kpis": [{"kpi": "approvals", "segment": "", "time_ns": T0 + n * MINUTE, "value": float(n)} for n in range(3)],
        "predictions": [decision(n) for n in range(10)],
        "labels": [{"prediction_id": "p1", "name": "fraud", "value": 1.0, "arrived_ns": T0 + MINUTE}],
        "features": [{"feature": "age", "retrieval_id": str(n), "time_ns": T0, "version": "1", "freshness_s": float(n),
                      "cache_hit": n == 0, "retrieval_ms": 1.0} for n in range(4)],
        "table_rows": [cell(n) for n in range(12)],
    }.items()}  # fmt: skip


REQUIRED: dict[str, Any] = {
    "start_ns": T0,
    "end_ns": END,
    "every_ns": 10 * MINUTE,
    "selection": [(T0, T0 + 4 * S)],
    "baseline": [(T0 + 4 * S, END)],
    "windows": [(T0, T0 + 6 * MINUTE), (T0 + 6 * MINUTE, END)],
    "entity": "model:fraud",
    "column": "score",
    "table": "spans",
    "text": "r1",
    "trace_id": f"{1:032x}",
    "grids": {"amount": "numbers/1;k=8;c=1.0;s0=1.0", "merchant_category": "levels/1"},
}
NAMES = plugins.names("query")


def _arguments(query: Query) -> dict[str, Any]:
    return {name: REQUIRED[name] for name, doc in query.arguments.items() if not doc.startswith("optional")}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """The same rows four ways: in the journal twice over, half sealed, sealed, compacted."""
    opened = {}
    for how in ("journal", "half", "sealed", "compacted", "empty"):
        store = opened[how] = Store.open(tmp_path_factory.mktemp("stores") / how, upkeep="manual")
        if how != "empty":
            store.append(_world())
            if how in {"half", "sealed"}:
                store.seal()
            store.append({name: rows.slice(rows.num_rows // 2) for name, rows in _world().items()})
            if how in {"sealed", "compacted"}:
                store.seal()
            if how == "compacted":
                store.compact()
    yield opened
    for store in opened.values():
        store.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_has_the_documented_columns(stores: dict[str, Store], name: str) -> None:
    """Columns are those documented, in order, all integers int64; at least one row in this small world."""
    query: Query = plugins.load("query", name)
    answer = stores["compacted"].ask(name, **_arguments(query))
    assert query.doc.endswith(".")
    assert not query.columns or answer.column_names == list(query.columns)
    assert all(field.type == pa.int64() for field in answer.schema if pa.types.is_integer(field.type))
    assert answer.num_rows > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_does_not_depend_on_sealing(stores: dict[str, Store], name: str) -> None:
    """Rows sent twice are counted once, in the journal, half sealed, sealed and compacted: equal answers."""
    arguments = _arguments(plugins.load("query", name))
    answers = [stores[how].ask(name, **arguments) for how in ("journal", "half", "sealed", "compacted")]
    assert all(answer.equals(answers[0]) for answer in answers[1:])


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_store_gives_the_same_columns_and_no_row(stores: dict[str, Store], name: str) -> None:
    """Nothing in, nothing out, with the same types."""
    arguments = _arguments(plugins.load("query", name))
    answer = stores["empty"].ask(name, **arguments)
    assert answer.num_rows == 0
    assert answer.schema.equals(stores["compacted"].ask(name, **arguments).schema)


@pytest.mark.parametrize("name", [n for n in NAMES if "equals" in plugins.load("query", n).arguments])
def test_a_hostile_value_is_a_value(stores: dict[str, Store], name: str) -> None:
    """SQL in a value finds nothing and breaks nothing; an unknown column is refused by name."""
    store, query = stores["compacted"], plugins.load("query", name)
    column = "model" if name == "prediction_series" else "service"
    assert store.ask(name, **_arguments(query), equals={column: HOSTILE}).num_rows == 0
    with pytest.raises(UnknownNameError, match="There is no column"):
        store.ask(name, **_arguments(query), equals={HOSTILE: "x"})


def test_arguments_are_checked(stores: dict[str, Store]) -> None:
    """A misspelt query or argument suggests the nearest; a missing one is named."""
    with pytest.raises(UnknownNameError, match="Did you mean: trace"):
        stores["empty"].ask("tracee")
    with pytest.raises(UnknownNameError, match="Did you mean: trace_id"):
        stores["empty"].ask("trace", traceid="1")
    with pytest.raises(UsageError, match="needs start_ns, end_ns"):
        stores["empty"].ask("changes")
    with pytest.raises(UsageError, match="integer nanoseconds"):
        stores["empty"].ask("rows", table="spans", start_ns="0) OR (1=1")


def _ask(stores: dict[str, Store], name: str, **arguments: Any) -> list[dict[str, Any]]:
    return stores["half"].ask(name, **arguments).to_pylist()


WINDOW = {"start_ns": T0, "end_ns": END}


def test_percentiles_are_interpolated_and_exact(stores: dict[str, Store]) -> None:
    """Ten api spans of 1, 3 .. 19 ms: median 10 ms, 95th percentile 18.1 ms; ten scoring spans, five failed."""
    api, scoring = _ask(stores, "span_percentiles", **WINDOW)
    assert (api["service"], api["count"], api["errors"], api["p50_ms"]) == ("api", 10, 0, 10.0)
    assert api["p95_ms"] == pytest.approx(18.1, rel=1e-12)
    assert (scoring["count"], scoring["errors"]) == (10, 5)
    rates = _ask(stores, "error_rate", **WINDOW, every_ns=10 * MINUTE)
    assert [r["error_rate"] for r in rates] == [0.0, 0.5]


def test_calls_between_services(stores: dict[str, Store]) -> None:
    """api calls scoring ten times, five fail, 0.11 s in all: 2 + 4 + .. + 20 ms."""
    (edge,) = _ask(stores, "service_edges", **WINDOW)
    assert (edge["caller"], edge["callee"], edge["calls"], edge["errors"]) == ("api", "scoring", 10, 5)
    assert edge["seconds"] == pytest.approx(0.11)


def test_contrast_counts_columns_and_map_keys(stores: dict[str, Store]) -> None:
    """tier=gold stands in 4 of the 4 selected spans and in none of the 16 others; 1 of the 4 failed."""
    answer = _ask(stores, "attribute_counts", selection=REQUIRED["selection"], baseline=REQUIRED["baseline"])
    by_value = {(r["key"], r["value"]): r for r in answer}
    gold = by_value["attributes.tier", "gold"]
    assert (gold["selection"], gold["baseline"], gold["selection_bad"]) == (4, 0, 1)
    assert (gold["selection_total"], gold["baseline_total"]) == (4, 16)
    assert by_value["service", "api"]["baseline"] == 8
    assert by_value[f"attributes.{HOSTILE}", HOSTILE]["baseline"] == 16
    only = stores["half"].ask(
        "attribute_counts", selection=[(T0, END)], baseline=[(T0, END)], keys=["attributes.tier", "kind"]
    )
    assert set(only.column("key").to_pylist()) == {"attributes.tier", "kind"}


def test_thinning_keeps_the_spike(stores: dict[str, Store]) -> None:
    """600 samples thinned to 40: the one sample of 99 among 10 and 11 is still there."""
    thin = _ask(stores, "metric_series", **WINDOW, metric="cpu_percent", points=40)
    assert len(thin) <= 40
    assert [(r["time_ns"] - T0) // S for r in thin if r["value"] == 99.0] == [123]
    assert len(_ask(stores, "metric_series", **WINDOW)) == 600


def test_volume_nulls_and_schema(stores: dict[str, Store]) -> None:
    """orders drops from 100 to 38 rows; gone is null in every cell; the schema goes A, B, A."""
    volume = _ask(stores, "volume_history", **WINDOW, every_ns=10 * MINUTE, entity="dataset:orders")
    written = [r["rows"] for r in volume if r["origin"] == "dataset_versions"]
    assert written == [100, 38, 90, 95]
    assert [r["rows"] for r in volume if r["origin"] == "table_rows"] == [10, 2]
    nulls = {(r["origin"], r["column"], r["start_ns"]): (r["rows"], r["nulls"])
             for r in _ask(stores, "null_history", **WINDOW, every_ns=10 * MINUTE)}  # fmt: skip
    assert nulls["table_rows", "gone", T0] == (10, 10)
    assert nulls["table_rows", "category", T0] == (10, 5)
    assert nulls["predictions", "merchant_category", T0] == (10, 1)
    assert nulls["dataset_versions", "merchant", T0 + 20 * MINUTE] == (38, 2)
    changed = _ask(stores, "schema_history", start_ns=T0 + 15 * MINUTE)
    assert [(r["previous_digest"], r["schema_digest"]) for r in changed] == [("A", "B"), ("B", "A")]


def test_categories_and_numbers_by_window(stores: dict[str, Store]) -> None:
    """Null and absent levels are null, never dropped; numbers come as exact value counts."""
    windows = REQUIRED["windows"]
    counts = _ask(stores, "category_counts", entity="dataset:orders", column="category", windows=windows)
    assert {(r["window"], r["level"]): r["n"] for r in counts} == {
        (0, "food"): 3, (0, None): 3, (1, "food"): 3, (1, None): 3,
    }  # fmt: skip
    values = _ask(stores, "numeric_values", entity="dataset:orders", column="amount", windows=windows[:1])
    assert [(r["value"], r["n"]) for r in values] == [(0.0, 2), (1.0, 2), (2.0, 2)]
    outputs = _ask(stores, "category_counts", entity="model:fraud", column="output", windows=[(T0, END)])
    assert {r["level"]: r["n"] for r in outputs} == {"allow": 8, "deny": 2}


def test_the_latest_state_wins(stores: dict[str, Store]) -> None:
    """A finished run beats the running one, a resolved alert the firing one, whatever came first."""
    assert [r["status"] for r in _ask(stores, "runs")] == ["FINISHED"]
    assert [r["status"] for r in _ask(stores, "alerts", **WINDOW)] == ["resolved"]
    assert _ask(stores, "alerts", start_ns=T0 + 2 * MINUTE) == []


def test_an_id_is_found_wherever_it_stands(stores: dict[str, Store]) -> None:
    """r1 is a run, the maker of a model version and a reader of data."""
    found = {(r["table"], r["column"]) for r in _ask(stores, "find_id", text="r1")}
    assert found == {("runs", "run_id"), ("model_versions", "run_id"), ("run_data", "run_id")}


def test_log_patterns_leave_numbers_out(stores: dict[str, Store]) -> None:
    """Five records of one sentence are one pattern."""
    (rate,) = _ask(stores, "log_rates", **WINDOW, every_ns=10 * MINUTE)
    assert (rate["pattern"], rate["n"], rate["with_trace"]) == ("order # failed after # ms", 5, 5)


def test_predictions_by_version_and_output(stores: dict[str, Store]) -> None:
    """Two of ten are denied: share 0.2, mean score 0.85 of both, which have one."""
    allow, deny = _ask(stores, "prediction_series", **WINDOW, every_ns=60 * MINUTE)
    assert (deny["n"], deny["scored"]) == (2, 2)
    assert (allow["n"], allow["share"]) == (8, 0.8)
    assert deny["mean_score"] == pytest.approx(0.85)
    (labelled,) = _ask(stores, "labelled_predictions", **WINDOW)
    assert (labelled["prediction_id"], labelled["value"]) == ("p1", 1.0)


def test_edges_are_merged_and_cut_in_time(stores: dict[str, Store]) -> None:
    """Two job runs show one edge; as of the first there is one job."""
    (edge,) = _ask(stores, "lineage_edges")
    assert (edge["jobs"], edge["job_runs"]) == (["j1", "j2"], 2)
    (edge,) = _ask(stores, "lineage_edges", as_of_ns=T0)
    assert edge["jobs"] == ["j1"]


def test_rows_are_cut_by_window_column_and_value(stores: dict[str, Store]) -> None:
    """Half-open windows, lists of values, nulls and limits."""
    rows = stores["half"].ask("rows", table="spans", columns=["span_id"], start_ns=T0 + S, end_ns=T0 + 3 * S)
    assert rows.column(0).to_pylist() == [f"{1:016x}", f"{2:016x}"]
    assert stores["half"].ask("rows", table="spans", equals={"parent_span_id": None}).num_rows == 10
    assert stores["half"].ask("rows", table="spans", equals={"service": ["api", HOSTILE]}, limit=3).num_rows == 3
    assert stores["half"].ask("rows", table="assertions", equals={"success": False}).num_rows == 1


def test_segments_lie_below_environment_table_and_day(stores: dict[str, Store]) -> None:
    """Rows of 2026-02-16 lie in that day's folder."""
    (file,) = stores["compacted"].files("spans")
    assert file.relative_to(stores["compacted"].root).parts[:3] == ("prod", "spans", "day=2026-02-16")
