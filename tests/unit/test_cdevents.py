"""CDEvents and CloudEvents become changes: which kind, of what, from which version to which."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from workbench.sources import Batch, Context, Head, cdevents

CONTEXT = Context("prod", "events.json", 1_772_366_400_000_000_000)
TIME_NS = 1_772_366_400_000_000_000


def bare(kind: str, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a CDEvent without a CloudEvents envelope, as version 0.4 writes it."""
    context = {"version": "0.4.1", "id": "7", "source": "/ci", "type": kind, "timestamp": "2026-03-01T12:00:00Z"}
    return {"context": context, "subject": subject, **more}


def structured(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a structured CloudEvent."""
    return {"specversion": "1.0", "id": "9", "source": "/flags", "type": kind, "time": "2026-03-01T12:00:00Z",
            "datacontenttype": "application/json", "data": data, **more}  # fmt: skip


def rows(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes in a file of one event a line."""
    content = b"\n".join(json.dumps(e).encode() for e in events)
    batches = list(cdevents.SOURCE.read(io.BytesIO(content), CONTEXT))
    return [row for batch in batches for row in batch.tables["changes"].to_pylist()]


def decoded(body: object) -> Batch:
    """Return what one request body gives."""
    return cdevents.decode(json.dumps(body).encode(), CONTEXT)


DEPLOYED = bare(
    "dev.cdevents.service.upgraded.0.2.0",
    {"id": "scoring", "type": "service", "content": {
        "environment": {"id": "prod-eu"}, "artifactId": "pkg:oci/scoring@sha256:ab"}},
    customData={"previousVersion": "1.4.0"},
)  # fmt: skip


def test_a_service_upgraded_is_a_deploy_with_both_versions() -> None:
    (row,) = rows(DEPLOYED)
    assert (row["kind"], row["entity"], row["time_ns"]) == ("deploy", "service:scoring", TIME_NS)
    assert (row["version_before"], row["version_after"]) == ("1.4.0", "pkg:oci/scoring@sha256:ab")
    assert dict(row["attributes"])["environment.id"] == "prod-eu"


def test_the_same_event_in_an_envelope_and_bare_is_one_change() -> None:
    """Structured mode wraps the CDEvent; source and id name the event in either form."""
    wrapped = {**structured("dev.cdevents.service.upgraded.0.2.0", DEPLOYED), "id": "7", "source": "/ci"}
    one, two = rows(DEPLOYED, wrapped)
    assert one["change_id"] == two["change_id"]
    assert one["entity"] == two["entity"]


@pytest.mark.parametrize(
    ("kind", "subject", "expected"),
    [
        ("dev.cdevents.service.rolledback.0.2.0", {"id": "a", "content": {}}, ("deploy", "service:a")),
        ("dev.cdevents.environment.modified.0.2.0", {"id": "prod", "content": {}}, ("config", None)),
        (
            "dev.cdevents.environment.modified.0.2.0",
            {"id": "prod", "content": {"service": {"id": "gate"}}},
            ("config", "service:gate"),
        ),
        ("dev.cdevents.change.merged.0.2.0", {"id": "PR-4", "content": {}}, ("commit", None)),
        ("dev.cdeventsx.acme-featureFlag.updated.0.1.0", {"id": "fast"}, ("flag", "flag:fast")),
        ("dev.cdeventsx.acme-schema.registered.0.1.0", {"id": "raw.o"}, ("schema", "dataset:raw.o")),
    ],
)  # fmt: skip
def test_kinds_of_cdevents(kind: str, subject: dict[str, Any], expected: tuple[str, str | None]) -> None:
    """Deployments, environments, merged changes, and custom flag and schema events each get their kind and entity."""
    (row,) = rows(bare(kind, subject))
    assert (row["kind"], row["entity"]) == expected


def test_a_flag_systems_cloud_event_names_flag_and_variants() -> None:
    """A plain CloudEvent of a flag system: the subject is the flag, before and after are its variants."""
    event = structured("com.flags.flag.updated", {"before": "off", "after": "on", "region": "eu"}, subject="fast-path")
    (row,) = rows(event)
    assert (row["kind"], row["entity"]) == ("flag", "flag:fast-path")
    assert (row["version_before"], row["version_after"]) == ("off", "on")
    assert dict(row["attributes"])["region"] == "eu"


def test_a_settings_change_is_of_the_service_that_reads_it() -> None:
    event = structured("io.acme.config.changed", {"service": "gate", "before": "2", "after": "5"}, subject="retry.max")
    (row,) = rows(event)
    assert (row["kind"], row["entity"]) == ("config", "service:gate")
    assert dict(row["attributes"])["subject.id"] == "retry.max"


def test_a_batch_is_as_many_changes_as_it_holds() -> None:
    """The batched mode is an array; two deliveries of one event are one change id."""
    batch = decoded([DEPLOYED, structured("com.flags.flag.updated", {}, subject="a"), DEPLOYED])
    ids = batch.tables["changes"].column("change_id").to_pylist()
    assert len(ids) == 3
    assert len(set(ids)) == 2
    assert batch.rejections == ()


@pytest.mark.parametrize("kind", ["dev.cdevents.build.started.0.2.0", "dev.cdevents.change.created.0.3.0"])
def test_events_that_change_nothing_that_runs_are_no_rows_and_no_faults(kind: str) -> None:
    """A build that began and a change that was proposed take effect nowhere."""
    batch = decoded(bare(kind, {"id": "x", "content": {}}))
    assert batch.tables["changes"].num_rows == 0
    assert batch.rejections == ()


def test_what_is_no_event_is_rejected_in_words() -> None:
    """A body that is no event gives no table, so that the sender is answered 400."""
    batch = decoded({"hello": 1})
    assert batch.tables == {}
    assert "CloudEvents need" in batch.rejections[0].reason


def test_an_event_without_a_time_or_of_no_known_kind_is_rejected() -> None:
    timeless = structured("com.flags.flag.updated", {}, subject="a") | {"time": "soon"}
    unknown = structured("com.acme.coffee.ready", {})
    reasons = [r.reason for r in decoded([timeless, unknown]).rejections]
    assert reasons == ["change event without a time", "an event whose type names no kind of change"]


def test_recognised_by_content_only() -> None:
    """CDEvents are certain, other CloudEvents likely, an OpenLineage event is neither."""
    scores = [
        cdevents.recognise(Head("x", json.dumps(e).encode()))
        for e in (DEPLOYED, structured("com.flags.flag.updated", {}), {"eventTime": "t", "run": {}, "job": {}})
    ]
    assert scores == [1.0, 0.9, 0.0]


def test_posted_events_are_rows_of_the_store(tmp_path: Any) -> None:
    """POST /v1/changes takes structured and batched CloudEvents and answers with the rows kept."""
    import urllib.request

    from workbench.intake.server import serving
    from workbench.store import Store

    with Store.open(tmp_path / "store") as store, serving(store) as url:
        for body, media in ((DEPLOYED, "cloudevents+json"), ([DEPLOYED], "cloudevents-batch+json")):
            request = urllib.request.Request(
                f"{url}/v1/changes", json.dumps(body).encode(), {"Content-Type": f"application/{media}"}
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                said = json.load(answer)
            assert said["rejected"] == 0
        kept = store.ask("changes", start_ns=0, end_ns=2**62)
    assert kept.column("entity").to_pylist() == ["service:scoring"]
