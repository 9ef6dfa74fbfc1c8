"""Files of OTLP: one document, lines, pretty-printed, protobuf with and without lengths."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.sources import Batch, Context, Head
from workbench.sources._otlp_values import as_json
from workbench.sources.otlp import SOURCE

CONTEXT = Context("prod", "f", 1)
TIME = 1_800_000_000_000_000_000


def trace(number: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes([number] * 16), name=f"s{number}")
    span.span_id, span.start_time_unix_nano, span.end_time_unix_nano = bytes([number] * 8), TIME, TIME + 1
    return request


def log() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=TIME)
    return request


def metric() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.add(name="g").gauge.data_points.add(
        time_unix_nano=TIME, as_int=1
    )
    return request


def json_of(request: Any) -> bytes:
    return orjson.dumps(as_json(request))


def read(raw: bytes) -> list[Batch]:
    return list(SOURCE.read(io.BytesIO(raw), CONTEXT))


def places(batches: list[Batch], table: str = "spans") -> list[str]:
    return [place for batch in batches if table in batch.tables for place in batch.tables[table]["place"].to_pylist()]


def refused(batches: list[Batch]) -> list[str]:
    return [rejection.place for batch in batches for rejection in batch.rejections]


def certainty(raw: bytes) -> float:
    return SOURCE.recognise(Head("no-telling-name", raw[:65536]))


def test_lines_carry_their_number_and_a_broken_line_costs_only_itself() -> None:
    raw = b"\n".join([json_of(trace(1)), b"", b"{broken", json_of(trace(2)), json_of(log()), b'{"other":1}'])
    batches = read(raw)
    assert (places(batches), places(batches, "logs")) == (["f:1", "f:4"], ["f:5"])
    assert refused(batches) == ["f:3", "f:6"]


def test_a_broken_first_line_does_not_hide_the_others() -> None:
    batches = read(b'{"resourceSpans":[{\n' + json_of(trace(1)) + b"\n" + json_of(trace(2)))
    assert (places(batches), refused(batches)) == (["f:2", "f:3"], ["f:1"])


def test_a_line_of_unusual_shape_is_read_beside_usual_ones() -> None:
    unusual = json_of(trace(1)).replace(b'"name":"s1"', b'"name":"s1","kind":"SPAN_KIND_SERVER"')
    (batch,) = read(unusual + b"\n" + json_of(trace(2)))
    assert sorted(batch.tables["spans"]["kind"].to_pylist(), key=str) == [None, "server"]


def test_a_pretty_printed_document_a_byte_order_mark_and_a_path_are_read(tmp_path: Path) -> None:
    pretty = orjson.dumps(as_json(trace(1)), option=orjson.OPT_INDENT_2)
    assert places(read(pretty)) == ["f"]
    assert places(read(b"\xef\xbb\xbf" + pretty)) == ["f"]
    assert places(read(b"\n\n" + json_of(trace(1)))) == ["f:3"]
    file = tmp_path / "spans"
    file.write_bytes(pretty)
    assert places(list(SOURCE.read(file, CONTEXT))) == ["f"]


def test_a_protobuf_message_of_123_bytes_is_not_taken_for_a_line_of_json() -> None:
    request = trace(1)
    request.resource_spans[0].resource.attributes.add(key="pad").value.string_value = "x"
    padding = request.resource_spans[0].resource.attributes[0].value
    padding.string_value = "x" * (123 - request.resource_spans[0].ByteSize() + 1)
    raw = request.SerializeToString()
    assert raw[:2] == b"\n{"
    assert certainty(raw) == pytest.approx(0.9)
    assert places(read(raw)) == ["f"]


def test_a_truncated_pretty_document_is_one_rejection() -> None:
    pretty = orjson.dumps(as_json(trace(1)), option=orjson.OPT_INDENT_2)
    assert refused(read(pretty[:-20])) == ["f"]


def test_one_document_may_hold_all_three_signals() -> None:
    (batch,) = read(orjson.dumps(as_json(trace(1)) | as_json(log()) | as_json(metric())))
    assert {name: rows.num_rows for name, rows in batch.tables.items()} == {
        "spans": 1,
        "logs": 1,
        "metric_samples": 1,
    }


def test_a_document_wrapped_as_jaeger_does_is_read() -> None:
    assert places(read(orjson.dumps({"result": as_json(trace(1))}))) == ["f:1"]


@pytest.mark.parametrize(("request_", "table"), [(trace(1), "spans"), (log(), "logs"), (metric(), "metric_samples")])
def test_protobuf_files_tell_their_signal_by_their_content(request_: Any, table: str) -> None:
    raw = request_.SerializeToString()
    assert certainty(raw) == pytest.approx(0.9)
    assert places(read(raw), table) == ["f"]
    prefixed = len(raw).to_bytes(4, "big") + raw
    assert certainty(prefixed) == pytest.approx(0.9)
    assert places(read(prefixed * 3), table) == ["f:1", "f:2", "f:3"]


def test_a_cut_length_prefixed_file_keeps_its_whole_messages() -> None:
    raw = trace(1).SerializeToString()
    prefixed = len(raw).to_bytes(4, "big") + raw
    batches = read(prefixed * 2 + prefixed[:-3])
    assert (places(batches), refused(batches)) == (["f:1", "f:2"], ["f:3"])


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b'{"a":1}', b'{"data":[{"traceID":"1","spans":[]}]}', b"a,b\n1,2\n", b"PAR1",
        b"\x0a", b"\x0a\xff" * 9, b'{"eventType":"START","note":"resourceSpans"}', b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\0" * 64, b"\nplain text\n",
    ],
)  # fmt: skip
def test_what_is_no_otlp_is_not_recognised(raw: bytes) -> None:
    assert certainty(raw) == 0


def test_json_is_recognised_for_certain_even_where_the_head_is_cut() -> None:
    raw = b"\xef\xbb\xbf  " + json_of(trace(1)) * 2000
    assert certainty(raw) == 1


def test_40_000_lines_come_in_several_batches_so_that_memory_stays_flat() -> None:
    raw = (json_of(trace(1)) + b"\n") * 40_000
    batches = read(raw)
    assert sum(batch.tables["spans"].num_rows for batch in batches) == 40_000
    assert len(batches) > 1
