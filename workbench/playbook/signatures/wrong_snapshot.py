"""A model version was trained on the wrong data."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.playbook import Lead, Signature
from workbench.playbook.view import VERSION, View, after, number
from workbench.playbook.words import percent


def propose(view: View) -> Iterator[Lead]:
    """Propose runs whose version changed what is decided while the inputs stayed as they were."""
    effects = {f.entity: f for f in view.of("version_effect")}
    for version in view.of("new_version"):
        effect = effects.get(version.entity)
        run_id = version.values.get("run_id")
        entity = f"run:{run_id}" if run_id else version.entity
        traits = [f for f in view.of("run_metric", "data_age") if f.entity == entity]
        share = number(effect, "share") if effect is not None else 0.0
        explained = view.explained([VERSION])
        what = f"; {traits[0].statement.rstrip('.')}" if traits else ""
        name = version.entity.partition(":")[2]
        yield Lead(
            entity,
            f"Version {name} decides differently on the same inputs, {percent(share)} of the change{what}.",
            effect.strength if effect is not None else 0.3,
            version.onset_ns,
            after(version),
            (*((effect,) if effect is not None else ()), version, *traits[:3]),
            (),
            explained,
            specificity=1.0 if traits else 0.7,
            shown=effect is not None and share >= 0.3 and bool(traits),
            covers=(version.entity,),
        )


SIGNATURE = Signature(
    name="wrong_snapshot",
    title="Wrong data snapshot in training",
    pattern="A run reads an old or unfinished snapshot; its version, once promoted, decides differently at once.",
    confirms=(
        "with inputs held equal, decisions change at the switch of version",
        "the run's data, its age or its label rate differ from earlier runs",
    ),
    refutes=("both versions score the same rows alike", "the change began before the version decided"),
    fix="Train again on the intended snapshot and promote that version.",
    rollback="Point the alias back to the previous version.",
    guard="Refuse promotion when the snapshot's age or label rate is outside the range of the last runs.",
    lead_time="At promotion: before the first decision.",
    propose=propose,
    signals=("version_effect", "new_version", "run_metric", "data_age"),
)
