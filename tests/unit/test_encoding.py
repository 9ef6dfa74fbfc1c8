"""Segments are written so that what is asked often is decoded fast."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.strategies.engine_rows import T0
from workbench.columnar import build, schema
from workbench.model.tables import METRICS, SPANS
from workbench.store.encoding import ROW_GROUP, group_rows, options
from workbench.store.segments import write_segment

ROWS = 100_000
RNG = np.random.default_rng(1)
VECTOR = 2048
"""Rows that the engine takes at once."""


def _samples(values: np.ndarray) -> pa.Table:
    return build(METRICS, {
        "environment": "prod", "source": "t", "place": "t", "received_ns": T0, "series": "s", "entity": "host:h",
        "metric": "load_percent", "unit": "%", "type": "gauge", "time_ns": pa.array(T0 + np.arange(len(values))),
        "value": pa.array(values),
    })  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words", "packing"),
    [(RNG.standard_normal(ROWS), False, "UNCOMPRESSED"), (RNG.integers(0, 10**7, ROWS) / 100, False, "ZSTD"),
     (RNG.integers(0, 300, ROWS).astype(float), True, "ZSTD"), (np.full(ROWS, 1.5), True, "ZSTD")],
    ids=["random", "decimals", "few", "one"],
)  # fmt: skip
def test_floats_are_written_as_they_are_decoded_best(tmp_path, values, words, packing):
    segment = write_segment(tmp_path, "prod", METRICS, "2026-02-16", [_samples(values)], settled=True)
    footer = pq.read_metadata(tmp_path / segment.path)
    at = schema(METRICS).get_field_index("value")
    column = footer.row_group(0).column(at)
    assert ("RLE_DICTIONARY" in column.encodings) == words
    assert column.compression == packing
    # Never more than the values themselves and a hundredth.
    assert column.total_compressed_size < ROWS * 8 * 1.01
    again = pq.read_table(tmp_path / segment.path, columns=["value"])["value"].to_numpy()
    assert np.array_equal(again, values)


def test_unknown_values_alone_or_among_others_choose_nothing_wrong():
    for values in ([None] * 5, [None, 1.0, None, 2.0], []):
        rows = _samples(np.zeros(len(values))).set_column(
            5, schema(METRICS).field("value"), pa.array(values, pa.float64())
        )
        assert options(METRICS, rows)["write_statistics"] is True


def test_row_groups_are_small_where_ids_are_looked_up_and_pages_hold_whole_vectors():
    spans, samples = options(SPANS, schema(SPANS).empty_table()), options(METRICS, schema(METRICS).empty_table())
    assert group_rows(METRICS) == ROW_GROUP == 3 * group_rows(SPANS)
    assert spans["max_rows_per_page"] % VECTOR == samples["max_rows_per_page"] % VECTOR == 0
    assert group_rows(SPANS) % spans["max_rows_per_page"] == group_rows(METRICS) % samples["max_rows_per_page"] == 0
    assert set(spans["bloom_filter_options"]) == {"trace_id"}
    assert "bloom_filter_options" not in samples
