"""Who may speak: the golden value was made by openssl, not by this code."""

from datetime import UTC, datetime, timedelta

import pytest

from bottrader.adapters.http.signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SignatureRefused,
    sign,
    signed_headers,
    verify,
)

SECRET = "0123456789abcdef0123456789abcdef"
BODY = b'{"uuid":"1"}'
AT_MS = 1767225600000
AT = datetime(2026, 1, 1, tzinfo=UTC)
# printf '%s' '1767225600000.{"uuid":"1"}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
GOLDEN = "0e4a9f59f72b0f2ea4f59bb0a67ffa22e5dc1e0651f4382362471561641bbfe3"


def check(
    *,
    secret: str = SECRET,
    timestamp: str | None = str(AT_MS),
    signature: str | None = GOLDEN,
    body: bytes = BODY,
    now: datetime = AT,
) -> None:
    verify(secret, timestamp, signature, body, now)


def test_the_signature_is_the_one_openssl_makes() -> None:
    assert sign(SECRET, AT_MS, BODY) == GOLDEN


def test_the_headers_carry_time_and_signature() -> None:
    assert signed_headers(SECRET, AT, BODY) == {TIMESTAMP_HEADER: str(AT_MS), SIGNATURE_HEADER: GOLDEN}
    assert (TIMESTAMP_HEADER, SIGNATURE_HEADER) == ("X-BotTrader-Timestamp", "X-BotTrader-Signature")


def test_a_later_attempt_is_signed_anew() -> None:
    later = signed_headers(SECRET, AT + timedelta(milliseconds=1), BODY)
    assert later[SIGNATURE_HEADER] != GOLDEN


def test_a_good_request_is_let_in() -> None:
    check()


@pytest.mark.parametrize(
    "changes",
    [
        {"body": BODY + b" "},
        {"body": b""},
        {"secret": SECRET.upper()},
        {"timestamp": str(AT_MS + 1)},
        {"signature": GOLDEN.upper()},
        {"signature": GOLDEN[:-1]},
        {"signature": ""},
        {"signature": "é" * 64},
    ],
)
def test_whatever_was_tampered_with_is_kept_out(changes: dict[str, str]) -> None:
    """B257, promise P1"""
    with pytest.raises(SignatureRefused, match="does not fit"):
        check(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"timestamp": None}, {"signature": None}])
def test_an_unsigned_request_is_kept_out(changes: dict[str, None]) -> None:
    """B257"""
    with pytest.raises(SignatureRefused, match="not signed"):
        check(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1.5", "²", "17672256000000", chr(0xFF11)])
def test_a_time_that_is_not_milliseconds_is_kept_out(timestamp: str) -> None:
    with pytest.raises(SignatureRefused, match="milliseconds"):
        check(timestamp=timestamp)


@pytest.mark.parametrize("seconds", [300, -300])
def test_the_edges_of_the_window_are_inside_and_a_millisecond_more_is_not(seconds: int) -> None:
    """B257, promise P1: 300 s either way."""
    beyond = timedelta(milliseconds=1 if seconds > 0 else -1)
    check(now=AT + timedelta(seconds=seconds))
    with pytest.raises(SignatureRefused, match="300 s"):
        check(now=AT + timedelta(seconds=seconds) + beyond)


def test_a_wrong_signature_says_nothing_about_its_age() -> None:
    with pytest.raises(SignatureRefused, match="does not fit"):
        check(secret="another", now=AT + timedelta(days=1))
