"""What a portable query says, noted without Ibis: a tree of calls whose values can be told from its form.

Ibis takes 5 to 500 ms to build and compile an expression, and a query is asked again and again with other times and
names. So portable queries run on ``Expression``, which notes what is called and nothing else; ``forms`` has Ibis build
and compile each form once. Queries run as ever, so that whatever they compute, sort or leave out by a value is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from workbench.errors import UsageError

Schema = tuple[tuple[str, str], ...]
"""Columns of a table: name and Ibis type."""
PAIRED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_")
COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")
SINGLE = ("neg", "invert")
"""Names of functions in Python's ``operator``."""
_NESTED = (list, tuple, Mapping)


class Knowing(Protocol):
    """Who knows what Ibis says of an expression."""

    def asked(self, node: Expression, what: str, answer: Callable[[Any], Any]) -> Any:
        """Return the answer for the Ibis expression that *node* stands for."""


class Expression:
    """One noted call; behaves as the Ibis expression would that it stands for.

    Any attribute is a column or a method; its own end in an underscore, which no column does.
    """

    __slots__ = ("below_", "head_", "knowing_", "named_", "number_", "parts_", "real_")

    def __init__(
        self, head: tuple[Any, ...], parts: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None,
        knowing: Knowing | None = None,
    ) -> None:  # fmt: skip
        """Take what is called and with what; *knowing* is given to tables alone."""
        self.head_, self.parts_, self.named_ = head, parts, named or {}
        self.number_: int | None = None
        self.real_: Any = None
        self.below_: list[Expression] = []
        for part in (*parts, *named.values()) if named else parts:
            if isinstance(part, Expression):
                self.below_.append(part)
            elif isinstance(part, _NESTED):
                _gather(part, self.below_)
        self.knowing_: Knowing | None = knowing
        for part in self.below_ if knowing is None else ():
            if part.knowing_ is not None:
                self.knowing_ = part.knowing_
                break

    def __getattr__(self, name: str) -> Expression:
        """Note a column, or the method that is called next."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Expression(("attribute", name), (self,))

    def __getitem__(self, name: str) -> Expression:
        """Note a column or a field."""
        return Expression(("item",), (self, name))

    def __call__(self, *parts: Any, **named: Any) -> Expression:
        """Note a call of the method that this is."""
        if self.head_[0] != "attribute":
            raise UsageError("Only a method of an expression is called.")
        return Expression(("method", self.head_[1]), (*self.parts_, *parts), named)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of a table's columns."""
        return tuple(self._asked("columns", lambda real: tuple(real.columns)))

    def type(self) -> Any:
        """Return the Ibis type of a column."""
        return self._asked("type", lambda real: real.type())

    def _asked(self, what: str, answer: Callable[[Any], Any]) -> Any:
        if self.knowing_ is None:
            raise UsageError("Only what is made of a table has columns and types.")
        return self.knowing_.asked(self, what, answer)

    def __bool__(self) -> bool:
        """Refuse to be a condition here."""
        raise TypeError("Whether a condition holds is known to the engine alone.")

    def __iter__(self) -> Any:
        """Refuse to be a list here."""
        raise TypeError("The rows of an expression are known to the engine alone.")

    __hash__ = object.__hash__


class Words:
    """Ibis's functions, noted instead of called: ``Words().literal(5, "int64")``."""

    def __getattr__(self, name: str) -> Callable[..., Expression]:
        """Return what notes calls of one function."""
        if name.startswith("__"):
            raise AttributeError(name)

        def note(*parts: Any, **named: Any) -> Expression:
            return Expression(("function", name), parts, named)

        return note


def builtin(name: str, takes: tuple[str, ...], gives: str) -> Callable[..., Expression]:
    """Return an engine's own function that Ibis has no word for, noted instead of called."""

    def note(*parts: Expression) -> Expression:
        return Expression(("builtin", name, takes, gives), parts)

    return note


def _gather(parts: Any, into: list[Expression]) -> None:
    for part in parts.values() if isinstance(parts, Mapping) else parts:
        if isinstance(part, Expression):
            into.append(part)
        elif isinstance(part, _NESTED):
            _gather(part, into)


def _noting(name: str) -> Callable[..., Expression]:
    def note(self: Expression, *other: Any) -> Expression:
        return Expression(("operator", name), (self, *other))

    return note


def _noting_turned(name: str) -> Callable[..., Expression]:
    def note(self: Expression, other: Any) -> Expression:
        return Expression(("operator", name), (other, self))

    return note


for _name in (*PAIRED, *COMPARED, *SINGLE):
    setattr(Expression, f"__{_name.rstrip('_')}__", _noting(_name))
for _name in PAIRED:
    setattr(Expression, f"__r{_name.rstrip('_')}__", _noting_turned(_name))
