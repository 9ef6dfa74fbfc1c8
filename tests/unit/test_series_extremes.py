"""A single series is thinned in one reading, to the very rows that the general way through the engine picks."""

import numpy as np
import pyarrow as pa
import pytest

from tests.strategies.engine_rows import T0
from workbench.columnar import build
from workbench.model.tables import METRICS
from workbench.store import Store, encoding
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
    # Row groups of 700 rows part buckets.
    monkeypatch.setattr(encoding, "ROW_GROUP", 700)
    with _fill(tmp_path / "store", values, loose=loose) as store:
        ours = store.ask("metric_series", **window)
        monkeypatch.setattr(metric_series, "thinned_alone", lambda *_: None)
        reading = store.ask("metric_series", **window)
        monkeypatch.setattr(metric_series, "_one_series", lambda *_: None)
        engine = store.ask("metric_series", **window)
    assert 2 <= ours.num_rows <= points + 2
    assert ours.equals(engine)
    assert reading.equals(engine)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [({}, True), ({"series": ["s", "t"]}, True), ({"entity": "host:h", "metric": ["load_percent"]}, True),
     ({"metric": "other"}, False), ({"entity": []}, False)],
)  # fmt: skip
def test_footers_tell_whether_a_lone_series_is_asked_for(tmp_path, monkeypatch, asked, taken):
    alone = []
    original = metric_series.thinned_alone
    monkeypatch.setattr(metric_series, "thinned_alone", lambda *a: alone.append(original(*a)) or alone[-1])
    with _fill(tmp_path / "store", np.arange(ROWS, dtype=float), loose=0) as store:
        answer = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100, **asked)
    assert [found is not None for found in alone] == [taken]
    assert answer.num_rows == (100 if taken else 0)


def test_a_second_series_or_unsealed_rows_go_the_general_way(tmp_path, monkeypatch):
    values = np.random.default_rng(1).standard_normal(ROWS)
    with _fill(tmp_path / "store", values, loose=0) as store:
        before = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100)
        store.append({"metric_samples": build(METRICS, {
            "environment": "prod", "source": "t", "place": "t", "received_ns": T0, "series": "r", "entity": "host:g",
            "metric": "load_percent", "type": "gauge", "time_ns": pa.array([T0 + S]), "value": pa.array([1.0]),
        })})  # fmt: skip
        unsealed = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100)
        store.seal()
        store.compact()
        sealed = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100)
    assert before.num_rows == 100
    assert unsealed.equals(sealed)
    assert unsealed.slice(1).equals(before)
    assert unsealed["series"][0].as_py() == "r"


def test_unknown_values_go_the_general_way(tmp_path):
    values = np.arange(ROWS, dtype=float)
    values[100:200] = np.nan
    with _fill(tmp_path / "store", values, loose=0) as store:
        answer = store.ask("metric_series", start_ns=T0, end_ns=T0 + ROWS * S, points=100)
    # 50 buckets of 100 samples, each with two of them; the one without a single number keeps its first.
    assert answer.num_rows == 99
    assert np.isnan(answer["value"].to_numpy()).sum() == 1
