"""Only what the settings name is called: a redirect to elsewhere ends where it began, unconnected.

aiohttp follows redirects of a WebSocket's handshake, and nothing turns that off; what comes after it is a signed
request for the account's own stream.
"""

from collections.abc import Iterable

import aiohttp
from yarl import URL


class AddressNotNamed(aiohttp.ClientConnectionError):
    """A request went to an address that no setting names; nothing was connected."""


def session_to(urls: Iterable[str]) -> aiohttp.ClientSession:
    """Return a session that connects to the hosts and ports of `urls` and to nothing else."""
    named = frozenset(_place(URL(url)) for url in urls)

    async def refuse_others(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if _place(request.url) not in named:
            raise AddressNotNamed(f"{request.url.host} was not called: no setting names it")
        return await handler(request)

    return aiohttp.ClientSession(middlewares=[refuse_others])


def _place(url: URL) -> tuple[str | None, int | None]:
    return url.host, url.port
