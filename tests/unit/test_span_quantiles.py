"""Percentiles by sorting are those of the engine's own exact quantiles, whatever the rows look like."""

import numpy as np
import pyarrow as pa
import pytest

from tests.strategies.engine_rows import T0
from workbench.columnar import build
from workbench.model.tables import SPANS
from workbench.store import Store
from workbench.store.queries import _span_quantiles

S, MINUTE = 10**9, 60 * 10**9
ROWS = 3000


def _store(root, *, services: int, longest_ns: int) -> Store:
    """Fill a store with spans at random times: some services and statuses null, some durations negative."""
    rng = np.random.default_rng(services)
    duration = rng.integers(-1, longest_ns, ROWS, dtype=np.int64)
    names = [None if n == 0 else f"s{n}" for n in rng.integers(0, services, ROWS)]
    start = T0 + rng.integers(-600 * S, 600 * S, ROWS)
    store = Store.open(root, upkeep="manual")
    for part in (slice(0, ROWS // 2), slice(ROWS // 2, ROWS)):
        store.append({"spans": build(SPANS, {
            "environment": "prod", "source": "t", "place": "t", "received_ns": T0,
            "trace_id": [f"{n:032x}" for n in range(part.start, part.stop)],
            "span_id": [f"{n:016x}" for n in range(part.start, part.stop)],
            "service": names[part], "start_ns": pa.array(start[part]), "end_ns": pa.array(start[part]),
            "duration_ns": pa.array(np.where(duration[part] % 7 == 0, -5, duration[part])),
            "status": [(None, "error", "ok")[n] for n in rng.integers(0, 3, part.stop - part.start)],
        })})  # fmt: skip
        if part.start == 0:
            store.seal()
    return store


@pytest.mark.parametrize(("services", "longest_ns"), [(5, 3 * 10**9), (5, 2**63 - 1), (150, 10**6), (1, 10)])
@pytest.mark.parametrize("every_ns", [MINUTE, 7 * S, 1000])
def test_sorted_percentiles_are_the_engine_s(tmp_path, monkeypatch, services, longest_ns, every_ns):
    window = {"start_ns": T0 - 500 * S, "end_ns": T0 + 550 * S + 1, "every_ns": every_ns}
    with _store(tmp_path / "store", services=services, longest_ns=longest_ns) as store:
        ours = store.ask("span_percentiles", **window)
        monkeypatch.setattr(_span_quantiles, "_ROWS_AT_ONCE", 400)
        cut = store.ask("span_percentiles", **window)
        monkeypatch.setattr("workbench.store.queries.span_percentiles.MOST_SERVICES", 0)
        engine = store.ask("span_percentiles", **window)
    assert ours.num_rows > 5
    assert ours.schema.equals(engine.schema)
    assert cut.equals(ours)
    counts = ["start_ns", "service", "count", "errors"]
    assert ours.select(counts).equals(engine.select(counts))
    for name in ("p50_ms", "p95_ms"):
        assert ours[name].is_null().equals(engine[name].is_null())
        np.testing.assert_allclose(ours[name].to_numpy(), engine[name].to_numpy(), rtol=1e-12)


def test_only_negative_durations_leave_percentiles_unknown(tmp_path):
    with _store(tmp_path / "store", services=1, longest_ns=1) as store:
        answer = store.ask("span_percentiles", start_ns=T0 - 600 * S, end_ns=T0 + 600 * S)
    assert sum(answer["count"].to_pylist()) == ROWS
    assert set(answer["service"].to_pylist()) == {None}
    # Durations are -1 or 0, and 0 is a multiple of 7: all are negative.
    assert answer["p95_ms"].null_count == answer.num_rows
