"""A single series is thinned in one reading, to the very rows that the general way through the engine picks."""

import numpy as np
import pyarrow as pa
import pytest

from tests.strategies.engine_rows import T0
from workbench.columnar import build
from workbench.model.tables import METRICS
from workbench.store import Store
from workbench.store.queries import metric_series

S, ROWS = 10**9, 5000


def _fill(root, values: np.ndarray, *, loose: int) -> Store:
    store = Store.open(root, upkeep="manual")
    for part in np.array_split(np.arange(ROWS), loose + 1):
        store.append({"metric_samples": build(METRICS, {
            "environment": "prod", "source": "t", "place": "t", "received_ns": T0, "series": "s", "entity": "host:h",
            "metric": "load_percent", "unit": [("%", None)[n % 2] for n in part], "type": "gauge",
            "labels": [{"core": "1"}] * len(part), "time_ns": pa.array(T0 + part * S), "value": pa.array(values[part]),
        })})  # fmt: skip
        store.seal()
    if loose == 0:
        store.compact()
    return store


@pytest.mark.parametrize("loose", [0, 3])
@pytest.mark.parametrize(("levels", "points"), [(3, 40), (2, 2), (4000, 333), (4000, 6000)])
def test_one_reading_picks_what_the_engine_picks(tmp_path, monkeypatch, levels, points, loose):
    values = np.random.default_rng(levels).integers(-levels, levels, ROWS).astype(float)
    window = {"start_ns": T0 + 17 * S, "end_ns": T0 + 4321 * S, "points": points, "series": "s"}
    with _fill(tmp_path / "store", values, loose=loose) as store:
        ours = store.ask("metric_series", **window)
        monkeypatch.setattr(metric_series, "_one_series", lambda *_: None)
        engine = store.ask("metric_series", **window)
    assert 2 <= ours.num_rows <= points + 2
    assert ours.equals(engine)


def test_unknown_values_go_the_general_way(tmp_path):
    values = np.arange(ROWS, dtype=float)
    values[100:200] = np.nan
    with _fill(tmp_path / "store", values, loose=0) as store:
        answer = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100)
    # 50 buckets of 100 samples, each with two of them; the one without a single number keeps its first.
    assert answer.num_rows == 99
    assert np.isnan(answer["value"].to_numpy()).sum() == 1
