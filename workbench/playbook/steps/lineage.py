"""What feeds the symptom: the joined graph of data, features, runs, versions, services and machines."""

from __future__ import annotations

import pandas as pd

from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.playbook import Step
from workbench.playbook.joined import joined
from workbench.playbook.words import short


def run(reading: Reading) -> Outcome:
    """Walk upstream from the symptom through everything that is linked to it."""
    symptom = reading.symptom
    found = joined(reading)
    if not found.evidence or symptom.entity not in found.graph:
        raise CouldNotRunError("no lineage, registry or spans are kept; send OpenLineage events or traces")
    upstream = found.graph.ancestors(symptom.entity)
    if not upstream:
        raise CouldNotRunError(
            f"nothing is known to feed {symptom.entity}; send lineage, spans or predictions that name it"
        )
    kinds = pd.Series([name.partition(":")[0] for name in upstream]).value_counts().sort_index()
    words = ", ".join(
        f"{number} {kind.replace('_', ' ')}{'' if number == 1 else 's'}" for kind, number in kinds.items()
    )
    text = f"{len(upstream)} entities feed {short(symptom.entity)}: {words}."
    finding = Finding(
        text,
        symptom.entity,
        "upstream",
        found.evidence,
        "clear",
        values={kind: int(number) for kind, number in kinds.items()},
    )
    frame = pd.DataFrame({"entity": upstream, "distance": range(1, len(upstream) + 1)})
    return Outcome((finding,), {"upstream": len(upstream), "edges": len(found.graph.edges)}, {"upstream": frame}, text)


STEP = Step(
    number=4,
    question="What feeds the figure that went wrong, from source to decision?",
    why="Only what lies upstream can be a cause; the path from it is what a proof rests on.",
    needs=("lineage_edges", "column_edges", "spans", "model_versions"),
    run=run,
)
