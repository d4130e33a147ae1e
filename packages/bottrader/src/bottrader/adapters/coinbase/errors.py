"""From what aiohttp and the venue say to the bot's own errors.

Read by status first: a proxy answers in HTML, a throttle in a page of many kilobytes, so no body is trusted to be JSON
and no body is repeated in full.
"""

import aiohttp
import msgspec

from bottrader.adapters.coinbase.wire import ErrorBody
from bottrader.domain.errors import ExchangeRefused

NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError)
"""What aiohttp raises when no complete answer came: connect, TLS, timeout, reset, cut body."""

EXCERPT_LENGTH = 160
NOT_FOUND = 404


class NotKnownToVenue(ExchangeRefused):
    """The venue answered, in its own words, that it does not know the id; the caller decides what that means."""


def describe(error: BaseException) -> str:
    """Return the kind of error and its text in one short phrase."""
    text = excerpt(str(error).encode())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def excerpt(body: bytes) -> str:
    """Return the beginning of a body on one line, for a message a person reads."""
    text = " ".join(body[: 4 * EXCERPT_LENGTH].decode(errors="replace").split())
    return text if len(text) <= EXCERPT_LENGTH else text[:EXCERPT_LENGTH] + "…"


def read_error(body: bytes) -> ErrorBody | None:
    """Return the venue's JSON error, or None when the body is something else."""
    try:
        error = msgspec.json.decode(body, type=ErrorBody)
    except (ValueError, RecursionError):
        return None
    return error if error.error or error.error_details or error.message else None


def refusal(request: str, status: int, body: bytes) -> ExchangeRefused:
    """Return the error for a query that was answered with a definite `status` of 3xx or 4xx."""
    error = read_error(body)
    said = error.text if error else excerpt(body)
    message = f"Coinbase refused {request} with status {status}: {said or 'no reason given'}"
    if status == NOT_FOUND and error:
        return NotKnownToVenue(message)
    return ExchangeRefused(message)
