"""Drift bench: speed, storage, latency and accuracy of profiles, each figure beside its bar.

    python -m benchmarks.drift [--only NAME ...] [--tables 20] [--peers DIR]

Peers run in environments of their own, DIR/NAME for nannyml, whylogs, frouros, alibi-detect and evidently: virtual
environments that also hold pandas and pyarrow (nannyml needs pandas below 3 and statsmodels; whylogs[viz] and
alibi-detect pandas below 3, NumPy below 2 and pyarrow below 20). One that is not there is said to be missing. CPU
seconds and peak memory are of whole processes.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift_accuracy import SEEDS, car_loan, causes, planted, quiet
from benchmarks.drift_peers import compared, found_by, on_car_loan
from benchmarks.drift_say import say
from workbench.analysis.profile_history import History, distances
from workbench.analysis.profile_rows import as_columns
from workbench.analysis.profiles import count_levels, count_numbers, teach
from workbench.columnar import build
from workbench.model.grid import LEVELS
from workbench.model.tables import PROFILES
from workbench.model.window import HOUR_NS

# -- speed -----------------------------------------------------------------------------------------------------------


def _frames(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    for part in ("reference", "current"):
        numbers = {f"n{i:02d}": rng.lognormal(size=rows) if i % 2 else rng.normal(size=rows) for i in range(20)}
        texts = {
            f"t{i}": np.array([f"level {j}" for j in range(5 + 10 * i)])[rng.integers(0, 5 + 10 * i, rows)]
            for i in range(9)
        }
        columns = {n: pa.array(v) for n, v in numbers.items()} | {
            n: pa.array(v).dictionary_encode() for n, v in texts.items()
        }
        pq.write_table(pa.table(columns), folder / f"{part}.parquet", compression="zstd")


_OWN = """
import sys, numpy as np, pyarrow.parquet as pq, pyarrow as pa
from workbench.analysis.profiles import count_numbers, count_levels, merge, teach
from workbench.analysis.profile_history import History, distances
from workbench.model.grid import LEVELS
pa.set_cpu_count(2)
found, place = [], [(np.array([i]), np.array([i + 1])) for i in range(2)]
files = [pq.ParquetFile(f"{sys.argv[1]}/{part}.parquet") for part in ("reference", "current")]
for name in files[0].schema_arrow.names:
    grid, parts = None, []
    for file, (start, end) in zip(files, place):
        column = file.read([name]).column(0).combine_chunks()
        if pa.types.is_floating(column.type):
            values = np.from_dlpack(column.fill_null(float('nan')) if column.null_count else column)
            grid = grid or teach(values[:100_000])
            parts.append(count_numbers(name, values, grid, starts=start, ends=end))
        else:
            column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            codes = np.from_dlpack(column.indices.fill_null(-1) if column.null_count else column.indices)
            parts.append(count_levels(name, codes, column.dictionary.to_pylist(), LEVELS, starts=start, ends=end))
    found.append(merge(parts))
history = History(found)
d = distances(history.columns, history.counts([(0, 1)]), history.counts([(1, 2)]))
from workbench import plugins
metrics = plugins.load_all("drift metric")
for name in history.columns.names:
    pair = history.pair(name, [(0, 1)], [(1, 2)])
    for metric in metrics.values():
        if metric.applies_to != "numbers" or pair.positions is not None:
            metric.score(pair)
"""
_LOAD = (
    "import sys, pandas as pd, warnings; warnings.filterwarnings('ignore')\n"
    "a, b = (pd.read_parquet(f'{sys.argv[1]}/{p}.parquet') for p in ('reference', 'current'))\n"
)
PEERS = {
    "nannyml": "import nannyml\nt = [c for c in a if c[0] == 't']\na[t] = a[t].astype(str); b[t] = b[t].astype(str)\n"
    "c = nannyml.UnivariateDriftCalculator(column_names=list(a), continuous_methods=['jensen_shannon'],"
    " categorical_methods=['jensen_shannon'], chunk_number=1)\nc.fit(a); c.calculate(b)\n",
    "whylogs": "import whylogs\nfor f in (a, b):\n"
    "    whylogs.log(f.astype({c: str for c in f if c[0] == 't'})).profile().view()\n",
    "frouros": "from frouros.detectors.data_drift import PSI\nfor c in a:\n    if c[0] == 'n':\n"
    "        d = PSI(); d.fit(X=a[c].to_numpy()); d.compare(X=b[c].to_numpy())\n",
    "alibi-detect": "from alibi_detect.cd import TabularDrift\nimport numpy as np\n"
    "f = [np.column_stack([x[c].astype(str).astype('category').cat.codes if c[0] == 't' else x[c] for c in x])"
    " for x in (a, b)]\nk = {i: None for i, c in enumerate(a) if c[0] == 't'}\n"
    "TabularDrift(f[0], p_val=0.05, categories_per_feature=k).predict(f[1])\n",
    "evidently": "from evidently import Report, Dataset, DataDefinition\n"
    "from evidently.presets import DataDriftPreset\n"
    "t = [c for c in a if c[0] == 't']\na[t] = a[t].astype(str); b[t] = b[t].astype(str)\n"
    "f = [Dataset.from_pandas(x, data_definition=DataDefinition()) for x in (b, a)]\n"
    "Report([DataDriftPreset()]).run(*f).dict()\n",
}


_LAUNCHER = """
import os, subprocess, sys, time
limit_s = float(sys.argv[1])
process = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)
deadline = time.monotonic() + limit_s
while True:
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if pid:
        break
    if time.monotonic() > deadline:
        process.kill()
    time.sleep(0.02)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def timed(python: str, code: str, argument: str, limit_s: float = 300) -> tuple[float, float] | str:
    """Return CPU seconds and peak MB of a whole process, or why there is none.

    A small launcher starts it: a child's peak memory counts what its parent held when it was started.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        env = {**os.environ, "DO_NOT_TRACK": "1", "WHYLOGS_NO_ANALYTICS": "True", "NML_DISABLE_USAGE_LOGGING": "1"}
        command = [sys.executable, "-S", "-c", _LAUNCHER, str(limit_s), python, file.name, argument]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    status, seconds, megabytes = done.stdout.split()
    if int(status):
        return (
            f"not done in {limit_s:g} s"
            if int(status) == 9
            else f"failed: {done.stderr.strip().rpartition(chr(10))[2][:60]}"
        )
    return float(seconds), float(megabytes)


def speed(peers: Path, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _frames(Path(folder), rows)
        own = timed(sys.executable, _OWN, folder)
        if isinstance(own, str):
            say(f"{rows:,} x 29 columns x 2 windows", own, "", False)
            return
        say(f"{rows:,} x 29 columns x 2 windows", f"{own[0]:.2f} CPU s, {own[1]:.0f} MB", "<= 500 MB", own[1] <= 500)
        for name, least in (("nannyml", 10), ("whylogs", 25), ("evidently", 50), ("frouros", None),
                            ("alibi-detect", None)):  # fmt: skip
            python = peers / name / "bin" / "python"
            python = Path(sys.executable) if name == "evidently" and not python.exists() else python
            if not python.exists():
                say(f"  {name}", "not installed", "skipped")
                continue
            found = timed(str(python), _LOAD + PEERS[name], folder)
            if isinstance(found, str):
                say(f"  {name}", found, "no comparison")
                continue
            times = found[0] / own[0]
            say(
                f"  {name}",
                f"{found[0]:.1f} CPU s, {found[1]:.0f} MB, x{times:.1f}",
                f">= x{least}" if least else "printed only",
                None if least is None else times >= least,
            )


_WIDE_EVIDENTLY = """
import resource, sys, warnings; warnings.filterwarnings('ignore')
# A peer that needs more than this is said to fail, instead of taking the machine with it.
resource.setrlimit(resource.RLIMIT_AS, (14 * 2**30, 14 * 2**30))
import numpy as np, pandas as pd
from evidently import Report, Dataset, DataDefinition
from evidently.presets import DataDriftPreset
columns, rows = (int(v) for v in sys.argv[1].split('x'))
base = np.random.default_rng(2).normal(size=(rows, 2))
frames = [pd.DataFrame({f'c{i}': base[:, k] * (1 + i / 100) + i for i in range(columns)}) for k in range(2)]
data = [Dataset.from_pandas(f, data_definition=DataDefinition()) for f in frames[::-1]]
Report([DataDriftPreset()]).run(*data).dict()
"""


def wide_peer(columns: int, rows: int, limit_s: float) -> None:
    """Run Evidently's default on as many columns, for its own time limit."""
    found = timed(sys.executable, _WIDE_EVIDENTLY, f"{columns}x{rows}", limit_s)
    figure = found if isinstance(found, str) else f"{found[0]:.1f} CPU s, {found[1]:.0f} MB"
    say(f"  evidently, {columns:,} columns x {rows:,} rows x 2", figure, f"in {limit_s:g} s, printed only")


def wide(columns: int, rows: int, limit_s: float) -> None:
    code = f"""
import numpy as np
from workbench.analysis.profiles import count_numbers, merge, teach
from workbench.analysis.profile_history import History
from workbench.analysis.drift_decision import decide
rng, found = np.random.default_rng(2), []
base = rng.normal(size=({rows}, 2))
import time
spent = 0.0
for i in range({columns}):
    x = [base[:, k] * (1 + i / 100) + i for k in range(2)]
    t = time.process_time()
    grid = teach(x[0][:100_000])
    places = [dict(starts=np.array([k]), ends=np.array([k + 1])) for k in range(2)]
    found.append(merge([count_numbers(f'c{{i}}', v, grid, **place) for v, place in zip(x, places)]))
    spent += time.process_time() - t
t = time.process_time()
decide(History(found), [(0, 1)], [(1, 2)])
open(__import__('sys').argv[1], 'w').write(str(spent + time.process_time() - t))
"""
    with tempfile.NamedTemporaryFile("r") as out:
        found = timed(sys.executable, code, out.name)
        if isinstance(found, str):
            say(f"{columns:,} columns x {rows:,} rows x 2", found, "<= 20 s, <= 2 GB", False)
            return
        own = float(Path(out.name).read_text())
        say(
            f"{columns:,} columns x {rows:,} rows x 2",
            f"{own:.1f} CPU s of {found[0]:.1f}, {found[1]:.0f} MB",
            "<= 20 s on 2 cores, <= 2 GB",
            own <= 40 and found[1] <= 2048,
        )
    wide_peer(columns, rows, limit_s)


def hours(count: int = 1440, per: int = 1400) -> None:
    rng = np.random.default_rng(3)
    starts = np.arange(count) * HOUR_NS
    place = {"starts": starts, "ends": starts + HOUR_NS, "sizes": np.full(count, per)}
    n, found, raw = count * per, [], {}
    for i in range(20):
        x = rng.poisson(20, n).astype(float) if i % 5 == 0 else rng.lognormal(size=n) if i % 2 else rng.normal(size=n)
        raw[f"n{i:02d}"] = x[: 400 * per]
        found.append(count_numbers(f"n{i:02d}", x, teach(x[: 100 * per]), **place))
    found += [
        count_levels(
            f"t{i}", np.minimum(rng.zipf(1.4, n) - 1, 9 + 20 * i), [str(j) for j in range(10 + 20 * i)], LEVELS, **place
        )
        for i in range(10)
    ]
    history, taken, worked = History(found), [], []
    for _ in range(300):
        a, b, c, d = (int(v) * HOUR_NS for _ in range(2) for v in np.sort(rng.choice(count + 1, 2, replace=False)))
        began, busy = time.perf_counter(), time.process_time()
        distances(history.columns, history.counts([(a, b)]), history.counts([(c, d)]))
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    say(
        f"any two windows of {count:,} hours x 30 columns, p95",
        f"{np.percentile(taken, 95):.2f} ms",
        "<= 5 ms",
        np.percentile(taken, 95) <= 5,
    )
    say("  processor time of it, p95", f"{np.percentile(worked, 95):.2f} ms", "printed only")
    exactness(history, raw, per)
    tables = []
    for p in found[:29]:
        columns = as_columns(p, "features.transactions")
        size = len(columns["rows"])
        tables.append(
            build(
                PROFILES,
                {
                    **columns,
                    "environment": ["prod"] * size,
                    "source": "profile",
                    "place": "features.parquet",
                    "received_ns": 1,
                },
            )
        )
    sink = io.BytesIO()
    pq.write_table(pa.concat_tables(tables), sink, compression="zstd")
    kilobytes = len(sink.getvalue()) / count / 1000
    say("storage an hour, 29 columns, 1,400 rows", f"{kilobytes:.2f} KB", "<= 10 KB", kilobytes <= 10)


def exactness(history: History, raw: dict[str, np.ndarray], per: int) -> None:
    from scipy import stats

    ks, w1 = [], []
    windows = [(0, 100 * HOUR_NS)], [(200 * HOUR_NS, 300 * HOUR_NS)]
    found = distances(history.columns, *(history.counts(w) for w in windows))
    for name, x in raw.items():
        a, b = x[: 100 * per], x[200 * per : 300 * per]
        at = history.columns.names.index(name)
        ks.append(abs(found.ks[at] - stats.ks_2samp(a, b, method="asymp").statistic))
        # W1 of two draws of one distribution is noise; a shifted copy has a distance to be right about.
        g = teach(a)
        pair = History(
            [
                count_numbers(
                    "x",
                    np.concatenate([a, 1.1 * b]),
                    g,
                    starts=np.arange(2),
                    ends=np.arange(1, 3),
                    sizes=np.array([len(a), len(b)]),
                )
            ]
        )
        d = distances(pair.columns, pair.counts([(0, 1)]), pair.counts([(1, 2)]))
        exact = stats.wasserstein_distance(a, 1.1 * b)
        w1.append(abs(d.w1[0] - exact) / exact)
    say("  KS error against exact", f"{max(ks):.6f}", "<= 0.0005", max(ks) <= 0.0005)
    say("  W1 error against exact", f"{max(w1):.3%}", "<= 1 %", max(w1) <= 0.01)


def rate() -> None:
    x = np.random.default_rng(4).normal(size=1_000_000)
    grid, one = teach(x), {"starts": np.array([0]), "ends": np.array([1])}
    parts = np.arange(700)
    sizes = np.full(700, 1428)
    sizes[-1] += 1_000_000 - sizes.sum()

    def best(work: Callable[[], object]) -> float:
        spent = []
        for _ in range(15):
            began = time.process_time()
            work()
            spent.append(time.process_time() - began)
        return min(spent)

    for word, place in (("one bucket", one), ("700 buckets", {"starts": parts, "ends": parts + 1, "sizes": sizes})):
        ratio = best(lambda: np.sort(x)) / best(lambda place=place: count_numbers("x", x, grid, **place))
        say(f"profile build, 1 M values, {word}", f"{ratio:.2f} of np.sort's rate", ">= 0.25", ratio >= 0.25)


def beside(peers: Path, tables: int) -> None:
    """Print what peers' defaults say of the same quiet and planted tables, and of car_loan."""
    compared(peers, SEEDS, 2000, max(tables // 2, 2))
    compared(peers, SEEDS, 100_000, 1)
    found_by(peers, 2000, [p for p in planted(2000, max(tables // 2, 2)) if p.power >= 0.99])
    on_car_loan(peers)


def main() -> None:
    """Run what is asked for, everything by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    works = ("rate", "hours", "speed", "wide", "quiet", "peers", "planted", "car_loan", "causes")
    parser.add_argument("--only", nargs="*", choices=works, default=works)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--large", type=int, nargs="*", default=[100_000, 1_000_000], help="also these rows a window")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=300, help="seconds that a peer may take for 1,000 columns")
    parser.add_argument("--peers", type=Path, default=Path("peers"))
    asked = parser.parse_args()
    run: dict[str, Callable[[], None]] = {
        "rate": rate,
        "hours": hours,
        "speed": lambda: speed(asked.peers, asked.rows),
        "wide": lambda: wide(1000, 300_000, asked.limit),
        "quiet": lambda: [quiet(n, 3 * asked.tables) for n in (2000, *asked.large)] and None,
        "planted": lambda: (
            [planted(n, asked.tables if n == 2000 else 3 * asked.tables // 5) for n in (2000, *asked.large)] and None
        ),
        "peers": lambda: beside(asked.peers, asked.tables),
        "car_loan": car_loan,
        "causes": lambda: causes(3 * asked.tables),
    }
    for work in works:
        if work in asked.only:
            run[work]()
    print(f"peak memory of the bench itself: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
