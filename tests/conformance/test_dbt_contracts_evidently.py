"""Artifacts of real dbt runs, contracts of the standard's own repository, and what Evidently itself writes."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.sources import Batch, Context, Head, contracts, dbt, evidently
from workbench.sources._dbt_artifacts import nodes, parents

CONTEXT = Context("prod", "here", 1_772_366_400_000_000_000)
DATA = os.environ.get("WORKBENCH_CONFORMANCE_DATA")


def folder(*parts: str) -> Path:
    if not DATA:
        pytest.skip("WORKBENCH_CONFORMANCE_DATA is not set: the recordings are not at hand.")
    return Path(DATA, *parts)


def truth(name: str) -> dict[str, Any]:
    found = json.loads(folder("TRUTH.json").read_text())
    return next(section[name] for section in (found, *found.values()) if isinstance(section, dict) and name in section)


def rows(batches: list[Batch], table: str) -> list[dict[str, Any]]:
    assert not [r for b in batches for r in b.rejections]
    return [row for b in batches for row in b.tables[table].to_pylist(maps_as_pydicts="strict")]


@pytest.mark.parametrize("run", ["build", "fail", "real_run_duckdb"])
def test_dbt_runs_are_as_recorded(run: str) -> None:
    """States, failures and dependencies of dbt 0.20 to 1.10 are those counted by hand."""
    path, expected = folder("dbt", run), truth(f"dbt/{run}/manifest.json")
    results = truth(f"dbt/{run}/run_results.json") if "run_status" not in expected else expected
    head = Head("target/", "\n".join(sorted(p.name for p in path.iterdir())).encode())
    assert dbt.recognise(head) == 1.0
    batches = list(dbt.read(path, CONTEXT))
    states = {row["job"].partition("/")[2]: json.loads(row["facets"])["status"] for row in rows(batches, "job_runs")}
    status: dict[str, int] = {}
    for said in states.values():
        status[said] = status.get(said, 0) + 1
    assert status == results["run_status"]
    assert [[k, v] for k, v in states.items() if v not in {"success", "pass"}] == results["not_ok"]
    manifest = json.loads((path / "manifest.json").read_text())
    known = {k: v for k, v in nodes(manifest).items() if k in manifest["nodes"]}
    assert sum(len(parents(node)) for node in known.values()) == expected["edges_depends_on"]
    data = sum(p.split(".")[0] != "macro" for k, n in known.items() if not k.startswith("test.") for p in parents(n))
    assert len(rows(batches, "lineage_edges")) == data


def test_the_failed_dbt_test_names_table_and_column() -> None:
    outcomes = rows(list(dbt.read(folder("dbt", "real_run_duckdb"), CONTEXT)), "assertions")
    failed = [row for row in outcomes if not row["success"]]
    assert [(r["dataset"], r["column"], r["expected"], r["actual"]) for r in failed] == [
        ("jaffle.main.stg_orders", "customer_id", "not_null", "Got 1 result, configured to fail if != 0")
    ]
    assert len(outcomes) == 3


def test_a_manifest_alone_gives_edges() -> None:
    path = folder("lineage", "dbt_logs", "postgres_build_command", "manifest.json")
    assert dbt.recognise(Head("manifest.json", path.read_bytes()[:65536])) == 1.0
    with path.open("rb") as stream:
        edges = rows(list(dbt.read(stream, CONTEXT)), "lineage_edges")
    assert len(edges) >= 5
    assert all(e["rule"] == "dbt" and e["upstream"] != e["downstream"] for e in edges)


def test_contracts_give_their_tables_columns_and_rules() -> None:
    """AdventureWorks promises 68 tables with 456 columns; nullValues = 0 and invalidValues <= 5 percent are rules."""
    tables, columns, found = 0, 0, []
    for path in sorted(folder("contracts").rglob("*.yaml")):
        assert contracts.recognise(Head(path.name, path.read_bytes()[:65536])) == 1.0, path.name
        with path.open("rb") as stream:
            held = (
                rows(list(contracts.read(stream, CONTEXT)), "changes") if b"schema: []" not in path.read_bytes() else []
            )
        found += [
            (r["metric"], r["operator"], r["limit"], r["unit"])
            for row in held
            for r in json.loads(row["attributes"]["rules"])
        ]
        if "adventureworks" in path.name:
            tables, columns = len(held), sum(len(json.loads(row["attributes"]["schema"])) for row in held)
    assert (tables, columns) == (68, 456)
    assert ("nullValues", "=", "0", "rows") in found
    assert ("invalidValues", "<=", "5", "percent") in found


def test_a_contract_that_would_fill_memory_is_refused() -> None:
    bomb = b"kind: DataContract\napiVersion: v3.0.0\na: &a [x,x]\nb: &b [*a,*a]\n"
    (batch,) = contracts.read(io.BytesIO(bomb), CONTEXT)
    assert "anchors" in batch.rejections[0].reason


@pytest.mark.filterwarnings("ignore")
def test_what_evidently_itself_reports_is_read_without_it() -> None:
    """Its own preset on a shifted column: the drift figure, the share of drifted columns and three tests come back."""
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"x": rng.normal(size=300), "k": rng.choice(["u", "v"], 300)})
    report, batch = evidently.run_preset(before, before.assign(x=before["x"] + 1), CONTEXT)
    assert evidently.recognise(Head("report.json", report[:65536])) == 1.0
    figures = {(r["entity"], r["metric"]): r["value"] for r in rows([batch], "metric_samples")}
    assert figures["dataset:evidently report", "evidently_DriftedColumnsCount_share"] == 0.5
    assert figures["column:evidently report.x", "evidently_ValueDrift"] < 1e-10
    assert sum(not r["success"] for r in rows([batch], "assertions")) == 2
