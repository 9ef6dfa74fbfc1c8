"""Store bench: how fast spans are kept, and how fast three questions are answered.

    python -m benchmarks.store [--spans 2000000] [--days 2] [--store DIR] [--seed 1]

Prints a line per figure: what, figure, peer or floor measured in the same run, ratio, memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.scale_data import FIRST_NS, Scale, batches
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.store import Store

BATCH = 2048


def peak_mb() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line(what: str, figure: str, floor: str, ratio: str) -> None:
    """Print one figure beside what it is measured against."""
    print(f"{what:<46} {figure:>16}   {floor:<44} {ratio:>8}   peak {peak_mb():6.0f} MB", flush=True)


def fill(store: Store, count: int, days: int, seed: int) -> None:
    """Append, seal and compact, and print how fast each went."""
    spent = prepared = 0.0
    began = time.perf_counter()
    ids = []
    for number, batch in enumerate(batches(Scale(count, days, seed), BATCH)):
        before = time.perf_counter()
        store.append({"spans": batch})
        spent += time.perf_counter() - before
        if number % 50 == 49:
            before = time.perf_counter()
            store.seal()
            prepared += time.perf_counter() - before
        if number % 97 == 0:
            ids.append(batch.column("trace_id")[0].as_py())
    before = time.perf_counter()
    store.seal()
    prepared += time.perf_counter() - before
    line(
        "append, batches of 2048",
        f"{count / spent:,.0f} spans/s",
        "bar 80,000 spans/s",
        f"{count / spent / 80_000:.2f}x",
    )
    line("append and seal", f"{count / (spent + prepared):,.0f} spans/s", "bar 20,000 spans/s with the server",
         f"{count / (spent + prepared) / 20_000:.2f}x")  # fmt: skip
    before = time.perf_counter()
    store.compact()
    took = time.perf_counter() - before
    line("compaction", f"{count / took:,.0f} spans/s", f"(whole fill {time.perf_counter() - began:.0f} s)", "")


def small_batches(folder: Path, seed: int) -> None:
    """Print the append rate for batches of 512 spans, beside the bare cost of one fsync each."""
    sent = list(batches(Scale(512 * 200, 1, seed), 512))
    with Store.open(folder / "small") as store:
        before, cpu = time.perf_counter(), time.process_time()
        for batch in sent:
            store.append({"spans": batch})
        took, cpu = time.perf_counter() - before, time.process_time() - cpu
    with (folder / "floor").open("wb") as file:
        began = time.perf_counter()
        for batch in sent:
            file.write(bytes(batch.nbytes))
            file.flush()
            os.fsync(file.fileno())
        floor = time.perf_counter() - began
    line("append, batches of 512", f"{512 * 200 / took:,.0f} spans/s", f"floor write+fsync: {512 * 200 / floor:,.0f}/s",
         f"{floor / took:.2f}x")  # fmt: skip
    line("  of CPU", f"{512 * 200 / cpu:,.0f} spans/cpu-s", "bar 80,000 spans/s", f"{512 * 200 / cpu / 80_000:.2f}x")


def timed(run: object, rounds: int = 5) -> float:
    """Return the median wall time of *run* in seconds, after one warm-up."""
    run()  # type: ignore[operator]
    times = []
    for _ in range(rounds):
        before = time.perf_counter()
        run()  # type: ignore[operator]
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def questions(store: Store, days: int) -> None:
    """Print the time of three questions beside bare DuckDB on the same files."""
    start, end = FIRST_NS, FIRST_NS + days * DAY_NS
    files = [str(path) for path in store.files("spans")]
    size = sum(Path(f).stat().st_size for f in files)
    bare = duckdb.connect()
    bare.execute("SET parquet_metadata_cache=true")
    source = f"read_parquet({files!r})"
    rows = bare.sql(f"SELECT count(*) FROM {source}").fetchall()[0][0]
    line(
        "on disk",
        f"{size / rows:.1f} bytes/span",
        "bar 50 with 8 attributes and provenance",
        f"{50 / (size / rows):.2f}x",
    )
    ids = [r[0] for r in bare.sql(f"SELECT trace_id FROM {source} USING SAMPLE 21 ROWS (reservoir, 1)").fetchall()]
    asked = iter(ids * 10)
    one = timed(lambda: store.ask("trace", trace_id=next(asked)), rounds=20)
    floor_ids = iter(ids * 10)
    floor = timed(
        lambda: bare.sql(f"SELECT * FROM {source} WHERE trace_id = $t", params={"t": next(floor_ids)}).to_arrow_table(),
        20,
    )
    line(
        f"one trace among {rows:,}",
        f"{one * 1e3:.1f} ms",
        f"bar 20 ms; bare DuckDB {floor * 1e3:.1f} ms",
        f"{0.020 / one:.2f}x",
    )
    minute = timed(lambda: store.ask("span_percentiles", start_ns=start, end_ns=end, every_ns=MINUTE_NS), 3)
    sql = f"SELECT start_ns // {MINUTE_NS} AS m, service, quantile_cont(duration_ns, 0.95) FROM {source} GROUP BY ALL"
    floor = timed(lambda: bare.sql(sql).to_arrow_table(), 3)
    line("p95 per minute and service", f"{minute:.2f} s", f"bare DuckDB {floor:.2f} s", f"{floor / minute:.2f}x")
    half = (start + end) // 2
    keys = ["service", "name", "status", "model_version", "host", "region", "kind"]
    contrast = timed(
        lambda: store.ask("attribute_counts", selection=[(half, end)], baseline=[(start, half)], keys=keys), 3
    )
    parts = " UNION ALL ".join(
        f"SELECT '{k}' AS k, {k} AS v, count(*) FILTER (start_ns >= {half}) AS a, count(*) FROM {source} GROUP BY v"
        for k in keys
    )
    floor = timed(lambda: bare.sql(parts).to_arrow_table(), 3)
    line(
        "contrast counts, 7 dimensions",
        f"{contrast:.2f} s",
        f"bare DuckDB, one scan each {floor:.2f} s",
        f"{floor / contrast:.2f}x",
    )


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=2_000_000)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", type=Path, help="keep the store here and use it again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small_batches(Path(folder), asked.seed)
        root = asked.store or Path(folder) / "large"
        known = root.exists()
        with Store.open(root) as store:
            if not known:
                fill(store, asked.spans, asked.days, asked.seed)
        with Store.open(root, mode="read") as store:
            questions(store, asked.days)


if __name__ == "__main__":
    main()
