"""Signed identity: an OIDC token that a proxy passes on says who visits, checked against keys kept in a file."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MOST_TOKEN = 8192
LEEWAY_S = 60
"""Clocks of the proxy and of this machine may differ by so much."""
LEAST_RSA_BITS = 2048
_P256_BYTES = 32


@dataclass(frozen=True)
class Issuer:
    """Whose tokens count, for whom they are made, and the public keys that sign them, by their id."""

    name: str
    audience: str
    claim: str
    keys: Mapping[str, RSAPublicKey | EllipticCurvePublicKey]

    def who(self, token: str, now_s: float) -> str:
        """Return whom a token names; empty for one that is not signed, not ours, too old or too new.

        Which way it is signed follows from the key, never from the token alone; nothing is fetched.
        """
        try:
            head, body, signature = token.encode("ascii").split(b".")
            header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
            signed = _decoded(signature)
        except (ValueError, RecursionError):
            return ""
        if len(token) > MOST_TOKEN or not isinstance(header, dict) or not isinstance(claims, dict):
            return ""
        key = self.keys.get(str(header.get("kid", "")))
        # "crit" names rules that we would have to know; we know none.
        if key is None or "crit" in header or not _is_signed(key, str(header.get("alg")), head + b"." + body, signed):
            return ""
        return self._named(claims, now_s)

    def _named(self, claims: Mapping[str, Any], now_s: float) -> str:
        audience, ends, begins = claims.get("aud"), claims.get("exp"), claims.get("nbf", 0)
        if claims.get("iss") != self.name or self.audience not in (
            audience if isinstance(audience, list) else [audience]
        ):
            return ""
        until, since = _time(ends), _time(begins)
        if until is None or since is None or until + LEEWAY_S < now_s or since - LEEWAY_S > now_s:
            return ""
        if self.claim == "email" and claims.get("email_verified", True) is not True:
            return ""
        found = claims.get(self.claim)
        return found if isinstance(found, str) else ""


def issuer(name: str, audience: str, claim: str, keys: str) -> Issuer:
    """Return an issuer whose keys stand in a JWKS file; `UsageError` where it holds none that can be used."""
    if not name or not audience:
        raise UsageError("[server] identity_keys needs identity_issuer and identity_audience: whose tokens count, and "
                         "for whom they are made.")  # fmt: skip
    try:
        held = json.loads(Path(keys).read_text(encoding="utf-8"))["keys"]
        found = {str(k["kid"]): _key(k) for k in held if k.get("kty") in ("RSA", "EC")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"[server] identity_keys: {keys} is no file of public keys (JWKS): {error}.") from error
    if not found:
        raise UsageError(f"[server] identity_keys: {keys} holds no RSA key and no P-256 key.")
    return Issuer(name, audience, claim, found)


def _key(held: Mapping[str, Any]) -> RSAPublicKey | EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if held["kty"] == "RSA":
        made = rsa.RSAPublicNumbers(_number(held["e"]), _number(held["n"])).public_key()
        if made.key_size < LEAST_RSA_BITS:
            raise ValueError(f"an RSA key of {made.key_size} bits; {LEAST_RSA_BITS} are the least")
        return made
    if held["crv"] != "P-256":
        raise ValueError(f"the curve {held['crv']}; P-256 is the one that is read")
    return ec.EllipticCurvePublicNumbers(_number(held["x"]), _number(held["y"]), ec.SECP256R1()).public_key()


def _is_signed(key: RSAPublicKey | EllipticCurvePublicKey, way: str, content: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, rsa.RSAPublicKey) and way == "RS256":
            key.verify(signature, content, padding.PKCS1v15(), SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and way == "ES256" and len(signature) == 2 * _P256_BYTES:
            r, s = (int.from_bytes(signature[i : i + _P256_BYTES], "big") for i in (0, _P256_BYTES))
            key.verify(encode_dss_signature(r, s), content, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        return False
    return False


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text.encode("ascii")), "big")


def _time(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
