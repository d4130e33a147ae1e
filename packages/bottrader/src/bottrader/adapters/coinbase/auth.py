"""Signs requests: one short-lived token for each request and each subscription.

The token is a JWT as Coinbase's CDP keys use it: `kid` and `sub` are the key's name, `iss` is `cdp`, it is valid for
120 seconds, and a request's token names its method, host and path without the query. The private key is read once:
loading it costs more than signing with it.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bottrader.domain.errors import ConfigInvalid
from bottrader.ports import Clock, Entropy

TOKEN_LIFETIME_S = 120
ED25519_SEED_BYTES = 32
ED25519_PAIR_BYTES = 64

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A CDP key: its name and its private half, as PEM or, for Ed25519, in base64."""

    name: str
    secret: str = field(repr=False)


class _KeyFile(msgspec.Struct, rename={"private_key": "privateKey"}):
    private_key: str
    name: str = ""
    id: str = ""


def read_key_file(path: Path) -> ApiKey:
    """Return the key in a file as Coinbase hands it out: JSON with `name` or `id`, and `privateKey`.

    Raises:
        ConfigInvalid: when the file cannot be read or is something else; never repeats its content.
    """
    try:
        parsed = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except OSError as error:
        raise ConfigInvalid(f"the key file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        parsed = _KeyFile(private_key="")
    name = parsed.name or parsed.id
    if not name or not parsed.private_key:
        raise ConfigInvalid(
            f'the key file {path} is not a Coinbase key: expected JSON with "name" and "privateKey";'
            " download it again from the CDP portal"
        )
    return ApiKey(name, parsed.private_key)


class Signer:
    """Makes tokens with one key; wall time, because the venue compares them with its real clock."""

    def __init__(self, key: ApiKey, clock: Clock, entropy: Entropy) -> None:
        self._name = key.name
        private_key = load_private_key(key.secret)
        self._signature: Callable[[bytes], bytes]
        if isinstance(private_key, EllipticCurvePrivateKey):
            self._algorithm, self._signature = "ES256", partial(_es256, private_key, ECDSA(SHA256()))
        else:
            self._algorithm, self._signature = "EdDSA", private_key.sign
        self._clock = clock
        self._entropy = entropy

    def request_token(self, method: str, host: str, path: str) -> str:
        """Return a token for one request; `host` with its port unless that is the default, `path` without query."""
        return self._sign({"uri": f"{method} {host}{path}"})

    def stream_token(self) -> str:
        """Return a token for one subscribe message; an accepted subscription outlives it."""
        return self._sign({})

    def _sign(self, target: Mapping[str, str]) -> str:
        now = int(self._clock.wall().timestamp())
        # 64 hexadecimal digits, as the venue's own SDK makes them.
        nonce = sha256(self._entropy.secret().encode()).hexdigest()
        header = {"alg": self._algorithm, "kid": self._name, "nonce": nonce, "typ": "JWT"}
        claims = {"sub": self._name, "iss": "cdp", "nbf": now, "exp": now + TOKEN_LIFETIME_S, **target}
        content = _part(msgspec.json.encode(header)) + b"." + _part(msgspec.json.encode(claims))
        return (content + b"." + _part(self._signature(content))).decode()


def _part(content: bytes) -> bytes:
    """Return base64url without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _es256(key: EllipticCurvePrivateKey, algorithm: ECDSA, content: bytes) -> bytes:
    """Return r and s side by side, 32 bytes each, most significant first (RFC 7518, 3.4)."""
    r, s = decode_dss_signature(key.sign(content, algorithm))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def load_private_key(secret: str) -> PrivateKey:
    """Return the private key that `secret` spells: PEM of P-256 or Ed25519, or base64 of an Ed25519 seed or pair.

    Raises:
        ConfigInvalid: for anything else; never repeats the secret.
    """
    # Environment variables often carry the line breaks of a PEM as the two characters backslash and n.
    text = secret.replace("\\n", "\n").strip()
    key = _from_pem(text) if text.startswith("-----BEGIN") else _from_base64(text)
    if key is None:
        raise ConfigInvalid(
            "the Coinbase API secret is not a private key Coinbase issues: expected a PEM block of a P-256 or Ed25519"
            " key, or the base64 text of an Ed25519 key; copy it again from the key file"
        )
    return key


def _from_pem(text: str) -> PrivateKey | None:
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    return None


def _from_base64(text: str) -> Ed25519PrivateKey | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) not in (ED25519_SEED_BYTES, ED25519_PAIR_BYTES):
        return None
    return Ed25519PrivateKey.from_private_bytes(raw[:ED25519_SEED_BYTES])
