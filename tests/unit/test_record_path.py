"""A record is walked back through join keys and windows, by ids that senders supply and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from workbench.columnar import build
from workbench.errors import UsageError
from workbench.model.tables import table
from workbench.model.window import HOUR_NS, MINUTE_NS, iso
from workbench.playbook.find import find
from workbench.playbook.record_path import record_path
from workbench.store import Store

SENT = {"environment": "prod", "source": "frames", "place": "here", "received_ns": [1]}
TRACE, BATCH = "a" * 32, "c" * 32
NOON = 1_772_366_400_000_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a decision on order o-1, its buyer, an hourly sum over the buyer's payments, and noise beside each."""
    hour = {"customer_id": "c-1", "window_start": iso(NOON - HOUR_NS), "window_end": iso(NOON)}
    data = [
        ("orders", "o-1", NOON, {"customer_id": "c-1", "spend_id": "s-1", "note": "c-2"}),
        ("customers", "c-1", NOON - 9 * HOUR_NS, {"region": "eu"}), ("customers", "c-2", NOON, {}),
        ("spend_1h", "s-1", NOON, hour),
        ("payments", "p-1", NOON - 10 * MINUTE_NS, {"customer_id": "c-1"}),
        ("payments", "p-2", NOON - 20 * MINUTE_NS, {"customer_id": "c-2"}),
        ("payments", "p-3", NOON, {"customer_id": "c-1"}),
        ("payments", "p-4", NOON - HOUR_NS, {"customer_id": "c-1", "cdc_key": "o-1"}),
    ]  # fmt: skip
    rows = {
        "table_rows": {
            "dataset": [d for d, *_ in data], "row_id": [i for _, i, *_ in data], "time_ns": [t for *_, t, _ in data],
            "texts": [texts for *_, texts in data],
        },
        "predictions": {"prediction_id": ["d-1"], "time_ns": [NOON], "trace_id": [TRACE], "row_ref": ["o-1"]},
        "spans": {
            "trace_id": [TRACE], "span_id": ["b" * 16], "start_ns": [NOON], "end_ns": [NOON + 5], "duration_ns": [5],
            "links": [json.dumps([{"trace_id": BATCH, "span_id": "d" * 16}])],
        },
        "features": {"feature": ["spend_1h"], "retrieval_id": [TRACE], "time_ns": [NOON]},
        "lineage_edges": {
            "upstream": ["dataset:payments"], "downstream": ["dataset:spend_1h"], "job": ["sum"], "job_run": ["r"],
            "rule": ["same_event"], "time_ns": [NOON],
        },
    }  # fmt: skip
    with Store.open(tmp_path_factory.mktemp("path") / "store") as opened:
        for name, columns in rows.items():
            given = {k: v if k != "received_ns" else [1] * len(next(iter(columns.values()))) for k, v in SENT.items()}
            opened.append({name: build(table(name), {**given, **columns})})
        yield opened


def test_a_decision_is_walked_to_the_payments_that_its_feature_sums_up(store: Store) -> None:
    """Eight links: request, batch, feature, order, buyer, sum, and of four payments the two of this buyer and hour."""
    path = record_path(store.ask, "prediction:d-1")
    assert [tuple(s) for s in path.steps[["hop", "left", "right", "rule"]].itertuples(index=False)] == [
        (1, "prediction:d-1", f"trace:{TRACE}", "trace_id"),
        (1, "prediction:d-1", "row:orders/o-1", "row_ref"),
        (2, f"trace:{TRACE}", f"trace:{BATCH}", "span_link"),
        (2, f"trace:{TRACE}", "feature:spend_1h", "retrieval"),
        (2, "row:orders/o-1", "row:customers/c-1", "join_key"),
        (2, "row:orders/o-1", "row:spend_1h/s-1", "join_key"),
        (3, "row:spend_1h/s-1", "row:payments/p-1", "window"),
        (3, "row:spend_1h/s-1", "row:payments/p-4", "window"),
    ]
    assert not path.cut
    assert "spend_1h window, customer_id" in str(path)


def test_a_window_is_half_open_and_of_its_own_key(store: Store) -> None:
    """The payment at the window's begin belongs to it, the one at its end and another buyer's do not."""
    rights = set(record_path(store.ask, "row:spend_1h/s-1").steps["right"])
    assert {"row:payments/p-1", "row:payments/p-4"} <= rights
    assert not {"row:payments/p-2", "row:payments/p-3"} & rights


def test_a_walk_can_begin_at_a_row_and_is_bounded(store: Store) -> None:
    """One hop from the request leads to its batch, its feature and its decision; a loop ends by itself."""
    one = record_path(store.ask, f"trace:{TRACE}", hops=1).steps
    assert set(one["right"]) == {f"trace:{BATCH}", "feature:spend_1h", "prediction:d-1"}
    assert len(record_path(store.ask, f"trace:{TRACE}", hops=50).steps) == 8


def test_find_shows_the_source_row_one_hop_away(store: Store) -> None:
    """The decision names its order, its request the feature that it retrieved."""
    assert "row:orders/o-1" in set(find(store.ask, "d-1").links["right"])
    assert "feature:spend_1h" in set(find(store.ask, TRACE).links["right"])


@pytest.mark.parametrize("start", ["orders/o-1", "model:fraud", "row:", "x' OR 1=1"])
def test_what_is_no_record_is_refused_in_words(store: Store, start: str) -> None:
    """Only decisions, requests and rows have a path."""
    with pytest.raises(UsageError, match="A path begins at"):
        record_path(store.ask, start)


def test_nothing_is_guessed_where_no_id_is_given(store: Store) -> None:
    """A row without keys leads nowhere, and says so; so does an id that stands nowhere, or a hostile one."""
    for start in ("row:customers/c-2", "prediction:nobody", "row:../../etc/passwd", "row:x' OR 1=1 --/<script>"):
        path = record_path(store.ask, start)
        assert path.steps.empty
        assert "<script>" not in path._repr_html_()
        assert "No sender supplies an id" in str(path)
