"""A feature flag's new variant fails where it was switched on."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.model.findings import Finding
from workbench.playbook import Lead, Signature
from workbench.playbook.service_harm import explained_by, inheriting, own_findings
from workbench.playbook.view import View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose flags whose variant the failing requests share; weakly, those that were only switched."""
    guilty = set()
    for finding in view.of("flag_errors"):
        service = f"service:{finding.values.get('service')}"
        own = own_findings(view, service)
        mixes = [f for f in view.of("flag_mix") if f.entity == finding.entity]
        told = _told(view, finding.entity, mixes)
        explained = explained_by(view, service, own) if own else 0.0
        share = f", {percent(explained)} of the symptom" if explained is not None else ""
        switched = f"; {(mixes or told)[0].statement.rstrip('.')}" if mixes or told else "; it was not switched lately"
        guilty.add(finding.entity)
        yield Lead(
            finding.entity,
            f"{finding.statement.rstrip('.')}{share}{switched}.",
            finding.strength,
            min((f.onset_ns for f in (*mixes, *own[:1]) if f.onset_ns is not None), default=finding.onset_ns),
            min((a for f in (*mixes, *own[:1]) if (a := after(f)) is not None), default=None),
            (finding, *mixes[:1], *told[:2], *own[:2]),
            (),
            explained,
            specificity=1.0 if mixes or told else 0.4,
            shown=bool(mixes or told) and (explained or 0.0) >= 0.3 and number(finding, "share") >= 0.4,
            covers=(service, *inheriting(view, service)),
        )
    yield from _harmless(view, guilty)


def _told(view: View, flag: str, mixes: list[Finding]) -> list[Finding]:
    """Return the changes of the flag that its system told, shortly before its mix changed or the symptom began."""
    onset = mixes[0].onset_ns if mixes else view.times.start_ns
    return view.changes_of(flag, onset)


def _harmless(view: View, guilty: set[str]) -> Iterator[Lead]:
    """Propose, weakly, flags that were switched although requests with them fail no more than others."""
    switched = {f.entity: f for f in (*view.of("change"), *view.of("flag_mix")) if f.entity.startswith("flag:")}
    for flag, finding in sorted(switched.items()):
        if flag not in guilty and (finding.signal == "flag_mix" or view.changes_of(flag, view.times.start_ns)):
            text = f"{finding.statement.rstrip('.')}, yet requests with it fail no more than others."
            yield Lead(flag, text, 0.1, finding.onset_ns, None, (finding,), (), 0.0, specificity=0.2)


SIGNATURE = Signature(
    name="flag_rollout",
    title="Flag roll-out",
    pattern="Requests with a flag's new variant fail, often in one region and version only; all others are as usual.",
    confirms=(
        "failing requests share the variant, far beyond its share of all requests",
        "the mix of variants changed just before",
    ),
    refutes=(
        "requests with the other variant fail as often",
        "the variant was served before without harm",
    ),
    fix="Correct the flagged code, and switch the flag on for one region and version first.",
    rollback="Switch the flag off for everybody.",
    guard="Compare error rates by variant while a flag is rolled out, and stop where they part.",
    lead_time="Minutes: before the next region gets the flag.",
    propose=propose,
    signals=("flag_errors", "flag_mix", "change"),
)
