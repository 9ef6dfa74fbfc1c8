"""What sampled requests show about flags, repeated calls, waiting and clocks: findings for the step ``traffic``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis import gpu_verdict as gv
from workbench.analysis.clocks import skewed
from workbench.analysis.contrast import MIN_SUPPORT, contrast
from workbench.analysis.deviation import Deviation
from workbench.analysis.traced import against_hours
from workbench.case.reading import Answer
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS
from workbench.playbook.devices import Requests
from workbench.playbook.times import Times
from workbench.playbook.words import figure, percent, seconds

MIX_EFFECT = 0.1
"""Share of the evaluations that must have moved to another variant."""
CALLS_EFFECT = 0.3
WAIT_EFFECT = 0.5
WAIT_MS = 0.5
CLOCK_MS = 10.0
"""Clocks of machines that keep time are off by less."""
OUTSIDE = 0.5
"""Share of spans that must begin before their parents or after these ended, for a clock to be blamed."""
SURE = 0.9
MAX_FLAGS = 200


def flag_mixes(answer: Answer, t: Times) -> list[Finding]:
    """Return flags whose mix of variants changed."""
    found = []
    rows = answer.frame.dropna(subset=["variant"])
    for flag, group in list(rows.groupby("flag", sort=True))[:MAX_FLAGS]:
        for variant in sorted(group["variant"].unique()):
            shares = (group["variant"] == variant).groupby(group["start_ns"] // HOUR_NS).mean()
            d = against_hours(
                shares.index.to_numpy(dtype=np.int64) * HOUR_NS, shares.to_numpy(dtype=float), t.window,
                scale="absolute", floor=0.04,
            )  # fmt: skip
            if d is None or d.change < MIX_EFFECT or d.strength < SURE:
                continue
            text = f"{flag} is {variant} in {percent(d.now)} of evaluations, usually {percent(d.usual)}."
            services = ", ".join(sorted(group["service"].dropna().unique())[:3])
            values = _values(d) | {"variant": str(variant), "services": services}
            found.append(_finding(text, f"flag:{flag}", "flag_mix", answer, d, values))
    return found


def flag_errors(answer: Answer, t: Times) -> list[Finding]:
    """Return flags whose variant the failing requests of a service have in common, with region and version."""
    found = []
    rows = answer.frame.dropna(subset=["service", "variant"])
    for service, group in rows.groupby("service", sort=True):
        spans = group.drop_duplicates("span_id").set_index("span_id")
        inside = (spans["start_ns"] >= t.start_ns).to_numpy()
        failed = (spans["status"] == "error").to_numpy()
        if (failed & inside).sum() < MIN_SUPPORT:
            continue
        wide = group.pivot_table(index="span_id", columns="flag", values="variant", aggfunc="first").add_prefix("flag ")
        frame = spans[["region", "service_version"]].join(wide)
        table = contrast(frame.reset_index(drop=True), failed & inside, max_order=3).table
        named = [r for r in table.head(1).itertuples() if "flag " in " ".join((str(r.condition), *r.same_as))]
        for row in named:
            condition = _with_flag(str(row.condition), tuple(map(str, row.same_as)))
            met = _met(frame, condition)
            rate, rest = _rate(failed, met & inside), _rate(failed, ~met & inside)
            if rate < 3 * rest + 0.02 or _harmless_before(failed, met & ~inside, rate):
                continue
            flag = next(c for c in condition.split(" and ") if c.startswith("flag ")).removeprefix("flag ")
            key, _, variant = flag.rpartition(" = ")
            text = (
                f"Requests of {service} with {condition} fail in {percent(rate)}, all others in {percent(rest)}; "
                f"they are {percent(row.share_selection)} of what fails."
            )
            values: dict[str, float | int | str | None] = {
                "service": str(service), "condition": condition, "variant": variant, "rate": rate, "rest": rest,
                "share": float(row.share_selection), "lift": float(row.lift), "q_value": float(row.q_value),
            }  # fmt: skip
            strength = float(1 - min(row.q_value, 1.0))
            found.append(
                Finding(
                    text, f"flag:{key}", "flag_errors", (answer.evidence,), strength=strength, values=values,
                    onset_ns=t.start_ns,
                )
            )  # fmt: skip
    return found


def _with_flag(condition: str, same: tuple[str, ...]) -> str:
    """Return the wording that names a flag, of all that hold for the same requests; the longest says most."""
    options = [c for c in (condition, *same) if "flag " in c]
    return condition if "flag " in condition else max(options, key=lambda c: (c.count(" and "), c))


def _met(frame: pd.DataFrame, condition: str) -> np.ndarray:
    met = np.ones(len(frame), bool)
    for part in condition.split(" and "):
        column, _, value = part.rpartition(" = ")
        if column in frame:
            met &= (frame[column].astype("string") == value).fillna(value=False).to_numpy(dtype=bool)
    return met


def _harmless_before(failed: np.ndarray, earlier: np.ndarray, rate: float) -> bool:
    """Say whether enough of the same requests came before, and failed far less: then something else has changed."""
    return bool(earlier.sum() >= MIN_SUPPORT) and _rate(failed, earlier) < rate / 3


def _rate(failed: np.ndarray, chosen: np.ndarray) -> float:
    return float(failed[chosen].mean()) if chosen.any() else 0.0


def repeated_calls(edges: Answer, counts: Answer, t: Times) -> list[Finding]:
    """Return callers that call a service more often per request than usual."""
    found = []
    asked = counts.frame.groupby(["service", "start_ns"])["count"].sum()
    for (caller, callee), group in edges.frame.groupby(["caller", "callee"], sort=True):
        calls = group.groupby("start_ns")["calls"].sum()
        each = (
            calls / asked[caller].reindex(calls.index) if caller in asked.index.get_level_values(0) else calls * np.nan
        )
        d = against_hours(
            each.index.to_numpy(dtype=np.int64), each.to_numpy(dtype=float), t.window, scale="relative", floor=0.03
        )
        if d is None or d.relative < CALLS_EFFECT or d.strength < SURE:
            continue
        text = f"{caller} calls {callee} {figure(d.now)} times a request, usually {figure(d.usual)} times."
        values = _values(d) | {"callee": str(callee), "relative": d.relative}
        found.append(_finding(text, f"service:{caller}", "calls_per_request", edges, d, values, also=counts))
    return found


def waiting(served: Requests, t: Times) -> list[Finding]:
    """Return services whose requests wait longer before work begins, and by how much the work itself is slower."""
    found = []
    for service in sorted({str(s) for s in served.frame["service"].dropna()}):
        bins = served.binned(service=service)
        times = bins["start_ns"].to_numpy(dtype=np.int64)
        wait, work = (
            against_hours(times, bins[part].to_numpy(dtype=float), t.window, scale="relative", floor=floor)
            for part, floor in ((gv.QUEUE, 0.1), (gv.FORWARD, 0.05))
        )
        if wait is None or wait.relative < WAIT_EFFECT or wait.change < WAIT_MS or wait.strength < SURE:
            continue
        slower = work.relative if work is not None else None
        told = f"; the work itself takes {percent(max(slower, 0.0))} longer" if slower is not None else ""
        text = f"Requests wait {figure(wait.now)} ms at {service}, usually {figure(wait.usual)} ms{told}."
        values = _values(wait) | {"relative": wait.relative, "work_relative": slower}
        evidence = served.evidence
        found.append(
            Finding(text, f"service:{service}", "waiting", evidence, strength=wait.strength, values=values,
                    onset_ns=wait.onset_ns)
        )  # fmt: skip
    return found


def clocks(answer: Answer, t: Times) -> list[Finding]:
    """Return the machine whose clock explains that spans begin earlier or later than their parents."""
    shifts: dict[tuple[str, str], float] = {}
    measured: dict[tuple[str, str], Deviation] = {}
    for (parent, child), group in answer.frame.groupby(["parent_host", "child_host"], sort=True):
        d = against_hours(
            group["start_ns"].to_numpy(dtype=np.int64), group["median_ms"].to_numpy(dtype=float), t.window,
            scale="absolute", floor=1.0,
        )  # fmt: skip
        if d is not None:
            late = group[group["start_ns"] >= t.start_ns]
            # A call that really begins later still begins while its caller waits.
            outside = float(late["outside"].sum() / max(late["n"].sum(), 1))
            moved = d.strength >= SURE and abs(d.change) >= CLOCK_MS and outside >= OUTSIDE
            shifts[str(parent), str(child)] = d.change if moved else 0.0
            measured[str(parent), str(child)] = d
    found = skewed(shifts, least_ms=CLOCK_MS)
    if found is None:
        return []
    own = max((d for pair, d in measured.items() if found.host in pair), key=lambda d: d.strength)
    side = "ahead of" if found.offset_ms > 0 else "behind"
    text = f"The clock of {found.host} is {seconds(abs(found.offset_ms) / 1000)} {side} the others."
    values = _values(own) | {
        "offset_ms": found.offset_ms, "pairs": found.pairs, "explained": found.explained,
        "others": ", ".join(found.others),
    }  # fmt: skip
    return [_finding(text, f"host:{found.host}", "clock_offset", answer, own, values)]


def _values(d: Deviation) -> dict[str, float | int | str | None]:
    return {
        "now": d.now, "usual": d.usual, "change": d.change, "z": float(np.clip(d.z, -1e6, 1e6)), "p_value": d.p_value,
        "onset_after_ns": d.onset_after_ns,
    }  # fmt: skip


def _finding(
    text: str, entity: str, signal: str, answer: Answer, d: Deviation,
    values: dict[str, float | int | str | None], *, also: Answer | None = None,
) -> Finding:  # fmt: skip
    evidence = (answer.evidence,) if also is None else (answer.evidence, also.evidence)
    return Finding(text, entity, signal, evidence, strength=d.strength, values=values, onset_ns=d.onset_ns)
