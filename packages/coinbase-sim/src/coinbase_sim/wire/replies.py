"""HTTP replies in the venue's own shapes (coinbase.md §11)."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

_EDGE_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Access denied | api.coinbase.com used Cloudflare to restrict access</title>"
    f"<style>{'.cf-error-details {margin: 0} ' * 150}</style></head>"
    "<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>\n"
)
"""Several kilobytes, so that a client that logs or parses it whole is found out."""


def json_reply(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def unauthorized() -> web.Response:
    """A refused token is plain text, not JSON."""
    return web.Response(text="Unauthorized", status=401)


def invalid_argument(details: str) -> web.Response:
    return error_reply(400, "INVALID_ARGUMENT", details)


def not_found(details: str) -> web.Response:
    return error_reply(404, "unknown", details)


def internal_error() -> web.Response:
    return json_reply({"errors": [{"id": "internal_server_error", "message": "Internal server error"}]}, 500)


def bad_gateway(status: int) -> web.Response:
    """A failure before the venue's own servers, which the edge tells as a page of HTML."""
    phrase = HTTPStatus(status).phrase
    page = f"<html><head><title>{status} {phrase}</title></head><body><h1>{status} {phrase}</h1></body></html>\n"
    return web.Response(text=page, status=status, content_type="text/html")


def too_many_requests(*, html: bool, headers: Mapping[str, str]) -> web.Response:
    """The answer to a request above the limit; the page of HTML is what the venue's edge sends when it is first."""
    if html:
        return web.Response(text=_EDGE_PAGE, status=429, content_type="text/html", headers=headers)
    reply = json_reply({"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}, 429)
    reply.headers.update(headers)
    return reply


def error_reply(status: int, error: str, details: str) -> web.Response:
    return json_reply({"error": error, "error_details": details, "message": details}, status)
