"""Operations: the registered, typed functions that a journal entry may name; nothing else ever runs."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pandas as pd

from workbench import plugins
from workbench.case.canonical import dumps, plain
from workbench.errors import UnknownNameError, UsageError
from workbench.model.findings import Finding, Ranking
from workbench.model.show import html

_MOST_SAID = 160
"""Characters of a summary that a terminal shows."""
Mode = Literal["computed", "human", "action"]
"""computed: run again on replay; human: checked by hash; action: never run again."""


@dataclass(frozen=True)
class Outcome:
    """Hold what an operation says; everything in it is plain data."""

    findings: tuple[Finding, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    """Text, numbers, lists and dicts."""
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Small tables; columns of numbers, text or truth values, times as integer ns."""
    summary: str = ""
    """One sentence."""
    ranking: Ranking | None = None
    """Set by the operation that ranks causes."""
    could_not_run: str = ""
    """Why there is no answer: a missing source, too little history; empty when there is one."""

    @property
    def state(self) -> Literal["clear", "interesting", "could not run"]:
        """Say in one word how the step ended."""
        if self.could_not_run:
            return "could not run"
        if self.ranking is not None and self.ranking.verdict != "none":
            return "interesting"
        return "interesting" if any(f.state == "interesting" and f.supports for f in self.findings) else "clear"

    def __repr__(self) -> str:
        said = self.summary if len(self.summary) <= _MOST_SAID else f"{self.summary[: _MOST_SAID - 1]}…"
        held = [f"{len(self.findings)} findings"] if self.findings else []
        held += [f"{name}: {len(rows):,} rows" for name, rows in self.frames.items()]
        inside = f" [{', '.join(held)}]" if held else ""
        return f"<Outcome {self.state}: {said}{inside}>"

    def _repr_html_(self) -> str:
        return html(self)


class Standing(Protocol):
    """What an operation may look at while its arguments are spelt out: the case as it stands."""

    @property
    def state(self) -> Any:
        """The folded state: a ``workbench.case.state.State``, which stands above this module."""

    @property
    def ranking(self) -> Ranking | None:
        """The newest ranking, if there is one."""

    def last_undoable(self) -> int:
        """Return the number of the newest entry that can be undone."""

    def length(self) -> int:
        """Return the number of entries."""


@dataclass(frozen=True)
class Operation:
    """Describe one operation: ``run(reading, **arguments) -> Outcome``."""

    name: str
    mode: Mode
    run: Callable[..., Outcome]
    doc: str
    settle: Callable[[Standing, dict[str, Any]], dict[str, Any]] | None = None
    """Spells arguments out before they are journaled, such as a clock time as a full one."""
    apply: Callable[[Any, Mapping[str, Any]], Any] | None = None
    """How an entry changes the folded state; None for operations that only add an outcome."""
    slot: Callable[[Mapping[str, Any]], str] | None = None
    """Names what a newer entry takes the place of; by default the operation with equal arguments."""

    def parameters(self) -> dict[str, inspect.Parameter]:
        """Return the arguments it takes, by name, without the reading that comes first."""
        found = list(inspect.signature(self.run).parameters.values())[1:]
        return {p.name: p for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}

    def signature(self) -> inspect.Signature:
        """Return the signature of the verb on a case."""
        return inspect.Signature(list(self.parameters().values()))

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the call's arguments by name, defaults filled in, as plain values of the declared types."""
        try:
            bound = self.signature().bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"case.{self.name}{self.signature()}: {error}.") from error
        bound.apply_defaults()
        hints = _hints(self.run)
        for name, value in bound.arguments.items():
            if name in hints and not _fits(value, hints[name]):
                raise UsageError(f"case.{self.name}: {name} must be {_words(hints[name])}; got {value!r}.")
        arguments = plain(bound.arguments, f"case.{self.name}")
        dumps(arguments)
        return typing.cast("dict[str, Any]", arguments)

    def slot_of(self, arguments: Mapping[str, Any]) -> str:
        """Return the name of the place that an entry with these arguments fills in the state."""
        return self.slot(arguments) if self.slot else default_slot(self.name, arguments)


def default_slot(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the slot of an operation whose equal calls replace each other."""
    return f"{name}:{dumps(dict(arguments)).decode()}"


def operation(name: str, *, mode: Mode, run: Callable[..., Outcome], doc: str) -> Operation:
    """Return an operation; its name becomes a verb of the case and must be an identifier."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"An operation is named like a function, in lower case; got {name!r}.")
    return Operation(name, mode, run, doc)


# Steps and the files of ``playbook/operations`` are found by their file name; only operations from
# elsewhere (a postmortem, a test) are put here, once.
_REGISTERED: dict[str, Operation] = {}


def register(new: Operation) -> Operation:
    """Add an operation, which becomes ``case.<name>()``; the same one may be registered twice."""
    if _REGISTERED.get(new.name, new) != new or new.name in {*plugins.names("step"), *plugins.names("operation")}:
        raise UsageError(f"There already is an operation {new.name!r}; choose another name.")
    _REGISTERED[new.name] = new
    return new


def names() -> tuple[str, ...]:
    """Return the names of all operations, sorted."""
    return tuple(sorted(_REGISTERED.keys() | set(plugins.names("step")) | set(plugins.names("operation"))))


def find(name: str) -> Operation:
    """Return an operation by its name; raise `UnknownNameError` if nobody registered it."""
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name in plugins.names("operation"):
        return typing.cast("Operation", plugins.load("operation", name))
    if name not in plugins.names("step"):
        raise UnknownNameError("operation", name, names())
    step = plugins.load("step", name)
    return Operation(name, "computed", step.run, f"{step.question}\n\n{step.why}")


def _fits(value: Any, hint: Any) -> bool:
    """Say whether a value is of a declared type; types that are not plain are left to `plain`."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if origin is Literal:
        return value in typing.get_args(hint)
    if origin in (list, tuple) or hint in (list, tuple):
        return isinstance(value, list | tuple)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if hint in (int, float) and isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _hints(run: Callable[..., Outcome]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(run)
    except NameError:
        # Names imported for type checkers only cannot be looked up; `plain` still refuses what cannot be kept.
        return {}


def _words(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
