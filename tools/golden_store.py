"""Write the golden store of a release: ``python tools/golden_store.py 0.1``; run once a release, before it goes out.

Every declared table has one sealed and one unsealed row, with every kind of value in it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.columnar import build
from workbench.model.tables import TABLES, Column, Table
from workbench.store import Store

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
BEGIN_NS = 20_500 * 86_400 * 10**9


def _cell(column: Column, number: int) -> Any:
    values: dict[str, Any] = {
        "text": f"{column.name} {number} é",
        "json": '["a",1]',
        "int": 2**53 + number,
        "time_ns": BEGIN_NS + number,
        "float": 0.1 * number,
        "bool": number % 2 == 0,
        "texts": {"key": f"value {number}", "unknown": None},
        "numbers": {"key": 1.5 * number, "unknown": None},
    }
    return "prod" if column.name == "environment" else values[column.type]


def _row(table: Table, number: int) -> pa.Table:
    return build(table, {column.name: [_cell(column, number)] for column in table})


def main(release: str) -> None:
    """Write the store and its export for one release."""
    folder = GOLDEN / f"store-{release}"
    shutil.rmtree(folder, ignore_errors=True)
    with Store.open(folder, upkeep="manual") as store:
        store.append({table.name: _row(table, 1) for table in TABLES.values()})
        store.seal()
        store.append({table.name: _row(table, 2) for table in TABLES.values()})
        exported = b"".join(store.export(name) for name in TABLES)
    (GOLDEN / f"store-{release}.jsonl").write_bytes(exported)


if __name__ == "__main__":
    main(sys.argv[1])
