"""The desk: a bench's cases kept open between requests, each used by one thread at a time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from workbench.apps.facts import Facts, broken, facts
from workbench.apps.roles import INVESTIGATE, OPERATIONS
from workbench.bench import Bench
from workbench.case import files
from workbench.case.case import Case
from workbench.errors import UsageError, WorkbenchError
from workbench.playbook.runner import investigate

_STOP_S = 5.0


class Desk:
    """Open cases of a bench by id, list them in short, and run what forms ask for."""

    def __init__(self, bench: Bench, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.bench = bench
        self.clock = clock
        self._lock = threading.Lock()
        self._cases: dict[str, tuple[Case, threading.RLock]] = {}
        self._running: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def case_ids(self) -> list[str]:
        """Return the ids of all cases, sorted."""
        folder = self.bench.folder
        return sorted(p.parent.name for p in folder.glob(f"*/{files.CASE}")) if folder.is_dir() else []

    @contextlib.contextmanager
    def case(self, case_id: str) -> Iterator[Case]:
        """Hold a case, with what others have added to it; `UsageError` where there is none of this id."""
        if case_id not in self.case_ids():
            raise UsageError(f"There is no case {case_id}.")
        with self._lock:
            known = self._cases.get(case_id)
        if known is None:
            opened = Case.open(self.bench.folder / case_id, ask=self.bench.store.ask, who=self.bench.who)
            with self._lock:
                known = self._cases.setdefault(case_id, (opened, threading.RLock()))
        case, lock = known
        with lock:
            case.refresh()
            yield case

    def inbox(self) -> list[Facts]:
        """Return every case in short, the most urgent first."""
        return sorted((self._short(case_id) for case_id in self.case_ids()), key=lambda f: f.urgency)

    def _short(self, case_id: str) -> Facts:
        try:
            with self.case(case_id) as case:
                return facts(case)
        except (WorkbenchError, OSError) as error:
            return broken(case_id, str(error))

    def run(self, case_id: str, operation: str, fields: Mapping[str, str]) -> None:
        """Call an operation that forms may call: one entry in the journal; `UsageError` for any other."""
        if operation == INVESTIGATE:
            self._investigate(case_id)
            return
        if operation not in OPERATIONS:
            raise UsageError(f"A form cannot call {operation}; it can call {', '.join(OPERATIONS)}.")
        missing = [name for name in OPERATIONS[operation] if not fields.get(name, "").strip()]
        if missing:
            raise UsageError(f"{operation} needs {' and '.join(missing)}; fill it in and send it again.")
        with self.case(case_id) as case:
            case.call(operation, **{name: fields[name].strip() for name in OPERATIONS[operation]})

    # -- the playbook ----------------------------------------------------------------------------------------------

    def running(self, case_id: str) -> str:
        """Return what the playbook is at on a case, in words; empty when it does not run."""
        with self._lock:
            return self._running.get(case_id, "")

    def _investigate(self, case_id: str) -> None:
        """Run the playbook in a thread, on a case opened for it, so that pages go on being answered."""
        case = Case.open(self._known(case_id), ask=self.bench.store.ask, who=self.bench.who)
        with self._lock:
            if case_id in self._running:
                return
            self._running[case_id] = "starting"
            thread = threading.Thread(target=self._work, args=(case,), name=f"playbook {case_id}", daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def _known(self, case_id: str) -> str:
        if case_id not in self.case_ids():
            raise UsageError(f"There is no case {case_id}.")
        return str(self.bench.folder / case_id)

    def _work(self, case: Case) -> None:
        def told(step: str, done: float) -> None:
            with self._lock:
                self._running[case.id] = f"{step.replace('_', ' ')}, {done:.0%} done"

        try:
            investigate(case, told)
        finally:
            with self._lock:
                self._running.pop(case.id, None)

    def close(self) -> None:
        """Wait a little for playbooks that run; they are journaled step by step, so nothing is lost."""
        for thread in self._threads:
            thread.join(_STOP_S)
