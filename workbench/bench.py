"""The bench: a store, its cases and what one does with them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast

import pandas as pd

from workbench import plugins
from workbench.analysis.lineage import Graph
from workbench.case import files
from workbench.case.bundle import frame
from workbench.case.case import Case
from workbench.case.identity import user_name
from workbench.case.reading import Reading
from workbench.case.symptom import Symptom
from workbench.columnar import without_provenance
from workbench.config import Settings
from workbench.errors import UsageError, WorkbenchError
from workbench.hooks import Plan, Ran, acting
from workbench.intake.files import Progress, ingest
from workbench.intake.gate import Gate
from workbench.intake.policy import mask_policy
from workbench.intake.report import IngestReport
from workbench.model.findings import Ranking
from workbench.model.tables import TABLES
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, Window, iso, parse_duration_ns
from workbench.playbook import folding
from workbench.playbook.alerts import alert_bytes, first_alert
from workbench.playbook.find import Found, find
from workbench.playbook.joined import joined
from workbench.playbook.likeness import Like, alike
from workbench.playbook.record_path import RecordPath, record_path
from workbench.report import rich_html, verbs
from workbench.report.show import explain
from workbench.report.show import frame as table
from workbench.report.words import clock
from workbench.sources import Context
from workbench.store import Store
from workbench.store.cluster import open_store
from workbench.views import verbs as views

CASES = "cases"
_TIME_SERIES = ("metrics", "kpis", "predictions", "spans", "logs", "features")
"""Tables whose newest row says what *now* is, and whose oldest says where history begins."""

rich_html.attach()
verbs.attach()
views.attach()


SETTLED_ROWS = 20_000
"""Rows of one intake from which they are settled at once."""


@dataclass(frozen=True)
class CaseLine:
    """One line of the list of cases."""

    id: str
    path: Path
    status: str
    owner: str | None
    about: str
    entries: int
    problem: str = ""
    """Why the case cannot be opened; empty when it can."""


class Bench:
    """Hold a store and its cases: ingest, find, open a case, investigate.

    Make one with ``wb.open("./store")``; close it, or use it in a ``with`` block.

    >>> with open_bench("./store") as bench:
    ...     case = bench.case("INC-1", entity="service:a", signal="error_rate",
    ...                       window="2026-02-10T10:00Z/2026-02-10T11:00Z")
    ...     print(case.lines()[0])
    case.begin("service:a", signal="error_rate", window="2026-02-10T10:00:00Z/2026-02-10T11:00:00Z")
    """

    def __init__(
        self, store: Store, *, who: str, settings: Settings | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.store = store
        self.who = who
        self.settings = settings
        self._clock = clock
        self.folder = store.root / CASES

    # -- cases -----------------------------------------------------------------------------------------------------

    def case(
        self,
        case_id: str,
        *,
        alert: str | Path | Mapping[str, Any] | None = None,
        entity: str | None = None,
        signal: str | None = None,
        window: str | Window | None = None,
        baseline: str | None = None,
        lead: str = "15m",
    ) -> Case:
        """Open a case, or begin one from an alert or from an entity, a signal and a window.

        *alert* is a file, an alert as a mapping, or JSON text. The selection then
        goes from the alert's start less *lead* to its end, or to the newest data
        while it is firing. *entity*, *signal* and *window* override what it says.
        """
        path = self.folder / files.checked_id(case_id)
        described = any(value is not None for value in (alert, entity, signal, window, baseline))
        if not (path / files.CASE).is_file() and not described:
            raise UsageError(f"There is no case {case_id} yet; begin it with an alert, or entity, signal and window.")
        return self._made(case_id, self._symptom(alert, entity, signal, window, lead) if described else {}, baseline)

    def _made(self, case_id: str, symptom: Mapping[str, Any], baseline: str | None) -> Case:
        """Open or create a case, and say what it is about where *symptom* does."""
        path = self.folder / files.checked_id(case_id)
        exists = (path / files.CASE).is_file()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / files.WITNESS).touch()
        if exists:
            case = Case.open(path, ask=self.store.ask, who=self.who, clock=self._clock)
        else:
            config, ask = self._config(), self.store.ask
            case = Case.create(path, case_id=case_id, config=config, ask=ask, who=self.who, clock=self._clock)
        if symptom:
            case.call("begin", **symptom, baseline=baseline)
        return case

    def cases(self) -> list[CaseLine]:
        """Return every case of the store, by id; one that was changed is listed with what is wrong."""
        found = sorted(self.folder.glob(f"*/{files.CASE}")) if self.folder.is_dir() else []
        return [self._line(path.parent) for path in found]

    def investigate(self, case: Case, *, progress: Progress | None = None) -> Ranking:
        """Run the playbook's automatic steps on a case and return its ranked causes."""
        from workbench.playbook.runner import investigate

        investigate(case, progress)
        return case.ranking or Ranking((), "none")

    def similar(self, case: Case, *, most: int = 3) -> list[Like]:
        """Return the closed cases of this store that look like *case*, the most alike first, with what helped then."""
        lines = [line for line in self.cases() if not line.problem and line.status == "closed" and line.id != case.id]
        return alike(case, [Case.open(line.path, who=self.who) for line in lines], most=most)

    def take_alerts(self) -> list[tuple[str, str]]:
        """Open a case for each firing alert of the last day that has none, or join the case with the same cause.

        Return ``(case, why it joined)`` for each; the reason is empty where a case was opened.
        """
        since = max(self.store.freshness().get("alerts", 0), self._clock()) - DAY_NS
        rows = without_provenance(self.store.ask("alerts", start_ns=since)).to_pylist(maps_as_pydicts="strict")
        fresh = [
            r
            for r in rows
            if r["status"] == "firing" and r["starts_ns"] >= since and r.get("entity") and r.get("signal")
        ]
        placed, known = [], self._open() if fresh else []
        for row in fresh:
            if not folding.held(row, known):
                placed.append(self._place(row, known))
                known = self._open()
        return placed

    def _open(self) -> list[folding.Open]:
        found = []
        for line in self.cases():
            if not line.problem:
                known = folding.known(Case.open(line.path, who=self.who))
                found += [known] if known else []
        return found

    def _place(self, row: Mapping[str, Any], known: Sequence[folding.Open]) -> tuple[str, str]:
        """Journal one alert, in the case that it joins or in one of its own."""

        def graph() -> Graph:
            symptom = Symptom(row["entity"], row["signal"] or "alert", self._window(row, HOUR_NS), None,
                              self.store.environment)  # fmt: skip
            return joined(cast("Reading", folding.Watching(symptom, self.ask))).graph

        found = folding.joins(row, known, graph)
        if found is not None:
            self.case(found[0]).call("join_alert", dict(row), found[1])
            return found
        day = iso(int(row["starts_ns"]))[:10].replace("-", "")
        number = next(n for n in range(1, 10_000) if not (self.folder / f"ALERT-{day}-{n}").exists())
        made = self._made(f"ALERT-{day}-{number}", self._described(row, None, None, None, "15m"), None)
        return made.id, ""

    def plan(self, case: Case, cause: str, hook: str) -> Plan:
        """Return exactly what a hook of the settings would do against a cause (``kind entity``); nothing is run."""
        return acting.prepare(case, self.settings or Settings(), cause, hook)

    def approve(self, case: Case, plan: Plan) -> int:
        """Journal that exactly this plan may run once; return the approval's number, for `act`."""
        return acting.approve(case, plan)

    def act(self, case: Case, approval: int) -> Ran:
        """Run what was approved, once, and journal how it ended."""
        return acting.act(case, self.settings or Settings(), approval)

    def _config(self) -> dict[str, Any]:
        """Return what a new case keeps of the settings: the environment, and what things cost where that is set."""
        prices = {k: v for k, v in asdict(self.settings.prices).items() if v is not None} if self.settings else {}
        priced = {"prices": prices, "currency": self.settings.currency} if self.settings and prices else {}
        return {"environment": self.store.environment, **priced}

    def _line(self, path: Path) -> CaseLine:
        try:
            case = Case.open(path, who=self.who)
            symptom = case.symptom
            about = f"{symptom.signal} of {symptom.entity}, {symptom.window.words()}" if symptom else ""
            return CaseLine(case.id, path, case.state.status, case.state.owner, about, case.length())
        except (WorkbenchError, OSError) as error:
            return CaseLine(path.name, path, "unknown", None, "", 0, str(error))

    # -- the store -------------------------------------------------------------------------------------------------

    def ingest(
        self,
        uris: str | Path | Iterable[str | Path],
        *,
        progress: Progress | None = None,
        source: str | None = None,
        as_table: str | None = None,
        mapping: Mapping[str, str] | None = None,
    ) -> IngestReport:
        """Read files, folders, globs or addresses into the store; the report says what became of each.

        Many rows are settled at once: an investigation then reads them several times faster than from the journal.
        """
        named = [uris] if isinstance(uris, str | Path) else list(uris)
        with self.store.gathering():
            report = ingest(self.store, named, settings=self.settings, progress=progress, source=source,
                            as_table=as_table, mapping=mapping)  # fmt: skip
            if sum(report.rows.values()) >= SETTLED_ROWS:
                self.store.seal()
                self.store.compact(progress=progress)
        return report

    def find(self, text: str) -> Found:
        """Return what an id or a name is, where it occurs (``.places``) and all that is one hop away (``.links``)."""
        return find(self.store.ask, text)

    def path(self, record: str, *, hops: int = 6) -> RecordPath:
        """Walk from ``prediction:ID``, ``trace:ID`` or ``row:DATASET/ID`` along the ids that senders supply."""
        return record_path(self.store.ask, record, hops=hops)

    def ask(self, query: str, **arguments: Any) -> pd.DataFrame:
        """Return a named query's answer: ``bench.ask("trace", trace_id=…)``; docs/reference/queries.md lists all."""
        return frame(self.store.ask(query, **arguments))

    def close(self) -> None:
        """Close the store; cases stay readable."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repr_html_(self) -> str:
        counts = self.store.counts()
        return rich_html.facts(f"Store {self.store.root}", {
            "Holds": f"{sum(counts.values()):,} rows in {len(counts)} tables",
            "Newest": clock(max(_newest(self).values(), default=None)),
            "Environment": self.store.environment,
            "Cases": ", ".join(line.id for line in self.cases()) or "none yet"})  # fmt: skip

    def __repr__(self) -> str:
        return f"<Bench {self.store.root}, {self.store.environment}, {len(self.cases())} cases>"

    # -- the symptom -----------------------------------------------------------------------------------------------

    def _symptom(
        self, alert: str | Path | Mapping[str, Any] | None, entity: str | None, signal: str | None,
        window: str | Window | None, lead: str,
    ) -> dict[str, Any]:  # fmt: skip
        return self._described(self._alert(alert) if alert is not None else {}, entity, signal, window, lead)

    def _described(
        self, row: Mapping[str, Any], entity: str | None, signal: str | None, window: str | Window | None, lead: str
    ) -> dict[str, Any]:
        """Return the arguments of ``case.begin`` from an alert's row and what overrides it."""
        entity, signal = entity or row.get("entity"), signal or row.get("signal")
        if not entity or not signal:
            missing = "entity" if not entity else "signal"
            raise UsageError(f"The case needs an {missing}: the alert does not say it; give {missing}=, such as "
                             f"{'service:scoring' if missing == 'entity' else 'error_rate'}.")  # fmt: skip
        if window is None and not row:
            raise UsageError("The case needs a window, START/END: there is no alert to take it from.")
        chosen = Window.parse(str(window)) if window is not None else self._window(row, parse_duration_ns(lead))
        return {
            "entity": entity, "signal": signal, "window": str(chosen), "environment": self.store.environment,
            "history_start": self._history_start(), "alert": dict(row) or None,
        }  # fmt: skip

    def _alert(self, alert: str | Path | Mapping[str, Any]) -> dict[str, Any]:
        """Return the alert that began what is firing now, as a masked row of the alerts table."""
        content, place = alert_bytes(alert)
        source = plugins.load("source", "alertmanager")
        gate = Gate(self.store, mask_policy(self.settings or Settings()))
        rows: list[dict[str, Any]] = []
        for batch in source.read(io.BytesIO(content), Context(self.store.environment, place, self._clock())):
            kept, _ = gate.prepare(batch)
            if "alerts" in kept.tables:
                rows += without_provenance(kept.tables["alerts"]).to_pylist(maps_as_pydicts="strict")
        if not rows:
            raise UsageError(f"{place} holds no alert: expected Alertmanager's webhook or API JSON.")
        return first_alert(rows)

    def _window(self, alert: Mapping[str, Any], lead_ns: int) -> Window:
        """Return from *lead_ns* before the alert to its end, or to the newest data; whole minutes."""
        starts = int(alert["starts_ns"])
        end = alert.get("ends_ns") or max(self._seen().values(), default=0)
        if end <= starts:
            end = starts + max(lead_ns, MINUTE_NS)
        start = (starts - lead_ns) // MINUTE_NS * MINUTE_NS
        return Window(start, -(-int(end) // MINUTE_NS) * MINUTE_NS)

    def _seen(self) -> dict[str, int]:
        newest = self.store.freshness()
        return {name: newest[name] for name in _TIME_SERIES if name in newest} or newest

    def _history_start(self) -> str | None:
        """Return when the oldest time series begins, or None in an empty store."""
        oldest = [start for name in self._seen() if (start := self._oldest(name)) is not None]
        return iso(min(oldest)) if oldest else None

    def _oldest(self, name: str) -> int | None:
        first = self.store.ask("first_last_seen", table=name).column("first_ns").to_pylist()
        return min((time_ns for time_ns in first if time_ns is not None), default=None)


def open_bench(
    path: str | Path = "./store",
    *,
    environment: str = "prod",
    mode: Literal["write", "read"] = "write",
    who: str | None = None,
    settings: Settings | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Bench:
    """Open a store and return the bench over it; ``wb.open``.

    *path* is a folder, or ``sc://host:15002/;path=/shared/store`` where a Spark Connect server answers what it can.
    *who* is written into every journal entry, by default the user of this machine.

    >>> with open_bench("./new-store") as bench:
    ...     bench.cases()
    []
    """
    if environment == CASES:
        raise UsageError(f"An environment cannot be named {CASES!r}: the store keeps its cases there.")
    store = open_store(path, environment=environment, mode=mode)
    return Bench(store, who=who or user_name(), settings=settings, clock=clock)


def _newest(bench: Bench) -> dict[str, int]:
    """Return the newest time of each table whose rows have a time of their own."""
    return {name: at for name, at in bench.store.freshness().items() if TABLES[name].partition}


@table.register
def _(bench: Bench) -> pd.DataFrame:
    newest = _newest(bench)
    rows = [{"table": name, "rows": count, "newest": clock(newest[name]) if name in newest else None}
            for name, count in bench.store.counts().items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["table", "rows", "newest"])


@explain.register
def _(bench: Bench) -> str:
    held = ", ".join(f"{count:,} {name}" for name, count in bench.store.counts().items()) or "nothing yet"
    cases = ", ".join(f"{line.id} ({line.problem or line.status})" for line in bench.cases()) or "none yet"
    return f"{bench.store.root} holds, of {bench.store.environment}: {held}. Cases: {cases}."


__all__ = ["Bench", "Case", "CaseLine", "open_bench"]
