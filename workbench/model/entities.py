"""Entities are written ``kind:name``, with the kind from one closed list."""

from __future__ import annotations

from workbench.errors import UnknownNameError, UsageError

KINDS: dict[str, str] = {
    "alert": "a firing rule, by fingerprint",
    "change": "anything that was changed on purpose, by change id",
    "column": "a column of a dataset, written dataset.column",
    "data_version": "one version of a dataset, written dataset@version",
    "dataset": "a table, file or topic",
    "feature": "an input of a model",
    "flag": "a feature flag",
    "gpu": "a GPU or MIG instance, by UUID or host/index",
    "host": "a machine, pod or node",
    "job": "a task that reads and writes datasets",
    "kpi": "a business figure",
    "model": "a registered model",
    "model_version": "one version of a model, written model/version",
    "operation": "a service's operation, written service/span name",
    "prediction": "one decision of a model, by id",
    "row": "one record of a dataset, written dataset/row id",
    "run": "an MLflow run, by id",
    "service": "a running program that sends telemetry",
    "source": "a sender or outside system that evidence comes from",
    "trace": "one request, by trace id",
}
"""Every kind of entity and what its name is."""


def entity(kind: str, name: str) -> str:
    """Return ``kind:name``; the name may itself hold colons."""
    if kind not in KINDS:
        raise UnknownNameError("entity kind", kind, KINDS)
    if not name:
        raise UsageError(f"An entity of kind {kind!r} needs a name; an empty one was given.")
    return f"{kind}:{name}"


def split(text: str) -> tuple[str, str]:
    """Return ``(kind, name)`` of an entity."""
    kind, colon, name = text.partition(":")
    if not colon or not name:
        raise UsageError(f"An entity is written kind:name, such as service:scoring; got {text!r}.")
    if kind not in KINDS:
        raise UnknownNameError("entity kind", kind, KINDS)
    return kind, name
