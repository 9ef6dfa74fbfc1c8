"""Profiles built in SQL equal those built by NumPy, and survive the store."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analysis import profile_frames, profile_rows, profiles
from workbench.case.bundle import frame
from workbench.columnar import build
from workbench.model.tables import PROFILES, TABLE_ROWS
from workbench.model.window import HOUR_NS
from workbench.store import Store

T0 = 20_500 * 24 * HOUR_NS
STAMP = {"environment": "prod", "source": "test", "place": "here", "received_ns": T0}


def rows(n: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    price = rng.lognormal(3, 1, n)
    price[rng.random(n) < 0.05] = np.nan
    price[7], price[8] = np.inf, -np.inf
    kind = np.array(["food", "O'Brien; DROP TABLE", "été", None], dtype=object)[rng.integers(0, 4, n)]
    found = pd.DataFrame(
        {
            "price": price,
            "items": rng.poisson(3, n).astype(float),
            "flat": 1.5,
            "kind": kind,
            "tiny": rng.normal(size=n) * 1e-12,
            "shift": rng.normal(1e9, 1, n),
        }
    )
    return found, T0 + np.sort(rng.integers(0, 5 * HOUR_NS, n))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found, times = rows()
    numbers = found.drop(columns="kind").astype(object).where(found.drop(columns="kind").notna(), None)
    with Store.open(tmp_path / "store", upkeep="manual") as opened:
        opened.append(
            {
                "table_rows": build(
                    TABLE_ROWS,
                    {
                        "environment": ["prod"] * len(found),
                        "source": "test",
                        "place": ["here"] * len(found),
                        "received_ns": T0,
                        "dataset": ["orders"] * len(found),
                        "row_id": [str(i) for i in range(len(found))],
                        "time_ns": times,
                        "numbers": numbers.to_dict("records"),
                        "texts": [{"kind": k if isinstance(k, str) else None} for k in found["kind"]],
                    },
                )
            }
        )
        yield opened


def built(store: Store) -> tuple[list[profiles.Profile], list[profiles.Profile]]:
    window = {"entity": "dataset:orders", "start_ns": T0, "end_ns": T0 + 5 * HOUR_NS}
    grids = profile_rows.grids_of(frame(store.ask("column_quantiles", **window)))
    answer = store.ask("build_profiles", **window, every_ns=HOUR_NS, grids={n: g.id for n, g in grids.items()})
    found, times = rows()
    own = sorted(profile_frames.profile_frame(found, times, HOUR_NS, grids), key=lambda p: p.column)
    taught = {name: profiles.teach(found[name].to_numpy(float)) for name in found if name != "kind"}
    assert {n: g for n, g in grids.items() if n != "kind"} == taught
    return profile_rows.from_counts(frame(answer), grids, HOUR_NS), own


def named(profile: profiles.Profile) -> list[tuple[int, object, int]]:
    names = profile.levels or profile.entry_bin
    bins = [profile.levels[b] for b in profile.entry_bin] if profile.levels else profile.entry_bin.tolist()
    assert len(names)
    return sorted(zip(profile.entry_bucket.tolist(), bins, profile.entry_count.tolist(), strict=True), key=repr)


def test_sql_and_numpy_count_alike(store: Store) -> None:
    """Counts, nulls, minima and maxima exactly, sums to 1e-12 of their terms."""
    sql, own = built(store)
    assert [p.column for p in sql] == [p.column for p in own] == ["flat", "items", "kind", "price", "shift", "tiny"]
    for left, right in zip(sql, own, strict=True):
        assert left.grid == right.grid
        assert named(left) == named(right)
        for name in ("starts", "ends", "rows", "nulls", "infinite", "distinct", "min", "max"):
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=f"{left.column} {name}")
        for name in ("sum", "sumsq"):
            scale = np.sqrt(right.sumsq * right.rows) if name == "sum" else right.sumsq
            assert np.all(np.abs(getattr(left, name) - getattr(right, name))[scale > 0] <= 1e-12 * scale[scale > 0])


def test_profiles_come_back_from_the_declared_table(store: Store) -> None:
    _, own = built(store)
    for profile in own:
        columns = profile_rows.as_columns(profile, "orders")
        n = len(profile.starts)
        table = build(
            PROFILES,
            {**columns, "environment": ["prod"] * n, "source": "profile", "place": ["here"] * n, "received_ns": T0},
        )
        store.append({"profiles": table})
    back = profile_rows.from_rows(frame(store.ask("rows", table="profiles", equals={"dataset": "orders"})))
    assert len(back) == len(own)
    for left, right in zip(back, own, strict=True):
        assert named(left) == named(right)
        np.testing.assert_array_equal(left.sum, right.sum)


def test_a_text_among_numbers_is_null_unless_it_reads_as_one() -> None:
    grid = profiles.teach(np.arange(10.0))
    cells = pd.Series(["3", "many", None])
    found = profile_frames.profile_cells("n", cells, grid, np.array([0]), np.array([1]), np.array([3]))
    assert (int(found.nulls[0]), int(found.entry_count.sum())) == (2, 1)
