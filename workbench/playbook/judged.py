"""What judges say of what each version of a prompt wrote: findings for the step ``model``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.case.reading import Answer, Reading
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook.times import Times
from workbench.playbook.words import clock, figure

TRACED_NS = 3 * DAY_NS
MIN_SCORES = 12
SURE_Z = 3.0
EFFECT = 0.02


def prompt_scores(reading: Reading, t: Times) -> list[Finding]:
    """Return versions of prompts that are new in the bad window and judged worse than the ones before."""
    answer = reading.ask("evaluation_scores", start_ns=t.start_ns - TRACED_NS, end_ns=t.end_ns)
    rows = answer.frame.dropna(subset=["score", "prompt", "prompt_version"])
    found: list[Finding] = []
    for (prompt, evaluation), group in rows.groupby(["prompt", "evaluation"], sort=True):
        for version, mine in group.groupby("prompt_version", sort=True):
            first = int(mine["start_ns"].min())
            before = group[(group["start_ns"] < first) & (group["prompt_version"] != version)]
            if first < t.onset_after_ns - 6 * HOUR_NS or min(len(mine), len(before)) < MIN_SCORES:
                continue
            found += _worse(str(prompt), str(evaluation), str(version), mine, before, answer)
    return found


def _worse(
    prompt: str, evaluation: str, version: str, mine: pd.DataFrame, before: pd.DataFrame, answer: Answer
) -> list[Finding]:
    """Return a finding where the mean score fell by more than chance (Welch) takes it."""
    now, usual = float(mine["score"].mean()), float(before["score"].mean())
    error = float(np.sqrt(mine["score"].var() / len(mine) + before["score"].var() / len(before)))
    z = (now - usual) / max(error, 1e-9)
    if z > -SURE_Z or usual - now < EFFECT:
        return []
    first = int(mine["start_ns"].min())
    text = (
        f"{evaluation} of what version {version} of {prompt} wrote is {figure(now)} since {clock(first)}, "
        f"{figure(usual)} with the versions before it."
    )
    values: dict[str, float | int | str | None] = {
        "now": now, "usual": usual, "change": now - usual, "z": float(np.clip(z, -1e6, 1e6)), "prompt": prompt,
        "version": version, "services": ", ".join(sorted(mine["service"].dropna().unique())[:5]),
        "onset_after_ns": int(before["start_ns"].max()), "judged": len(mine),
    }  # fmt: skip
    strength = float(1 - np.exp(-abs(z) * 1.5))
    return [
        Finding(text, f"model_version:{prompt}/{version}", "judge_score", (answer.evidence,), strength=strength,
                values=values, onset_ns=first)
    ]  # fmt: skip
