"""What every source must do, whichever system it reads: a new file in workbench/sources is tested here by itself."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import plugins
from workbench.columnar import schema
from workbench.errors import WorkbenchError
from workbench.model.entities import split
from workbench.model.tables import TABLES, table
from workbench.sources import Batch, Context, Head, Source

CONTEXT = Context("staging", "evidence.bin", 1_772_366_400_000_000_000)
NAMES = plugins.names("source")
HOSTILE = (
    "<script>alert(1)</script>", "'; DROP TABLE spans; --", "../../etc/passwd", "\u202eevil\u0000", "\ud800",
    "{{7*7}}", "=HYPERLINK(1)", "A" * 5000,
)  # fmt: skip

_SPAN = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "NAME", "kind": 2,
         "startTimeUnixNano": "1772366400000000000", "endTimeUnixNano": "1772366400500000000"}  # fmt: skip
SAMPLES: dict[str, bytes] = {
    "alertmanager": json.dumps({"version": "4", "groupKey": "NAME", "alerts": [
        {"status": "firing", "labels": {"alertname": "NAME", "service": "NAME"}, "annotations": {"summary": "NAME"},
         "startsAt": "2026-03-01T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "abc"}]}).encode(),
    "cdevents": json.dumps({"specversion": "1.0", "id": "1", "source": "/ci/NAME",
        "type": "dev.cdevents.service.upgraded.0.2.0", "time": "2026-03-01T12:00:00Z", "data": {
            "context": {"version": "0.4.1", "id": "1", "source": "/ci/NAME", "timestamp": "2026-03-01T12:00:00Z",
                        "type": "dev.cdevents.service.upgraded.0.2.0"},
            "subject": {"id": "NAME", "type": "service", "content": {
                "environment": {"id": "NAME"}, "artifactId": "pkg:oci/NAME@sha256:1"}}}}).encode(),
    "contracts": json.dumps({"kind": "DataContract", "apiVersion": "v3.0.2", "version": "1", "name": "NAME", "schema": [
        {"name": "NAME", "properties": [{"name": "NAME", "physicalType": "NAME", "required": True, "quality": [
            {"metric": "nullValues", "mustBe": 0}]}]}]}, indent=1).encode(),
    "dbt": json.dumps({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}, "nodes": {
        "model.p.a": {"name": "NAME", "schema": "s", "depends_on": {"nodes": ["model.p.b"]}},
        "model.p.b": {"name": "NAMEb", "schema": "s", "depends_on": {"nodes": []}}}}).encode(),
    "evidently": json.dumps({"timestamp": "2026-03-01T12:00:00", "name": "NAME", "metrics": [
        {"id": "1", "config": {"type": "evidently:metric_v2:ValueDrift", "column": "NAME"}, "value": 0.5}], "tests": [
        {"name": "NAME", "description": "NAME", "status": "FAIL",
         "metric_config": {"params": {"column": "NAME"}}}]}).encode(),
    "git_log": b"commit 0123456789abcdef\nAuthor: NAME <a@b>\nDate:   2026-03-01T12:00:00Z\n\n    NAME\n\nNAME.py\n",
    "jaeger": json.dumps({"data": [{"traceID": "0af7651916cd43dd8448eb211c80319c", "spans": [
        {"traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "b7ad6b7169203331", "operationName": "NAME",
         "references": [], "startTime": 1772366400000000, "duration": 500000, "processID": "p1", "logs": [],
         "tags": [{"key": "NAME", "type": "string", "value": "NAME"}]}],
        "processes": {"p1": {"serviceName": "NAME", "tags": []}}}]}).encode(),
    "kineto": json.dumps({"distributedInfo": {"rank": 0}, "deviceProperties": [{"id": 0, "name": "NAME"}],
                          "traceEvents": [{"ph": "X", "cat": "kernel", "name": "NAME", "ts": 1.5, "dur": 2,
                                           "args": {"device": 0, "stream": 7}}]}).encode(),
    "mlflow": json.dumps({
        "info": {"trace_id": "tr-0af7651916cd43dd8448eb211c80319c", "request_time": "2026-03-01T12:00:00Z",
                 "trace_metadata": {"mlflow.sourceRun": "NAME"}, "tags": {"service.name": "NAME"}},
        "data": {"spans": [{
            "trace_id": "CvdlGRbNQ92ESOshHIAxnA==", "span_id": "t61rcWkgMzE=", "name": "NAME",
            "start_time_unix_nano": 1772366400000000000, "end_time_unix_nano": 1772366400500000000,
            "attributes": {"NAME": "1"}}]}}).encode(),
    "nvidia_smi": b"timestamp, uuid, name, utilization.gpu [%]\n2026/03/01 12:00:00.000, GPU-1, NAME, 45 %\n",
    "nvidia_smi_dmon": b"#Date Time gpu pwr sm\n20260301 12:00:00 0 71 45\n",
    "nvml": json.dumps({"recording": "workbench gpu 1", "time_ns": 1772366400000000000, "entity": "gpu:NAME",
                        "figures": {"gpu_power_w": 71.5}, "labels": {"model_name": "NAME"}}).encode(),
    "openlineage": json.dumps({"eventTime": "2026-03-01T12:00:00Z", "eventType": "COMPLETE",
                               "run": {"runId": "r1"}, "job": {"namespace": "n", "name": "NAME"},
                               "inputs": [{"namespace": "n", "name": "NAME"}],
                               "outputs": [{"namespace": "n", "name": "NAMEout", "facets": {"schema": {"fields": [
                                   {"name": "NAME", "type": "NAME"}]}}}]}).encode(),
    "otlp": json.dumps({"resourceSpans": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "NAME"}}]}, "scopeSpans": [{"spans": [_SPAN]}]}]}).encode(),
    "prometheus": b'# TYPE kpi_x gauge\nkpi_x{segment="NAME"} 1 1772366400\n',
    "zipkin": json.dumps([{"traceId": "0af7651916cd43dd8448eb211c80319c", "id": "b7ad6b7169203331", "name": "NAME",
                           "timestamp": 1772366400000000, "duration": 500000, "tags": {"NAME": "NAME"},
                           "localEndpoint": {"serviceName": "NAME"}}]).encode(),
}  # fmt: skip
"""The smallest honest file of each source; NAME stands where a sender's own words do."""


def _parquet() -> bytes:
    """Return a Parquet file whose columns are exactly those of predictions."""
    predictions = table("predictions")
    rows = {"prediction_id": "NAME", "time_ns": CONTEXT.received_ns, "score": 0.5}
    kinds = {c.name: schema(predictions).field(c.name).type for c in predictions.own_columns}
    sink = io.BytesIO()
    pq.write_table(pa.table({name: pa.array([rows.get(name)], kind) for name, kind in kinds.items()}), sink)
    return sink.getvalue()


def _nsight() -> bytes:
    """Return a report of one kernel on a device."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript("""
            CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);
            INSERT INTO StringIds VALUES (1, 'NAME');
            CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT, end INT, deviceId INT, streamId INT, correlationId INT,
                                                     demangledName INT);
            INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (10, 20, 0, 7, 3, 1);""")
        return bytes(made.serialize())


SAMPLES["frames"] = _parquet()
SAMPLES["nsight"] = _nsight()


def source(name: str) -> Source:
    """Return one source by its file name."""
    loaded: Source = plugins.load("source", name)
    return loaded


def read(name: str, content: bytes) -> list[Batch]:
    """Read bytes as that source, where nothing but a WorkbenchError may be raised."""
    try:
        return list(source(name).read(io.BytesIO(content), CONTEXT))
    except WorkbenchError:
        return []


def checked(name: str, batches: list[Batch]) -> int:
    """Check rows against the declared tables, and return how many there are."""
    count = 0
    for batch in batches:
        for table_name, rows in batch.tables.items():
            assert table_name in source(name).reads
            assert rows.schema.equals(schema(TABLES[table_name])), table_name
            rows.validate(full=True)
            count += rows.num_rows
            assert set(rows.column("source").to_pylist()) <= {name}
            assert set(rows.column("environment").to_pylist()) <= {CONTEXT.environment}
            assert all(place.startswith(CONTEXT.place) for place in rows.column("place").to_pylist())
            assert set(rows.column("received_ns").to_pylist()) <= {CONTEXT.received_ns}
            for column in ("entity", "upstream", "downstream"):
                if column in rows.column_names:
                    assert all(split(e) for e in rows.column(column).to_pylist() if e is not None)
        for rejection in batch.rejections:
            assert rejection.reason
            assert rejection.place
            assert len(rejection.sha256) == 64
    return count


@pytest.mark.parametrize("name", NAMES)
def test_describes_itself(name: str) -> None:
    """Name equals file name, the words are there, and the tables exist."""
    described = source(name)
    assert described.name == name
    assert described.title
    assert len(described.doc) > 20
    assert set(described.reads) <= set(TABLES)
    assert (described.pull is None) == (described.check is None)


@pytest.mark.parametrize("name", NAMES)
def test_has_an_honest_sample_here(name: str) -> None:
    """Every source of this project has a sample, so that the tests below are about it."""
    assert name in SAMPLES, f"add the smallest honest file of {name} to SAMPLES"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_recognises_its_own_and_no_other(name: str) -> None:
    """Of all samples only the own one is recognised: at least 0.5, and more than by any other source."""
    head = Head("evidence.bin", SAMPLES[name])
    scores = {other: source(other).recognise(head) for other in SAMPLES}
    assert scores[name] >= 0.5
    assert max((score for other, score in scores.items() if other != name), default=0.0) < scores[name]


NOBODYS = (b"", b"\x00" * 64, b"hello\n", b"{}", b"[]", b'{"a": [', b"\xff\xfe\x00\x01", b"a,b\n")


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("start", NOBODYS, ids=range(len(NOBODYS)))
def test_claims_nothing_that_says_nothing(name: str, start: bytes) -> None:
    """Eight starts of files that are nobody's are not recognised, and recognising never raises."""
    assert source(name).recognise(Head("x", start)) < 0.5


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_rows_match_the_declared_tables_and_say_where_from(name: str) -> None:
    """The sample gives rows with all columns of their table, with source, place, environment and time of receipt."""
    batches = read(name, SAMPLES[name])
    assert checked(name, batches) >= 1
    assert sum(len(batch.rejections) for batch in batches) == 0


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_same_bytes_give_the_same_rows(name: str) -> None:
    """Reading twice gives equal tables: no clock, no chance, no memory."""
    first, second = read(name, SAMPLES[name]), read(name, SAMPLES[name])
    assert [{k: v.to_pylist() for k, v in b.tables.items()} for b in first] == [
        {k: v.to_pylist() for k, v in b.tables.items()} for b in second
    ]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_an_empty_file_is_no_row_and_no_error(name: str) -> None:
    """Nothing in, nothing out."""
    assert checked(name, list(source(name).read(io.BytesIO(b""), CONTEXT))) == 0


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_file_cut_anywhere_never_raises(name: str) -> None:
    """Forty cuts of the sample give rows, rejections or an error in words."""
    content = SAMPLES[name]
    for at in range(1, len(content), max(len(content) // 40, 1)):
        checked(name, read(name, content[:at]))


def _garbage() -> Iterator[bytes]:
    random_ = random.Random(7)
    for length in (1, 10, 100, 10_000):
        yield random_.randbytes(length)
    yield b"\n" * 100
    yield b"[" * 100_000
    yield b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    yield b"PAR1" + random_.randbytes(100)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_garbage_never_raises(name: str) -> None:
    """Noise, 100,000 brackets and false magic bytes give rejections or an error in words."""
    for content in _garbage():
        checked(name, read(name, content))


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"frames"}))
def test_flipped_bytes_never_raise(name: str) -> None:
    """Two hundred copies with three random bytes changed give rows, rejections or an error in words."""
    random_ = random.Random(11)
    for _ in range(200):
        content = bytearray(SAMPLES[name])
        for _ in range(3):
            content[random_.randrange(len(content))] = random_.randrange(256)
        checked(name, read(name, bytes(content)))


def _types_changed(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value with one part replaced by a value of another type."""
    yield from (None, 7, -1.5, True, "x", [], {}, [[]], {"a": {}}, 2**70)
    if isinstance(value, dict):
        for key, part in value.items():
            for changed in _types_changed(part):
                yield {**value, key: changed}
    elif isinstance(value, list) and value:
        for changed in _types_changed(value[0]):
            yield [changed, *value[1:]]


@pytest.mark.parametrize("name", sorted(n for n, content in SAMPLES.items() if content.startswith(b"{")))
def test_a_field_of_any_other_type_never_raises(name: str) -> None:
    """Every field of the JSON sample as null, number, truth, text, list and object gives rows or rejections."""
    for changed in _types_changed(json.loads(SAMPLES[name])):
        checked(name, read(name, json.dumps(changed).encode()))


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"frames"}))
@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_are_only_words(name: str, hostile: str) -> None:
    """Markup, SQL, paths, control characters, lone surrogates and 5,000 letters stay text in valid UTF-8."""
    content = SAMPLES[name]
    written = json.dumps(hostile)[1:-1] if content.startswith(b"{") else hostile
    checked(name, read(name, content.replace(b"NAME", written.encode("utf-8", "surrogatepass"))))


def test_importing_the_sources_loads_nothing_heavy() -> None:
    """MLflow (3 s), evidently, pandas and scikit-learn are not imported by recognising a file."""
    code = (
        "import sys; from workbench import plugins; from workbench.sources import Head\n"
        "for s in plugins.load_all('source').values(): s.recognise(Head('x', b'{}'))\n"
        "print([m for m in ('mlflow', 'evidently', 'pandas', 'sklearn', 'panel', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_no_source_imports_another() -> None:
    """A source imports its helpers (files that begin with an underscore), never another source."""
    folder = Path(str(plugins.load("source", "openlineage").read.__code__.co_filename)).parent
    for file in folder.glob("*.py"):
        text = file.read_text()
        for name in NAMES:
            assert f"workbench.sources.{name} import" not in text, f"{file.name} imports {name}"
            assert f"from workbench.sources import {name}" not in text, f"{file.name} imports {name}"
