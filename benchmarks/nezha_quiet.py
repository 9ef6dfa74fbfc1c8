"""Does the verdict on Nezha's recordings abstain where nothing was injected?

Quiet windows of the even cases say what is usual and where a window is unusual; quiet and faulty windows of the odd
cases, which say neither, are judged. Labels are not read: a window before an injection is quiet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.sets import nezha
from workbench.analysis.fusion import fuse

SHARES = (0.1, 0.2, nezha.ALPHA)


def lines(folder: Path) -> Iterator[str]:
    """Yield, per stated false rate, how many quiet and how many faulty windows of the odd half are suspected."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    injected = {case: pd.Timestamp(label["inject_time"]) for case, label in labels.items()}
    even, odd = list(injected)[::2], list(injected)[1::2]
    fused = fuse(nezha.evidences(folder, injected, calibrate=even))
    known = np.array([fused[f"quiet {case}"].max() for case in even if f"quiet {case}" in fused])
    quiet = [nezha.tail_share(float(fused[f"quiet {case}"].max()), known) for case in odd if f"quiet {case}" in fused]
    faulty = [nezha.tail_share(float(fused[case].max()), known) for case in odd]
    for share in SHARES:
        false, true = sum(p <= share for p in quiet), sum(p <= share for p in faulty)
        mark = " (what the verdict uses)" if share == nezha.ALPHA else ""
        yield (
            f"nezha_tt        odd: suspected at a stated false rate of {share:.2f}{mark}: "
            f"quiet windows {false}/{len(quiet)} {false / len(quiet):.3f}, "
            f"faulty windows {true}/{len(faulty)} {true / len(faulty):.3f}"
        )
