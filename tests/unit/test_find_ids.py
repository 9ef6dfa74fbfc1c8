"""Any id or name is found, with everything one hop away; what stands nowhere is said to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from workbench.columnar import build
from workbench.model.tables import table
from workbench.playbook.find import find
from workbench.playbook.linking import link_window
from workbench.store import Store

SENT = {"environment": "prod", "source": "otlp", "place": "here", "received_ns": [1]}
TRACE = "a" * 32
NOW = 1_772_372_400_000_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store with one request, its decision, its run and a lineage of two data sets."""
    rows = {
        "spans": {
            "trace_id": [TRACE], "span_id": ["b" * 16], "service": ["scorer"], "name": ["predict"], "start_ns": [NOW],
            "end_ns": [NOW + 5], "duration_ns": [5], "model": ["fraud"], "model_version": ["7"], "host": ["node-1"],
            "gpu": ["GPU-1"], "prediction_id": ["p-1"], "run_id": ["a run nobody knows"],
        },
        "predictions": {
            "prediction_id": ["p-1"], "time_ns": [NOW], "model": ["fraud"], "model_version": ["7"],
            "feature_texts": [{"merchant_category": "food"}], "feature_numbers": [{}],
        },
        "runs": {"run_id": ["run-7"], "updated_ns": [NOW], "experiment": ["training"]},
        "model_versions": {"model": ["fraud"], "version": ["7"], "run_id": ["run-7"], "updated_ns": [NOW]},
        "run_data": {"run_id": ["run-7"], "dataset": ["training"], "data_version": ["d1"], "role": ["training"]},
        "lineage_edges": {
            "upstream": ["dataset:raw"], "downstream": ["dataset:core"], "job": ["etl"], "job_run": ["r"],
            "rule": ["same_event"], "time_ns": [NOW],
        },
        "metric_samples": {
            "series": ["k"], "time_ns": [NOW], "entity": ["kpi:approval_rate"], "metric": ["kpi_approval_rate"],
            "value": [0.8],
        },
        "column_edges": {
            "upstream_dataset": ["raw"], "upstream_column": ["code"], "downstream_dataset": ["core"],
            "downstream_column": ["merchant_category"], "job_run": ["r"], "time_ns": [NOW],
        },
    }  # fmt: skip
    with Store.open(tmp_path_factory.mktemp("find") / "store") as opened:
        opened.append({name: build(table(name), {**SENT, **columns}) for name, columns in rows.items()})
        yield opened


@pytest.mark.parametrize(
    ("text", "entity", "hop"),
    [
        (TRACE, f"trace:{TRACE}", "run:run-7"),
        (TRACE, f"trace:{TRACE}", "host:node-1"),
        ("p-1", "prediction:p-1", f"trace:{TRACE}"),
        ("p-1", "prediction:p-1", "run:run-7"),
        ("run-7", "run:run-7", "model_version:fraud/7"),
        ("run-7", "run:run-7", "data_version:training@d1"),
        ("scorer", "service:scorer", "gpu:GPU-1"),
        ("fraud", "model:fraud", "model_version:fraud/7"),
        ("fraud", "model:fraud", "kpi:approval_rate"),
        ("kpi:approval_rate", "kpi:approval_rate", "model:fraud"),
        ("kpi:approval_rate", "kpi:approval_rate", "service:scorer"),
        ("dataset:raw", "dataset:raw", "dataset:core"),
        ("merchant_category", "feature:merchant_category", "column:core.merchant_category"),
        ("code", "column:raw.code", "column:core.merchant_category"),
    ],
)
def test_what_it_is_and_what_is_one_hop_away(store: Store, text: str, entity: str, hop: str) -> None:
    """Eleven look-ups name the entity and reach the neighbour, each link with its rule."""
    found = find(store.ask, text)
    assert entity in found.entities
    assert hop in {*found.links["left"], *found.links["right"]}
    assert found.links["rule"].ne("").all()
    assert entity in str(found)


@pytest.mark.parametrize("text", ["nobody", "x' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "kind:of"])
def test_what_stands_nowhere_is_said_and_never_shown_raw(store: Store, text: str) -> None:
    """Unknown and hostile texts find nothing, raise nothing, and are escaped when shown."""
    found = find(store.ask, text)
    assert found.entities == ()
    assert "stands nowhere" in str(found)
    assert "<script>" not in found._repr_html_()


def test_a_window_links_its_requests_through_the_registry(store: Store) -> None:
    """The stated run is unknown, the version is not: the trace and the decision both reach run-7."""
    linked = link_window(store.ask, NOW, NOW + 10)
    runs = linked.links[linked.links["right"] == "run:run-7"]
    assert sorted(runs["left"]) == ["prediction:p-1", f"trace:{TRACE}"]
    assert set(runs["rule"]) == {"model_version"}
    assert linked.unresolved.empty
