"""The desk: a bench's cases kept open between requests, each used by one thread at a time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import plugins
from workbench.apps.facts import Facts, broken, facts
from workbench.apps.kept import Kept
from workbench.apps.panel_server import PanelServer
from workbench.apps.roles import INVESTIGATE, OPERATIONS, STOP
from workbench.bench import Bench
from workbench.case import files
from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.config import Settings
from workbench.errors import UsageError, WorkbenchError
from workbench.hooks import Ran
from workbench.playbook.runner import investigate

if TYPE_CHECKING:
    from bokeh.document import Document

    from workbench.apps.panel_board import VisitedCase

_STOP_S = 5.0
_ONE_AT_A_TIME = ("assign", "status", "reject", "select", "pin_baseline")
"""Operations whose newer entry takes the place of an older one: two people's must not meet unseen."""


@dataclass(eq=False)
class Clash(Exception):  # noqa: N818 - two people's doing, no failure of ours
    """Somebody else said something about the same, after the page was made that this form stands on."""

    case_id: str
    operation: str
    fields: Mapping[str, str]
    theirs: tuple[Entry, ...]
    length: int


class Desk:
    """Open cases of a bench by id, list them in short, and run what forms ask for."""

    def __init__(self, bench: Bench, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.bench = bench
        self.clock = clock
        self.settings = bench.settings or Settings()
        self.kept = Kept()
        self.panels = PanelServer(self._board)
        self._lock = threading.Lock()
        self._folding = threading.Lock()
        self._unseen = threading.Event()
        self.closed = False
        """True once the server ends; open streams end with it."""
        self._cases: dict[str, tuple[Case, threading.RLock]] = {}
        self._running: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._threads: list[threading.Thread] = []

    def warm(self) -> None:
        """Open the cases and import what pages are made with, before the first page is asked for."""
        for group in ("screen", "step", "signature"):
            plugins.load_all(group)
        self.inbox()

    def case_ids(self) -> list[str]:
        """Return the ids of all cases, sorted."""
        folder = self.bench.folder
        return sorted(p.parent.name for p in folder.glob(f"*/{files.CASE}")) if folder.is_dir() else []

    @contextlib.contextmanager
    def case(self, case_id: str, *, who: str = "") -> Iterator[Case]:
        """Hold a case, with what others have added to it; `UsageError` where there is none of this id.

        What is journaled meanwhile is *who*'s, by default that of whoever runs the server.
        """
        if case_id not in self.case_ids():
            raise UsageError(f"There is no case {case_id}.")
        with self._lock:
            known = self._cases.get(case_id)
        if known is None:
            opened = self._opened(case_id)
            with self._lock:
                known = self._cases.setdefault(case_id, (opened, threading.RLock()))
        case, lock = known
        with lock:
            case.refresh()
            case.who = who or self.bench.who
            yield case

    def _opened(self, case_id: str, who: str = "") -> Case:
        return Case.open(self._known(case_id), ask=self.bench.store.ask, who=who or self.bench.who, clock=self.clock)

    def _board(self, document: Document, given: Mapping[str, str]) -> None:
        """Fill the document of a page's board; Panel is imported by the first of them."""
        from workbench.apps.panel_board import build

        build(self._visited, self.kept, document, given)

    def _visited(self, case_id: str, who: str) -> VisitedCase:
        from workbench.apps.panel_board import VisitedCase

        held = VisitedCase.open(self._known(case_id), ask=self.bench.store.ask, who=who or self.bench.who,
                                clock=self.clock)  # fmt: skip
        assert isinstance(held, VisitedCase)
        return held

    def inbox(self) -> list[Facts]:
        """Return every case in short, the most urgent first."""
        return sorted((self._short(case_id) for case_id in self.case_ids()), key=lambda f: f.urgency)

    def _short(self, case_id: str) -> Facts:
        try:
            with self.case(case_id) as case:
                return facts(case)
        except (WorkbenchError, OSError) as error:
            return broken(case_id, str(error))

    def run(self, case_id: str, operation: str, fields: Mapping[str, str], *, who: str = "") -> None:
        """Call an operation that forms may call: one entry in the journal.

        `UsageError` for any other operation; `Clash` where somebody settled the same after the form's page was made.
        """
        if operation == INVESTIGATE:
            self._investigate(case_id, who)
            return
        if operation == STOP:
            self._stop(case_id)
            return
        if operation not in OPERATIONS:
            raise UsageError(f"A form cannot call {operation}; it can call {', '.join(OPERATIONS)}.")
        missing = [name for name in OPERATIONS[operation] if not fields.get(name, "").strip()]
        if missing:
            raise UsageError(f"{operation} needs {' and '.join(missing)}; fill it in and send it again.")
        given = {name: fields[name].strip() for name in OPERATIONS[operation]}
        with self.case(case_id, who=who) as case:
            _refuse_clash(case, operation, fields, given)
            extra = {"windows": self.settings.act.windows, "every": self.settings.act.every}
            case.call(operation, **given, **(extra if operation == "check_fix" else {}))

    def act(self, case_id: str, approval: int, *, who: str = "") -> Ran:
        """Run what an approval allows, on a case opened for it, so that pages go on being answered."""
        return self.bench.act(self._opened(case_id, who), approval)

    def take_alerts(self) -> list[tuple[str, str]]:
        """Open or join cases for alerts that have none, and look into the new ones at once.

        In a storm one caller works for all: those who come meanwhile leave at once, and it looks once more.
        """
        self._unseen.set()
        placed: list[tuple[str, str]] = []
        while self._unseen.is_set() and self._folding.acquire(blocking=False):
            try:
                self._unseen.clear()
                placed += self.bench.take_alerts()
            finally:
                self._folding.release()
        for case_id, joined in placed:
            # One playbook at a time begins by itself: a storm must not take the machine from whoever looks.
            if not joined and not self._running:
                self._investigate(case_id)
        return placed

    # -- the playbook ----------------------------------------------------------------------------------------------

    def running(self, case_id: str) -> str:
        """Return what the playbook is at on a case, in words; empty when it does not run."""
        with self._lock:
            return self._running.get(case_id, "")

    def _investigate(self, case_id: str, who: str = "") -> None:
        """Run the playbook in a thread, on a case opened for it, so that pages go on being answered."""
        case = self._opened(case_id, who)
        with self._lock:
            if case_id in self._running:
                return
            self._running[case_id] = "starting"
            thread = threading.Thread(target=self._work, args=(case,), name=f"playbook {case_id}", daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def _stop(self, case_id: str) -> None:
        """Let the playbook end after the step that it is at; what it has found stays in the journal."""
        with self._lock:
            if case_id in self._running:
                self._stopping.add(case_id)
                self._running[case_id] += ", stopping after it"

    def _known(self, case_id: str) -> str:
        if case_id not in self.case_ids():
            raise UsageError(f"There is no case {case_id}.")
        return str(self.bench.folder / case_id)

    def _work(self, case: Case) -> None:
        def told(step: str, done: int, total: int) -> None:
            with self._lock:
                if case.id in self._stopping:
                    raise _Stopped
                self._running[case.id] = f"{step.replace('_', ' ')}, {done / total:.0%} done"

        try:
            investigate(case, told)
            if "spans" in self.bench.store.freshness():
                case.call("contrast")  # Whoever opens the screen finds it filled.
        except _Stopped:
            pass
        finally:
            with self._lock:
                self._running.pop(case.id, None)
                self._stopping.discard(case.id)

    def close(self) -> None:
        """Wait a little for playbooks that run; they are journaled step by step, so nothing is lost."""
        self.closed = True
        self.panels.close()
        for thread in self._threads:
            thread.join(_STOP_S)


class _Stopped(Exception):  # noqa: N818 - a request, no failure
    """Raised between two steps where somebody has asked the playbook to stop."""


def _refuse_clash(case: Case, operation: str, fields: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Raise `Clash` where the same was settled otherwise after the form's page was made."""
    seen = fields.get("seen", "")
    if operation not in _ONE_AT_A_TIME or not seen.isdigit():
        return
    later = [e for e in case.entries[int(seen) :] if e.operation == operation]
    if operation == "reject":
        later = [e for e in later if e.arguments["cause"] == given["cause"]]
    others = tuple(e for e in later if {k: v for k, v in e.arguments.items() if k in given} != dict(given))
    if others:
        kept = {name: given[name] for name in OPERATIONS[operation]}
        raise Clash(case.id, operation, kept, others, case.length())
