"""Roles, identity and senders: who reaches what over HTTP and WebSocket, and whom a signed name stands for."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.strategies.triage import HERE, NOW, SECRET, SERVER, TEAM, client, filled, post, working
from workbench.apps.desk import Desk
from workbench.apps.host import routes
from workbench.apps.identity import issuer
from workbench.apps.roles import RANK, ROUTES, Denied, Role
from workbench.apps.session import PROXY_HEADER, Sessions, trusted
from workbench.apps.team import check
from workbench.bench import Bench
from workbench.config import ServerSettings, Settings
from workbench.errors import UsageError
from workbench.intake.server import app, serving
from workbench.intake.tokens import PATHS, new_token


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Hold a store with one ranked case."""
    with working(tmp_path_factory.mktemp("team")) as opened:
        yield opened


WS = HERE.replace("http", "ws")
NAMED: dict[Role, str] = {"anyone": "", "viewer": "visitor", "responder": "ada", "admin": "root"}


@pytest.mark.parametrize("role", list(RANK))
def test_each_named_visitor_reaches_what_the_table_says(bench: Bench, role: Role) -> None:
    """Four roles by twenty routes over HTTP; over WebSocket none of these paths opens."""
    visitor = client(bench, NAMED[role])
    for (method, path), needed in ROUTES.items():
        if path == "/live" or method == "WEBSOCKET":
            continue
        answer = visitor.request(method, filled(path), headers={"Origin": HERE})
        refused = answer.status_code in (401, 403) and "form is not of this session" not in answer.text
        expected = RANK[role] < RANK[needed] if path != "/enter" else role == "anyone"
        assert refused == expected, (role, method, path, answer.status_code)
        socket = f"{WS}{filled(path)}"
        with pytest.raises(WebSocketDisconnect), visitor.websocket_connect(socket, headers={"Origin": HERE}):
            pass


SOCKET = "/panel/INC-1/ws"


@pytest.fixture(scope="module")
def team(bench: Bench) -> Iterator[str]:
    """Serve the app to a team, and yield its address."""
    desk, settings = Desk(bench, clock=lambda: NOW), replace(TEAM, server=replace(SERVER, ingest={}))
    app_routes = routes(desk, Sessions(proxy=trusted(SERVER)))
    with serving(bench.store, settings, extra_routes=app_routes) as address:
        yield address
        desk.close()


def greeted(address: str, who: str, offered: list[str], *, origin: str | None = "", path: str = SOCKET) -> bool:
    """Say whether a WebSocket opens for somebody and Bokeh greets them."""
    sent = {"X-Forwarded-User": who, PROXY_HEADER: SECRET}
    own = Origin(address) if origin == "" else None if origin is None else Origin(origin)
    try:
        with connect(f"ws{address[4:]}{path}", origin=own, additional_headers=sent, proxy=None,
                     subprotocols=[Subprotocol(o) for o in offered] or None) as opened:  # fmt: skip
            return '"msgtype": "ACK"' in str(opened.recv(30))
    except InvalidStatus as refused:
        return refused.response.status_code != 403


@pytest.mark.parametrize("role", list(RANK))
def test_the_websocket_opens_for_the_page_that_it_was_made_for_alone(team: str, role: Role) -> None:
    """Roles of the table get Bokeh's greeting; another origin, host, token, case or visitor does not: 11 ways."""

    def token_of(who: str) -> str:
        sent = {"X-Forwarded-User": who, PROXY_HEADER: SECRET}
        found = re.search(r'data-token="([^"]+)"', httpx.get(f"{team}/case/INC-1/causes", headers=sent).text)
        return found[1] if found else ""

    who = NAMED[role]
    token, theirs = token_of(who), token_of("grace")
    assert bool(token) == (RANK[role] >= RANK[ROUTES["WEBSOCKET", "/panel/{case_id}/ws"]])
    pair = ["bokeh", token or theirs]
    assert not any(greeted(team, who, pair, origin=o) for o in (None, "http://evil.example", "null"))
    assert not any(greeted(team, who, o) for o in (["bokeh"], [], ["bokeh", f"{token}x"], ["bokeh", "x.y"],
                                                   ["other", token or "x"], ["bokeh", theirs]))  # fmt: skip
    assert not greeted(team, who, pair, path="/panel/INC-2/ws")
    assert not greeted(team, "", pair)
    assert greeted(team, who, pair) == bool(token)


def test_a_viewer_looks_at_boards_and_every_click_that_would_write_is_refused(bench: Bench) -> None:
    """Seven boards: 0 entries by a viewer, and by a responder none that the board does not offer."""
    from workbench.apps.panel_board import KINDS, VisitedCase

    desk = Desk(bench, clock=lambda: NOW)
    for role in ("viewer", "responder"):
        for kind, allowed in KINDS.items():
            case = desk._visited("INC-1", "visitor")
            case.role, case.allowed = role, allowed
            assert isinstance(case, VisitedCase)
            before = case.length()
            refused = {"assign", "status", "undo", "begin", "approve", "acted"} | (
                allowed if role == "viewer" else set()
            )
            for name in refused:
                with pytest.raises(Denied):
                    case.call(name)
            assert case.length() == before, (role, kind)


@pytest.mark.parametrize("headers", [
    {PROXY_HEADER: "wrong"}, {PROXY_HEADER: ""}, {"X-Forwarded-User": ""}, {"X-Forwarded-User": "x" * 300},
])  # fmt: skip
def test_without_the_proxys_secret_nobody_is_anybody(bench: Bench, headers: dict[str, str]) -> None:
    """A name alone, a wrong secret, an empty or endless name: 401, also with a cookie."""
    visitor = client(bench, "root", **headers)
    assert visitor.get("/inbox", cookies={"workbench_session": "x"}).status_code == 401


def test_nobody_runs_code_on_the_server_from_another_machine(bench: Bench) -> None:
    """JupyterLab is for the machine itself: an admin whom the proxy names gets 403, and no button."""
    root = client(bench, "root")
    answer = post(root, "/lab/INC-1")
    assert (answer.status_code, "only" in answer.text) == (403, True)
    assert "Open in JupyterLab" not in root.get("/case/INC-1/handoff").text


def test_a_second_name_beside_the_proxys_is_nobody(bench: Bench) -> None:
    """What a visitor adds in front of the proxy's own header does not win."""
    doubled = [("X-Forwarded-User", "root"), ("X-Forwarded-User", "visitor"), (PROXY_HEADER, SECRET)]
    bare = client(bench, "visitor")
    bare.headers.clear()
    assert bare.get("/inbox", headers=doubled).status_code == 401


def test_parts_and_streams_asked_for_by_another_site_are_refused(bench: Bench) -> None:
    """The browser says where a request comes from; a page elsewhere gets 403, a link from elsewhere leads in."""
    visitor = client(bench, "ada")
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    for path in ("/live", "/part/inbox", "/board/INC-1/lineage"):
        assert visitor.get(path, headers=elsewhere).status_code == 403
    assert visitor.get("/inbox", headers={**elsewhere, "Sec-Fetch-Mode": "navigate"}).status_code == 200


@pytest.mark.parametrize(("server", "why"), [
    (ServerSettings(), "outside = true"),
    (ServerSettings(outside=True), "who visits"),
    (ServerSettings(outside=True, identity_header="X-User"), "who visits"),
    (ServerSettings(outside=True, identity_header="X-User", identity_secret=SECRET), "needs TLS"),
    (ServerSettings(outside=True, identity_header="X-User", identity_secret=SECRET, certificate="c.pem"), "needs TLS"),
    (replace(SERVER, ingest={}), "who sends"),
    (replace(SERVER, ingest={"gateway": "traces prod"}), "signal environment sha256"),
])  # fmt: skip
def test_beyond_this_machine_nothing_is_served_without_identity_and_tls(server: ServerSettings, why: str) -> None:
    """Seven incomplete settings, each with what is missing; the loopback address needs none of it."""
    with pytest.raises(UsageError, match=why):
        check("0.0.0.0", Settings(server=server))
    check("127.0.0.1", Settings(server=server))
    check("0.0.0.0", Settings(server=SERVER))
    with pytest.raises(UsageError, match="16 are the least"):
        trusted(replace(SERVER, identity_secret="short"))


# -- signed names ------------------------------------------------------------------------------------------------------


def packed(content: bytes) -> str:
    """Return bytes as tokens hold them."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a file of public keys and the private ones: RSA, P-256, and one that the file does not hold."""
    keys = {"r": rsa.generate_private_key(65537, 2048), "e": ec.generate_private_key(ec.SECP256R1()),
            "other": rsa.generate_private_key(65537, 2048)}  # fmt: skip
    r, e = keys["r"].public_key().public_numbers(), keys["e"].public_key().public_numbers()
    held = [{"kty": "RSA", "kid": "r", "n": packed(r.n.to_bytes(256, "big")), "e": packed(b"\x01\x00\x01")},
            {"kty": "EC", "kid": "e", "crv": "P-256", "x": packed(e.x.to_bytes(32, "big")),
             "y": packed(e.y.to_bytes(32, "big"))}, {"kty": "oct", "kid": "s", "k": "x"}]  # fmt: skip
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(json.dumps({"keys": held}), encoding="utf-8")
    return path, keys


def signed(keys: dict[str, Any], kid: str, header: dict[str, Any] | None = None, by: str = "", **claims: Any) -> str:
    """Return a token that names ada; *header* and *claims* change it, *by* signs it with another key."""
    way = "ES256" if kid == "e" else "RS256"
    known = {"iss": "https://id.example", "aud": "workbench", "exp": time.time() + 300, "email": "ada", **claims}
    head = packed(json.dumps({"alg": way, "kid": kid, **(header or {})}).encode())
    content = f"{head}.{packed(json.dumps(known).encode())}"
    key = keys[by or kid]
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(content.encode(), padding.PKCS1v15(), SHA256())
    else:
        r, s = decode_dss_signature(key.sign(content.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{content}.{packed(signature)}"


def test_a_signed_token_names_its_visitor_and_no_other_token_does(
    bench: Bench, signers: tuple[Path, dict[str, Any]]
) -> None:
    """Two ways of signing let ada in; 17 wrong tokens, each wrong in one thing, are nobody: 401."""
    path, keys = signers
    server = replace(SERVER, identity_secret="", identity_keys=str(path), identity_issuer="https://id.example",
                     identity_audience="workbench")  # fmt: skip
    good = [signed(keys, "r"), signed(keys, "e"), signed(keys, "r", aud=["x", "workbench"])]
    head, body, mark = good[0].split(".")
    root = packed(json.dumps({"iss": "https://id.example", "aud": "workbench", "exp": 9e9, "email": "root"}).encode())
    bad = ["", "x", "a.b.c", f"{head}.{root}.{mark}", f"{head}.{body}.", f"{packed(b'{}')}.{body}.{mark}",
           f"{packed(json.dumps({'alg': 'none', 'kid': 'r'}).encode())}.{root}.",
           signed(keys, "r", {"alg": "HS256"}), signed(keys, "r", {"alg": "ES256"}),
           signed(keys, "r", {"crit": ["b64"]}), signed(keys, "r", {"kid": "other"}), signed(keys, "r", by="other"),
           signed(keys, "r", iss="https://evil.example"),
           signed(keys, "r", aud="other"), signed(keys, "r", exp=time.time() - 120), signed(keys, "r", exp=None),
           signed(keys, "r", nbf=time.time() + 600), signed(keys, "r", email=7),
           signed(keys, "r", email_verified=False), "a" * 9000]  # fmt: skip
    assert [client(bench, t, server=server).get("/inbox").status_code for t in good] == [200] * len(good)
    assert client(bench, f"Bearer {good[0]}", server=server).get("/inbox").status_code == 200
    assert [client(bench, t, server=server).get("/inbox").status_code for t in bad] == [401] * len(bad)
    answer = post(client(bench, good[0], server=server), "/do/INC-1/note", text="By a signed name")
    assert answer.status_code == 303
    assert bench.case("INC-1").entries[-1].who == "ada"


def test_settings_without_usable_keys_are_refused_in_words(tmp_path: Path) -> None:
    """No issuer, no file, no key, a short key: each says which."""
    path = tmp_path / "jwks.json"
    with pytest.raises(UsageError, match="identity_issuer"):
        trusted(ServerSettings(identity_header="X-Token", identity_keys=str(path)))
    for content in ("", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA", "kid": "a", "n": "AQ", "e": "Aw"}]}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UsageError, match="identity_keys"):
            issuer("a", "b", "email", str(path))


# -- senders -----------------------------------------------------------------------------------------------------------


def test_telemetry_is_taken_with_a_token_for_that_signal_and_environment_alone(bench: Bench) -> None:
    """Seven paths by five tokens: one is right for traces, none for another signal; settings hold hashes."""
    token, digest = new_token()
    elsewhere, other = new_token()
    ingest = {"gateway": f"traces prod {digest}", "staging": f"traces staging {other}"}
    assert token not in str(ingest)
    settings = Settings(server=ServerSettings(ingest=ingest))
    sender = TestClient(app(bench.store, settings), base_url=HERE)
    sent = {"Content-Type": "application/json"}
    for path, signal in PATHS.items():
        codes = [sender.post(path, content=b"{}", headers={**sent, **more}).status_code for more in (
            {}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"},
            {"Authorization": f"Bearer {elsewhere}"}, {"Authorization": f"Bearer {token}"})]  # fmt: skip
        assert codes[:3] == [401] * 3, path
        assert codes[3] == 403, path
        assert (codes[4] < 400) == (signal == "traces"), (path, codes)
    assert sender.get("/healthz").status_code == 200
    bare = TestClient(app(bench.store, Settings()), base_url=HERE)
    assert bare.post("/v1/traces", content=b"{}", headers=sent).status_code == 200
