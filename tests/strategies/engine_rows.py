"""Rows and questions that every engine is compared by: nulls, hostile texts, doubled keys, and each portable query."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pyarrow as pa

from workbench.columnar import build
from workbench.model.tables import TABLES

S = 10**9
MINUTE = 60 * S
T0 = 20_500 * 86_400 * S - 30 * MINUTE
"""Half an hour before midnight UTC, so that every table has two days."""
END = T0 + 60 * MINUTE
STAMP = {"environment": "prod", "source": "test", "place": "here", "received_ns": T0}
HOSTILE = "a'b\\'; DROP VIEW spans; --\n\u00e9\u4e2d"


FLAG = {"feature_flag.key": "new_model", "feature_flag.variant": "on", "feature_flag.provider_name": "flagd"}
EVENTS = [
    json.dumps([{"name": name, "attributes": told}, {"name": "exception", "attributes": {"n": 0.5, "o": {"a": [1]}}}])
    for name, told in (
        ("feature_flag", FLAG), ("feature_flag.evaluation", {**FLAG, "feature_flag.result.variant": HOSTILE}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "groundedness", "gen_ai.evaluation.score.value": 0.25,
                                      "gen_ai.prompt.version": "3"}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.score.value": "high", "said": "feature_flag"}),
    )
]  # fmt: skip
"""Events of spans as they are kept: JSON texts."""


def _rows(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return build(TABLES[name], {c.name: [{**STAMP, **row}.get(c.name) for row in rows] for c in TABLES[name]})


def _spans(rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    for n in range(600):
        # An id is drawn for one event, so that its time is the same whatever else two senders say.
        start, took = T0 + n * 6 * S, rng.choice([-5, 0, rng.randrange(10**10)])
        rows.append({
            "trace_id": f"{n // 4:032x}", "span_id": f"{n:016x}", "start_ns": start, "end_ns": start + took,
            "duration_ns": took, "parent_span_id": f"{n - 1:016x}" if n % 4 else None,
            "service": rng.choice(["api", "scoring", None, HOSTILE]), "name": rng.choice(["get", "put", None]),
            "kind": rng.choice(["server", "client", None]), "status": rng.choice(["ok", "error", None]),
            "host": rng.choice(["h1", "h2", None]), "model_version": rng.choice(["41", "42", None]),
            "queue_wait_ms": rng.choice([None, rng.random() * 50]),
            "forward_pass_ms": rng.choice([None, rng.random() * 9]),
            "events": rng.choice([None, "[]", "feature_flag, no JSON", *EVENTS]),
            "attributes": rng.choice([None, {}, FLAG,
                                      {"gen_ai.prompt.name": "p", "tier": "gold"},
                                      {"tier": "gold", HOSTILE: HOSTILE}, {"tier": None, "route": "/x"}]),
            "resource": rng.choice([None, {"service.version": "1.2"}, {"tier": "gold"}]),
        })  # fmt: skip
    return rows


def world(seed: int) -> dict[str, pa.Table]:
    """Return rows with nulls, negative durations, hostile texts, equal values and empty maps in every table asked."""
    rng = random.Random(seed)

    def when() -> int:
        return T0 + rng.randrange(60 * MINUTE)

    def some(*values: Any) -> Any:
        return rng.choice([None, *values])

    tables: dict[str, list[dict[str, Any]]] = {
        "spans": _spans(rng),
        "logs": [{"log_id": str(n), "time_ns": T0 + n * 17 * S, "service": some("api", HOSTILE),
                  "severity": some("error", "info"), "trace_id": some(f"{n:032x}"), "span_id": f"{4 * n:016x}",
                  "body": some(f"order {n} failed after {n * 10} ms", HOSTILE),
                  "attributes": some({"k": "v"}, {**FLAG, "event.name": "feature_flag.evaluation"})}
                 for n in range(200)],
        "metric_samples": [{"series": f"s{n % 3}", "time_ns": T0 + n * S, "entity": f"host:h{n % 3}",
                            "metric": "cpu_percent", "unit": some("%"), "type": some("gauge"),
                            "value": some(1.0, 2.0, rng.random(), -3.5), "labels": some({"a": "b"}, {})}
                           for n in range(900)],
        "runs": [{"run_id": f"r{n}", "experiment": some("e"), "start_ns": some(when()), "end_ns": some(when()),
                  "updated_ns": when(), "status": "FINISHED", "params": some({"lr": "1"}),
                  "metrics": some({"auc": 0.5})} for n in range(40)],
        "model_versions": [{"model": "fraud", "version": str(n), "run_id": some("r1"), "created_ns": some(when()),
                            "updated_ns": when()} for n in range(20)],
        "run_data": [{"run_id": f"r{n}", "dataset": "orders", "data_version": "1", "role": "training",
                      "rows": some(5)} for n in range(10)],
        "lineage_edges": [{"upstream": f"dataset:{n % 5}", "downstream": f"dataset:{n % 7}", "job": f"j{n % 4}",
                           "job_run": str(n), "rule": rng.choice(["same_event", "mlflow"]), "time_ns": when()}
                          for n in range(120)],
        "column_edges": [{"upstream_dataset": "raw", "upstream_column": f"c{n % 3}", "downstream_dataset": "orders",
                          "downstream_column": "b", "job_run": str(n), "job": some("j", "k"),
                          "transformation": some("upper", "lower"), "time_ns": T0 + n} for n in range(40)],
        "job_runs": [{"job_run": str(n), "job": "j", "state": rng.choice(["START", "FAIL"]), "time_ns": when()}
                     for n in range(30)],
        "dataset_versions": [{"dataset": f"d{n % 3}", "version": str(n), "job_run": "", "time_ns": when(),
                              "rows": some(n), "bytes": some(n * 7), "last_updated_ns": some(T0 - n * S),
                              "null_counts": some({}, {"x": float(n), "y": None}), "schema": some("[1]"),
                              "schema_digest": some("A", "B")} for n in range(90)],
        "assertions": [{"dataset": "orders", "column": some("c") or "", "assertion": f"a{n}", "job_run": "",
                        "time_ns": when(), "success": rng.random() < 0.5} for n in range(20)],
        "changes": [{"change_id": f"c{n}", "time_ns": when(), "kind": rng.choice(["deploy", "flag"]),
                     "entity": some("service:api"), "title": HOSTILE} for n in range(30)],
        "alerts": [{"fingerprint": f"f{n % 9}", "starts_ns": T0 + n * MINUTE, "updated_ns": when(), "status": "firing",
                    "ends_ns": some(when()), "entity": some("service:api")} for n in range(30)],
        "kpis": [{"kpi": f"k{n % 2}", "segment": "", "time_ns": T0 + n * MINUTE, "value": some(rng.random())}
                 for n in range(60)],
        "predictions": [{"prediction_id": f"p{n}", "time_ns": when(), "model": some("fraud"),
                         "model_version": some("42"), "score": some(rng.random()), "output": some("deny", "allow"),
                         "feature_numbers": some({}, {"amount": some(1.5, 2.5)}),
                         "feature_texts": some({"category": some("food")}), "tokens_in": some(3),
                         "row_ref": some(str(n % 50))}
                        for n in range(200)],
        "labels": [{"prediction_id": f"p{n * 3}", "name": rng.choice(["fraud", "other"]), "value": some(0.0, 1.0),
                    "arrived_ns": when()} for n in range(90)],
        "features": [{"feature": f"f{n % 2}", "retrieval_id": str(n), "time_ns": when(), "version": some("1"),
                      "freshness_s": some(rng.random()), "retrieval_ms": some(rng.random()),
                      "cache_hit": some(True, False)} for n in range(100)],
        "table_rows": [{"dataset": "orders", "row_id": str(n), "time_ns": when(), "data_version": some("v1"),
                        "numbers": some({}, {"amount": some(1.0, 2.0, 1e150, math.inf, rng.gauss(0, 5))}),
                        "texts": some({"category": some("food", "x")})}
                       for n in range(200)],
    }  # fmt: skip
    return {name: _rows(name, rows) for name, rows in tables.items()}


WINDOW = {"start_ns": T0 + 5 * MINUTE, "end_ns": END - 5 * MINUTE}
GRIDS = {"amount": "numbers/1;k=7;c=1.25;s0=0.125", "score": "numbers/1;k=12;c=0.0;s0=1.0",
         "category": "levels/1", "output": "hashed/1", "absent": "levels/1"}  # fmt: skip
PROFILES = {"start_ns": T0, "end_ns": END, "every_ns": 30 * MINUTE, "grids": GRIDS}
WINDOWS = [(T0, T0 + 20 * MINUTE), (T0 + 10 * MINUTE, END)]
EVERY = {**WINDOW, "every_ns": 10 * MINUTE}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("alerts", {}), ("alerts", WINDOW), ("alerts", {"fingerprint": "f1", "entity": "service:api"}),
    ("assertions", WINDOW), ("assertions", {**WINDOW, "success": False}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "max_values": 3}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "table": "logs"}),
    ("attribute_counts", {"selection": WINDOWS, "baseline": WINDOWS, "keys": ["kind", "attributes.tier"],
                          "equals": {"service": ["api", HOSTILE]}}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "table": "predictions"}),
    ("build_profiles", {**PROFILES, "entity": "model:fraud"}),
    ("build_profiles", {**PROFILES, "entity": "dataset:orders"}),
    ("build_profiles", {**PROFILES, "entity": "model:fraud", "grids": {}}),
    ("category_counts", {"entity": "dataset:orders", "column": "category", "windows": WINDOWS}),
    ("category_counts", {"entity": "model:fraud", "column": "output", "windows": WINDOWS}),
    ("changes", WINDOW), ("changes", {**WINDOW, "kind": ["deploy"], "entity": "service:api"}),
    ("column_edges", {}), ("column_edges", {"as_of_ns": T0 + 20, "dataset": "orders"}),
    ("column_quantiles", {"entity": "model:fraud", **WINDOW}),
    ("column_quantiles", {"entity": "dataset:orders", **WINDOW}),
    ("data_columns", WINDOW), ("data_columns", {**WINDOW, "entity": "model:fraud"}),
    ("error_rate", WINDOW), ("error_rate", {**WINDOW, "equals": {"service": None, "kind": ["server", "client"]}}),
    ("evaluation_scores", WINDOW),
    ("find_id", {"text": "api"}), ("find_id", {"text": "42"}), ("find_id", {"text": HOSTILE}),
    ("find_id", {"text": "r1"}), ("find_id", {"text": "nowhere"}),
    ("flag_evaluations", WINDOW),
    ("feature_series", EVERY), ("feature_series", {**EVERY, "feature": ["f0"]}),
    ("first_last_seen", {"table": "spans", "column": "service"}), ("first_last_seen", {"table": "kpis", **WINDOW}),
    ("freshness_history", EVERY), ("freshness_history", {**EVERY, "entity": ["dataset:d1", "feature:f0"]}),
    ("job_states", WINDOW), ("job_states", {**WINDOW, "state": "FAIL"}),
    ("kpi_series", WINDOW), ("kpi_series", {**WINDOW, "kpi": ["k0", "none"]}),
    ("labelled_predictions", WINDOW), ("labelled_predictions", {**WINDOW, "label": "fraud", "model": ["fraud"],
                                                                "arrived_before_ns": T0 + 40 * MINUTE}),
    ("latency_parts", EVERY), ("latency_parts", {**EVERY, "equals": {"host": "h1"}}),
    ("lineage_edges", {}), ("lineage_edges", {"as_of_ns": T0 + 20 * MINUTE, "since_ns": T0 + MINUTE}),
    ("log_rates", EVERY), ("log_rates", {**EVERY, "service": HOSTILE}),
    ("metric_names", {}), ("metric_names", {**WINDOW, "entity": "host:h1"}),
    ("metric_series", WINDOW), ("metric_series", {**WINDOW, "points": 20}),
    ("metric_series", {**WINDOW, "points": 7, "entity": ["host:h0", "host:h2"], "metric": "cpu_percent"}),
    ("model_versions", {}), ("model_versions", {"model": "fraud", "run_id": "r1", "until_ns": T0 + 30 * MINUTE}),
    ("null_history", EVERY), ("null_history", {**EVERY, "entity": "dataset:orders"}),
    ("numeric_values", {"entity": "model:fraud", "column": "score", "windows": WINDOWS}),
    ("numeric_values", {"entity": "dataset:orders", "column": "amount", "windows": WINDOWS}),
    ("prediction_sample", {**WINDOW, "numbers": ["amount", "none"], "texts": ["category"], "max_rows": 25}),
    ("prediction_sample", {**WINDOW, "model": "fraud"}),
    ("prediction_series", EVERY), ("prediction_series", {**EVERY, "equals": {"model": "fraud"}}),
    ("row_repeats", {"entity": "dataset:orders", **EVERY}), ("row_repeats", {"entity": "model:fraud", **EVERY}),
    ("row_sample", {"entity": "dataset:orders", "windows": WINDOWS, "numbers": ["amount"], "texts": ["category"],
                    "max_rows": 30}),
    ("row_sample", {"entity": "model:fraud", "numbers": ["score", "amount"], "texts": ["output"], "version": "42"}),
    ("rows", {"table": "spans", **WINDOW}), ("rows", {"table": "spans", "columns": ["service"], "limit": 50}),
    ("rows", {"table": "runs", "equals": {"experiment": None}}),
    ("rows", {"table": "predictions", "equals": {"model": "fraud", "output": ["deny", "allow"]}}),
    ("rows", {"table": "spans", "equals": {"service": []}}),
    ("run_data", {}), ("run_data", {"run_id": ["r1", "r2"]}),
    ("runs", {}), ("runs", {**WINDOW, "experiment": "e"}),
    ("schema_history", {}), ("schema_history", {"dataset": "d1", **WINDOW}),
    ("served_vs_computed", EVERY),
    ("service_edges", WINDOW), ("service_edges", EVERY),
    ("span_offsets", EVERY),
    ("span_counts", WINDOW), ("span_counts", {**EVERY, "equals": {"host": "h1"}}),
    ("span_percentiles", WINDOW), ("span_percentiles", {**EVERY, "equals": {"service": HOSTILE}}),
    ("span_places", WINDOW),
    ("trace", {"trace_id": f"{0x7F:032X}"}), ("trace", {"trace_id": f"{60:032x}", **WINDOW}),
    ("trace_ids", {**WINDOW, "limit": 20}),
    ("trace_ids", {**WINDOW, "attributes": {"tier": "gold", HOSTILE: HOSTILE}, "min_duration_ns": 1,
                   "max_duration_ns": 9 * S, "equals": {"status": "error"}}),
    ("volume_history", EVERY), ("volume_history", {**EVERY, "entity": "dataset:d1"}),
]  # fmt: skip
