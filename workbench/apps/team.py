"""When the app may be reached from other machines: only with somebody to say who visits, and with TLS."""

from __future__ import annotations

from workbench.config import Settings
from workbench.errors import UsageError
from workbench.intake.server import check_bind, is_loopback
from workbench.intake.tokens import senders


def check(host: str, settings: Settings) -> None:
    """Refuse to serve the app beyond this machine without identity and TLS; say what is missing."""
    check_bind(host, settings)
    server = settings.server
    if is_loopback(host):
        return
    if not server.identity_header or not (server.identity_secret or server.identity_keys):
        raise UsageError(
            f"Serving the app on {host} needs to know who visits: set identity_header and identity_secret, or "
            "identity_keys, in [server], and put a proxy in front that signs people in. Or use 127.0.0.1."
        )
    if not server.behind_proxy and not (server.certificate and server.key):
        raise UsageError(
            f"Serving the app on {host} needs TLS: set certificate and key in [server], or behind_proxy = true where a "
            "proxy ends TLS on this machine or in a network that you trust."
        )
    if not server.ingest:
        raise UsageError(
            f"Taking telemetry on {host} needs to know who sends: give each sender a token in [server] ingest, one "
            "signal and one environment each."
        )
    senders(server.ingest)
