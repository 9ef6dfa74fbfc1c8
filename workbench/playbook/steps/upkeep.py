"""Is what is served old although it was delivered, and do jobs fail again and again at one record?"""

from __future__ import annotations

from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.playbook import Step
from workbench.playbook.times import times
from workbench.playbook.upkeep import failing_runs, feature_ages


def run(reading: Reading) -> Outcome:
    """Compare the age of served features with the days before, and look for one record in failing runs."""
    t = times(reading)
    seen = [
        reading.ask("first_last_seen", table=name, column=c)
        for name, c in (("features", "feature"), ("job_runs", "state"))
    ]
    if all(answer.frame.empty for answer in seen):
        raise CouldNotRunError(
            "neither retrievals of features nor states of jobs are kept; send the feature store's log or OpenLineage"
        )
    findings = [*failing_runs(reading, t), *feature_ages(reading, t)]
    findings.sort(key=lambda f: (-round(f.strength, 9), f.entity, f.signal))
    summary = (
        findings[0].statement if findings else "What is served is as old as usual, and no job fails at one record."
    )
    return Outcome(tuple(findings), {"deviations": len(findings)}, summary=summary)


STEP = Step(
    number=5,
    question="Is what is served older than usual, and does a job fail at the same record again and again?",
    why="A cache or a stuck reader leaves every table fresh and every schema whole, and still serves the past.",
    needs=("features", "job_runs"),
    run=run,
)
