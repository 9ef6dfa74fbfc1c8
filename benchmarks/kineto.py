"""Kineto bench: a profiler trace to idle, overlap and kernel time, in CPU seconds and peak memory.

    python benchmarks/kineto.py TRACE... [--peer PYTHON] [--rounds 3]

PYTHON is the interpreter of an environment of its own that holds HolisticTraceAnalysis 0.5.0
(it wants other versions of pandas and numpy than the workbench does). Each figure comes from a
process of its own, imports included in its memory and not in its time; the best round counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

_MEASURED = """
import json, resource, sys, time
{imports}
begin = time.process_time()
{work}
spent = time.process_time() - begin + {children}
peak = max(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print("MEASURED " + json.dumps([spent, peak / 1024, idle, overlap]))
"""
_OURS = _MEASURED.format(
    imports="from pathlib import Path\n"
    "from workbench.analysis import gpu_trace\nfrom workbench.sources.kineto import trace",
    work="""found = trace(Path(sys.argv[1]))
kernels = gpu_trace.within(found.columns(), found.steps)
time_ = gpu_trace.device_time(kernels)
gpu_trace.by_kinds(kernels); gpu_trace.busiest(kernels, found.names)
idle, overlap = time_.idle_percent, time_.overlap_percent""",
    children="0",
)
_PEER = _MEASURED.format(
    imports="import logging; logging.disable(50)\nimport warnings; warnings.simplefilter('ignore')\n"
    "from hta.trace_analysis import TraceAnalysis",
    work="""found = TraceAnalysis(trace_files={0: sys.argv[1]}, trace_dir="")
idle = float(found.get_temporal_breakdown(visualize=False)["idle_time_pctg"].iloc[0])
overlap = float(found.get_comm_comp_overlap(visualize=False)["comp_comm_overlap_pctg"].iloc[0])
found.get_gpu_kernel_breakdown(visualize=False, include_memory_kernels=True)""",
    children="sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])",
)


def measure(python: str, code: str, trace: Path, rounds: int) -> tuple[float, float, float, float] | str:
    """Return CPU seconds of the best round, peak MiB, idle % and overlap %; or why there are none."""
    found: list[list[float]] = []
    for _ in range(rounds):
        done = subprocess.run(
            [python, "-c", code, str(trace.resolve())], capture_output=True, text=True, timeout=300, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("MEASURED ")]
        if not lines:
            return (done.stderr.strip().splitlines() or ["no answer"])[-1]
        found.append([float("nan") if v is None else v for v in json.loads(lines[0].removeprefix("MEASURED "))])
    best = min(found)
    return best[0], best[1], best[2], best[3]


def main() -> None:
    """Print one line a trace and reader, and the ratio where both answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("traces", type=Path, nargs="+")
    parser.add_argument("--peer", help="interpreter of an environment that holds HolisticTraceAnalysis")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not asked.peer:
        print("Peer skipped: name an interpreter that holds HolisticTraceAnalysis 0.5.0 with --peer.")
    for file in asked.traces:
        print(file.name)
        ours = measure(sys.executable, _OURS, file, asked.rounds)
        theirs = measure(asked.peer, _PEER, file, asked.rounds) if asked.peer else "skipped"
        for name, line in (("workbench", ours), ("HTA", theirs)):
            if isinstance(line, str):
                print(f"  {name:10} no answer: {line}")
            else:
                shares = f"idle {line[2]:6.2f} %  overlap {line[3]:6.2f} %"
                print(f"  {name:10} {line[0]:7.3f} CPU s {line[1]:7.0f} MiB  {shares}")
        if not isinstance(ours, str) and not isinstance(theirs, str):
            print(f"  ratio      {theirs[0] / ours[0]:6.1f}x faster, {ours[1] / theirs[1]:.2f} of the memory")


if __name__ == "__main__":
    main()
