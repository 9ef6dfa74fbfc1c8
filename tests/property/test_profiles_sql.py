"""Profiles built in SQL equal those built by NumPy, whatever the values, their times and the grid."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis import profile_frames, profile_rows
from workbench.analysis.profiles import Profile
from workbench.case.bundle import frame
from workbench.columnar import build
from workbench.model.grid import LEVELS, Grid
from workbench.model.tables import TABLE_ROWS
from workbench.model.window import HOUR_NS
from workbench.store import Store

T0 = 20_500 * 24 * HOUR_NS
HOURS = 3
NUMBER = st.one_of(
    st.integers(-60, 60).map(float),
    st.floats(-1e100, 1e100),
    st.floats(-1e-100, 1e-100),
    st.sampled_from([np.inf, -np.inf, None, 0.0, -0.0]),
)
TEXT = st.one_of(st.none(), st.sampled_from(["food", "", "été", "a'; --", "(other)", "#ab12"]), st.text(max_size=5))
ROW = st.tuples(NUMBER, TEXT, st.integers(0, HOURS * HOUR_NS - 1))
GRIDS = st.sampled_from([Grid("numbers", 0.0, 0.125), Grid("numbers", 50.0, 2.0), Grid("numbers", 3.0, 1.0, 12)])
NUMBERS = count()
"""Every example is a data set of its own in one store."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    place: Path = tmp_path_factory.mktemp("profiles")
    with Store.open(place / "store", upkeep="manual") as opened:
        yield opened


@given(rows=st.lists(ROW, min_size=1, max_size=60), grid=GRIDS)
@settings(max_examples=25, deadline=None)
def test_any_rows_are_counted_alike(store: Store, rows: list[tuple[float | None, str | None, int]], grid: Grid) -> None:
    """Bins, levels, nulls, infinite cells, minima and maxima exactly; sums to 1e-12 of their terms."""
    name = f"orders_{next(NUMBERS)}"
    rows = sorted(rows, key=lambda row: row[2])
    times = np.array([T0 + at for _, _, at in rows])
    store.append({"table_rows": build(TABLE_ROWS, {
        "environment": ["prod"] * len(rows), "source": "test", "place": ["here"] * len(rows), "received_ns": T0,
        "dataset": [name] * len(rows), "row_id": [str(i) for i in range(len(rows))], "time_ns": times,
        "numbers": [{"price": number} for number, _, _ in rows], "texts": [{"kind": text} for _, text, _ in rows],
    })})  # fmt: skip
    grids = {"price": grid, "kind": LEVELS}
    window = {"entity": f"dataset:{name}", "start_ns": T0, "end_ns": T0 + HOURS * HOUR_NS}
    answer = store.ask("build_profiles", **window, every_ns=HOUR_NS, grids={n: g.id for n, g in grids.items()})
    sql = {p.column: p for p in profile_rows.from_counts(frame(answer), grids, HOUR_NS)}
    cells = pd.DataFrame({"price": pd.Series([n for n, _, _ in rows], dtype="float64"),
                          "kind": pd.Series([t for _, t, _ in rows], dtype=object)})  # fmt: skip
    for own in profile_frames.profile_frame(cells, times, HOUR_NS, grids):
        held = sql[own.column]
        assert _named(held) == _named(own)
        for figure in ("starts", "ends", "rows", "nulls", "infinite", "distinct", "min", "max"):
            np.testing.assert_array_equal(getattr(held, figure), getattr(own, figure), err_msg=f"{own.column} {figure}")
        terms = {"sum": np.sqrt(own.sumsq * own.rows), "sumsq": own.sumsq}
        for figure, scale in terms.items() if own.column == "price" else ():
            off = np.abs(getattr(held, figure) - getattr(own, figure))
            assert np.all((off <= 1e-12 * scale) | (scale == 0)), figure


def _named(profile: Profile) -> list[tuple[int, str, int]]:
    levels, bins = profile.levels, profile.entry_bin.tolist()
    names = [levels[b] if levels else str(b) for b in bins]
    return sorted(zip(profile.entry_bucket.tolist(), names, profile.entry_count.tolist(), strict=True))
