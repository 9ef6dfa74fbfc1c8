"""Portable queries are compiled once for each form: what is filled in later is to the letter what Ibis would write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from tests.strategies.engine_rows import CASES, HOSTILE, world
from workbench import plugins
from workbench.errors import StoreError, UsageError
from workbench.store import Store
from workbench.store.engines.duckdb import Session, Sources
from workbench.store.engines.relations import Relations
from workbench.store.expression import Expression, Words
from workbench.store.forms import Book, Sheet, _Slot

pytest.importorskip("ibis", reason="needs ibis-framework: pip install 'incident-workbench[spark]'")

from workbench.store.engines.spark import compiled

_RENAMED = {"api", "42", HOSTILE, "r1", "nowhere", "fraud", "host:h1", "deploy", "FAIL", "f1", "d1", "e", "gold"}


class _Direct(Sheet):
    """A sheet that gives Ibis the values themselves."""

    def _given(self, value: Any, shape: Any) -> Any:
        return value if isinstance(shape, _Slot) else super()._given(value, shape)


class _Selects(Relations):
    """Tables without rows: only the question's own SQL is looked at."""

    def _select(self, sources: Sources) -> str:  # noqa: ARG002
        return "SELECT 1"

    def _given(self, rows: pa.Table) -> str:  # noqa: ARG002
        return "SELECT 1"


def _other(value: Any) -> Any:
    """Return an argument with other times and names in the same form."""
    if isinstance(value, Mapping):
        return {k: _other(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_other(v) for v in value)
    if isinstance(value, str) and value in _RENAMED:
        return f"another {value}"
    return value + 1_234_567 if isinstance(value, int) and value > 2**40 else value


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Store.open(tmp_path_factory.mktemp("forms") / "store", upkeep="manual") as store:
        store.append(world(1))
        with store._engine.session() as held:
            yield held


def _sql(session: Session, book: Book, name: str, arguments: Mapping[str, Any]) -> str:
    tables = _Selects(session, book)
    return book.sql(tables._sheet, plugins.load("query", name).portable(tables, **arguments))[0]


def _written_by_ibis(session: Session, name: str, arguments: Mapping[str, Any]) -> str:
    tables = _Selects(session, Book("pyspark", compiled))
    tables._sheet = _Direct(tables._book)
    return compiled(tables._sheet.real(plugins.load("query", name).portable(tables, **arguments)))


def _noting_calls(calls: list[Any]) -> Book:
    def compile_(expression: Any) -> str:
        calls.append(expression)
        return compiled(expression)

    return Book("pyspark", compile_)


ONE_EACH = list({name: (name, arguments) for name, arguments in CASES if name != "find_id"}.values())
"""The last case of each query; that of all tables takes a second, and stands in the full run."""


def _compared(session: Session, cases: list[tuple[str, dict[str, Any]]]) -> int:
    """Compile each case with other times and names, compare it then, and return how often nothing was compiled."""
    calls: list[Any] = []
    book, kept = _noting_calls(calls), 0
    for name, arguments in cases:
        _sql(session, book, name, {key: _other(value) for key, value in arguments.items()})
        before = len(calls)
        assert _sql(session, book, name, arguments) == _written_by_ibis(session, name, arguments), name
        kept += len(calls) == before
    return kept


def test_each_query_is_filled_as_ibis_would_write_it(session: Session) -> None:
    """43 queries, compiled with other times and names before: equal to the letter, and nothing compiled again."""
    assert len(ONE_EACH) >= 43
    # Times that are not moved alike (a width in pixels) make another form, never another answer.
    assert _compared(session, ONE_EACH) >= len(ONE_EACH) - 3


@pytest.mark.full
def test_every_case_is_filled_as_ibis_would_write_it(session: Session) -> None:
    """All sets of arguments of all 44 queries."""
    assert len(CASES) >= 90
    assert _compared(session, CASES) >= len(CASES) - 6


def test_values_that_were_equal_and_are_not_make_another_form(session: Session) -> None:
    """Two equal values are one for Ibis; asked with two different ones, nothing of the first is left."""
    calls: list[Any] = []
    book = _noting_calls(calls)
    for service, host in (("a", "a"), ("a", "b"), ("b", "a")):
        arguments = {"start_ns": 0, "end_ns": 10**18, "equals": {"service": service, "host": host}}
        sql = _sql(session, book, "error_rate", arguments)
        assert (f"`service` = '{service}'" in sql, f"`host` = '{host}'" in sql) == (True, True)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "text", [HOSTILE, "slot 0", "", "a\\", "'", "\n", "--", "/*", "workbench_rows_0", "\x00", "é中"]
)
def test_hostile_texts_are_literals(session: Session, text: str) -> None:
    """Each is one literal token of the dialect, with the text that was given."""
    sqlglot = pytest.importorskip("sqlglot")
    book = Book("pyspark", compiled)
    for value in ("first", text):
        sql = _sql(session, book, "log_rates", {"start_ns": 0, "end_ns": 10**18, "every_ns": 10**10, "service": value})
    found = [literal.this for literal in sqlglot.parse_one(sql, read="pyspark").find_all(sqlglot.exp.Literal)]
    assert text in found


def test_numbers_keep_sign_and_type() -> None:
    """Whole numbers beyond 32 bits have a slot, sign apart; smaller ones, floats and truths are part of the form."""
    calls: list[Any] = []
    book = _noting_calls(calls)

    def asked(value: Any) -> str:
        sheet = book.sheet()
        rows = sheet.table("rows_0", (("a", "int64"), ("b", "float64"), ("c", "boolean")))
        column = rows.c if isinstance(value, bool) else rows.b if isinstance(value, float) else rows.a
        return book.sql(sheet, rows.filter(column == value))[0].rpartition("= ")[2]

    assert [asked(v) for v in (2**40, 2**41, -(2**40), -(2**63), 2**63 - 1)] == [
        "1099511627776", "2199023255552", "-1099511627776", "-9223372036854775808", "9223372036854775807",
    ]  # fmt: skip
    assert len(calls) == 2
    assert [asked(v) for v in (5, 6, 0.0, -0.0, True)][:2] == ["5", "6"]
    assert len(calls) == 7


def test_what_is_no_value_is_refused() -> None:
    sheet = Book("pyspark", compiled).sheet()
    rows = sheet.table("rows_0", (("a", "int64"),))
    with pytest.raises(UsageError, match="texts, numbers, truths"):
        sheet.number(rows.filter(rows.a == object()))
    with pytest.raises(TypeError, match="known to the engine"):
        bool(rows.a == 1)
    with pytest.raises(UsageError, match="made of a table"):
        Words().literal(1).type()
    assert isinstance(rows.a, Expression)


def test_a_value_that_the_compiler_takes_apart_is_said() -> None:
    """Were a text to land in a name, filling it in would change nothing or everything: no SQL is written at all."""
    book = Book("pyspark", lambda expression: compiled(expression).replace("= '", "= 'x"))
    sheet = book.sheet()
    rows = sheet.table("rows_0", (("a", "string"),))
    with pytest.raises(StoreError, match="where only a name can"):
        book.sql(sheet, rows.filter(rows.a == "b"))


def test_a_book_begins_anew_before_it_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.store.forms._REMEMBERED", 10)
    book = Book("pyspark", compiled)
    for n in range(20):
        sheet = book.sheet()
        rows = sheet.table("rows_0", (("a", "int64"),))
        assert book.sql(sheet, rows.filter(rows.a == n).limit(n + 1))[0].endswith(f"LIMIT {n + 1}")
        assert len(book._numbers) <= 10
