"""What a named query is: a file in ``workbench/store/queries`` that defines ``QUERY``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.errors import UnknownNameError, UsageError


@dataclass(frozen=True)
class Query:
    """One question of bulk rows.

    *arguments* maps each argument to what it means; those whose text begins with
    ``optional`` may be left out. *run* takes a session and the arguments; *portable*
    takes ``portable.Tables`` and the same arguments.
    """

    doc: str
    arguments: Mapping[str, str]
    columns: Mapping[str, str]
    """Columns of the answer and their meaning; empty where the caller chooses them."""
    run: Callable[..., pa.Table]
    portable: Callable[..., Any] | None = None
    """The same question as one Ibis expression, for every engine but the default one; None where it has none yet."""

    def check(self, name: str, given: Mapping[str, Any]) -> None:
        """Refuse arguments that the query does not have, and say which are missing."""
        for argument in given:
            if argument not in self.arguments:
                raise UnknownNameError(f"argument of query {name}", argument, self.arguments)
        missing = [a for a, doc in self.arguments.items() if not doc.startswith("optional") and a not in given]
        if missing:
            raise UsageError(f"Query {name} needs {', '.join(missing)}: {self.arguments[missing[0]]}.")
