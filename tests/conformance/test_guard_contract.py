"""Every guard that a postmortem writes is a contract that the standard's own schema accepts, whatever names hold."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml

from workbench import plugins
from workbench.model.findings import Cause, Evidence, Finding
from workbench.model.window import HOUR_NS
from workbench.report.guard import rule
from workbench.report.guard_trial import Trial
from workbench.sources import Context, Head, contracts

HOSTILE = "dwh.o\"r'd<b>`]:\n- x: {{7}} # é"
TABLE = "postgres://dwh.example.internal:5432/dwh.orders"
EVIDENCE = Evidence("E1", "rows()", "evidence/E1.parquet", "0" * 64, 1)
FOUND = {
    "null_rate": (f"column:{TABLE}.amount", {"usual": 0.01}),
    "rows": (f"dataset:{TABLE}", {"usual": 200.0, "now": 20.0}),
    "drift": ("feature:sector", {"usual": 0.01, "level": "un'known"}),
    "write_gap": (f"dataset:{TABLE}", {"gap_s": 1.0, "usual_s": 1.0}),
    "change": ("service:scoring", {}),
}


@pytest.fixture(scope="module")
def validator(data: Path) -> jsonschema.protocols.Validator:
    """Return a validator of the standard's published schema."""
    schema = json.loads((data / "contracts" / "schema" / "odcs-json-schema-v3.1.0.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def finding(signal: str, entity: str | None = None) -> Finding:
    """Return a finding of a kind."""
    own, values = FOUND[signal]
    return Finding("It left its range.", entity or own, signal, (EVIDENCE,), values=dict(values))


def trial(signal: str, found: Finding) -> Trial | None:
    """Return the trial of a guard that watches a kind; None where nothing does."""
    kind = {"null_rate": "null_rate", "rows": "rows", "drift": "level", "write_gap": "gap"}.get(signal)
    if kind is None:
        return None
    side = "below" if kind == "rows" else "above"
    return Trial(kind, found, side, 0.02, HOUR_NS, None, 0, 200, 10.0, "E1")  # type: ignore[arg-type]


@pytest.mark.parametrize("tried", ["tried", "not tried"])
@pytest.mark.parametrize("signal", sorted(FOUND))
def test_the_schema_of_the_standard_accepts_each_guard(
    validator: jsonschema.protocols.Validator, signal: str, tried: str
) -> None:
    """All signatures x 5 signals x tried or not, with plain and hostile names: 0 errors; our own reader reads each."""
    for entity in (None, f"column:{HOSTILE}.{HOSTILE}", f"dataset:a/{HOSTILE}", f"feature:{HOSTILE}"):
        found = finding(signal, entity)
        for kind in plugins.names("signature"):
            cause = Cause(1, found.entity, kind, "x", 0.5, "suspected", {}, (found,))
            guard = plugins.load("signature", kind).guard
            written = rule(cause, guard, trial(signal, found) if tried == "tried" else None)
            contract = yaml.safe_load(written)
            assert [e.message for e in validator.iter_errors(contract)] == [], written
            assert contracts.recognise(Head("x.odcs.yaml", written.encode())) == 1.0
            batches = list(contracts.read(io.BytesIO(written.encode()), Context("prod", "x.odcs.yaml", 1)))
            assert not [r for batch in batches for r in batch.rejections]


def test_the_schema_refuses_what_is_no_rule(validator: jsonschema.protocols.Validator) -> None:
    """A rule without its operator, and a contract without its version, are errors: the check above can fail."""
    found = finding("null_rate")
    contract = yaml.safe_load(rule(Cause(1, found.entity, "null_burst", "x", 0.5, "proven", {}, (found,)), "g"))
    del contract["schema"][0]["properties"][0]["quality"][0]["query"]
    assert list(validator.iter_errors(contract))
    assert list(validator.iter_errors({k: v for k, v in contract.items() if k != "version"}))


def test_the_query_of_a_guard_tells_good_rows_from_bad_ones() -> None:
    """Run as it is pasted: 1 of 100 cells missing passes the limit of 2 %, 5 of 100 do not."""
    found = finding("null_rate")
    cause = Cause(1, found.entity, "null_burst", "x", 0.5, "proven", {}, (found,))
    check = yaml.safe_load(rule(cause, "g", trial("null_rate", found)))["schema"][0]["properties"][0]["quality"][0]
    engine = duckdb.connect()
    engine.execute("CREATE SCHEMA dwh")
    shares = {}
    for missing in (1, 5):
        cells = f"SELECT CASE WHEN range >= {missing} THEN 1.0 END AS amount FROM range(100)"
        engine.execute(f"CREATE OR REPLACE TABLE dwh.orders AS {cells}")
        (shares[missing],) = engine.execute(check["query"]).fetchone() or (None,)
    assert shares[1] < check["mustBeLessThan"] < shares[5]
