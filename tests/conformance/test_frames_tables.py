"""Tables of one's own: times in many forms, maps of features, refusals in words, and a million rows in seconds."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from workbench.columnar import build
from workbench.errors import SourceError, UsageError
from workbench.model.tables import KPIS, TABLES, table
from workbench.sources import Batch, Context, Head
from workbench.sources.frames import guess, own_mapping, read, read_mapped, recognise

CONTEXT = Context("prod", "own.parquet", 7)
MAP = {"prediction_id": "id", "time": "ts", "score": "p"}
NOON_NS = 1_772_366_400_000_000_000
"""2026-03-01T12:00:00Z"""


def saved(folder: Path, columns: Mapping[str, Any], name: str = "own.parquet") -> Path:
    """Write columns as Parquet or CSV, by the name's ending."""
    path = folder / name
    rows = pa.table(dict(columns))
    if name.endswith(".csv"):
        pa_csv.write_csv(rows, path)
    else:
        pq.write_table(rows, path)
    return path


def rows(path: Path | str, as_table: str, mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return all rows of a mapped table."""
    batches = read_mapped(path, as_table, mapping, CONTEXT)
    return [row for batch in batches for row in batch.tables[as_table].to_pylist()]


def rejections(batches: list[Batch]) -> list[str]:
    """Return the reasons of all refusals."""
    return [each.reason for batch in batches for each in batch.rejections]


NOONS = {
    "iso": ["2026-03-01T12:00:00Z"], "offset": ["2026-03-01T13:00:00+01:00"], "naive": ["2026-03-01 12:00:00"],
    "nine decimals": ["2026-03-01T13:00:00.000000000+01:00"], "s": [1772366400],
    "ms": [1772366400000], "us": [1772366400000000],
    "ns": [NOON_NS], "float s": [1772366400.0], "text s": ["1772366400"], "text ms": ["1772366400000"],
    "timestamp": [datetime(2026, 3, 1, 12, tzinfo=UTC)],
    "timestamp of a zone": pa.array([NOON_NS // 1000], pa.timestamp("us", "America/Toronto")),
    "naive timestamp": pa.array([NOON_NS], pa.timestamp("ns")), "seconds": pa.array([1772366400], pa.timestamp("s")),
}  # fmt: skip


@pytest.mark.parametrize("form", NOONS)
@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_noon_is_noon_in_every_form(form: str, ending: str, tmp_path: Path) -> None:
    """15 spellings of 2026-03-01T12:00Z, in Parquet and in CSV, are the same integer ns."""
    path = saved(tmp_path, {"when": NOONS[form], "x": [1.5]}, f"own{ending}")
    assert [row["time_ns"] for row in rows(path, "table_rows", {"time_ns": "when"})] == [NOON_NS]


def test_a_date_is_its_midnight(tmp_path: Path) -> None:
    """A date without a time begins at 00:00 UTC; a time beyond 64 bits of ns is refused, not wrapped."""
    path = saved(tmp_path, {"d": [date(2026, 3, 1)]})
    assert rows(path, "table_rows", {"time_ns": "d"})[0]["time_ns"] == NOON_NS - 12 * 3600 * 10**9
    far = saved(tmp_path, {"d": pa.array([2**62], pa.timestamp("us"))}, "far.parquet")
    assert rejections(list(read_mapped(far, "table_rows", {"time_ns": "d"}, CONTEXT))) == [
        "table_rows.time_ns is empty or not a time"
    ]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_features_keep_their_type_and_their_nulls(ending: str, tmp_path: Path) -> None:
    """Unmapped numbers are feature_numbers, text is feature_texts, and an empty cell is null, never 0."""
    path = saved(tmp_path, {
        "id": ["a", "b"], "ts": [1772366400, 1772366401], "p": [0.25, None], "amount": [10, None],
        "merchant_category": ["food", None], "flag": [True, False],
    }, f"own{ending}")  # fmt: skip
    first, second = rows(path, "predictions", MAP | {"model": "=fraud"})
    assert (first["prediction_id"], first["score"], first["model"], second["score"]) == ("a", 0.25, "fraud", None)
    assert dict(first["feature_numbers"])["amount"] == 10.0
    assert dict(second["feature_numbers"])["amount"] is None
    assert dict(second["feature_texts"])["merchant_category"] is None
    flags = first["feature_numbers" if ending == ".parquet" else "feature_texts"]
    assert dict(flags)["flag"] == (1.0 if ending == ".parquet" else "true")
    assert (first["environment"], first["source"], first["place"]) == ("prod", "frames", "own.parquet:1")


def test_country_na_is_namibia_and_a_number_na_is_unknown(tmp_path: Path) -> None:
    """The text NA stays text; in a column of numbers it is null."""
    path = saved(tmp_path, {"ts": ["1772366400"] * 3, "country": ["NA", "DE", "FR"], "x": ["1", "NA", "3"]}, "own.csv")
    found = rows(path, "table_rows", {"time_ns": "ts"})
    assert [dict(row["texts"])["country"] for row in found] == ["NA", "DE", "FR"]
    assert [dict(row["numbers"])["x"] for row in found] == [1.0, None, 3.0]


def test_rows_name_themselves_where_nothing_else_does(tmp_path: Path) -> None:
    """table_rows take the file's name as data set and file and number as key; kpis take the column's name."""
    path = saved(tmp_path, {"ts": [1772366400, 1772366401], "revenue": [5.0, 6.0]}, "orders.parquet")
    assert [(r["dataset"], r["row_id"]) for r in rows(path, "table_rows", {"time_ns": "ts"})] == [
        ("orders", "orders.parquet:1"), ("orders", "orders.parquet:2"),
    ]  # fmt: skip
    kpis = rows(path, "kpis", {"time_ns": "ts", "value": "revenue"})
    assert [(k["kpi"], k["segment"], k["value"]) for k in kpis] == [("revenue", "", 5.0), ("revenue", "", 6.0)]


def test_a_trace_id_is_32_hex_or_null(tmp_path: Path) -> None:
    """MLflow's prefix, upper case and dashes are undone; what is no id is null and the row stays."""
    ids = ["tr-BF28A87C9FEDB1B3B36CE9212E5302D1", "bf28a87c-9fed-b1b3-b36c-e9212e5302d1", "00ff", "not an id", None]
    path = saved(tmp_path, {"id": list("abcde"), "ts": [1772366400] * 5, "t": ids})
    found = [r["trace_id"] for r in rows(path, "predictions", {"prediction_id": "id", "time": "ts", "trace_id": "t"})]
    assert found == ["bf28a87c9fedb1b3b36ce9212e5302d1"] * 2 + ["00ff".zfill(32), None, None]


def test_one_bad_row_is_refused_alone(tmp_path: Path) -> None:
    """Of three rows the one without a time and the one without an id are refused with their content."""
    path = saved(tmp_path, {"id": ["a", None, "c"], "ts": ["2026-03-01", "2026-03-01", "soon"], "p": [0.1, 0.2, 0.3]})
    (batch,) = read_mapped(path, "predictions", MAP, CONTEXT)
    assert batch.tables["predictions"].column("prediction_id").to_pylist() == ["a"]
    assert sorted((r.reason, r.place) for r in batch.rejections) == [
        ("predictions.prediction_id is empty or not of type text", "own.parquet:2"),
        ("predictions.time_ns is empty or not a time", "own.parquet:3"),
    ]
    assert all(r.content and b"ts" in r.content for r in batch.rejections)


def test_a_ragged_line_of_csv_is_refused_alone(tmp_path: Path) -> None:
    """A line with a cell too many is refused; a quoted line break is none."""
    path = tmp_path / "own.csv"
    path.write_text('id;ts;note\na;1772366400;"two\nlines; here"\nb;1772366401;x;y\nc;1772366402;z\n')
    batches = list(read_mapped(path, "predictions", {"prediction_id": "id", "time_ns": "ts"}, CONTEXT))
    ids = [i for b in batches for t in b.tables.values() for i in t.column("prediction_id").to_pylist()]
    assert ids == ["a", "c"]
    assert rejections(batches) == ["row has 4 cells, not 3"]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"time": "ts", "score": "p"}, "predictions needs prediction_id"),
        ({**MAP, "score": "q"}, r"There is no column of own\.parquet 'q'"),
        ({**MAP, "scor": "p"}, "Did you mean: score"),
    ],
)
def test_a_mapping_that_cannot_work_says_what_to_do(mapping: dict[str, str], said: str, tmp_path: Path) -> None:
    """Missing and misspelt columns are named before a row is read."""
    path = saved(tmp_path, {"id": ["a"], "ts": [1772366400], "p": [0.5]})
    with pytest.raises(UsageError, match=said):
        list(read_mapped(path, "predictions", mapping, CONTEXT))


def test_a_guess_is_offered_with_reasons_and_never_taken(tmp_path: Path) -> None:
    """Usual names give a mapping and why; reading without one is refused with that offer."""
    path = saved(tmp_path, {"id": ["a", "b"], "ts": [1772366400, 1772366401], "p": [0.5, 0.75], "amount": [1.0, 2.0]})
    offered = guess(path)
    assert (offered["as"], offered["map"]) == ("predictions", "prediction_id=id,time_ns=ts,score=p")
    assert "p lies between 0.5 and 0.75" in offered["because"]
    with pytest.raises(UsageError, match=r"Perhaps: --as predictions --map prediction_id=id"):
        list(read(path, CONTEXT))
    assert guess(saved(tmp_path, {"x": [1.0]}, "x.parquet")) == {"because": "no column holds times; columns: x"}


def test_a_file_may_say_what_it_is(tmp_path: Path) -> None:
    """A sidecar, Parquet's own metadata and exactly declared columns each give the mapping; nothing else does."""
    columns = {"id": ["a"], "ts": [1772366400], "p": [0.5]}
    path = saved(tmp_path, columns)
    assert own_mapping(path) is None
    beside = 'as = "predictions"\n[map]\nprediction_id = "id"\ntime = "ts"\nscore = "p"\n'
    (tmp_path / "own.parquet.mapping.toml").write_text(beside)
    assert own_mapping(path) == ("predictions", MAP)
    with path.open("rb") as stream, pytest.raises(UsageError):
        list(read(stream, CONTEXT))
    assert [b.tables["predictions"].num_rows for b in read(path, CONTEXT)] == [1]
    stated = pa.table(columns).replace_schema_metadata(
        {"workbench.as": "predictions", "workbench.map": "prediction_id=id,time=ts,score=p"}
    )
    pq.write_table(stated, tmp_path / "stated.parquet")
    assert own_mapping(tmp_path / "stated.parquet") == ("predictions", MAP)
    kpis = build(KPIS, {"environment": "dev", "kpi": ["revenue"], "segment": [""], "time_ns": [NOON_NS], "value": [5.0],
                        "unit": ["CAD"], "source": "x", "place": "y", "received_ns": 1})  # fmt: skip
    pq.write_table(kpis, tmp_path / "kpis.parquet")
    assert own_mapping(tmp_path / "kpis.parquet") == ("kpis", {})
    (batch,) = read(tmp_path / "kpis.parquet", CONTEXT)
    assert batch.tables["kpis"].to_pylist()[0] == kpis.to_pylist()[0] | {
        "source": "frames", "place": "own.parquet:1", "received_ns": 7,
    }  # fmt: skip


def test_a_sidecar_that_is_wrong_is_named(tmp_path: Path) -> None:
    """A sidecar without ``as`` or with a misspelt table is refused in words."""
    path = saved(tmp_path, {"id": ["a"]})
    sidecar = tmp_path / "own.parquet.mapping.toml"
    sidecar.write_text("map = 3\n")
    with pytest.raises(UsageError, match="must say as"):
        own_mapping(path)
    sidecar.write_text('as = "predictons"\n')
    with pytest.raises(UsageError, match="Did you mean: predictions"):
        own_mapping(path)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_tables_of_databases(kind: str, tmp_path: Path) -> None:
    """A table of a DuckDB or SQLite file enters like a Parquet file; a name that is none opens nothing."""
    file = tmp_path / f"own.{kind}"
    connection = duckdb.connect(str(file)) if kind == "duckdb" else sqlite3.connect(file)
    connection.execute('CREATE TABLE "odd ""name" (id TEXT, ts BIGINT, p DOUBLE)')
    connection.execute("CREATE TABLE other (x TEXT)")
    connection.execute("INSERT INTO \"odd \"\"name\" VALUES ('a', 1772366400, 0.5), ('b', 1772366401, NULL)")
    connection.commit()
    connection.close()
    found = rows(f'{kind}:{file}#odd "name', "predictions", MAP)
    assert [(r["prediction_id"], r["time_ns"], r["score"]) for r in found] == [
        ("a", NOON_NS, 0.5), ("b", NOON_NS + 10**9, None),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="holds the tables odd"):
        rows(f'{kind}:{file}#x" UNION SELECT 1 --', "predictions", MAP)


def test_every_declared_table_can_be_entered(tmp_path: Path) -> None:
    """A file with one column for each required column, mapped by name, gives its row in all 19 tables."""
    values = {"text": "ab", "int": 1, "time_ns": NOON_NS, "float": 0.5, "bool": True}
    for name in TABLES:
        columns = {f"my_{c.name}": [values[c.type]] for c in table(name).own_columns if c.required}
        path = saved(tmp_path, columns, f"{name}.parquet")
        mapping = {own.removeprefix("my_"): own for own in columns}
        assert len(rows(path, name, mapping)) == 1, name


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    """A file cut in half is refused in words, whatever its name."""
    path = saved(tmp_path, {"id": ["a"] * 100})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SourceError, match=r"own\.parquet is no whole Parquet file"):
        guess(path)


def test_recognises_tables_by_their_bytes() -> None:
    """Parquet's magic and two lines with equal cells are tables; prose, JSON and scrapes are none."""
    assert recognise(Head("x", b"PAR1\x15\x04")) == 0.9
    assert recognise(Head("x.csv", b"id,ts,p\na,1,0.5\n")) >= 0.5
    assert recognise(Head("x.txt", b"Dear all,\nthe model is broken.\n")) == 0.0
    assert recognise(Head("x.json", b'{"a": 1, "b": 2}\n{"a": 1, "b": 2}\n')) == 0.0
    assert recognise(Head("x.prom", b"# HELP up x\n# TYPE up gauge\nup 1\n")) == 0.0


def test_a_million_predictions_take_seconds(tmp_path: Path) -> None:
    """One million Parquet rows with three features become rows in under 10 s of this process's time."""
    count = 1_000_000
    random = np.random.default_rng(1)
    path = saved(tmp_path, {
        "id": pa.array(np.arange(count)).cast(pa.string()), "ts": 1_772_366_400 + np.arange(count) * 0.5,
        "p": random.random(count), "amount": random.normal(size=count), "age": random.integers(0, 99, count),
        "merchant_category": pa.array(["food", "travel", "other"]).take(pa.array(random.integers(0, 3, count))),
    })  # fmt: skip
    began = time.process_time()
    read_ = sum(b.tables["predictions"].num_rows for b in read_mapped(path, "predictions", MAP, CONTEXT))
    assert (read_, time.process_time() - began < 10) == (count, True)
