"""Compile each form of a question once: calls are numbered by what they are, their values stand in slots beside them.

A form is everything but the values: which calls, on which columns, how many values there are and which of them are
equal. Ibis builds and compiles it with stand-ins that are drawn at random; the SQL is then cut where they stand, token
by token, and a question's own values, written as literals by the dialect's own writer, are put there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import operator
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.errors import StoreError, UsageError
from workbench.store.expression import Expression, Schema

HIDDEN = "hidden."
"""Prefix of columns that an answer is only ordered by."""
_TAKING_VALUES = frozenset({"isin", "get", "concat", "contains"})
"""Methods whose texts and numbers are values of the question; those of other methods are names, types and counts."""
_INT32, _INT64 = 2**31, 2**63
_REMEMBERED = 200_000
"""Numbered calls that a book keeps; it begins anew beyond it."""

Compile = Callable[[Any], str]


@dataclass(frozen=True)
class Compiled:
    """SQL of one form: texts, and between them the slots whose values belong there."""

    texts: tuple[str, ...]
    slots: tuple[int, ...]
    """One less than *texts*."""
    tables: frozenset[str]
    """Names of the tables that it reads."""
    answer: pa.Schema
    """Columns of the answer, without hidden ones."""

    def filled(self, literals: list[str]) -> str:
        """Return the SQL with these literals in its slots."""
        parts = [self.texts[0]]
        for slot, text in zip(self.slots, self.texts[1:], strict=True):
            parts += (literals[slot], text)
        return "".join(parts)


class Book:
    """What one engine was asked: each call numbered, each form compiled once."""

    def __init__(self, dialect: str, compile_: Compile) -> None:
        """Take sqlglot's name of the SQL, and what writes SQL for an Ibis expression."""
        self._dialect, self._compile = dialect, compile_
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._known: dict[tuple[int, str], Any] = {}
        self._next = itertools.count(1)

    def sheet(self) -> Sheet:
        """Return an empty sheet for one question."""
        return Sheet(self)

    def number(self, call: tuple[Any, ...]) -> int:
        """Return the number of a call: the same for the same call on the same numbers."""
        known = self._numbers.get(call)
        if known is not None:
            return known
        if len(self._numbers) >= _REMEMBERED:
            # Numbers go on, so that a question that is being noted meets no other's.
            self._numbers, self._known = {}, {}
        return self._numbers.setdefault(call, next(self._next))

    def once(self, number: int, what: str, find: Callable[[], Any]) -> Any:
        """Return what was found for a number before, else find it."""
        known = self._known
        if (number, what) not in known:
            known[number, what] = find()
        return known[number, what]

    def sql(self, sheet: Sheet, expression: Expression) -> tuple[str, Compiled]:
        """Return the SQL of a question, with what is known of its form."""
        form: Compiled = self.once(sheet.number(expression), "sql", lambda: self._compiled(sheet, expression))
        return form.filled([self.literal(value) for value in sheet.values]), form

    def literal(self, value: Any) -> str:
        """Return a text or a whole number as a literal; a negative number's sign stands in the form."""
        if isinstance(value, str):
            return str(_writer(self._dialect)(value))
        return str(abs(value))

    def _compiled(self, sheet: Sheet, expression: Expression) -> Compiled:
        real = sheet.real(expression)
        sql = self._compile(real)
        by_text = {str(abs(s)) if isinstance(s, int) else s: place for place, s in sheet.stand_ins.items()}
        texts, slots, end, names = [], [], 0, set()
        for token in importlib.import_module("sqlglot").tokenize(sql, read=self._dialect):
            kind = token.token_type.name
            if kind in {"STRING", "NUMBER"} and token.text in by_text:
                texts.append(sql[end : token.start])
                slots.append(by_text[token.text])
                end = token.end + 1
            elif kind in {"IDENTIFIER", "VAR"}:
                names.add(token.text)
        texts.append(sql[end:])
        rest = "\n".join(texts)
        if any(stand_in in rest for stand_in in by_text):
            raise StoreError("A value of this question stands where only a name can. Ask without it.")
        return Compiled(tuple(texts), tuple(slots), frozenset(names & sheet.tables.keys()), _answer(real))


class Sheet:
    """The notes of one question: its tables, and the values of its slots."""

    def __init__(self, book: Book) -> None:
        """Begin with neither."""
        self._book = book
        self.tables: dict[str, Schema] = {}
        self.values: list[Any] = []
        self.stand_ins: dict[int, Any] = {}
        """What Ibis was given for the values, by slot; only where it had to build something."""
        self._slots: dict[tuple[str, Any], int] = {}

    def table(self, name: str, columns: Schema) -> Expression:
        """Return a table of the question."""
        self.tables[name] = columns
        return Expression(("table", name, columns), knowing=self)

    def number(self, root: Expression) -> int:
        """Return the number of a form: equal for equal calls, whatever their values are."""
        stack = [root]
        while stack:
            node = stack[-1]
            waiting = [b for b in node.below_ if b.number_ is None] if node.number_ is None else []
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if node.number_ is None:
                node.number_ = self._book.number(self._call(node))
        return int(root.number_ or 0)

    def asked(self, node: Expression, what: str, answer: Callable[[Any], Any]) -> Any:
        """Return what Ibis says of an expression; it is asked once for each form."""
        return self._book.once(self.number(node), what, lambda: answer(self.real(node)))

    def real(self, root: Expression) -> Any:
        """Return the Ibis expression, a stand-in in each slot."""
        self.number(root)
        stack = [root]
        while stack:
            node = stack[-1]
            waiting = [b for b in node.below_ if b.real_ is None]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if node.real_ is None:
                node.real_ = self._made(node)
        return root.real_

    def _call(self, node: Expression) -> tuple[Any, ...]:
        if _is_literal(node):
            parts = self._literal(*node.parts_)
        elif _takes_values(node):
            parts = tuple([self._value(part) for part in node.parts_])
        else:
            parts = tuple([self._shape(part) for part in node.parts_])
        if not node.named_:
            return (*node.head_, parts)
        return (*node.head_, parts, *[(name, self._shape(part)) for name, part in node.named_.items()])

    def _shape(self, value: Any) -> Any:
        """Return what stands for a part in a form: a number for an expression, a constant with its type."""
        if isinstance(value, Expression):
            return value.number_
        if value is None or isinstance(value, str | int | bytes):
            return (type(value).__name__, value)
        if isinstance(value, list | tuple):
            return ("list", *(self._shape(v) for v in value))
        if isinstance(value, Mapping):
            return ("map", *((k, self._shape(v)) for k, v in value.items()))
        if isinstance(value, float):
            # Not the number itself: 0.0 equals -0.0, and nan nothing.
            return ("float", repr(value))
        raise UsageError(f"A question's values are texts, numbers, truths and lists of them; got {value!r}.")

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._slot("string", value)
        # Ibis takes smaller numbers for narrower types, which are part of the form.
        if isinstance(value, int) and not -_INT32 <= value < _INT32 and -_INT64 <= value < _INT64:
            return self._slot("int64", value)
        if isinstance(value, list | tuple):
            return ("list", *(self._value(v) for v in value))
        return self._shape(value)

    def _literal(self, value: Any, type_: Any = None) -> Any:
        if type_ == "int64" and isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
            return (self._slot("int64", value), "int64")
        if type_ in {None, "string"}:
            return (self._value(value), type_)
        return (self._shape(value), type_)

    def _slot(self, type_: str, value: Any) -> _Slot:
        # Equal values share a slot: two parts that are one for Ibis are one in the form, too.
        place = self._slots.setdefault((type_, value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return _Slot(type_, place, type_ == "int64" and value < 0)

    def _made(self, node: Expression) -> Any:
        kind, *rest = node.head_
        ibis = importlib.import_module("ibis")
        if kind == "table":
            return ibis.table(dict(rest[1]), name=rest[0])
        if _is_literal(node):
            return ibis.literal(self._given(node.parts_[0], self._literal(*node.parts_)[0]), *node.parts_[1:])
        shape = self._value if _takes_values(node) else self._shape
        parts = [self._given(part, shape(part)) for part in node.parts_]
        named = {name: self._given(part, self._shape(part)) for name, part in node.named_.items()}
        match kind:
            case "attribute":
                return getattr(parts[0], rest[0])
            case "item":
                return parts[0][parts[1]]
            case "method":
                return getattr(parts[0], rest[0])(*parts[1:], **named)
            case "operator":
                return getattr(operator, rest[0])(*parts)
            case "builtin":
                return _builtin(*rest)(*parts)
        return getattr(ibis, rest[0])(*parts, **named)

    def _given(self, value: Any, shape: Any) -> Any:
        """Return what Ibis is given for a part: its expression, a stand-in for what has a slot, else itself."""
        if isinstance(value, Expression):
            return value.real_
        if isinstance(shape, _Slot):
            return self.stand_ins.setdefault(shape.place, shape.drawn())
        if isinstance(value, list | tuple):
            return [self._given(v, s) for v, s in zip(value, shape[1:], strict=True)]
        if isinstance(value, Mapping):
            return {k: self._given(v, s) for (k, v), (_, s) in zip(value.items(), shape[1:], strict=True)}
        return value


@dataclass(frozen=True)
class _Slot:
    """Stands for a value in a form."""

    type: str
    place: int
    negative: bool

    def drawn(self) -> Any:
        """Return a value of the same type and sign that stands nowhere else."""
        drawn = uuid.uuid4()
        if self.type == "string":
            return f"slot {drawn.hex}"
        number = _INT64 // 2 + drawn.int % (_INT64 // 2)
        return -number if self.negative else number


def _is_literal(node: Expression) -> bool:
    return node.head_ == ("function", "literal")


def _takes_values(node: Expression) -> bool:
    kind = node.head_[0]
    return kind == "operator" or (kind == "method" and node.head_[1] in _TAKING_VALUES)


@functools.cache
def _writer(dialect: str) -> Callable[[str], str]:
    """Return what writes a text as a literal of a dialect."""
    sqlglot = importlib.import_module("sqlglot")
    generator = sqlglot.Dialect.get_or_raise(dialect).generator()
    return lambda text: str(generator.literal_sql(sqlglot.exp.Literal.string(text)))


@functools.cache
def _builtin(name: str, takes: tuple[str, ...], gives: str) -> Callable[..., Any]:
    ibis = importlib.import_module("ibis")

    def call(*_: Any) -> Any:
        """Stand for the engine's function."""

    call.__name__ = call.__qualname__ = name
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(f"value_{n}", inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in range(len(takes))]
    )
    built: Callable[..., Any] = ibis.udf.scalar.builtin(call, name=name, signature=(takes, gives))
    return built


def _answer(real: Any) -> pa.Schema:
    """Return an answer's columns with the types of the default engine: int64, text, float64, none declared non-null."""
    shown = [(n, t) for n, t in real.schema().items() if not n.startswith(HIDDEN)]
    return pa.schema([pa.field(name, _plain(type_)) for name, type_ in shown])


def _plain(type_: Any) -> pa.DataType:
    if type_.is_integer():
        return pa.int64()
    if type_.is_string() or type_.is_json():
        return pa.string()
    if type_.is_map():
        return pa.map_(_plain(type_.key_type), _plain(type_.value_type))
    if type_.is_array():
        return pa.list_(_plain(type_.value_type))
    if type_.is_boolean():
        return pa.bool_()
    if type_.is_floating():
        return pa.float64()
    raise StoreError(f"A portable query answers with integers, floats, texts, booleans, lists or maps; got {type_}.")
