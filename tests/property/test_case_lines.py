"""Laws of the case: a line of Python reproduces its entry, canonical bytes survive, equal tables are equal files."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import HealthCheck, given, settings

from workbench.case import operations
from workbench.case.bundle import parquet
from workbench.case.canonical import (
    differences,
    digest,
    dumps,
    loads,
    plain,
    restored,
    rounded,
)
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.render import render

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def echo(_: object, first: object, second: object = None, *, third: object = 0.5) -> Outcome:
    """Take anything that can be journaled."""
    return Outcome(values={"first": first, "second": second, "third": third})


register(operation("echo", mode="human", run=echo, doc=echo.__doc__ or ""))


@settings(max_examples=300)
@given(PLAIN, PLAIN, PLAIN)
def test_a_line_evaluates_to_the_call_it_was_made_from(first: object, second: object, third: object) -> None:
    """One line, no line break in it, and evaluating it gives back operation and arguments, types included."""
    called: list[tuple[str, dict[str, object]]] = []

    class Recorder:
        def echo(self, *args: object, **kwargs: object) -> None:
            called.append(("echo", operations.find("echo").bind(args, kwargs)))

    arguments = operations.find("echo").bind((first, second), {"third": third})
    line = render("echo", arguments)
    assert len(line.splitlines()) == 1
    eval(line, {"__builtins__": {}, "case": Recorder()})
    assert dumps(called[0][1]) == dumps(arguments)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), TEXT.filter(lambda t: t.strip())),
        st.tuples(st.just("reject"), TEXT, TEXT.filter(lambda t: t.strip())),
        st.tuples(st.just("select"), st.sampled_from(["13:45/14:00", "13:50/14:10", "14:00/14:01:30"]), TEXT),
        st.tuples(st.just("assign"), TEXT),
        st.tuples(st.just("status"), st.sampled_from(["open", "mitigated", "closed"])),
        st.tuples(st.just("undo")),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS)
def test_the_lines_of_any_investigation_reproduce_its_state(acts: list[tuple[str, ...]]) -> None:
    """Whatever people did, the journal's lines run again give the same journal and the same state hash."""
    with tempfile.TemporaryDirectory() as folder:
        case = Case.create(Path(folder) / "INC-3", case_id="INC-3", who="ada")
        case.begin("service:scoring", "error_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z")
        for name, *arguments in acts:
            if name != "undo" or case.state.in_force[1:]:
                case.call(name, *arguments)
        again = Case.open(case.path, at="start", who="bob")
        for line in case.lines():
            eval(line, {"__builtins__": {}, "case": again})
        assert again.lines() == case.lines()
        assert again.state_hash == case.state_hash
        assert case.replay().ok


@given(PLAIN)
def test_canonical_bytes_read_back_to_the_same_bytes(value: object) -> None:
    """Writing, reading and writing again changes nothing, and nothing differs from itself."""
    content = dumps(plain(value))
    assert dumps(loads(content)) == content
    assert restored(loads(content)) == plain(value)
    assert not list(differences(plain(value), loads(content)))
    assert digest(rounded(plain(value))) == digest(plain(value))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-290, max_value=1e290))
def test_noise_below_the_tolerance_is_no_difference(value: float) -> None:
    """A last-digit change is none; one of 1e-8 is."""
    assert not list(differences(value, math.nextafter(value, math.inf)))
    assert list(differences(value, value * (1 + 1e-8)))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | TEXT), max_size=30), st.integers(0, 30))
def test_equal_tables_are_equal_files_however_chunked(rows: list[tuple[int, str | None]], cut: int) -> None:
    """The same rows in one chunk, in two, or sliced from more give the same bytes."""
    schema = pa.schema([("n", pa.int64()), ("t", pa.string())])
    whole = pa.table({"n": [n for n, _ in rows], "t": [t for _, t in rows]}, schema=schema)
    cut = min(cut, len(rows))
    split = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    longer = pa.concat_tables([whole, whole]).slice(len(rows))
    assert parquet(whole) == parquet(split) == parquet(longer)
