"""OTLP: traces, metrics and logs in protobuf or JSON, as request bodies or as files of a collector."""

from __future__ import annotations

from workbench.sources import Source
from workbench.sources._otlp_decode import Encoding, decode
from workbench.sources._otlp_files import read, recognise
from workbench.sources._otlp_json import Signal
from workbench.sources._otlp_reply import reply

__all__ = ["SOURCE", "Encoding", "Signal", "decode", "reply"]

SOURCE = Source(
    name="otlp",
    title="OpenTelemetry (OTLP)",
    doc="Traces, metrics and logs of OpenTelemetry: OTLP JSON (one document, or lines of a collector's file "
    "exporter; also as Jaeger's and Grafana Tempo's APIs wrap them) and OTLP protobuf, from files or from senders.",
    reads=("spans", "logs", "metric_samples"),
    recognise=recognise,
    read=read,
)
