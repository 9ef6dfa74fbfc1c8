"""A trace looked up by bloom filter is, to the last field, what the engine finds by reading everything."""

import random

import pyarrow as pa
import pytest

from tests.strategies.engine_rows import T0
from workbench.columnar import build
from workbench.errors import StoreError
from workbench.model.tables import SPANS
from workbench.store import Store, encoding
from workbench.store.resolve import all_columns

S, DAY, TRACES = 10**9, 86_400 * 10**9, 300


def _spans(rng: random.Random, traces: range, *, source: str) -> pa.Table:
    rows = []
    for trace in traces:
        start = T0 + trace * DAY // 150
        rows += [{
            "environment": "prod", "source": source, "place": "t", "received_ns": T0, "trace_id": f"{trace:032x}",
            "span_id": f"{n:016x}", "parent_span_id": f"{n - 1:016x}" if n else None, "start_ns": start + n * S,
            "end_ns": start + n * S + trace, "duration_ns": trace, "service": rng.choice(["api", "naïve", "", None]),
            "name": "op", "status": rng.choice(["ok", "error"]), "queue_wait_ms": rng.choice([None, 0.0, -0.0, 1.5]),
            "attributes": rng.choice([None, {}, {"k": str(n), "'; --": "x"}]), "events": rng.choice([None, "[]"]),
        } for n in range(rng.randrange(1, 6))]  # fmt: skip
    return build(SPANS, {c.name: [row.get(c.name) for row in rows] for c in SPANS})


def _stages(store: Store) -> None:
    """Leave settled days, a sealed piece, and unsealed rows; many spans are sent again with other words."""
    rng = random.Random(1)
    for first, last, end in ((0, 300, store.compact), (100, 200, int), (150, 180, str)):
        store.append({"spans": _spans(rng, range(first, last), source=f"from {first}")})
        if end is not str:
            store.seal()
        end()


def _engine(store: Store, trace: str, start_ns: int | None = None, end_ns: int | None = None) -> pa.Table:
    with store._engine.session() as session:
        relation = session.relation("spans", start_ns, end_ns)
        return session.query(
            f"SELECT {all_columns(SPANS)} FROM {relation} WHERE trace_id = $id ORDER BY start_ns, span_id",
            {"id": trace},
        )


@pytest.fixture
def small_groups(monkeypatch):
    """Write row groups of 40 spans, so that traces stand across two."""
    monkeypatch.setattr(encoding, "_LOOK_UP_ROWS", 40)


@pytest.mark.parametrize(
    "stages", [_stages, lambda store: store.append({"spans": _spans(random.Random(2), range(TRACES), source="a")})]
)
def test_a_trace_is_what_the_engine_finds(tmp_path, small_groups, stages):
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        stages(store)
        for trace in [*range(0, TRACES, 9), TRACES + 1]:
            name = f"{trace:032x}"
            answer = store.ask("trace", trace_id=name.upper())
            assert answer.equals(_engine(store, name))
            assert bool(answer.num_rows) == (trace < TRACES)


def test_a_window_cuts_as_the_engine_cuts(tmp_path, small_groups):
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        _stages(store)
        cut = 0
        for trace in range(0, TRACES, 20):
            name, start = f"{trace:032x}", T0 + trace * DAY // 150
            for window in ((start + S, None), (None, start + 2 * S), (start + S, start + 3 * S), (start, start)):
                window = {"start_ns": window[0], "end_ns": window[1]}
                answer = store.ask("trace", trace_id=name, **window)
                assert answer.equals(_engine(store, name, **window))
                cut += answer.num_rows
    assert cut > 20


def test_a_segment_that_is_damaged_is_said_to_be_missing(tmp_path, small_groups):
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        _stages(store)
        assert store.ask("trace", trace_id=f"{0:032x}").num_rows > 0
        settled = store.files("spans")[0]
        settled.write_bytes(settled.read_bytes()[:-1] + b"!")
        answer = store.ask("trace", trace_id=f"{0:032x}")
    assert answer.num_rows == 0
    assert b"rows missing" in answer.schema.metadata[b"gaps"]


def test_a_segment_that_cannot_be_parsed_is_an_error_in_words(tmp_path, monkeypatch):
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        store.append({"spans": _spans(random.Random(1), range(9), source="a")})
        store.seal()
        store.files("spans")[0].write_bytes(b"PAR1" * 9)
        monkeypatch.setattr(store._verifier, "fault", lambda *_: None)
        with pytest.raises(StoreError, match="could not be read"):
            store.ask("trace", trace_id="0" * 32)
