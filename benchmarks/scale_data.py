"""Generate spans by the million, vectorised, and fill a store with them: the data that benches of scale share.

    python -m benchmarks.scale_data --out DIR [--spans 20000000] [--days 10] [--seed 1]

Traces of eight spans form a tree, so that self times and critical paths mean something. On the last tenth of the
time version 42 of the model serves one region half as fast again and fails more often: a contrast has something to
find. Equal arguments give equal rows.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from workbench.columnar import build
from workbench.model.tables import SPANS
from workbench.model.window import DAY_NS
from workbench.store import Store

T = TypeVar("T")

FIRST_NS = 20_500 * DAY_NS
SPANS_A_TRACE = 8
PARENT = np.array([-1, 0, 1, 1, 0, 4, 4, 0])
"""Place of each span's parent within its trace; -1 at the root."""
DEPTH = np.array([0, 1, 2, 2, 1, 2, 2, 1])
KEYS = ("customer.tier", "feature_flag", "http.method", "http.route", "http.status_code", "tenant", "thread", "user")
"""Attributes of each span."""
SERVICES = [f"service-{i:02d}" for i in range(20)]
ROUTES = [f"GET /resource/{i}" for i in range(60)]
HOSTS = [f"host-{i:03d}" for i in range(100)]
REGIONS = ["ca-central-1", "us-east-1", "eu-west-1"]
_POOLS = (["basic", "gold"], ["on"], ["GET"], ROUTES, ["200", "500"], [f"tenant-{i}" for i in range(500)],
          [str(i) for i in range(64)], [str(i) for i in range(100_000)])  # fmt: skip
_HEX = np.frombuffer(b"".join(b"%02x" % i for i in range(256)), np.uint16)


@dataclass(frozen=True)
class Scale:
    """Say how much: spans in all, over how many whole days from ``FIRST_NS`` on, from which seed."""

    spans: int
    days: int
    seed: int = 1
    length_ns: int = DAY_NS
    """How much of each day holds spans, from midnight on; only for a single day."""

    @property
    def start_ns(self) -> int:
        """Begin of the first day."""
        return FIRST_NS

    @property
    def end_ns(self) -> int:
        """End of the last day."""
        return FIRST_NS + self.days * DAY_NS

    @property
    def change_ns(self) -> int:
        """Begin of the last tenth, in which version 42 is slow in one region."""
        return self.end_ns - self.days * DAY_NS // 10


def batches(scale: Scale, rows: int = 65_536) -> Iterator[pa.Table]:
    """Yield tables of the declared shape, in order of time, *rows* (a multiple of 8) each but the last."""
    if rows % SPANS_A_TRACE:
        raise ValueError(f"A batch holds whole traces of {SPANS_A_TRACE} spans; got {rows} rows.")
    rng = np.random.default_rng(scale.seed)
    for first in range(0, scale.spans, rows):
        yield _batch(scale, rng, first, min(rows, scale.spans - first))


def _batch(scale: Scale, rng: np.random.Generator, first: int, n: int) -> pa.Table:
    place = np.arange(n) % SPANS_A_TRACE
    trace = np.arange(n) // SPANS_A_TRACE
    traces = int(trace[-1]) + 1
    step_ns = scale.days * scale.length_ns / scale.spans
    root_ns = FIRST_NS + ((first + np.arange(traces) * SPANS_A_TRACE) * step_ns).astype(np.int64)
    region, version = rng.integers(0, 3, traces)[trace], rng.integers(0, 2, traces)[trace]
    slow = (root_ns[trace] >= scale.change_ns) & (region == 1) & (version == 1)
    root_duration = rng.lognormal(4.0, 1.0, traces) * 1e6 * np.where(slow[::SPANS_A_TRACE][:traces], 1.5, 1.0)
    # A child begins and ends within its parent: each level takes less than half of what is left.
    share = 0.45 ** DEPTH[place] * rng.uniform(0.5, 1.0, n) ** (place > 0)
    duration = (root_duration[trace] * share).astype(np.int64)
    start = root_ns[trace] + (root_duration[trace] * 0.06 * place * (place > 0)).astype(np.int64)
    failed = rng.random(n) < np.where(slow, 0.08, 0.02)
    span_bytes = rng.integers(0, 256, (n, 8), dtype=np.uint8)
    parent_row = np.maximum(trace * SPANS_A_TRACE + PARENT[place], 0)
    route = rng.integers(0, len(ROUTES), n)
    return build(
        SPANS,
        {
            "environment": "prod", "source": "bench", "place": "generator", "received_ns": int(FIRST_NS),
            "trace_id": hex_texts(np.repeat(rng.integers(0, 256, (traces, 16), dtype=np.uint8), SPANS_A_TRACE, 0)[:n]),
            "span_id": hex_texts(span_bytes), "parent_span_id": hex_texts(span_bytes[parent_row], absent=place == 0),
            "service": _taken(SERVICES, rng.integers(0, len(SERVICES), n)), "name": _taken(ROUTES, route),
            "kind": _taken(["server", "client", "internal"], DEPTH[place]),
            "start_ns": pa.array(start), "end_ns": pa.array(start + duration), "duration_ns": pa.array(duration),
            "status": _taken(["ok", "error"], failed.astype(np.int8)), "model": "fraud",
            "model_version": _taken(["41", "42"], version), "host": _taken(HOSTS, rng.integers(0, len(HOSTS), n)),
            "region": _taken(REGIONS, region), "queue_wait_ms": pa.array(rng.exponential(2.0, n).round(3)),
            "attributes": _attributes(rng, n, route, failed),
        },
    )  # fmt: skip


def hex_texts(raw: np.ndarray, absent: np.ndarray | None = None) -> pa.Array:
    """Return byte rows, shape (n, width), as an array of hex texts, null where *absent*."""
    n, width = raw.shape
    texts = pa.py_buffer(_HEX[raw].tobytes())
    offsets = pa.py_buffer(np.arange(0, (n + 1) * width * 2, width * 2, dtype=np.int32).tobytes())
    array = pa.StringArray.from_buffers(n, offsets, texts)
    return array if absent is None else pa.compute.if_else(pa.array(~absent), array, None)


def _taken(pool: list[str], index: np.ndarray) -> pa.Array:
    return pa.array(pool).take(pa.array(index))


def _attributes(rng: np.random.Generator, n: int, route: np.ndarray, failed: np.ndarray) -> pa.MapArray:
    """Return the attributes, of the cardinality that real ones have, picked from one pool of all values."""
    starts = np.cumsum([0, *(len(pool) for pool in _POOLS[:-1])])
    picks = np.stack([rng.integers(0, len(pool), n) for pool in _POOLS], axis=1)
    picks[:, 0] = rng.random(n) < 0.1
    picks[:, KEYS.index("http.route")], picks[:, KEYS.index("http.status_code")] = route, failed
    values = _taken([text for pool in _POOLS for text in pool], (picks + starts).ravel())
    keys = _taken(list(KEYS), np.tile(np.arange(len(KEYS)), n))
    return pa.MapArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32) * len(KEYS)), keys, values)


def fill(store: Store, scale: Scale, *, progress: Callable[[int], object] | None = None) -> dict[str, float]:
    """Append, seal and compact; return the seconds that each took: generate, append, seal, compact."""
    took = dict.fromkeys(("generate", "append", "seal", "compact"), 0.0)
    done, since_sealed = 0, 0
    made = batches(scale)
    while (batch := _clocked(took, "generate", lambda: next(made, None))) is not None:
        _clocked(took, "append", functools.partial(store.append, {"spans": batch}))
        done, since_sealed = done + batch.num_rows, since_sealed + batch.num_rows
        if since_sealed >= 1_000_000:
            _clocked(took, "seal", store.seal)
            since_sealed = 0
        if progress is not None:
            progress(done)
    _clocked(took, "seal", store.seal)
    _clocked(took, "compact", store.compact)
    return took


def _clocked(took: dict[str, float], what: str, run: Callable[[], T]) -> T:
    before = time.perf_counter()
    answer = run()
    took[what] += time.perf_counter() - before
    return answer


def main() -> None:
    """Fill a store and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new store")
    parser.add_argument("--spans", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    scale = Scale(asked.spans, asked.days, asked.seed)
    with Store.open(asked.out, upkeep="manual") as store:
        took = fill(store, scale)
        size = sum(path.stat().st_size for path in store.files("spans"))
    for what, seconds in took.items():
        print(f"{what:<10} {seconds:8.1f} s   {asked.spans / max(seconds, 1e-9):12,.0f} spans/s")
    print(f"on disk    {size / asked.spans:8.1f} bytes/span, {size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
