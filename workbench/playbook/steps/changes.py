"""What was changed on purpose shortly before: releases, commits, flags, registry moves, new versions."""

from __future__ import annotations

import re

import pandas as pd

from workbench.case.operations import Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS, HOUR_NS, SECOND_NS
from workbench.playbook import Step
from workbench.playbook.times import Times, times
from workbench.playbook.words import clock, seconds

BEFORE_NS = DAY_NS
MAX_FINDINGS = 40


def run(reading: Reading) -> Outcome:
    """List changes from a day before the onset on, nearest to it first."""
    t = times(reading)
    start = t.start_ns - BEFORE_NS
    listed = reading.ask("changes", start_ns=start, end_ns=t.end_ns)
    ever = reading.ask("first_last_seen", table="changes", column="kind")
    versions = reading.ask("model_versions", until_ns=t.end_ns)
    places = reading.ask("span_places", start_ns=start, end_ns=t.end_ns)
    if ever.frame.empty and versions.frame.empty and places.frame.empty:
        raise CouldNotRunError("no changes are kept; send a git log, the model registry or spans with service.version")
    findings = [*_listed(listed, t), *_registered(versions, start, t), *_rolled_out(places, t)]
    findings.sort(key=lambda f: (abs((f.onset_ns or 0) - t.start_ns), f.entity, f.statement))
    kept = tuple(findings[:MAX_FINDINGS])
    near = f" Nearest: {kept[0].statement}" if kept else ""
    return Outcome(kept, {"changes": len(findings)}, summary=f"{len(findings)} changes since {clock(start)}.{near}")


def _listed(answer: Answer, t: Times) -> list[Finding]:
    found = []
    for row in answer.frame.itertuples():
        entity = row.entity if isinstance(row.entity, str) and row.entity else f"change:{row.change_id}"
        text = f"{row.kind} '{row.title or row.change_id}' {_when(int(row.time_ns), t)}"
        values = {
            "kind": row.kind,
            "change_id": row.change_id,
            "files": row.files if isinstance(row.files, str) else "",
            "words": " ".join(_words(row.title, row.body, row.files)),
        }
        found.append(
            Finding(text, entity, "change", (answer.evidence,), "clear", values=values, onset_ns=int(row.time_ns))
        )
    return found


def _registered(answer: Answer, start_ns: int, t: Times) -> list[Finding]:
    found = []
    for row in answer.frame.itertuples():
        created = row.created_ns if not pd.isna(row.created_ns) else row.updated_ns
        if pd.isna(created) or int(created) < start_ns:
            continue
        text = f"version {row.version} of {row.model} was registered {_when(int(created), t)}"
        found.append(
            Finding(
                text,
                f"model_version:{row.model}/{row.version}",
                "change",
                (answer.evidence,),
                "clear",
                values={"kind": "registry", "run_id": row.run_id},
                onset_ns=int(created),
            )
        )
    return found


def _rolled_out(answer: Answer, t: Times) -> list[Finding]:
    """Return versions of services that were first seen in the spans of the last hours."""
    found = []
    rows = answer.frame.dropna(subset=["service_version"])
    for service, group in rows.groupby("service", sort=True):
        first = group.groupby("service_version")["first_ns"].min().sort_values(kind="stable")
        for version, seen in first.iloc[1:].items():
            # Versions seen from the first hour on ran before; they are not new.
            if int(seen) < int(first.iloc[0]) + HOUR_NS:
                continue
            text = f"{service} runs version {version} {_when(int(seen), t)}"
            found.append(
                Finding(
                    text,
                    f"service:{service}",
                    "change",
                    (answer.evidence,),
                    "clear",
                    values={"kind": "rollout", "version": str(version)},
                    onset_ns=int(seen),
                )
            )
    return found


def _when(time_ns: int, t: Times) -> str:
    distance = (t.start_ns - time_ns) / SECOND_NS
    return f"{seconds(abs(distance))} {'before' if distance >= 0 else 'after'} the onset"


def _words(*texts: object) -> list[str]:
    joined = " ".join(t for t in texts if isinstance(t, str))
    return sorted({w.lower() for w in re.findall(r"[A-Za-z][A-Za-z0-9_-]{2,}", joined)})[:80]


STEP = Step(
    number=3,
    question="What was changed just before?",
    why="Most incidents follow a change; most changes are innocent, so each is weighed by what it touches.",
    needs=("changes", "model_versions", "spans"),
    run=run,
)
