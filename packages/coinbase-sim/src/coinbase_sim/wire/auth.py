"""The exchange's API key and the check of the tokens that clients sign with it (coinbase.md §2, §13).

The signature is checked by PyJWT; the claims are checked here, because the venue is strict about the path and lenient
about the host, and takes a bare key id where PyJWT would want one exact subject.
"""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

TOKEN_LIFETIME_S = 120
CLOCK_LEEWAY_S = 5
ISSUERS = frozenset({"cdp", "coinbase-cloud"})

KEY_FILE_NAME = "api_key.pem"
NAME_FILE_NAME = "api_key_name.txt"
JSON_FILE_NAME = "cdp_api_key.json"
"""The key and its name in one file, in the form in which the venue hands a key out."""

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class KeyInvalid(ValueError):
    """The key directory holds something that is no usable key; the text says what to do."""


class TokenRefused(Exception):
    """The token does not open this door; the text is for logs, the venue itself says only `Unauthorized`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that the exchange knows: its name `organizations/<uuid>/apiKeys/<uuid>` and its public half."""

    name: str
    file: Path
    public_key: PublicKey

    @property
    def algorithm(self) -> str:
        return "ES256" if isinstance(self.public_key, ec.EllipticCurvePublicKey) else "EdDSA"

    @property
    def names(self) -> frozenset[str]:
        """The full name and the bare key id, which some clients send instead."""
        return frozenset({self.name, self.name.rsplit("/", 1)[-1]})


def load_or_create_key(directory: Path) -> ApiKey:
    """The key of `directory`; made there (P-256, SEC1 PEM, mode 0600) when there is none.

    An Ed25519 PEM that was put there is used just as well. Beside it the same is written as JSON, as the venue hands a
    key out. Raises `KeyInvalid`.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_file, name_file = directory / KEY_FILE_NAME, directory / NAME_FILE_NAME
    if not name_file.exists():
        name_file.write_text(f"organizations/{uuid.uuid4()}/apiKeys/{uuid.uuid4()}\n", encoding="utf-8")
    if not key_file.exists():
        write_private(key_file, _new_key_pem())
    name = name_file.read_text(encoding="utf-8").strip()
    if not name:
        raise KeyInvalid(f"{name_file} is empty: delete it and a new key name is made")
    key = ApiKey(name, key_file, _public_half(key_file))
    _write_json(directory / JSON_FILE_NAME, {"name": name, "privateKey": key_file.read_text(encoding="utf-8")})
    return key


def _write_json(path: Path, content: dict[str, str]) -> None:
    text = json.dumps(content, indent=2).encode() + b"\n"
    # Left alone when it says the same: a second exchange may share the folder, and others may be reading.
    if not path.exists() or path.read_bytes() != text:
        write_private(path, text)


def _new_key_pem() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _public_half(key_file: Path) -> PublicKey:
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise KeyInvalid(f"{key_file} is not a private key in PEM form: delete it and a new one is made") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.public_key()
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key.public_key()
    raise KeyInvalid(f"{key_file} must be a P-256 or Ed25519 key: delete it and a new one is made")


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Checks tokens against one key; `clock` gives wall-clock seconds since 1970, as tokens know no venue time."""

    key: ApiKey
    clock: Callable[[], float]

    def check_request(self, token: str, method: str, path: str) -> None:
        """Let a REST token pass that was signed for this method and path, or raise `TokenRefused`."""
        claims = self._claims(token)
        targets = claims.get("uris") if "uri" not in claims else [claims["uri"]]
        if not isinstance(targets, list) or not targets or not isinstance(targets[0], str):
            raise TokenRefused("the token names no uri")
        if _method_and_path(targets[0]) != (method, path):
            raise TokenRefused(f"the token is for {targets[0]!r}, not for {method} {path}")

    def check_stream(self, token: str) -> None:
        """Let a WebSocket token pass, which names no uri, or raise `TokenRefused`."""
        self._claims(token)

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            # Times, issuer and subject are compared below, against this verifier's own clock and names.
            whole = jwt.decode_complete(
                token,
                self.key.public_key,
                algorithms=[self.key.algorithm],
                options={
                    "verify_signature": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                    "verify_sub": False,
                },
            )
        except jwt.InvalidTokenError as refused:
            raise TokenRefused(str(refused)) from None
        _check_nonce(whole["header"].get("nonce"))
        claims: dict[str, Any] = whole["payload"]
        self._check_names(whole["header"].get("kid"), claims)
        self._check_times(claims)
        return claims

    def _check_names(self, key_id: object, claims: dict[str, Any]) -> None:
        subject = claims.get("sub")
        if subject != key_id or subject not in self.key.names:
            raise TokenRefused("kid and sub must both be the key's name")
        if claims.get("iss") not in ISSUERS:
            raise TokenRefused(f"unknown issuer {claims.get('iss')!r}")

    def _check_times(self, claims: dict[str, Any]) -> None:
        begins, ends = claims.get("nbf"), claims.get("exp")
        if not isinstance(begins, int) or not isinstance(ends, int):
            raise TokenRefused("nbf and exp are required, in whole seconds")
        if ends - begins > TOKEN_LIFETIME_S:
            raise TokenRefused(f"the token lives longer than {TOKEN_LIFETIME_S} s")
        now = self.clock()
        if now < begins - CLOCK_LEEWAY_S:
            raise TokenRefused("the token is not valid yet")
        if now > ends + CLOCK_LEEWAY_S:
            raise TokenRefused("the token has expired")


def _check_nonce(nonce: object) -> None:
    # Whether it was seen before is not asked: clients may use one token for its whole life.
    if not isinstance(nonce, str) or not nonce:
        raise TokenRefused("the token's header has no nonce")


def _method_and_path(uri: str) -> tuple[str, str]:
    """Method and path of `METHOD host/path`; a scheme and a query are passed over, the host is not compared."""
    method, _, target = uri.partition(" ")
    _, scheme_mark, after_scheme = target.partition("://")
    without_scheme = after_scheme if scheme_mark else target
    _, slash, path = without_scheme.partition("?")[0].partition("/")
    return method, slash + path
