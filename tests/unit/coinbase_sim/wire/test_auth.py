"""Tokens: who is let in and who is not (coinbase.md §2 and §13)."""

import json
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from coinbase_sim.wire.auth import ApiKey, KeyInvalid, TokenRefused, TokenVerifier, load_or_create_key

NOW = 1_800_000_000
PATH = "/api/v3/brokerage/accounts"


@pytest.fixture
def key(tmp_path: Path) -> ApiKey:
    return load_or_create_key(tmp_path)


@pytest.fixture
def verifier(key: ApiKey) -> TokenVerifier:
    return TokenVerifier(key, lambda: float(NOW))


def token(key: ApiKey, *, kid: str | None = None, without: str = "", **changes: Any) -> str:
    claims = {
        "sub": key.name,
        "iss": "cdp",
        "nbf": NOW,
        "exp": NOW + 120,
        "uri": f"GET api.coinbase.com{PATH}",
    } | changes
    claims.pop(without, None)
    pem = key.file.read_text()
    return jwt.encode(claims, pem, algorithm=key.algorithm, headers={"kid": kid or key.name, "nonce": "00"})


def check(verifier: TokenVerifier, text: str) -> None:
    verifier.check_request(text, "GET", PATH)


def test_a_token_as_the_sdk_makes_it_is_accepted(verifier: TokenVerifier, key: ApiKey) -> None:
    check(verifier, token(key))


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": f"GET 127.0.0.1:8080{PATH}"},
        {"uri": f"GET http://127.0.0.1:8080{PATH}"},
        {"uri": f"GET api.coinbase.com{PATH}?limit=5"},
        {"iss": "coinbase-cloud", "aud": ["retail_rest_api_proxy"], "iat": NOW},
        {"without": "uri", "uris": [f"GET api.coinbase.com{PATH}"], "aud": ["cdp_service"]},
    ],
    ids=["other host", "scheme survives", "query", "ccxt ES256", "ccxt uris"],
)
def test_what_known_clients_vary_is_accepted(verifier: TokenVerifier, key: ApiKey, changes: dict[str, Any]) -> None:
    check(verifier, token(key, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": f"POST api.coinbase.com{PATH}"},
        {"uri": f"GET api.coinbase.com{PATH}/x"},
        {"uri": "GET api.coinbase.com"},
        {"without": "uri"},
        {"iss": "somebody"},
        {"sub": "organizations/x/apiKeys/y"},
        {"kid": "organizations/x/apiKeys/y"},
        {"sub": "other", "kid": "other"},
        {"exp": NOW + 121},
        {"without": "exp"},
        {"without": "nbf"},
        {"nbf": NOW + 6, "exp": NOW + 60},
        {"nbf": NOW - 120, "exp": NOW - 6},
    ],
    ids=[
        "method",
        "path",
        "no path",
        "no uri",
        "issuer",
        "sub is not kid",
        "kid is not sub",
        "unknown key",
        "lives too long",
        "no exp",
        "no nbf",
        "not yet valid",
        "expired",
    ],
)
def test_a_token_that_is_wrong_in_one_point_is_refused(
    verifier: TokenVerifier, key: ApiKey, changes: dict[str, Any]
) -> None:
    with pytest.raises(TokenRefused):
        check(verifier, token(key, **changes))


@pytest.mark.parametrize("changes", [{"nbf": NOW + 5, "exp": NOW + 60}, {"nbf": NOW - 100, "exp": NOW - 5}])
def test_clocks_may_differ_by_five_seconds(verifier: TokenVerifier, key: ApiKey, changes: dict[str, Any]) -> None:
    check(verifier, token(key, **changes))


def test_a_token_of_another_key_with_the_right_name_is_refused(verifier: TokenVerifier, key: ApiKey) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    claims = {"sub": key.name, "iss": "cdp", "nbf": NOW, "exp": NOW + 120, "uri": f"GET h{PATH}"}
    forged = jwt.encode(claims, other, algorithm="ES256", headers={"kid": key.name})
    with pytest.raises(TokenRefused):
        check(verifier, forged)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_signed_token_is_refused(verifier: TokenVerifier, text: str) -> None:
    with pytest.raises(TokenRefused):
        check(verifier, text)


def test_a_stream_token_needs_no_uri(verifier: TokenVerifier, key: ApiKey) -> None:
    verifier.check_stream(token(key, without="uri"))


def test_an_expired_stream_token_is_refused(verifier: TokenVerifier, key: ApiKey) -> None:
    with pytest.raises(TokenRefused):
        verifier.check_stream(token(key, without="uri", nbf=NOW - 200, exp=NOW - 100))


def test_an_ed25519_key_that_was_put_there_signs_eddsa_tokens(tmp_path: Path) -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "api_key.pem").write_bytes(pem)
    key = load_or_create_key(tmp_path)
    bare_id = key.name.rsplit("/", 1)[1]
    verifier = TokenVerifier(key, lambda: float(NOW))
    assert key.algorithm == "EdDSA"
    check(verifier, token(key))
    check(verifier, token(key, kid=bare_id, sub=bare_id))


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first, second = load_or_create_key(tmp_path / "new"), load_or_create_key(tmp_path / "new")
    assert first.name == second.name
    assert first.name.split("/")[0::2] == ["organizations", "apiKeys"]
    assert first.file.read_bytes().startswith(b"-----BEGIN EC PRIVATE KEY-----")
    assert stat.S_IMODE(first.file.stat().st_mode) == 0o600
    TokenVerifier(second, time.time).check_stream(token(first, nbf=int(time.time()), exp=int(time.time()) + 60))


@pytest.mark.parametrize("file_name", ["api_key.pem", "api_key_name.txt"])
def test_a_spoiled_key_directory_gets_one_clear_sentence(tmp_path: Path, file_name: str) -> None:
    load_or_create_key(tmp_path)
    (tmp_path / file_name).write_text("\n")
    with pytest.raises(KeyInvalid, match=f"{file_name}.*delete it"):
        load_or_create_key(tmp_path)


def test_a_key_on_another_curve_is_refused(tmp_path: Path) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "api_key.pem").write_bytes(pem)
    with pytest.raises(KeyInvalid, match="P-256 or Ed25519"):
        load_or_create_key(tmp_path)


def test_the_key_is_also_written_as_the_venue_hands_one_out(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path)
    file = tmp_path / "cdp_api_key.json"
    assert json.loads(file.read_text()) == {"name": key.name, "privateKey": key.file.read_text()}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.stat().st_ino
    load_or_create_key(tmp_path)
    assert file.stat().st_ino == before  # a second exchange on the folder does not take it away from its readers
    (tmp_path / "api_key_name.txt").write_text("organizations/1/apiKeys/2\n")
    load_or_create_key(tmp_path)
    assert json.loads(file.read_text())["name"] == "organizations/1/apiKeys/2"
