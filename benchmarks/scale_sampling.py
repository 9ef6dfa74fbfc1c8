"""Simulate a million spans a second through a sampler that keeps errors and slow traces, and check what it estimates.

    python -m benchmarks.scale_sampling [--spans 20000000] [--keep 0.02] [--seed 1]

Traces are decided about as a whole, at their end. Those with an error or a root slower than a threshold are kept for
certain; of the others a share is kept, each with the weight 1/share. Sums of weights estimate counts without bias
(Horvitz and Thompson); so do weighted quantiles, up to their own noise. Everything printed is computed here: the
estimate beside the truth, its error beside the standard error that theory gives, bytes and spans that remain, and how
many spans a second one core decides about.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

SPANS_A_TRACE = 8
FULL_RATE = 1_000_000
"""Spans a second that the simulation stands for."""


@dataclass(frozen=True)
class Kept:
    """Which traces are kept, and what each of them stands for; shapes (kept,)."""

    index: np.ndarray
    weight: np.ndarray


def sampled(failed: np.ndarray, slow: np.ndarray, share: float, rng: np.random.Generator) -> Kept:
    """Keep every trace that failed or was slow, and a share of the others; weights make sums unbiased."""
    if not 0 < share <= 1:
        raise ValueError(f"A share is above 0 and at most 1; got {share!r}.")
    certain = failed | slow
    kept = certain | (rng.random(len(failed)) < share)
    index = np.flatnonzero(kept)
    return Kept(index, np.where(certain[index], 1.0, 1.0 / share))


def total(values: np.ndarray, kept: Kept) -> float:
    """Estimate the sum of *values* over all traces from those kept."""
    return float((values[kept.index] * kept.weight).sum())


def standard_error(values: np.ndarray, certain: np.ndarray, share: float) -> float:
    """Return the standard error of that estimate, from all traces: only those that chance decides about add to it."""
    return float(np.sqrt((values[~certain].astype(float) ** 2).sum() * (1 - share) / share))


def quantile(values: np.ndarray, kept: Kept, share: float) -> float:
    """Estimate a quantile of *values* over all traces: the value at which that share of the weight is reached."""
    order = np.argsort(values[kept.index])
    weight = np.cumsum(kept.weight[order])
    place = min(int(np.searchsorted(weight, share * weight[-1])), len(order) - 1)
    return float(values[kept.index][order][place])


def simulate(spans: int, keep: float, seed: int) -> dict[str, float]:
    """Return figures of one run, by name."""
    rng = np.random.default_rng(seed)
    traces = spans // SPANS_A_TRACE
    service = rng.integers(0, 200, traces)
    duration_ms = rng.lognormal(4.0, 1.0, traces)
    failed = rng.random(traces) < 0.01
    rare = rng.random(traces) < 1e-4
    failed |= rare & (rng.random(traces) < 0.5)
    threshold = float(np.quantile(duration_ms[:100_000], 0.995))
    began = time.process_time()
    kept = sampled(failed, duration_ms > threshold, keep, rng)
    took = time.process_time() - began
    certain = failed | (duration_ms > threshold)
    figures = {"spans": float(spans), "spans kept, share": len(kept.index) / traces,
               "decided, million spans a CPU second": spans / took / 1e6}  # fmt: skip
    for name, values in (
        ("traces", np.ones(traces)), ("failed traces", failed.astype(float)), ("traces of service 0", service == 0),
        ("traces of a rare kind", rare), ("sum of durations", duration_ms),
    ):  # fmt: skip
        values = np.asarray(values, float)
        truth, error = float(values.sum()), standard_error(values, certain, keep)
        figures[f"{name}: relative error"] = total(values, kept) / truth - 1
        figures[f"{name}: relative standard error"] = error / truth
    for share in (0.5, 0.95, 0.99, 0.999):
        figures[f"p{share * 100:g}: relative error"] = (
            quantile(duration_ms, kept, share) / float(np.quantile(duration_ms, share)) - 1
        )
    return figures


def bias(spans: int, keep: float, rounds: int, seed: int) -> tuple[float, float]:
    """Return the mean relative error of one service's traces over *rounds* samples, and that mean's standard error."""
    rng = np.random.default_rng(seed)
    traces = spans // SPANS_A_TRACE
    failed, values = rng.random(traces) < 0.01, (rng.integers(0, 200, traces) == 0).astype(float)
    slow = rng.random(traces) < 0.005
    errors = [total(values, sampled(failed, slow, keep, rng)) / values.sum() - 1 for _ in range(rounds)]
    return float(np.mean(errors)), float(np.std(errors) / np.sqrt(rounds))


def main() -> None:
    """Print the figures of one run, and what a day of a million spans a second would need."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=20_000_000)
    parser.add_argument("--keep", type=float, default=0.02, help="share of ordinary traces that is kept")
    parser.add_argument("--bytes", type=float, default=42.0, help="bytes on disk a span, as `make bench-scale` prints")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    figures = simulate(asked.spans, asked.keep, asked.seed)
    for name, figure in figures.items():
        print(f"{name:<42} {figure:14,.5f}")
    mean, error = bias(asked.spans // 20, asked.keep, asked.rounds, asked.seed)
    print(f"{f'bias over {asked.rounds} samples, relative':<42} {mean:14,.5f}   standard error {error:.5f}")
    day = FULL_RATE * 86_400
    for name, share in (("all of it", 1.0), ("sampled", figures["spans kept, share"])):
        print(f"{f'a day at {FULL_RATE:,} spans/s, {name}, TB':<42} {day * share * asked.bytes / 1e12:14,.3f}")


if __name__ == "__main__":
    main()
