"""How failures are put into words."""

import pytest

from bottrader.adapters.coinbase.errors import NotKnownToVenue, describe, excerpt, refusal


def test_a_long_page_is_cut_to_its_beginning_on_one_line() -> None:
    text = excerpt(b"<html>\n  <body>" + b"x" * 9000)
    assert text.startswith("<html> <body>xxx")
    assert len(text) <= 161


def test_bytes_that_are_no_text_do_not_break_the_message() -> None:
    assert excerpt(b"\xff\xfe ok") == "�� ok"


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(OSError("gone")) == "OSError: gone"


def test_a_json_404_means_that_the_venue_does_not_know_the_id() -> None:
    body = b'{"error":"unknown","error_details":"order with this orderID was not found","message":"m"}'
    error = refusal("GET /x", 404, body)
    assert isinstance(error, NotKnownToVenue)
    assert str(error) == (
        "Coinbase refused GET /x with status 404: unknown - order with this orderID was not found - m"
    )


@pytest.mark.parametrize("body", [b"<html>404</html>", b"", b"[]", b"{}"])
def test_a_404_in_other_words_says_nothing_about_the_id(body: bytes) -> None:
    """D11"""
    assert not isinstance(refusal("GET /x", 404, body), NotKnownToVenue)


def test_another_status_with_the_same_words_says_nothing_about_the_id() -> None:
    assert not isinstance(refusal("GET /x", 403, b'{"error":"not_found"}'), NotKnownToVenue)
