"""Every route against the API's own description: whatever is asked, the answer is one of those that it lists.

schemathesis draws requests from the description, ones that fit it and ones that do not; they are signed or not, and go
straight into the application, without a socket. A night draws thousands of them, any other run a few: each takes long.
"""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bottrader.adapters.http.door import Door
from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.listener import ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.probes import Probes, build_probe_app
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from bottrader.domain.signals import Signal
from bottrader.ports import Store
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.processes import SECRET, signal_body, signature

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 1_000 if settings().max_examples > 1_000 else 30
DRAWN = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
OPEN = {"/health", "/ready", "/metrics"}
REFUSED = range(400, 500)
HEALTH = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")


class Api:
    """The webhook's application on a store, asked without a socket."""

    def __init__(self, store: Store | None = None) -> None:
        self.accepted: list[Signal] = []
        self.store: Store = store or MemoryStore()
        self.health = HEALTH
        clock, probes = SystemClock(), Probes(lambda: self.health, list)
        acceptor = SignalAcceptor(self.store, RecentEvents(), self.accepted.append, lambda _: True)
        listener = WebhookListener(acceptor, lambda: self.health, clock, ListenerOptions(SECRET, [BTC]))
        self.app = build_app(listener, KillListener(self.store.record_kill_switch, clock, SECRET), probes)
        self.door = Door(self.app, listener)

    async def has_effect(self) -> bool:
        """Tell whether any request has changed anything."""
        return bool(self.accepted) or await self.store.kill_switch() is not None

    async def ask(self, prepared: requests.PreparedRequest, body: bytes, headers: dict[str, str]) -> Response:
        """Put a request through the door, as the server would."""
        path, _, query = (prepared.path_url or "/").partition("?")
        given_headers = requests.structures.CaseInsensitiveDict(prepared.headers)
        given_headers.update({"Content-Length": str(len(body)), **headers})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": prepared.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode("latin-1"), _latin(value)) for name, value in given_headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 5003),
        }
        arriving = iter([{"type": "http.request", "body": body, "more_body": False}])
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return next(arriving, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.door(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        told = {name.decode("latin-1"): [value.decode("latin-1")] for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], told, content, prepared, elapsed=0.0, verify=False)


def _latin(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def prepared_of(case: Case[Any]) -> tuple[requests.PreparedRequest, bytes]:
    """Return the request that a case stands for, and its body."""
    terms = case.as_transport_kwargs(base_url="http://bot")
    known = ("method", "url", "headers", "params", "cookies", "json", "data")
    prepared = requests.Request(**{name: terms[name] for name in known if terms.get(name) is not None}).prepare()
    body = prepared.body or b""
    assert isinstance(body, str | bytes), "no case here streams its body"
    return prepared, body.encode() if isinstance(body, str) else body


def operations_of(app: Litestar) -> dict[str, Any]:
    description = schemathesis.openapi.from_dict(app.openapi_schema.to_schema())
    found = list(description.get_all_operations())
    return {each.ok().path: each.ok() for each in found if isinstance(each, Ok)}


OPERATIONS = operations_of(Api().app)
MODES = st.sampled_from(GenerationMode)


def cases_of(path: str) -> st.SearchStrategy[Case[Any]]:
    drawn: st.SearchStrategy[Case[Any]] = MODES.flatmap(lambda mode: OPERATIONS[path].as_strategy(generation_mode=mode))
    return drawn


def valid_fields() -> dict[str, Any]:
    """Return the fields of a signal that is taken, whatever its times say about when it was signed."""
    return {**signal_body(), "score": {"roc": "1"}, "breakdown": None}


@pytest.mark.parametrize("path", sorted(OPERATIONS))
@DRAWN
@given(data=st.data())
async def test_whoever_has_not_signed_gets_an_answer_as_described_and_changes_nothing(
    path: str, data: st.DataObject
) -> None:
    """E5, promise P6"""
    api = Api()
    case = data.draw(cases_of(path))
    prepared, body = prepared_of(case)
    answer = await api.ask(prepared, body, {})
    case.validate_response(answer, checks=CHECKS)
    assert (answer.status_code in REFUSED) == (path not in OPEN)
    assert not await api.has_effect()


@pytest.mark.parametrize("path", sorted(OPERATIONS.keys() - OPEN))
@DRAWN
@given(data=st.data())
async def test_a_signed_request_is_answered_as_described_and_only_one_answered_200_has_an_effect(
    path: str, data: st.DataObject
) -> None:
    """Promise P7: half-valid signals too, with some fields of a good one and the others as drawn."""
    api = Api()
    case = data.draw(cases_of(path))
    prepared, body = prepared_of(case)
    if isinstance(case.body, dict) and path == "/webhook":
        valid = valid_fields()
        kept = data.draw(st.sets(st.sampled_from(sorted(valid))))
        body = json.dumps({**case.body, **{name: valid[name] for name in kept}}).encode()
    headers = signature(body)
    answer = await api.ask(prepared, body, headers)
    case.validate_response(answer, checks=CHECKS)
    assert await api.has_effect() == (answer.status_code == HTTPStatus.OK)
    event(f"{path} {answer.status_code}")
    again = await api.ask(prepared, body, headers)
    case.validate_response(again, checks=CHECKS)
    expected = HTTPStatus.CONFLICT if answer.status_code == HTTPStatus.OK else answer.status_code
    assert again.status_code == expected


@pytest.mark.parametrize("path", sorted(OPERATIONS.keys() - OPEN))
@DRAWN
@given(body=st.binary(max_size=200) | st.text(max_size=50).map(lambda text: json.dumps({"reason": text}).encode()))
async def test_signed_bytes_that_are_nothing_are_refused_as_described(path: str, body: bytes) -> None:
    """Promise P7"""
    api = Api()
    prepared = requests.Request("POST", f"http://bot{path}").prepare()
    answer = await api.ask(prepared, body, signature(body))
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert answer.json().keys() == {"code", "message"}
    assert not await api.has_effect()


AMOUNTS = st.sampled_from(
    ["1", "0.1", "1e-400", "1E+400", "9" * 400, "0." + "0" * 400 + "1", "1E+131072", "-0", "1_0", "\uff11", "NaN"]
)
TIMES = st.sampled_from(
    [
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z"),
        *("9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00.123456789Z", "2026-01-01", "2026-02-30T00:00:00Z"),
    ]
)
TEXTS = st.text(max_size=20) | st.just("\0") | st.just("\ufffe\U0010ffff")
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.integers(),
        "price": AMOUNTS,
        "quote_size": AMOUNTS,
        "candle_opened_at": TIMES,
        "born_at": TIMES,
        "expires_at": TIMES,
        "snapshot_id": TEXTS,
        "score": st.dictionaries(TEXTS, AMOUNTS, max_size=3),
        "trigger": st.fixed_dictionaries({"trigger": st.just("ROC"), "trigger_note": TEXTS}),
        "breakdown": st.fixed_dictionaries({"reason": TEXTS, "cooldown_until": TIMES}),
    },
)


@settings(DRAWN, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hostile=HOSTILE, reason=TEXTS)
async def test_whatever_a_signer_writes_the_database_takes_it_or_the_door_refuses_it(
    store: PostgresStore, hostile: dict[str, Any], reason: str
) -> None:
    """Promise P7: an answer of 500 would say that something was let in which nobody can store."""
    api = Api(store)
    for path, fields in (("/webhook", {**valid_fields(), **hostile}), ("/kill", {"on": True, "reason": reason})):
        body = json.dumps(fields).encode()
        answer = await api.ask(requests.Request("POST", f"http://bot{path}").prepare(), body, signature(body))
        assert answer.status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST), answer.content
        event(f"{path} {answer.status_code}")
    assert len(api.accepted) <= 1


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_what_is_not_well_is_told_as_described(path: str) -> None:
    api = Api()
    api.health = Health("webhook", False, ("the market stream is down",), "c", "r", "s", None, "1.0")
    case = OPERATIONS[path].Case()
    answer = await api.ask(prepared_of(case)[0], b"", {})
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    case.validate_response(answer, checks=[status_code_conformance, response_schema_conformance])


@pytest.mark.parametrize("path", sorted(OPERATIONS))
async def test_another_method_is_refused(path: str) -> None:
    api = Api()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
        if method.lower() == OPERATIONS[path].method:
            continue
        answer = await api.ask(requests.Request(method, f"http://bot{path}").prepare(), b"", {})
        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert not await api.has_effect()


@pytest.mark.parametrize(
    ("app", "signed"),
    [(Api().app, {"/webhook", "/kill"}), (build_probe_app(Probes(lambda: HEALTH, list)), set())],
    ids=["webhook", "sighook and reporter"],
)
def test_every_route_says_whether_it_has_to_be_signed(app: Litestar, signed: set[str]) -> None:
    """Promise P6: deny by default; a route that says nothing fails here, on the port of every role."""
    description = app.openapi_schema.to_schema()
    declared = {
        path: operation["security"] for path, item in description["paths"].items() for operation in item.values()
    }
    assert declared == {path: [{"signature": [], "timestamp": []}] for path in signed} | {path: [] for path in OPEN}
    schemes = {scheme["name"] for scheme in description.get("components", {})["securitySchemes"].values()}
    assert schemes == {"X-BotTrader-Signature", "X-BotTrader-Timestamp"}
    # The description itself is the only thing beside them.
    others = {route.path for route in app.routes} - declared.keys()
    assert others == {"/schema", "/schema/openapi.json", "/schema/{path:str}"}


def test_the_refusals_that_are_described_are_those_that_there_are() -> None:
    """Written by hand in one place and answered in another: both name the same statuses."""
    described = {path: set(operation.definition.raw["responses"]) for path, operation in OPERATIONS.items()}
    assert described["/webhook"] == {"200", "400", "401", "403", "409", "413", "422", "429", "503"}
    assert described["/kill"] == {"200", "400", "401", "409", "413", "503"}
