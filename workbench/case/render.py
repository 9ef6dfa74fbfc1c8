"""Each journal entry as exactly one readable line of Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.case import operations
from workbench.case.journal import Entry
from workbench.errors import UnknownNameError


def render(operation: str, arguments: Mapping[str, Any], *, name: str = "case") -> str:
    """Return the call as Python: the first argument by position, others by name, defaults left out.

    >>> import workbench.case.human
    >>> render("note", {"text": "It is the new provider."})
    'case.note("It is the new provider.")'
    """
    try:
        parameters = operations.find(operation).parameters()
    except UnknownNameError:
        parameters = {}
    parts: list[str] = []
    for position, argument in enumerate([*parameters, *sorted(set(arguments) - set(parameters))]):
        if argument not in arguments:
            continue
        value = arguments[argument]
        parameter = parameters.get(argument)
        if parameter is not None and type(parameter.default) is type(value) and parameter.default == value:
            continue
        by_position = position == 0 and parameter is not None and parameter.kind is not parameter.KEYWORD_ONLY
        parts.append(literal(value) if by_position else f"{argument}={literal(value)}")
    return f"{name}.{operation}({', '.join(parts)})"


def line(entry: Entry, *, name: str = "case") -> str:
    """Return an entry as one line of Python."""
    return render(entry.operation, entry.arguments, name=name)


def literal(value: Any) -> str:
    """Return a plain value as a Python literal on one line, text in double quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(value[k])}" for k in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    text = repr(value)
    # repr prefers single quotes; the project writes double ones where that needs no escape.
    swaps = isinstance(value, str) and text[0] == "'" and '"' not in text and "\\" not in text
    return f'"{text[1:-1]}"' if swaps else text
