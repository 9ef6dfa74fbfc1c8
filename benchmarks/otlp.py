"""OTLP bench: spans decoded to columns per CPU-second, in protobuf and JSON, without and with masking.

    python benchmarks/otlp.py [--spans 5000] [--bodies 8] [--rounds 5] [--seed 1]

The bodies are encoded beforehand; each has ids and values of its own. The peer is
``google.protobuf.json_format``, which turns the same spans into messages or dicts only:
it builds no columns, and reads the ids of OTLP JSON wrongly. Each line is measured in a
process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.sources import Batch, Context
from workbench.sources._otlp_values import as_json
from workbench.sources.otlp import Encoding, decode

FLOOR_SPANS_PER_CPU_S = 80_000
_START_NS = 1_800_000_000_000_000_000
_CONTEXT = Context("prod", "127.0.0.1", _START_NS)


@dataclass(frozen=True)
class Line:
    """One measured figure: the best round, in spans per CPU-second, and what memory the process took for it."""

    spans_per_cpu_s: float
    cpu_s: float
    peak_rss_mib: float
    """Of the whole process, which holds the interpreter, the libraries and the bodies too."""


def request(spans: int, dice: random.Random) -> ExportTraceServiceRequest:
    """Return one request of a scoring service: 8 attributes a span, three of them with ever new values."""
    made = ExportTraceServiceRequest()
    by_resource = made.resource_spans.add()
    shared = {
        "service.name": "scoring",
        "service.version": "3.4.5",
        "host.name": f"node-{dice.randrange(40)}",
        "cloud.region": "eu-west-1",
        "deployment.environment.name": "prod",
        "telemetry.sdk.language": "python",
    }
    for key, value in shared.items():
        by_resource.resource.attributes.add(key=key).value.string_value = value
    by_scope = by_resource.scope_spans.add()
    by_scope.scope.name = "serving"
    root, trace = b"", b""
    for number in range(spans):
        is_root = number % 8 == 0
        trace = dice.randbytes(16) if is_root else trace
        begin = _START_NS + number * 1_000_000 + dice.randrange(1_000_000)
        span = by_scope.spans.add(trace_id=trace, span_id=dice.randbytes(8), parent_span_id=b"" if is_root else root)
        root = span.span_id if is_root else root
        route = f"/v1/score/{dice.randrange(60)}"
        span.name, span.kind = f"POST {route}", dice.choice((1, 2, 3))
        span.start_time_unix_nano, span.end_time_unix_nano = begin, begin + dice.randrange(100_000_000)
        for key, text in (
            ("http.request.method", "POST"),
            ("http.route", route),
            ("mlflow.run_id", f"run-{dice.randrange(5)}"),
            ("prediction.id", dice.randbytes(8).hex()),
            ("tenant", f"tenant-{dice.randrange(500)}"),
        ):
            span.attributes.add(key=key).value.string_value = text
        span.attributes.add(key="http.response.status_code").value.int_value = dice.choice((200, 200, 200, 500))
        span.attributes.add(key="order.id").value.int_value = dice.randrange(10**9)
        span.attributes.add(key="queue_wait_ms").value.double_value = dice.lognormvariate(1, 1)
        if dice.random() < 0.02:
            span.status.code, span.status.message = 2, "no such category"
            event = span.events.add(name="exception", time_unix_nano=begin + 5)
            event.attributes.add(key="exception.type").value.string_value = "KeyError"
    return made


def bodies(encoding: Encoding, spans: int, count: int, seed: int) -> list[bytes]:
    """Return encoded requests; equal arguments give equal spans in either encoding."""
    dice = random.Random(seed)
    made = [request(spans, dice) for _ in range(count)]
    return [_json(one) if encoding == "json" else one.SerializeToString() for one in made]


def _json(one: ExportTraceServiceRequest) -> bytes:
    """Return what exporters send: as ``as_json``, but times and integers as text, as protobuf's mapping has them."""

    def mapped(node: object) -> object:
        if isinstance(node, dict):
            texts = ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue")
            return {k: str(v) if k in texts else mapped(v) for k, v in node.items()}
        return [mapped(item) for item in node] if isinstance(node, list) else node

    return orjson.dumps(mapped(as_json(one)))


def _decoder(encoding: Encoding) -> Callable[[bytes], Batch]:
    def run(body: bytes) -> Batch:
        batch = decode("traces", body, encoding, _CONTEXT)
        if batch.rejections:
            raise RuntimeError(f"The bench's own spans were rejected: {batch.rejections[0].reason}")
        return batch

    return run


def _masking_decoder(encoding: Encoding) -> Callable[[bytes], object]:
    from workbench.intake.mask import Masker, MaskPolicy

    masker, run = Masker(MaskPolicy(), b"k" * 32), _decoder(encoding)
    return lambda body: masker.mask(run(body))


def _peer(encoding: Encoding) -> Callable[[bytes], object]:
    from google.protobuf import json_format

    if encoding == "json":
        return lambda body: json_format.Parse(body, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    return lambda body: json_format.MessageToDict(ExportTraceServiceRequest.FromString(body))


_WAYS = {"columns": _decoder, "columns, masked": _masking_decoder, "json_format": _peer}


def measure(way: str, encoding: Encoding, sent: Sequence[bytes], spans: int, rounds: int) -> Line:
    """Run one way over all bodies several times; return the best round."""
    run = _WAYS[way](encoding)
    run(sent[0])  # imports and caches are no part of the figure
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        for body in sent:
            run(body)
        best = min(best, time.process_time() - begin)
    peak_rss_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Line(spans * len(sent) / best, best, peak_rss_mib)


def main() -> None:
    """Print a line per way and encoding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=5000, help="spans a body")
    parser.add_argument("--bodies", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    encodings: tuple[Encoding, ...] = ("protobuf", "json")
    print(f"{'what':<28}{'spans/CPU-s':>12}{'CPU s':>9}{'peak MiB':>10}{'x json_format':>15}{'x floor':>9}")
    for encoding in encodings:
        sent = bodies(encoding, options.spans, options.bodies, options.seed)
        lines = {way: _alone(way, encoding, sent, options) for way in _WAYS}
        size = sum(map(len, sent)) / len(sent) / options.spans
        for way, line in lines.items():
            ratio = line.spans_per_cpu_s / lines["json_format"].spans_per_cpu_s
            floor = line.spans_per_cpu_s / FLOOR_SPANS_PER_CPU_S
            print(
                f"{encoding + ', ' + way:<28}{line.spans_per_cpu_s:>12,.0f}{line.cpu_s:>9.3f}{line.peak_rss_mib:>10.0f}"
                f"{ratio:>15.1f}{floor:>9.2f}"
            )
        print(f"  ({options.bodies} bodies of {options.spans} spans, {size:.0f} bytes a span)")


def _alone(way: str, encoding: Encoding, sent: Sequence[bytes], options: argparse.Namespace) -> Line:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (way, encoding, sent, options.spans, options.rounds))


if __name__ == "__main__":
    main()
