"""Outcomes as plain values and back: what ``results/<seq>.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pandas as pd

from workbench.case.canonical import plain, restored
from workbench.case.operations import Outcome
from workbench.errors import IntegrityError, UsageError
from workbench.model.findings import Cause, Evidence, Finding, Ranking


def encode(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome in plain values; evidence is named by its id."""
    return {
        "could_not_run": outcome.could_not_run,
        "findings": [_encode_finding(f) for f in outcome.findings],
        "frames": {name: encode_frame(frame, name) for name, frame in outcome.frames.items()},
        "ranking": None if outcome.ranking is None else _encode_ranking(outcome.ranking),
        "summary": outcome.summary,
        "values": plain(outcome.values, "values"),
    }


def decode(content: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> Outcome:
    """Return the outcome of plain values; raise `IntegrityError` for evidence that is not in the bundle."""
    ranking = content["ranking"]
    return Outcome(
        findings=tuple(_decode_finding(f, evidence) for f in content["findings"]),
        values=restored(content["values"]),
        frames={name: decode_frame(frame) for name, frame in content["frames"].items()},
        summary=content["summary"],
        ranking=None if ranking is None else _decode_ranking(ranking, evidence),
        could_not_run=content["could_not_run"],
    )


def _encode_finding(finding: Finding) -> dict[str, Any]:
    return {f.name: plain(getattr(finding, f.name), f"finding.{f.name}") for f in fields(Finding)}


def _decode_finding(content: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> Finding:
    known = restored(dict(content))
    missing = [name for name in known["evidence"] if name not in evidence]
    if missing:
        raise IntegrityError(f"A finding rests on evidence {', '.join(missing)}, which the bundle does not hold.")
    return Finding(**{**known, "evidence": tuple(evidence[name] for name in known["evidence"])})


def _encode_cause(cause: Cause) -> dict[str, Any]:
    encoded = {f.name: plain(getattr(cause, f.name), f"cause.{f.name}") for f in fields(Cause)
               if f.name not in ("evidence_for", "evidence_against")}  # fmt: skip
    encoded["evidence_for"] = [_encode_finding(f) for f in cause.evidence_for]
    encoded["evidence_against"] = [_encode_finding(f) for f in cause.evidence_against]
    return encoded


def _decode_cause(content: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> Cause:
    known = restored({k: v for k, v in content.items() if not k.startswith("evidence_")})
    return Cause(**{
        **known,
        "path": tuple(known["path"]),
        "evidence_for": tuple(_decode_finding(f, evidence) for f in content["evidence_for"]),
        "evidence_against": tuple(_decode_finding(f, evidence) for f in content["evidence_against"]),
    })  # fmt: skip


def _encode_ranking(ranking: Ranking) -> dict[str, Any]:
    return {
        "causes": [_encode_cause(c) for c in ranking.causes],
        "first_failure": ranking.first_failure,
        "impact": [_encode_finding(f) for f in ranking.impact],
        "unexplained": plain(ranking.unexplained),
        "verdict": ranking.verdict,
    }


def _decode_ranking(content: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> Ranking:
    return Ranking(
        causes=tuple(_decode_cause(c, evidence) for c in content["causes"]),
        verdict=content["verdict"],
        unexplained=content["unexplained"],
        first_failure=content["first_failure"],
        impact=tuple(_decode_finding(f, evidence) for f in content["impact"]),
    )


def encode_frame(frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return a frame as ordered columns, each with its type and values; a named index becomes columns."""
    named = any(level is not None for level in frame.index.names)
    frame = frame.reset_index(drop=not named)
    labels = [str(label) for label in frame.columns]
    if len(set(labels)) != len(labels):
        raise UsageError(f"Frame {name}: column names must differ; got {labels}.")
    return {"order": labels, "columns": {label: _encode_column(frame.iloc[:, i], f"{name}.{label}")
                                         for i, label in enumerate(labels)}}  # fmt: skip


def _encode_column(column: pd.Series, where: str) -> dict[str, Any]:
    if pd.api.types.is_bool_dtype(column.dtype):
        kind = "bool"
    elif pd.api.types.is_integer_dtype(column.dtype):
        kind = "int"
    elif pd.api.types.is_float_dtype(column.dtype):
        kind = "float"
    elif pd.api.types.is_datetime64_any_dtype(column.dtype) or pd.api.types.is_timedelta64_dtype(column.dtype):
        raise UsageError(f"Frame column {where}: times and durations are kept as integer ns; got {column.dtype}.")
    else:
        kind = "plain"
    values = column.astype(object).tolist() if kind == "plain" else column.tolist()
    return {"type": kind, "values": plain(values, where)}


def decode_frame(content: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame of ordered columns; integers and truth values with gaps become nullable types."""
    columns = {label: _decode_column(content["columns"][label]) for label in content["order"]}
    return pd.DataFrame(columns, columns=pd.Index(content["order"], dtype=object))


def _decode_column(content: Mapping[str, Any]) -> pd.Series:
    values, gaps = restored(content["values"]), None in content["values"]
    if content["type"] == "float":
        return pd.Series([float("nan") if v is None else float(v) for v in values], dtype="float64")
    if content["type"] == "int":
        return pd.Series(values, dtype="Int64" if gaps else "int64")
    if content["type"] == "bool":
        return pd.Series(values, dtype="boolean" if gaps else "bool")
    return pd.Series(values, dtype=object if not all(isinstance(v, str) for v in values) else "str")
