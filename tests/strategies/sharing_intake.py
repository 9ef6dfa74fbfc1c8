"""One intake process for tests: ``python -m tests.strategies.sharing_intake URL FOLDER FIRST LAST``.

Takes in KPI rows FIRST to LAST, 20 a batch, shares them now and then, and prints each number once it is on disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.columnar import build
from workbench.model.tables import TABLES
from workbench.store.cluster import parse
from workbench.store.sharing import SharedStore

T0 = 20_500 * 86_400 * 10**9


def rows(first: int, last: int) -> dict[str, object]:
    """Return KPI rows, one a second, numbered by their values."""
    made = [
        {"environment": "prod", "source": "test", "place": "here", "received_ns": T0, "kpi": f"k{n}", "segment": "",
         "time_ns": T0 + n * 10**9, "value": float(n)}
        for n in range(first, last)
    ]  # fmt: skip
    return {"kpis": build(TABLES["kpis"], {c.name: [r.get(c.name) for r in made] for c in TABLES["kpis"]})}


def take_in(url: str, folder: Path, first: int, last: int) -> None:
    """Append, seal and share; say what was acknowledged."""
    address = parse(f"{url};cache={folder}")
    with SharedStore.open_shared(address, upkeep="manual") as store:
        for place, low in enumerate(range(first, last, 20)):
            store.append(rows(low, min(last, low + 20)))  # type: ignore[arg-type]
            print(min(last, low + 20), flush=True)
            if place % 3 == 2:
                store.seal()
        store.seal()


if __name__ == "__main__":
    take_in(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
