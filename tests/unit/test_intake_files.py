"""Intake of files: recognition by content, every way of naming inputs, and an honest report."""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from workbench.config import Settings, TableSettings
from workbench.errors import UsageError
from workbench.intake.cardinality import OVERFLOW, KeyLimit
from workbench.intake.files import ingest
from workbench.intake.quarantine import Quarantine
from workbench.sources import Rejection
from workbench.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open an empty store."""
    with Store.open(tmp_path / "store") as opened:
        yield opened


def otlp_line(number: int, **attributes: str) -> str:
    """Return one OTLP JSON document of one span."""
    pairs = [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()]
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "op", "attributes": pairs,
            "startTimeUnixNano": "1000000000000000000", "endTimeUnixNano": "1000000000000000005"}  # fmt: skip
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def lineage_line(run: str) -> str:
    """Return one OpenLineage event."""
    return json.dumps({"eventTime": "2026-01-01T00:00:00Z", "eventType": "COMPLETE", "run": {"runId": run},
                       "job": {"namespace": "n", "name": "j"}, "producer": "https://example.org",
                       "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                       "inputs": [{"namespace": "d", "name": "a"}], "outputs": [{"namespace": "d", "name": "b"}]}
                      )  # fmt: skip


def test_formats_are_recognised_by_content_whatever_the_file_is_called(tmp_path: Path, store: Store) -> None:
    """OTLP, OpenLineage and a gzipped file without ending are read by their sources; a text file by none."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text(otlp_line(1) + "\n" + otlp_line(2))
    (folder / "deep" / "b").write_bytes(gzip.compress(lineage_line("r1").encode()))
    (folder / "c.json.zst").write_bytes(pa.compress(otlp_line(3).encode(), codec="zstd", asbytes=True))
    (folder / "readme.md").write_text("# nothing")
    (folder / "empty").touch()
    (folder / ".hidden").write_text(otlp_line(9))
    report = ingest(store, [folder])
    assert [(f.place, f.outcome, f.source) for f in report.files] == [
        ("in/a.txt", "read", "otlp"),
        ("in/c.json.zst", "read", "otlp"),
        ("in/deep/b", "read", "openlineage"),
        ("in/empty", "skipped", None),
        ("in/readme.md", "unrecognised", None),
    ]
    assert report.rows["spans"] == 3
    assert store.counts()["spans"] == 3


def test_reading_a_file_twice_adds_nothing_and_counts_duplicates(tmp_path: Path, store: Store) -> None:
    """50 spans, twice: 50 duplicates, 50 rows in the store."""
    file = tmp_path / "spans.jsonl"
    file.write_text("\n".join(otlp_line(i) for i in range(1, 51)))
    assert ingest(store, [file]).duplicates == 0
    assert ingest(store, [file]).duplicates == 50
    assert store.counts()["spans"] == 50


def test_globs_streams_and_missing_files(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A glob takes what matches, ``-`` reads standard input (gzipped too), what is missing is said."""
    for number in (1, 2):
        (tmp_path / f"s{number}.json").write_text(otlp_line(number))
    (tmp_path / "s[x].json").write_text(otlp_line(5))
    monkeypatch.chdir(tmp_path)
    assert ingest(store, ["s?.json"]).rows == {"spans": 2}
    assert ingest(store, ["s[x].json"]).rows == {"spans": 1}
    piped = io.BytesIO(gzip.compress(otlp_line(3).encode()))
    report = ingest(store, ["-"], stdin=piped)
    assert (report.files[0].place, report.rows) == ("stdin", {"spans": 1})
    missing = ingest(store, ["nowhere.json", "no*thing"]).files
    assert [f.reason for f in missing] == ["no such file or folder", "no file matches"]


def test_a_broken_file_never_stops_the_others(tmp_path: Path, store: Store) -> None:
    """A gzip cut in the middle fails in words; the file after it is read."""
    whole = gzip.compress("\n".join(otlp_line(i) for i in range(1, 2000)).encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b.json").write_text(otlp_line(5000))
    report = ingest(store, [tmp_path / "a.gz", tmp_path / "b.json"])
    assert [f.outcome for f in report.files] == ["failed", "read"]
    assert report.files[0].reason
    assert report.files[1].rows == {"spans": 1}


def test_rejections_are_reported_by_reason_and_kept_masked_in_the_quarantine(tmp_path: Path, store: Store) -> None:
    """A span without ids is counted with its reason; report and quarantine hold no address."""
    bad = json.loads(otlp_line(1, note="bob@example.org"))
    bad["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = ""
    (tmp_path / "bob@example.org.jsonl").write_text(otlp_line(2) + "\n" + json.dumps(bad) + "\n")
    report = ingest(store, [tmp_path / "bob@example.org.jsonl"])
    assert sum(report.rejections.values()) == 1
    assert report.rows == {"spans": 1}
    text = report.text() + json.dumps(report.as_json())
    kept = "".join(p.read_text() for p in (store.root / "quarantine").glob("intake-*"))
    assert "bob@" not in text + kept
    assert json.loads(kept)["sha256"]


def test_links_out_of_a_folder_special_files_and_odd_names_are_not_followed(tmp_path: Path, store: Store) -> None:
    """A link that leads outside, a loop of folders and a pipe are skipped; a name that is no UTF-8 is shown safely."""
    outside = tmp_path / "outside.json"
    outside.write_text(otlp_line(1))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.json").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    name = os.fsdecode(b"caf\xe9\x1b[31m.json")
    (folder / name).write_text(otlp_line(2))
    report = ingest(store, [folder])
    outcomes = {f.place: f.outcome for f in report.files}
    assert outcomes["in/link.json"] == outcomes["in/loop"] == outcomes["in/pipe"] == "skipped"
    assert outcomes["in/caf\ufffd\ufffd[31m.json"] == "read"
    assert store.counts()["spans"] == 1


def test_an_address_is_asked_only_when_its_source_is_named(store: Store) -> None:
    """http:// alone is refused before anything is opened; so are schemes that nobody reads."""
    for address in ("http://127.0.0.1:1/api", "https://example.org/x"):
        with pytest.raises(UsageError, match="mlflow\\+"):
            ingest(store, [address])
    with pytest.raises(UsageError, match="not read"):
        ingest(store, ["ftp://example.org/x"])


def test_a_mapping_without_a_table_is_refused(store: Store) -> None:
    """--map and --as belong together."""
    with pytest.raises(UsageError, match="--as"):
        ingest(store, [], mapping={"score": "p"})


def test_a_table_of_ones_own_enters_by_a_declared_mapping_and_is_otherwise_offered_a_guess(
    tmp_path: Path, store: Store
) -> None:
    """Unmapped: nothing read, a guess given. By --as and --map, or by [[tables]] in the settings: its rows, masked."""
    csv = tmp_path / "scores.csv"
    csv.write_text("id,ts,p,buyer\na1,2026-01-01T00:00:00Z,0.25,bob@example.org\na2,2026-01-01T00:01:00Z,0.75,x\n")
    offered = ingest(store, [csv]).files[0]
    assert (offered.outcome, dict(offered.rows)) == ("unmapped", {})
    assert offered.guess
    assert "--map" in ingest(store, [csv]).text()
    mapping = {"prediction_id": "id", "time_ns": "ts", "score": "p"}
    report = ingest(store, [csv], as_table="predictions", mapping=mapping)
    assert report.rows == {"predictions": 2}
    rows = store.ask("rows", table="predictions").to_pylist()
    assert [row["score"] for row in rows] == [0.25, 0.75]
    assert "bob@" not in str(rows)
    declared = Settings(tables=(TableSettings("sc*.csv", "predictions", mapping),))
    assert ingest(store, [csv], settings=declared).duplicates == 2


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_table_of_a_database_is_named_by_its_address(kind: str, tmp_path: Path, store: Store) -> None:
    """duckdb:FILE#TABLE and sqlite:FILE#TABLE: a guess without a mapping, rows with one, a sentence for any other."""
    file = tmp_path / f"own.{kind}"
    connection = duckdb.connect(str(file)) if kind == "duckdb" else sqlite3.connect(file)
    connection.execute("CREATE TABLE scores (id TEXT, ts BIGINT, p DOUBLE)")
    connection.execute("CREATE TABLE other (x TEXT)")
    connection.execute("INSERT INTO scores VALUES ('a', 1772366400, 0.5), ('b', 1772366401, NULL)")
    connection.commit()
    connection.close()
    uri = f"{kind}:{file}#scores"
    offered = ingest(store, [uri]).files[0]
    assert (offered.outcome, offered.place, dict(offered.rows)) == ("unmapped", f"own.{kind}#scores", {})
    mapping = {"prediction_id": "id", "time_ns": "ts", "score": "p"}
    assert ingest(store, [uri], as_table="predictions", mapping=mapping).rows == {"predictions": 2}
    assert ingest(store, [f"{kind}:///{file}#scores"], as_table="predictions", mapping=mapping).duplicates == 2
    assert [row["score"] for row in store.ask("rows", table="predictions").to_pylist()] == [0.5, None]
    declared = Settings(tables=(TableSettings("own.*", "predictions", mapping),))
    assert ingest(store, [uri], settings=declared).duplicates == 2
    unnamed = ingest(store, [f"{kind}:{file}#nothing"], as_table="predictions", mapping=mapping).files[0]
    assert (unnamed.outcome, "holds the tables other, scores" in unnamed.reason) == ("failed", True)
    gone = ingest(store, [f"{kind}:{tmp_path}/gone#scores"]).files[0]
    assert (gone.outcome, gone.reason) == ("skipped", "no such file or folder")


def test_progress_is_told_before_each_file_and_at_the_end(tmp_path: Path, store: Store) -> None:
    """Two files: 0 of 2, 1 of 2, 2 of 2."""
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text(otlp_line(number))
    seen: list[tuple[int, int]] = []
    ingest(
        store,
        [tmp_path / "1.json", tmp_path / "2.json"],
        progress=lambda _place, done, total: seen.append((done, total)),
    )
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_the_quarantine_stops_growing_at_its_bound(tmp_path: Path) -> None:
    """A day's file keeps what fits into 1,000 bytes and counts the rest; a torn line is passed over."""
    quarantine = Quarantine(tmp_path, most_bytes_a_day=1_000, now_ns=lambda: 10**18)
    quarantine.keep([Rejection.of("bad", "here", bytes([i])) for i in range(20)])
    file = next((tmp_path / "quarantine").iterdir())
    assert file.stat().st_size <= 1_000
    assert len(list(quarantine.entries())) + quarantine.unkept == 20
    with file.open("ab") as handle:
        handle.write(b'{"torn')
    assert len(list(quarantine.entries())) + quarantine.unkept == 20


def test_keys_and_environments_beyond_the_bound_share_one_bucket() -> None:
    """Of 10 keys 4 fit (one is the bucket's own); the others are counted in the bucket; rows keep their order."""
    from workbench.columnar import build
    from workbench.model.tables import LOGS

    rows = build(LOGS, {
        "log_id": [str(i) for i in range(10)], "time_ns": [1] * 10,
        "attributes": [{f"k{i}": "v", "k0": "w"} for i in range(10)],
        "environment": [f"e{i}" for i in range(10)], "source": "t", "place": "t", "received_ns": 1,
    })  # fmt: skip
    limit = KeyLimit(4, environments=["prod"])
    out = limit.apply({"logs": rows})["logs"]
    attributes = [dict(a) for a in out["attributes"].to_pylist()]
    assert [set(a) for a in attributes] == [{"k0"}, {"k0", "k1"}, {"k0", "k2"}, *[{"k0", OVERFLOW}] * 7]
    assert json.loads(attributes[9][OVERFLOW]) == {"keys": 1, "sample": {"k9": "v"}}
    assert out["log_id"].to_pylist() == rows["log_id"].to_pylist()
    assert out["environment"].to_pylist() == rows["environment"].to_pylist()
    many = [f"x{i}" for i in range(100)]
    more = rows.take([0] * 100).set_column(0, rows.schema.field(0), pa.array(many))
    assert set(limit.apply({"logs": more})["logs"]["environment"].to_pylist()) - set(many) == {"overflow"}


def test_cycles_are_looked_for_seldom_while_files_are_read_and_as_before_afterwards(tmp_path: Path) -> None:
    seen: list[int] = []
    before = gc.get_threshold()
    with Store.open(tmp_path / "store", upkeep="manual") as store:
        (tmp_path / "empty.txt").touch()
        ingest(store, [tmp_path / "empty.txt"], progress=lambda *_: seen.append(gc.get_threshold()[0]))
        gc.set_threshold(0)
        try:
            ingest(store, [tmp_path / "empty.txt"], progress=lambda *_: seen.append(gc.get_threshold()[0]))
        finally:
            gc.set_threshold(*before)
    assert seen == [200_000, before[0], 0, 0]
    assert gc.get_threshold() == before
