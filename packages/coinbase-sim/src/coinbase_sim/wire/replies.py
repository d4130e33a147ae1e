"""HTTP replies in the venue's own shapes (coinbase.md §11)."""

import msgspec
from aiohttp import web


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


def error_reply(status: int, error: str, details: str) -> web.Response:
    return json_reply({"error": error, "error_details": details, "message": details}, status)
