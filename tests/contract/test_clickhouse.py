"""ClickHouse in this process (experimental): 35 of 44 named queries are equal, the others not asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.strategies.engine_rows import CASES, EVERY, T0, world
from tests.strategies.engine_servers import difference
from workbench.columnar import build
from workbench.errors import UsageError
from workbench.model.tables import SPANS
from workbench.store import Store
from workbench.store.cluster import open_store, parse
from workbench.store.engines.clickhouse import UNABLE, _exact

ABLE = [case for case in CASES if case[0] not in UNABLE]


def test_the_address_says_which_engine_and_folder() -> None:
    address = parse("clickhouse:./there;missing=refuse")
    assert (address.server, address.path, address.missing) == ("clickhouse:", Path("there"), "refuse")


def test_quantiles_are_exact_and_texts_stay() -> None:
    pytest.importorskip("sqlglot", reason="needs ibis-framework: pip install 'incident-workbench[spark]'")
    sql = """SELECT quantile(0.5)("a"), quantileIf(0.9)("a", "b" = 'quantile(0.5)') AS "quantile" FROM t"""
    assert _exact(sql) == (
        """SELECT quantileExactInclusive(0.5)("a"), """
        """quantileExactInclusiveIf(0.9)("a", "b" = 'quantile(0.5)') AS "quantile" FROM t"""
    )


def test_what_it_does_not_answer_is_named() -> None:
    assert len(UNABLE) == 9
    assert {name for name, _ in ABLE} | UNABLE == {name for name, _ in CASES}
    assert len({name for name, _ in ABLE}) == 35


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """One store, asked by DuckDB and by ClickHouse: some rows are compacted, others wait in the journal."""
    pytest.importorskip("chdb", reason="needs chdb (about 530 MB, Apache-2.0): pip install 'chdb>=4.4,<5'")
    root = tmp_path_factory.mktemp("clickhouse") / "store"
    with Store.open(root, upkeep="manual") as here:
        here.append(world(1))
        here.seal()
        here.compact()
        here.append({name: rows.slice(rows.num_rows // 2) for name, rows in world(2).items()})
        with open_store(f"clickhouse:{root};missing=refuse", mode="read") as there:
            yield here, there


def _maps_filled(rows: pa.Table) -> pa.Table:
    """Return rows with null maps as empty ones: ClickHouse has no null map, and says so nowhere."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_map(field.type):
            filled = [value or [] for value in rows.column(place).to_pylist()]
            rows = rows.set_column(place, field, pa.array(filled, field.type))
    return rows


@pytest.mark.full
@pytest.mark.parametrize(("name", "arguments"), ABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_equal_but_for_null_maps(stores: tuple[Store, Store], name: str, arguments: dict[str, Any]) -> None:
    here, there = stores
    ours, theirs = here.ask(name, **arguments), there.ask(name, **arguments)
    assert difference(_maps_filled(theirs), _maps_filled(ours)) == ""


def test_more_values_than_a_sample_holds_are_counted_exactly(tmp_path: Path) -> None:
    """20,000 durations: ClickHouse's own quantile looks at 8,192 of them."""
    pytest.importorskip("chdb", reason="needs chdb (about 530 MB, Apache-2.0): pip install 'chdb>=4.4,<5'")
    n = 20_000
    rows = build(SPANS, {
        "environment": "prod", "source": "t", "place": "t", "received_ns": T0, "service": "s",
        "trace_id": [f"{i:032x}" for i in range(n)], "span_id": [f"{i:016x}" for i in range(n)],
        "start_ns": pa.array(np.full(n, T0)), "end_ns": pa.array(np.full(n, T0)),
        "duration_ns": pa.array(np.random.default_rng(1).permutation(n)),
    })  # fmt: skip
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        here.append({"spans": rows})
        here.seal()
        with open_store(f"clickhouse:{tmp_path / 's'}", mode="read") as there:
            answer = there.ask("span_percentiles", start_ns=T0, end_ns=T0 + 1)
            assert difference(answer, here.ask("span_percentiles", start_ns=T0, end_ns=T0 + 1)) == ""


def test_what_it_cannot_answer_is_refused_or_left_to_duckdb(stores: tuple[Store, Store]) -> None:
    here, there = stores
    with pytest.raises(UsageError, match="no portable expression yet"):
        there.ask("null_history", **EVERY)
    with open_store(f"clickhouse:{here.root}", mode="read") as lenient:
        assert lenient.engine_of("null_history") == "duckdb"
        assert lenient.engine_of("trace") == "clickhouse"
        assert lenient.ask("null_history", **EVERY).equals(here.ask("null_history", **EVERY))
