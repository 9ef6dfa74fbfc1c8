"""False alarms and recall of peers' own defaults on the same generated tables as ours.

Each peer runs in its own environment on rows written as Parquet; a table counts as an alarm where the peer names any
column. NannyML learns its thresholds from chunks of the reference, whylogs and Evidently have fixed ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import drift_tables as made
from benchmarks.drift_accuracy import Planted, car_loan_parts
from benchmarks.drift_power import decided
from benchmarks.drift_say import say

PEERS = ("evidently", "nannyml", "whylogs")
LIMIT_S = 900
_COMMON = """
import glob, json, sys, warnings; warnings.filterwarnings('ignore')
import logging; logging.disable(logging.CRITICAL)
import pandas as pd
answers = {}
for folder in sorted(glob.glob(sys.argv[1] + '/*/')):
    a, b = (pd.read_parquet(folder + part + '.parquet') for part in ('reference', 'current'))
    texts = [c for c in a if not pd.api.types.is_numeric_dtype(a[c])]
    numbers = [c for c in a if c not in texts]
    answers[folder.rstrip('/').rpartition('/')[2]] = alarms(a, b, numbers, texts)
open(sys.argv[1] + '/answer.json', 'w').write(json.dumps(answers))
"""
_ALARMS = {
    "evidently": """
def alarms(a, b, numbers, texts):
    from evidently import Dataset, DataDefinition, Report
    from evidently.presets import DataDriftPreset
    plain = [f.astype({c: object for c in texts}) for f in (b, a)]
    sides = [Dataset.from_pandas(f, data_definition=DataDefinition()) for f in plain]
    done = Report([DataDriftPreset()], include_tests=True).run(*sides).dict()
    tests = [t for t in done['tests'] if 'column' in str(t.get('metric_config', {}).get('params', {}))]
    return [t['metric_config']['params']['column'] for t in tests if 'FAIL' in str(t['status']) and
            t['metric_config']['params'].get('column')]
""",
    "nannyml": """
def alarms(a, b, numbers, texts):
    import nannyml
    a, b = (f.astype({c: str for c in texts}) for f in (a, b))
    asked = nannyml.UnivariateDriftCalculator(column_names=list(a), chunk_size=len(b))
    asked.fit(a)
    found = asked.calculate(b).to_df()
    flags = found.loc[found[('chunk', 'chunk', 'period')] == 'analysis']
    names = {c[0] for c in flags.columns if c[-1] == 'alert' and bool(flags[c].any())}
    return sorted(names)
""",
    "whylogs": """
def alarms(a, b, numbers, texts):
    import whylogs
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores
    a, b = (whylogs.log(f.astype({c: str for c in texts})).profile().view() for f in (a, b))
    found = calculate_drift_scores(target_view=b, reference_view=a, with_thresholds=True)
    return sorted(c for c, v in found.items() if v and v.get('drift_category') in ('DRIFT', 'POSSIBLE_DRIFT'))
""",
}


def rows_of(kind: made.Kind, rows: int, seed: int, plant: made.Plant | None = None) -> list[pd.DataFrame]:
    """Return the same hours of all earlier days and the window itself, as rows with 12 columns."""
    rng = np.random.default_rng([seed, rows, made.KINDS.index(kind)])
    hours, per = made.DAYS * 24, max(rows // made.WINDOW_HOURS, 1)
    inside = np.arange(hours) % 24 >= 24 - made.WINDOW_HOURS
    sizes = np.where(inside, per, 1)
    off, n = made.driver(kind, hours, rng), int(sizes.sum())
    now = np.repeat(np.arange(hours) >= hours - made.WINDOW_HOURS, sizes)
    before = np.repeat(inside, sizes) & ~now
    columns: dict[str, np.ndarray] = {}
    for column in range(made.COLUMNS):
        latent = rng.normal(size=n) + np.repeat(off[:, column], sizes)
        mine = plant if plant is not None and plant.column == column else None
        values, missing = made.planted(latent, column, now, mine, rng)
        kept = np.array([f"level {int(v)}" for v in values], object) if made.is_text(column) else values
        kept[missing] = None if made.is_text(column) else np.nan
        columns[f"c{column:02d}"] = kept
    frame = pd.DataFrame(columns)
    return [frame[before].reset_index(drop=True), frame[now].reset_index(drop=True)]


def compared(peers: Path, seeds: int, rows: int, tables: int) -> None:
    """Print each peer's false alarms on quiet tables, and ours on the same."""
    with tempfile.TemporaryDirectory() as folder:
        ours = 0
        for kind in made.KINDS:
            for number in range(tables):
                _write(Path(folder) / f"{kind} {number}", rows_of(kind, rows, seeds + number))
                ours += bool(decided(kind, rows, seeds + number, by="rows").drifted)
        total = tables * len(made.KINDS)
        work = f"false alarms, {total} quiet tables of {rows:,} rows"
        say(f"{work}: workbench", f"{ours}/{total} = {ours / total:.1%}", "<= 5 %", ours / total <= 0.05)
        for name in PEERS:
            told = _told(peers, name, folder)
            say(f"  {name}, its defaults", told if isinstance(told, str) else _alarmed(told), "printed only")


def _alarmed(told: dict[str, list[str]]) -> str:
    columns = sum(len(v) for v in told.values()) / (len(told) * made.COLUMNS)
    return f"{sum(map(bool, told.values()))}/{len(told)} tables, {columns:.1%} of columns"


def found_by(peers: Path, rows: int, strong: Sequence[Planted]) -> None:
    """Print how many planted columns, of power >= .99, each peer's defaults name."""
    if not strong:
        return
    with tempfile.TemporaryDirectory() as folder:
        wanted = {}
        for place, one in enumerate(strong):
            wanted[f"{place:03d}"] = f"c{one.plant.column:02d}"
            _write(Path(folder) / f"{place:03d}", rows_of(one.kind, rows, one.seed, one.plant))
        for name in PEERS:
            told = _told(peers, name, folder)
            hits = told if isinstance(told, str) else sum(wanted[k] in v for k, v in told.items())
            said = hits if isinstance(hits, str) else f"{hits}/{len(strong)} = {hits / len(strong):.3f}"
            say(f"  {name}, its defaults, planted columns named", said, "printed only")


def on_car_loan(peers: Path) -> None:
    """Print the columns that each peer's defaults name before and after car_value drifts."""
    data = os.environ.get("WORKBENCH_CONFORMANCE_DATA")
    if not data:
        return
    parts = car_loan_parts(Path(data))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("before", "after"):
            texts = {c: str for c in parts["reference"] if parts["reference"][c].dtype.kind not in "fi"}
            _write(Path(folder) / name, [parts[side].astype(texts) for side in ("reference", name)])
        for name in PEERS:
            told = _told(peers, name, folder)
            for side in ("before", "after"):
                said = told if isinstance(told, str) else ", ".join(told[side]) or "none"
                say(f"  {name}, car_loan {side} row 25,000", said, "printed only")


def _write(place: Path, frames: Sequence[pd.DataFrame]) -> None:
    place.mkdir()
    for part, frame in zip(("reference", "current"), frames, strict=True):
        frame.to_parquet(place / f"{part}.parquet")


def _told(peers: Path, name: str, folder: str) -> dict[str, list[str]] | str:
    """Return the columns that a peer names, by table, or why there are none."""
    python = peers / name / "bin" / "python"
    if name == "evidently" and not python.exists():
        python = Path(sys.executable)
    if not python.exists():
        return "not installed"
    env = {**os.environ, "DO_NOT_TRACK": "1", "WHYLOGS_NO_ANALYTICS": "True", "NML_DISABLE_USAGE_LOGGING": "1"}
    try:
        done = subprocess.run([str(python), "-c", _ALARMS[name] + _COMMON, folder], capture_output=True, text=True,
                              env=env, timeout=LIMIT_S, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"not done in {LIMIT_S} s"
    answer = Path(folder) / "answer.json"
    if done.returncode or not answer.exists():
        return f"failed: {done.stderr.strip().rpartition(chr(10))[2][:60]}"
    told: dict[str, list[str]] = json.loads(answer.read_text())
    answer.unlink()
    return told
