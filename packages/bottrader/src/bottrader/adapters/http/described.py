"""What the API's own description (`GET /schema/openapi.json`) says of a route: who may ask, with what, and each answer.

The signed routes read raw bytes, since bytes are what is signed, so the framework cannot see what is in them; and which
refusals there are only the listeners know. A test asks every route for what is described here, and for what is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, cast

import msgspec
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
)

from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER

JSON = "application/json"
# Both headers go together, so both are asked for at once.
SIGNED: dict[str, list[str]] = {"signature": [], "timestamp": []}


class Refused(msgspec.Struct):
    """Why a request had no effect."""

    code: str
    message: str


class SignalTaken(msgspec.Struct):
    """The signal is durable; `duplicate` when it was before."""

    code: Literal["SUCCESS"]
    uuid: str
    duplicate: bool


class SwitchThrown(msgspec.Struct):
    """The kill switch is as asked for, durably."""

    code: Literal["SUCCESS"]
    message: str


class HealthShown(msgspec.Struct):
    """What works and what does not; `tasks` are seconds since each one's last beat."""

    status: Literal["ok", "degraded"]
    role: str
    ready: bool
    faults: list[str]
    version: str
    git_sha: str
    config_hash: str
    schema_revision: str
    snapshot_hash: str
    venue_time: str | None
    tasks: dict[str, float]


class ReadyShown(msgspec.Struct):
    """Whether others may rely on this role."""

    ready: bool


def described(
    answers: Mapping[int, type[msgspec.Struct] | None],
    request: type[msgspec.Struct] | None = None,
    media_type: str = JSON,
) -> type[Operation]:
    """Return the description of a route by the shape of each answer, None for plain text.

    One that takes a `request` is signed; the others are open to whoever reaches the port.
    """

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.responses = {
                str(status): OpenAPIResponse(HTTPStatus(status).phrase, content={media_type: _media(shape)})
                for status, shape in answers.items()
            }
            self.security = []
            if request is not None:
                self.request_body = RequestBody({JSON: _media(request)}, required=True)
                self.security = [SIGNED]

    return Described


def components() -> Components:
    """Return what the security of the routes is named after."""
    headers = {"signature": SIGNATURE_HEADER, "timestamp": TIMESTAMP_HEADER}
    return Components(
        security_schemes={
            name: SecurityScheme(type="apiKey", name=header, security_scheme_in="header")
            for name, header in headers.items()
        }
    )


def _media(shape: type[msgspec.Struct] | None) -> OpenAPIMediaType:
    schema = {"type": "string"} if shape is None else schema_of(shape)
    # The framework writes a mapping as it stands.
    return OpenAPIMediaType(schema=cast("Schema", schema))


def schema_of(shape: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a shape in one piece, without references: they would lead out of the description."""
    (top,), parts = msgspec.json.schema_components([shape], ref_template="{name}")
    return cast("dict[str, Any]", _whole(top, parts))


def _whole(value: Any, parts: Mapping[str, Any]) -> Any:
    match value:
        case {"$ref": name}:
            return _whole(parts[name], parts)
        case dict():
            # A default of None is said by the field's not being required.
            return {key: _whole(each, parts) for key, each in value.items() if key != "default"}
        case list():
            return [_whole(each, parts) for each in value]
        case _:
            return value
