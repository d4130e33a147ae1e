"""A sign of life to a service outside that raises an alarm when it gets none (a dead man's switch)."""

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=10)


class HttpPinger:
    """A `Pinger` that asks for an address; the address is a secret, and so it is told to nobody."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ping(self) -> bool:
        try:
            # What answers elsewhere is not the service that waits for us.
            async with self._session.get(self._url, timeout=TIMEOUT, allow_redirects=False) as response:
                return response.ok and response.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
