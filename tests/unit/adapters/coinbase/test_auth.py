"""Tokens: their claims, that they verify, and which secrets make a key."""

import base64
import json
from hashlib import sha256
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bottrader.adapters.coinbase.auth import ApiKey, Signer, read_key_file
from bottrader.adapters.memory.clock import ManualClock
from bottrader.domain.errors import ConfigInvalid
from tests.fixtures.coinbase_wire import KEY_NAME, FixedEntropy, claims_of, new_key, pem_of

CLOCK = ManualClock()
NOW_S = 1767225600  # 2026-01-01T00:00:00Z, the clock's start: 20454 days of 86400 s


def signer_of(secret: str) -> Signer:
    return Signer(ApiKey(KEY_NAME, secret), CLOCK, FixedEntropy())


def test_a_request_token_names_the_key_the_window_and_the_target() -> None:
    key = new_key()
    token = signer_of(pem_of(key)).request_token("GET", "api.coinbase.com", "/api/v3/brokerage/accounts")
    assert claims_of(token, key.public_key()) == {
        "sub": KEY_NAME,
        "iss": "cdp",
        "nbf": NOW_S,
        "exp": NOW_S + 120,
        "uri": "GET api.coinbase.com/api/v3/brokerage/accounts",
    }
    assert jwt.get_unverified_header(token) == {
        "alg": "ES256",
        "kid": KEY_NAME,
        "nonce": sha256(b"nonce-of-the-test").hexdigest(),
        "typ": "JWT",
    }


def test_a_stream_token_names_no_target() -> None:
    key = new_key()
    claims = claims_of(signer_of(pem_of(key)).stream_token(), key.public_key())
    assert "uri" not in claims
    assert "uris" not in claims


def test_a_pem_with_written_line_breaks_is_read() -> None:
    key = new_key()
    token = signer_of(pem_of(key).replace("\n", "\\n")).stream_token()
    assert claims_of(token, key.public_key())["sub"] == KEY_NAME


@pytest.mark.parametrize("form", ["seed", "pair", "pem"])
def test_an_ed25519_key_signs_in_each_form_it_is_handed_out(form: str) -> None:
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = {
        "seed": base64.b64encode(seed).decode(),
        "pair": base64.b64encode(seed + public).decode(),
        "pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }[form]
    token = signer_of(secret).stream_token()
    assert claims_of(token, key.public_key(), "EdDSA")["sub"] == KEY_NAME


WRONG_CURVE = generate_private_key(SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("secret", ["", "hunter2", "c2hvcnQ=", "-----BEGIN EC PRIVATE KEY-----", WRONG_CURVE.decode()])
def test_a_secret_that_is_no_key_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ConfigInvalid, match="expected a PEM block") as caught:
        signer_of(secret)
    assert not secret or secret not in str(caught.value)


def test_a_key_is_shown_without_its_secret() -> None:
    assert "hunter2" not in repr(ApiKey(KEY_NAME, "hunter2"))


@pytest.mark.parametrize("field", ["name", "id"])
def test_a_key_file_is_read_with_either_field_for_the_name(tmp_path: Path, field: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({field: KEY_NAME, "privateKey": "s"}))
    assert read_key_file(file) == ApiKey(KEY_NAME, "s")


@pytest.mark.parametrize("content", ["", "[]", '{"name":"n"}', '{"privateKey":"s3cret"}'])
def test_a_key_file_that_holds_no_key_is_refused_by_its_path(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(content)
    with pytest.raises(ConfigInvalid, match=r"key\.json is not a Coinbase key") as caught:
        read_key_file(file)
    assert "s3cret" not in str(caught.value)


def test_a_missing_key_file_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"gone\.json cannot be read: No such file"):
        read_key_file(tmp_path / "gone.json")
