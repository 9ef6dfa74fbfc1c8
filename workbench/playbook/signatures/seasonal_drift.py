"""Inputs moved slowly, for days or weeks, and the model was not trained again."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import View, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose the input that moved slowly and explains most, together with those that moved with it."""
    slow = view.of("slow_drift")
    if not slow:
        return
    slow.sort(key=lambda f: (-round(view.shares.get(f.entity.partition(":")[2], 0.0), 9), f.entity))
    first = slow[0]
    names = [f.entity.partition(":")[2] for f in slow]
    explained = view.explained(names)
    share = f", {percent(explained)} of the symptom" if explained is not None else ""
    trained = first.values.get("retrained") == "yes"
    sudden = [f for f in view.of("schema", "scale") if any(view.feeds(f.entity, s.entity) for s in slow)]
    others = f" (with {', '.join(names[1:4])})" if names[1:] else ""
    drifts = [f for f in view.of("drift") if f.entity == first.entity]
    yield Lead(
        first.entity,
        f"{first.statement.rstrip('.')}{others}{share}.",
        first.strength,
        first.onset_ns,
        None,
        (*slow[:4], *drifts[:1]),
        (),
        explained,
        specificity=(0.7 if trained else 1.0) * (0.5 if sudden else 1.0),
        shown=(explained or 0.0) >= 0.3 and number(first, "days") >= 3,
        covers=tuple(f.entity for f in slow[1:]),
    )


SIGNATURE = Signature(
    name="seasonal_drift",
    title="Seasonal drift",
    pattern="Inputs move with the season, a little every day; no job fails, and the model stays as it was trained.",
    confirms=(
        "an input has moved in one direction for days, most of the way before anybody noticed",
        "its movement explains the change of the decisions, and no version was trained since",
    ),
    refutes=("the input moved at once", "a version trained since decides the same way"),
    fix="Train on the latest weeks, and promote that version after comparing both on the same rows.",
    rollback="None helps: the world has moved. Send the affected range of values to review meanwhile.",
    guard="Alert on the drift of inputs against the training data, by the week and not by the day.",
    lead_time="Days: the drift shows long before the business figure passes its limit.",
    propose=propose,
    signals=("slow_drift", "drift"),
)
