"""Every step and signature keeps its contract: documented, deterministic, honest where a source is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from workbench import playbook, plugins
from workbench.case.case import Case
from workbench.columnar import build, schema
from workbench.model.tables import TABLES, table
from workbench.playbook import Signature, Step
from workbench.playbook.runner import investigate, order, steps
from workbench.store import Store

STEPS = plugins.names("step")
SIGNATURES = plugins.names("signature")
WINDOW = "2026-03-01T13:40:00Z/2026-03-01T19:40:00Z"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_asks_a_question_and_says_what_it_needs(name: str) -> None:
    """The question ends in a question mark, the why in a full stop, and needs are declared tables."""
    step = plugins.load("step", name)
    assert isinstance(step, Step)
    assert step.question.endswith("?")
    assert step.why.endswith(".")
    assert set(step.needs) <= set(TABLES)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_is_named_as_its_file_and_says_what_to_do(name: str) -> None:
    """Every signature has what confirms, what refutes, fix, rollback, guard and lead time, in words."""
    signature = plugins.load("signature", name)
    assert isinstance(signature, Signature)
    assert signature.name == name
    assert signature.confirms
    assert signature.refutes
    for text in (signature.pattern, signature.fix, signature.rollback, signature.guard, signature.lead_time):
        assert len(text) > 20
        assert text.endswith(".")


def test_the_eight_failures_of_the_scenarios_have_signatures() -> None:
    """Each fault that can be planted can also be named."""
    assert set(plugins.names("fault")) <= set(SIGNATURES)


def test_steps_run_in_order_of_their_numbers_after_the_scope() -> None:
    """Scope comes first, ranking last."""
    names = order(steps())
    assert names[0] == "scope"
    assert names[-1] == "rank"
    numbers = [plugins.load("step", n).number for n in names[1:]]
    assert numbers == sorted(numbers)


def test_no_step_or_signature_reads_the_sealed_truth_or_knows_a_scenario() -> None:
    """The playbook names neither the simulator nor its truth file."""
    for path in sorted(Path(playbook.__path__[0]).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "truth" not in text.lower().replace("truth values", ""), path.name
        assert "scenarios" not in text, path.name


@pytest.fixture
def empty_case(tmp_path: Path) -> Iterator[Case]:
    """Return a case over a store in which nothing was ever kept."""
    with Store.open(tmp_path / "store"):
        pass
    store = Store.open(tmp_path / "store", mode="read")
    case = Case.create(tmp_path / "cases" / "C1", case_id="C1", ask=store.ask, who="tester", clock=lambda: 0)
    case.call("begin", entity="kpi:approval_rate", signal="approval_rate", window=WINDOW)
    yield case
    store.close()


def test_on_an_empty_store_every_step_says_why_it_could_not_run(empty_case: Case) -> None:
    """Nothing crashes, nothing is found, and each reason is a sentence for people."""
    outcomes = investigate(empty_case)
    assert set(outcomes) == set(STEPS)
    for name, outcome in outcomes.items():
        assert outcome.findings == () or all(f.state == "clear" for f in outcome.findings), name
        if name != "changes":
            assert outcome.could_not_run, name
            assert "Error" not in outcome.could_not_run.split(":")[0], (name, outcome.could_not_run)


def test_hostile_names_pass_through_every_step(tmp_path: Path) -> None:
    """Names that are SQL, HTML or paths are data: the steps run or say why not, and raise nothing."""
    evil = "x'; DROP TABLE spans; --<script>alert(1)</script>/../../etc"
    begin = 1_772_372_400_000_000_000
    times = [begin + i * 900_000_000_000 for i in range(96 * 3)]
    rows = {
        "environment": "prod",
        "source": "test",
        "place": "here",
        "received_ns": [1] * len(times),
        "series": "s",
        "time_ns": times,
        "entity": f"kpi:{evil}",
        "metric": evil,
        "value": [0.5] * len(times),
    }
    decisions = {
        "environment": "prod",
        "source": "test",
        "place": "here",
        "received_ns": [1] * len(times),
        "prediction_id": [f"{evil}{i}" for i in range(len(times))],
        "time_ns": times,
        "model": evil,
        "output": [evil] * len(times),
        "score": [0.5] * len(times),
        "feature_numbers": [{evil: 1.0}] * len(times),
        "feature_texts": [{evil: evil}] * len(times),
        "row_ref": [evil] * len(times),
    }
    batch: dict[str, pa.Table] = {
        "metric_samples": build(table("metric_samples"), rows),
        "predictions": build(table("predictions"), decisions),
    }
    assert all(t.schema == schema(table(n)) for n, t in batch.items())
    with Store.open(tmp_path / "store") as store:
        store.append(batch)
        case = Case.create(tmp_path / "cases" / "C1", case_id="C1", ask=store.ask, who="tester", clock=lambda: 0)
        case.call(
            "begin",
            entity=f"kpi:{evil}",
            signal=evil,
            window="2026-03-03T13:40:00Z/2026-03-03T19:40:00Z",
            history_start="2026-03-01T00:00:00Z",
        )
        outcomes = investigate(case)
    for name, outcome in outcomes.items():
        reason = outcome.could_not_run
        assert not re.match(r"[A-Z]\w+(Error|Exception):", reason), (name, reason)
