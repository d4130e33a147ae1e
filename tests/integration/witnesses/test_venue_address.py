"""The strictest proof: the SDK is not even told another address, a proxy leads the venue's own to the simulator."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from coinbase.rest import RESTClient

from tests.integration.witnesses.conftest import PATIENCE_S, Venue


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Proxy:
    """Answers CONNECT for any host with a tunnel to one port of this machine, and remembers which were asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port = port

    async def serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        request = await client.readuntil(b"\r\n\r\n")
        self.asked.append(request.split()[1].decode())
        server, forth = await asyncio.open_connection("127.0.0.1", self._port)
        back.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(client, forth), _pump(server, back))


@pytest.fixture
def proxy(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    tunnel = Proxy(int(venue.tls_host.rsplit(":", 1)[1]))
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    ports: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(tunnel.serve, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        loops.append(asyncio.get_running_loop())
        async with server:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="proxy")
    thread.start()
    assert ready.wait(PATIENCE_S)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{ports[0]}")
    yield tunnel
    loops[0].call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_S)


def test_the_sdk_trades_at_the_venues_own_address(venue: Venue, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", venue.ca_file)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    sdk = RESTClient(api_key=venue.key_name, api_secret=venue.secret, timeout=10)
    with sdk.session:
        assert sdk.get_product("BTC-USD").price == "40000"
        placed = sdk.market_order_buy("at the venue", "BTC-USD", quote_size="100")
        assert sdk.get_order(placed.success_response["order_id"]).order.status == "FILLED"
    assert set(proxy.asked) == {"api.coinbase.com:443"}
    assert venue.usd() < 10_000
