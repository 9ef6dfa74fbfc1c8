"""GPU faults bench: planted faults and healthy load, through the recorders' files, told apart by the verdict.

    python -m benchmarks.gpu_faults [--seeds 80] [--first 1000] [--only CLASS]

Each seed is another system of ten days: its devices write the files of nvidia-smi, its services their metrics, its
requests their waits; the readers take the files and the verdict is the playbook's. Healthy load is the near-miss of
each fault: heat at full clock, reserved memory, a polite neighbour, lighter batches; any verdict on it but healthy is
a false alarm.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd

from workbench import scenarios
from workbench.analysis.gpu_verdict import verdict
from workbench.model.findings import Evidence
from workbench.playbook.devices import Requests, aligned, server_waits
from workbench.playbook.times import Times
from workbench.playbook.verdicts import smoothed, window_and_baseline
from workbench.scenarios import devices
from workbench.scenarios.incident import Incident, simulate
from workbench.scenarios.writers import gpu, metrics
from workbench.sources import Context, nvidia_smi, prometheus

VERDICTS = {"gpu_throttle": "throttle", "vram_pressure": "vram_pressure", "noisy_neighbour": "noisy_neighbour",
            "queue_starvation": "queue_starvation", "gpu_memory_wait": "gpu_memory_wait"}  # fmt: skip
HEALTHY = "healthy"
DAYS = 10
RIGHT, FALSE = 0.95, 0.03


def judged(one: Incident, folder: Path) -> dict[str, str]:
    """Return the verdict on each device of the scorer, from the files as the reader takes them."""
    gpu.write(one, folder)
    rows = []
    for name in ("nvidia-smi.csv", "compute-apps.csv"):
        content = io.BytesIO((folder / "gpu" / name).read_bytes())
        for batch in nvidia_smi.SOURCE.read(content, Context("prod", name, 0)):
            assert not batch.rejections
            rows.append(batch.tables["metric_samples"].to_pandas(maps_as_pydicts="lossy"))
    samples = pd.concat(rows)
    served = replace(requests(one), servers=server_waits(service_metrics(one, folder)))
    world, moment = one.world, one.plan.moment
    t = Times(world.epoch_ns(moment.onset_s), world.epoch_ns(moment.end_s), world.epoch_ns(0), world.epoch_ns(0))
    found = {}
    for card in devices.cards(world):
        name = world.gpus[card][1]
        frame = aligned(samples[samples["entity"] == f"gpu:{name}"], served.of_device(name))
        window, baseline = window_and_baseline(smoothed(frame, t), t)
        found[f"gpu:{name}"] = verdict(window, baseline).cause
    return found


def service_metrics(one: Incident, folder: Path) -> pd.DataFrame:
    """Return what the services' exporter says of all requests, from its file as the reader takes it."""
    metrics.write(one, folder)
    content = io.BytesIO((folder / "metrics" / "services.openmetrics.txt").read_bytes())
    batches = prometheus.SOURCE.read(content, Context("prod", "services", 0))
    return pd.concat([b.tables["metric_samples"].to_pandas(maps_as_pydicts="lossy") for b in batches])


def requests(one: Incident) -> Requests:
    """Return the traced requests of an incident as the split of their spans would give them."""
    row = one.ids.row[one.ids.traced]
    scorer = one.world.role("scorer")
    cards = devices.card_of(one.world, one.rows)[row]
    frame = pd.DataFrame({
        "service": one.world.services[scorer].name, "gpu": [one.world.gpus[c][1] for c in cards],
        "start_ns": [one.world.epoch_ns(float(s)) for s in one.rows.second[row]],
        "queue_wait_ms": one.served.queue_ms[row].astype(float), "forward_pass_ms": one.served.forward_ms[row],
        "total_ms": one.served.total_ms[row, scorer].astype(float),
    })  # fmt: skip
    return Requests(frame, (Evidence("E1", "spans", "f", "0", len(frame)),))


def device_of(one: Incident) -> str:
    """Return the device that was planted."""
    return next(e for s in one.plan.sources for e in (s.entity, *s.also) if e.startswith("gpu:"))


def told(name: str, seed: int, variant: scenarios.Variant) -> str:
    """Return the verdict on the planted device; of healthy load the first that is not healthy."""
    with tempfile.TemporaryDirectory(prefix="gpu-faults-") as folder:
        one = simulate(name, seed=seed, days=DAYS, variant=variant)
        found = judged(one, Path(folder))
    if variant == "cause":
        return found[device_of(one)]
    return next((cause for cause in found.values() if cause != "healthy"), "healthy")


def line(name: str, got: Counter[str], right: str, bar: str) -> str:
    """Return one class in words: how many were right, and what the others got."""
    whole = sum(got.values())
    wrong = ", ".join(f"{n} {cause}" for cause, n in got.most_common() if cause != right)
    return f"{name:20} {got[right]:4d}/{whole} {100 * got[right] / max(whole, 1):6.1f} %  {bar}  {wrong}"


def main() -> None:
    """Print one line a class."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=80)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--only", choices=[*VERDICTS, HEALTHY])
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    for name, right in VERDICTS.items():
        if asked.only not in (None, name):
            continue
        got = Counter(told(name, seed, "cause") for seed in seeds)
        print(line(name, got, right, f"bar {RIGHT:.0%}"), flush=True)
    if asked.only not in (None, HEALTHY):
        return
    healthy: Counter[str] = Counter()
    for place, seed in enumerate(seeds):
        healthy[told(list(VERDICTS)[place % len(VERDICTS)], seed, "near_miss")] += 1
    print(line("healthy load", healthy, "healthy", f"false at most {FALSE:.0%}"))


if __name__ == "__main__":
    main()
