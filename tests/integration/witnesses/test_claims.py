"""What our own signer puts into a token is what Coinbase's SDK puts into one, field by field."""

import base64
from typing import Any

import jwt
import pytest
from coinbase import jwt_generator
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.entropy import SystemEntropy

NAME = "organizations/11111111-2222-3333-4444-555555555555/apiKeys/66666666-7777-8888-9999-000000000000"
PATH = "/api/v3/brokerage/orders"

TIMES = ("nbf", "exp")


def _ec_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _ed25519_base64() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return base64.b64encode(key.private_bytes_raw() + key.public_key().public_bytes_raw()).decode()


@pytest.fixture(params=[_ec_pem, _ed25519_base64], ids=["ES256", "EdDSA"])
def secret(request: pytest.FixtureRequest) -> str:
    made: str = request.param()
    return made


def taken_apart(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def assert_equal_but_for_chance_and_time(ours: str, theirs: str) -> None:
    our_header, our_claims = taken_apart(ours)
    their_header, their_claims = taken_apart(theirs)
    assert our_header.keys() == their_header.keys()
    # The nonce is chance in both; it only has to be there and be long enough not to be guessed.
    assert min(len(our_header.pop("nonce")), len(their_header.pop("nonce"))) >= 43
    assert our_header == their_header
    lifetimes = [claims["exp"] - claims["nbf"] for claims in (our_claims, their_claims)]
    assert lifetimes == [120, 120]
    assert abs(our_claims["nbf"] - their_claims["nbf"]) <= 2
    for claims in (our_claims, their_claims):
        for name in TIMES:
            assert type(claims.pop(name)) is int
    assert our_claims == their_claims


def test_a_requests_token_equals_the_sdks(secret: str) -> None:
    ours = Signer(ApiKey(NAME, secret), SystemClock(), SystemEntropy()).request_token("POST", "api.coinbase.com", PATH)
    theirs = jwt_generator.build_rest_jwt(jwt_generator.format_jwt_uri("POST", PATH), NAME, secret)
    assert_equal_but_for_chance_and_time(ours, theirs)


def test_a_streams_token_equals_the_sdks(secret: str) -> None:
    ours = Signer(ApiKey(NAME, secret), SystemClock(), SystemEntropy()).stream_token()
    theirs = jwt_generator.build_ws_jwt(NAME, secret)
    assert_equal_but_for_chance_and_time(ours, theirs)
