"""Who may speak to the server: hostile Host and Origin headers are refused before anything is read."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from workbench.intake.server import serving
from workbench.store import Store

INTAKE = ("/v1/traces", "/v1/metrics", "/v1/logs", "/api/v1/lineage", "/api/v1/lineage/batch", "/webhooks/alertmanager")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve an empty store."""
    with Store.open(tmp_path_factory.mktemp("origin") / "store") as store, serving(store) as url:
        yield url.removeprefix("http://")


def status(address: str, method: str, path: str, hosts: list[str], **headers: str) -> int:
    """Return the status of a request with exactly these Host headers."""
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        for host in hosts:
            connection.putheader("Host", host)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", [*INTAKE, "/healthz", "/readyz", "/nowhere"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "evil.example:4318",
        "[::2]",
        "localhost@evil.example",
        "",
    ],
)
def test_a_foreign_host_is_400_on_every_path(address: str, path: str, host: str) -> None:
    """DNS rebinding ends here: 7 hostile names on 9 paths."""
    assert status(address, "POST", path, [host]) == 400


def test_two_host_headers_or_none_are_400(address: str) -> None:
    """Ambiguity is refused, even where one of the names is right."""
    assert status(address, "GET", "/healthz", ["localhost", "evil.example"]) == 400
    assert status(address, "GET", "/healthz", []) == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4318", "127.0.0.1:80", "[::1]:4318"])
def test_loopback_names_are_taken_with_any_port(address: str, host: str) -> None:
    """All spellings of this machine are 200."""
    assert status(address, "GET", "/healthz", [host]) == 200


@pytest.mark.parametrize("path", INTAKE)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:4318", "file://", ""])
def test_any_origin_is_403_on_the_intake(address: str, path: str, origin: str) -> None:
    """A web page cannot write, not even one from this very host."""
    assert status(address, "POST", path, ["localhost"], Origin=origin, Content_Type="application/json") == 403


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("path", INTAKE)
def test_types_that_a_browser_sends_without_asking_are_415(address: str, path: str, media: str) -> None:
    """The three types of simple cross-site requests are taken nowhere."""
    assert status(address, "POST", path, ["localhost"], Content_Type=media) == 415


def test_no_interactive_documentation_is_served(address: str) -> None:
    """/docs, /redoc and /openapi.json do not exist."""
    assert {status(address, "GET", path, ["localhost"]) for path in ("/docs", "/redoc", "/openapi.json")} == {404}
