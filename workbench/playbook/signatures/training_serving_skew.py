"""The online store serves other values than training would compute."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent

DROP = -0.5


def propose(view: View) -> Iterator[Lead]:
    """Propose the data set, or the feature, behind values that are served differently from how they are computed."""
    skews = view.of("skew")
    if not skews:
        return
    stale = [
        f for f in view.of("rows", "write_gap", "freshness") if number(f, "relative") <= DROP or f.signal == "freshness"
    ]
    groups: dict[str, list[Finding]] = {}
    for skew in skews:
        direct = [s.entity for s in view.roots(stale) if skew.entity in _near(view, s.entity)]
        groups.setdefault(direct[0] if direct else "", []).append(skew)
    for entity, members in sorted(groups.items()):
        members.sort(key=lambda f: (-round(view.shares.get(f.entity.partition(":")[2], 0.0), 9), f.entity))
        first = members[0]
        proof = [s for s in stale if s.entity == entity]
        names = [f.entity.partition(":")[2] for f in members]
        explained = view.explained(names)
        failing = _failing(view, members)
        cached = not proof and _cached(view, members)
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        cause = f"; {proof[0].statement.rstrip('.')}" if proof else ""
        yield Lead(
            entity or first.entity,
            f"Serving sees other values than were computed: {', '.join(names[:4])} differ in "
            f"{percent(number(first, 'now'))} of decisions (usually {percent(number(first, 'usual'))}){share}{cause}.",
            first.strength,
            min((f.onset_ns for f in (*members, *proof) if f.onset_ns is not None), default=None),
            after(first),
            (*members[:4], *proof[:2]),
            tuple(failing[:1]),
            explained,
            specificity=0.3 if failing else 1.0 if proof else 0.4 if cached else 0.8,
            shown=not failing and not cached and (explained or 0.0) >= 0.3,
            covers=tuple(f.entity for f in members) + tuple(s.entity for s in proof),
        )


def _near(view: View, entity: str) -> frozenset[str]:
    return frozenset(f"feature:{name}" for name in view.features_of([entity]))


def _failing(view: View, skews: list[Finding]) -> list[Finding]:
    """Return services whose own failures rose as much as the skew: then defaults are served, not stale values."""
    size = sorted(number(s, "now") - number(s, "usual") for s in skews)[len(skews) // 2]
    services = [f for f in view.findings if f.entity.startswith("service:") and f.values.get("family") == "errors"]
    return [f for f in services if 0.6 <= number(f, "own") / max(size, 1e-9) <= 1.6]


def _cached(view: View, skews: list[Finding]) -> bool:
    """Say whether what is served is old, where the online data sets are written: something keeps it on the way."""
    aged = {f.entity for f in view.of("feature_age")}
    return any(s.entity in aged for s in skews)


SIGNATURE = Signature(
    name="training_serving_skew",
    title="Training/serving skew from a stale feature store",
    pattern="Copying features to the online store stops; serving goes on with old values and defaults.",
    confirms=("served and computed values of the same row differ", "the online table is not written, or its age grows"),
    refutes=(
        "served and computed values agree",
        "the feature service itself fails: then defaults are served for another reason",
    ),
    fix="Restart the publishing job and backfill the online store; score affected rows again.",
    rollback="Serve from the last good copy, or let rows with stale features go to review.",
    guard="Alert when the age of the online copy passes twice its usual interval.",
    lead_time="One publishing interval: usually hours before decisions drift visibly.",
    propose=propose,
    signals=("skew", "rows", "write_gap", "freshness"),
)
