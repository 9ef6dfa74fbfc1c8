"""GPU verdict bench: simulated recordings of each condition told apart.

    python benchmarks/gpu_verdict.py [--seeds 80] [--first 1000]

Prints for each condition how many of its recordings got the right verdict, and what the others got.
"""

from __future__ import annotations

import argparse
from collections import Counter

from workbench.analysis.gpu_verdict import verdict
from workbench.scenarios.gpu_recordings import CONDITIONS, recording


def main() -> None:
    """Print one line a condition."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=80)
    parser.add_argument("--first", type=int, default=1000)
    asked = parser.parse_args()
    for condition in CONDITIONS:
        got: Counter[str] = Counter()
        for seed in range(asked.first, asked.first + asked.seeds):
            baseline, window = recording(condition, seed)
            got[verdict(window, baseline).cause] += 1
        wrong = ", ".join(f"{n} {cause}" for cause, n in got.most_common() if cause != condition)
        print(f"{condition:24} {got[condition]:3d}/{asked.seeds} {100 * got[condition] / asked.seeds:6.1f} %  {wrong}")
        if condition == "healthy":
            false = asked.seeds - got[condition]
            print(f"{'  false alarms':24} {false:3d}/{asked.seeds} {100 * false / asked.seeds:6.1f} %")


if __name__ == "__main__":
    main()
