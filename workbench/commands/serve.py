"""``workbench serve``: the live intake."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.commands import _common as common

EXAMPLES = """
Examples:

  workbench serve                                    listen on 127.0.0.1:4318

  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318  send traces, metrics and logs from any OpenTelemetry SDK

  OPENLINEAGE_URL=http://127.0.0.1:4318              send lineage from Airflow, Spark or dbt
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("serve", epilog=EXAMPLES)(serve)


def serve(
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Take in OTLP, OpenLineage and Alertmanager webhooks, and pull the configured sources, until interrupted."""
    from workbench.intake.server import serve as run

    with common.bench(store, config, environment) as (bench, settings):
        address, chosen = host or settings.server.host, port or settings.server.port
        common.errors.print(f"Taking in telemetry on http://{address}:{chosen} into {bench.store.root} (Ctrl-C stops).")
        run(bench.store, settings, address, chosen)
