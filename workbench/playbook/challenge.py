"""Try to break the best leads: what the engine itself would say against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis import impact, refute
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Cause, Finding
from workbench.playbook.decisions import Decisions, decisions
from workbench.playbook.symptoms import family
from workbench.playbook.times import times
from workbench.playbook.view import VERSION, WITHOUT_MODEL, View
from workbench.playbook.words import count, figure, percent, short

MOST = 3
"""Leads that are challenged."""
MOVES = 0.1
"""Share of the symptom from which an input that a lead feeds counts as its way to the decisions."""
ILL = 0.95
"""Strength from which a service counts as failing or slow."""
HARMS = ("errors", "latency")
BROKEN = 0.6
"""What a lead keeps of its confidence that a test of its own speaks against."""
RISEN = 0.005
"""Rise of a level's share from which its rows count as touched, if it is beyond chance too."""
BEYOND_CHANCE = 3.0
"""Standard errors of a share."""


def challenged(causes: tuple[Cause, ...], view: View, reading: Reading) -> tuple[Cause, ...]:
    """Return the causes with what the tests say for and against the best of them; a broken one is only suspected.

    The order stays: confidence falls, and the ranking is sorted by those who call this.
    """
    causes = tuple(_waiting(c, view) if c.verdict != "none" and c.entity.startswith("service:") else c for c in causes)
    slices = {c.rank: found for c in causes if c.verdict != "none" and (found := _slices(c, view))}
    if not slices:
        return causes
    try:
        sample = decisions(reading, times(reading))
    except CouldNotRunError:
        return causes
    chosen = sorted(slices)[:MOST]
    return tuple(_tried(c, slices[c.rank], sample) if c.rank in chosen else c for c in causes)


def _slices(cause: Cause, view: View) -> dict[str, str]:
    """Return the inputs that a cause reaches the decisions through, each with the level that it blames, if it says."""
    found: dict[str, str] = {}
    for finding in cause.evidence_for:
        if finding.signal == "drift":
            found.setdefault(finding.entity.partition(":")[2], str(finding.values.get("level") or ""))
        elif finding.signal == "version_effect":
            found.setdefault(VERSION, str(finding.values.get("version") or ""))
        elif finding.signal == "fallback_effect":
            found.setdefault(WITHOUT_MODEL, "yes")
    if found:
        return found
    return {name: "" for name in view.features_of([cause.entity]) if view.shares.get(name, 0.0) >= MOVES}


def _waiting(cause: Cause, view: View) -> Cause:
    """Say whether all services that fail or slow down wait for the one that is blamed."""
    ill = [
        f for f in view.findings if f.entity.startswith("service:") and f.strength >= ILL and family(f.signal) in HARMS
    ]
    others = sorted({f.entity for f in ill} - {cause.entity})
    waiting = [entity for entity in others if view.feeds(cause.entity, entity)]
    if not others or len(waiting) < len(others):
        return cause
    text = f"Whatever else fails or slows down waits for it: {', '.join(short(e) for e in waiting)}."
    evidence = tuple({e.id: e for f in ill for e in f.evidence}.values())
    found = Finding(text, cause.entity, "challenge", evidence, kind=cause.kind, values={"waiting": len(waiting)})
    return replace(cause, evidence_for=(*cause.evidence_for, found))


def _tried(cause: Cause, slices: Mapping[str, str], sample: Decisions) -> Cause:
    parts = [part for name, level in slices.items() if (part := _touched(sample, name, level)) is not None]
    if not parts:
        return cause
    touched = np.logical_or.reduce(parts)
    say = partial(Finding, entity=cause.entity, signal="challenge", evidence=(sample.evidence,), kind=cause.kind)
    found: list[Finding] = []
    rest = refute.untouched(sample.outcome, sample.now, sample.quiet, touched)
    if rest is not None and (rest.supports or rest.refutes):
        found.append(_rest(say, rest, sample))
    earlier = refute.before(sample.outcome, sample.now, sample.quiet, touched)
    if earlier is not None and (earlier.supports or earlier.refutes):
        found.append(_before(say, earlier))
    against = tuple(f for f in found if not f.supports)
    changed = replace(
        cause,
        evidence_for=(*cause.evidence_for, *(f for f in found if f.supports)),
        evidence_against=(*cause.evidence_against, *against),
        factors=cause.factors | {"unbroken": BROKEN if against else 1.0},
    )
    if not against:
        return changed
    verdict = "suspected" if cause.verdict == "proven" else cause.verdict
    return replace(changed, verdict=verdict, confidence=round(cause.confidence * BROKEN, 9))


def _touched(sample: Decisions, name: str, level: str) -> NDArray[np.bool_] | None:
    """Return the decisions whose level of an input became more frequent, the blamed level among them."""
    values = sample.column(name)
    if values is None:
        return None
    calm = sample.quiet >= 0
    coded = pd.Series(np.asarray(impact.levels(values, ~sample.now)))
    now, usual = coded[sample.now], coded[calm]
    share_now, share_usual = now.value_counts(normalize=True), usual.value_counts(normalize=True)
    usual_of = share_usual.reindex(share_now.index, fill_value=0.0)
    chance = np.sqrt(usual_of.clip(lower=1.0 / len(usual)) * (1 - usual_of) / len(now))
    risen = set(share_now.index[(share_now - usual_of) > np.maximum(RISEN, BEYOND_CHANCE * chance)]) | (
        {level} if level else set()
    )
    return np.asarray(coded.isin(risen), dtype=bool)


def _rest(say: partial[Finding], rest: refute.Untouched, sample: Decisions) -> Finding:
    values = {"remaining": rest.remaining, "z": float(np.clip(rest.z, -1e6, 1e6)), "rows_now": rest.rows_now}
    who = f"the {count(rest.rows_now)} decisions that it does not touch"
    if rest.supports:
        text = f"Without it, {percent(max(rest.remaining, 0.0))} of the change of {sample.what} is left: {who} behave."
    else:
        text = f"{who[0].upper()}{who[1:]} changed by {percent(rest.remaining)} of the change (z {figure(rest.z)})."
    return say(text, supports=rest.supports, values=values)


def _before(say: partial[Finding], earlier: refute.Before) -> Finding:
    values = {"windows": earlier.windows, "harmed": earlier.harmed}
    times_words = f"{earlier.windows} earlier day{'s' if earlier.windows > 1 else ''}"
    if earlier.supports:
        return say(f"On {times_words} the same was seen, and the harm with it.", supports=True, values=values)
    return say(f"On {times_words} the same was seen, and nobody was harmed.", supports=False, values=values)
