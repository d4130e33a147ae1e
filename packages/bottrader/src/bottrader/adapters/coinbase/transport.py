"""Carries one request to Coinbase and its answer back: time limits, signatures, retries of questions only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from bottrader.adapters.coinbase import backoff
from bottrader.adapters.coinbase.auth import Signer
from bottrader.adapters.coinbase.errors import NO_ANSWER, describe, excerpt, refusal
from bottrader.adapters.coinbase.limiter import Priority, TokenBucket
from bottrader.domain.errors import ExchangeUnreachable, WireUnreadable
from bottrader.ports import Clock, Entropy

PREFIX = "/api/v3/brokerage"
OLDER_API = "/v2/"
"""Paths of Coinbase's older API, which alone lists what moved without an order, are given whole."""
OK = 200
UNAUTHORIZED = 401
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500

Query = Sequence[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """`query_attempts` counts the first try; requests above the rate wait, orders before questions."""

    clock: Clock
    entropy: Entropy
    connect_timeout_s: float = 5.0
    total_timeout_s: float = 15.0
    query_attempts: int = 4
    requests_per_s: float = 10.0
    burst: int = 10


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class Transport:
    """The requests of one API key over a session that the caller owns and closes."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, signer: Signer, options: ClientOptions) -> None:
        self._session = session
        self._origin = URL(base_url).origin()
        self._signer = signer
        self._options = options
        self._bucket = TokenBucket(options.requests_per_s, options.burst, options.clock)
        self._timeout = aiohttp.ClientTimeout(total=options.total_timeout_s, connect=options.connect_timeout_s)

    async def send_once(self, path: str, body: object, priority: Priority) -> Reply:
        """POST `body` once and return the answer, whatever its status; raises one of `NO_ANSWER` when none came."""
        await self._bucket.take(priority)
        return await self._send("POST", path, (), msgspec.json.encode(body))

    async def query(self, path: str, params: Query, shape: type[T]) -> T:
        """GET `path` until a usable answer comes or the attempts are used up.

        Raises:
            ExchangeUnreachable: no connection, no complete answer, or 429 or 5xx, each time.
            ExchangeRefused: any other status but 200, and a 401 that a fresh token did not cure.
            WireUnreadable: a 200 whose body is not of `shape`.
        """
        reply = await self._answer(path, params)
        if reply.status != OK:
            raise refusal(f"GET {path}", reply.status, reply.body)
        return decode(reply.body, shape, f"GET {path}")

    async def _answer(self, path: str, params: Query) -> Reply:
        cause = ""
        for attempt in range(self._options.query_attempts):
            if attempt:
                await self._options.clock.sleep(backoff.wait_s(attempt - 1, self._options.entropy))
            try:
                reply = await self._question(path, params)
                if reply.status == UNAUTHORIZED:
                    # Seen in the field for valid tokens at the edge of their life and under throttling.
                    reply = await self._question(path, params)
            except NO_ANSWER as error:
                cause = describe(error)
                continue
            if reply.status != TOO_MANY_REQUESTS and reply.status < SERVER_ERROR:
                return reply
            cause = f"status {reply.status}: {excerpt(reply.body)}"
        raise ExchangeUnreachable(
            f"Coinbase did not answer GET {path} in {self._options.query_attempts} tries;"
            f" the last one ended with {cause}"
        )

    async def _question(self, path: str, params: Query) -> Reply:
        await self._bucket.take(Priority.QUERY)
        return await self._send("GET", path, params, None)

    async def _send(self, method: str, path: str, params: Query, body: bytes | None) -> Reply:
        url = self._origin.with_path(path if path.startswith(OLDER_API) else PREFIX + path)
        token = self._signer.request_token(method, self._origin.authority, url.raw_path)
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        # A redirect is never followed: it could send an order a second time, or the token elsewhere.
        async with self._session.request(
            method,
            url.with_query(list(params)) if params else url,
            data=body,
            headers=headers,
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            return Reply(response.status, await response.read())


def decode(body: bytes, shape: type[T], request: str) -> T:
    """Return the body as `shape`; raises `WireUnreadable`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError) as error:
        raise WireUnreadable(f"Coinbase answered {request} with something unreadable: {describe(error)}") from error
