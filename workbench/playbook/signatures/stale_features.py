"""A cache serves features from long ago, while the store behind it is fresh."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose features that are served older than usual although what feeds the store is written as usual."""
    ages = view.of("feature_age")
    if not ages:
        return
    aged = {f.entity for f in ages}
    skews = [f for f in view.of("skew") if f.entity in aged or _beside(view, f.entity, aged)]
    names = [f.entity.partition(":")[2] for f in (skews or ages)]
    order = sorted(names, key=lambda n: (-round(view.shares.get(n, 0.0), 9), n))
    explained = view.explained(names) if skews else 0.0
    stopped = [f for f in view.of("write_gap", "rows", "freshness") if _stopped(f) and _feeds_any(view, f, names)]
    settings = _settings(view, min((f.onset_ns for f in ages if f.onset_ns is not None), default=view.times.start_ns))
    share = f", {percent(explained)} of the symptom" if explained is not None else ""
    cause = f"; {settings[0].statement}" if settings else ""
    differ = (
        f"{', '.join(order[:3])} are served as they were long ago" if skews else "what is served is true all the same"
    )
    yield Lead(
        f"feature:{order[0]}",
        f"{ages[0].statement.rstrip('.')}; {differ}{share}{cause}.",
        max((f.strength for f in skews), default=0.3),
        min((f.onset_ns for f in (*ages, *skews) if f.onset_ns is not None), default=None),
        min((a for f in (*ages, *skews) if (a := after(f)) is not None), default=None),
        (*ages[:2], *skews[:3], *settings[:1]),
        tuple(stopped[:1]),
        explained,
        specificity=1.0 if skews else 0.2,
        shown=bool(skews) and not stopped and (explained or 0.0) >= 0.3,
        covers=tuple(f"feature:{n}" for n in order[1:]),
    )


def _beside(view: View, feature: str, aged: set[str]) -> bool:
    """Say whether a feature comes from the same data set as one that is known to be old: few stores log all of them."""
    above = (
        {e for e in view.graph.upstream_of(feature) if e.startswith(("column:", "dataset:"))}
        if feature in view.graph
        else set()
    )
    sets = {e.partition(":")[2].rpartition(".")[0] for e in above}
    others = {
        e.partition(":")[2].rpartition(".")[0]
        for other in aged
        if other in view.graph
        for e in view.graph.upstream_of(other)
    }
    return bool(sets & others - {""})


def _stopped(finding: Finding) -> bool:
    return finding.signal == "freshness" or number(finding, "relative") <= -0.5


def _feeds_any(view: View, finding: Finding, names: list[str]) -> bool:
    return bool(set(view.features_of([finding.entity])) & set(names))


def _settings(view: View, onset_ns: int) -> list[Finding]:
    """Return changes of caches' settings shortly before."""
    near = [f for f in view.of("change") if f.values.get("kind") == "config" and f.onset_ns is not None]
    words = ("ttl", "cache", "expire", "max_age", "freshness")
    told = [f for f in near if any(word in f.statement.lower() for word in words)]
    return [f for f in told if abs((f.onset_ns or 0) - onset_ns) <= 6 * 3_600_000_000_000]


SIGNATURE = Signature(
    name="stale_features",
    title="Stale features from a cache",
    pattern="The age of served features grows by the hour from one minute on; tables and copies are written as usual.",
    confirms=(
        "features are older when they are served than they usually are",
        "served and computed values of the same row differ more and more",
        "a cache's time to live was changed just before",
    ),
    refutes=(
        "the online store itself is not written: then the copying stopped",
        "old and new values are the same: then the age harms nobody",
    ),
    fix="Set the time to live back below the pace at which the values change, and empty the cache.",
    rollback="Restore the previous time to live; restart the clients so that they ask anew.",
    guard="Alert when the age of a served feature passes twice its usual maximum.",
    lead_time="One time to live: hours before decisions drift visibly.",
    propose=propose,
    signals=("feature_age", "skew", "write_gap", "rows", "change"),
)
