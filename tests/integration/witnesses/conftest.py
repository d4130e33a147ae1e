"""An exchange in a thread of its own, for clients that block; the test reaches it only over the network."""

import asyncio
import decimal
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coinbase_sim import ManualMarket, ServerOptions, Simulator, SimulatorOptions, SimulatorServer, product_named

PATIENCE_S = 10.0


@pytest.fixture(autouse=True)
def _decimals_of_its_own() -> Iterator[None]:
    """Ccxt sets the rounding of the whole process the first time it formats an amount."""
    with decimal.localcontext():
        yield


@dataclass(frozen=True)
class Venue:
    """A running exchange: BTC-USD at 40,000 until the test moves it, 10,000 USD, plain and over TLS."""

    rest_url: str
    ws_url: str
    tls_host: str
    ca_file: str
    key_name: str
    secret: str
    control_url: str

    def control(self, path: str, body: Any = None) -> Any:
        """POST a body to the control interface, or GET without one."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.control_url}{path}", data) as reply:  # noqa: S310 - the URL is our own
            return json.load(reply)

    def move(self, price: str) -> None:
        """Take the market to a price by one tick."""
        self.control("/price", {"product_id": "BTC-USD", "price": price})

    def orders(self) -> list[dict[str, Any]]:
        return list(self.control("/orders")["orders"])

    def usd(self) -> Decimal:
        """Total USD, available and held, in the exchange's own ledger."""
        return Decimal(self.control("/books")["totals"]["USD"])


def eventually(check: Callable[[], Any], what: str) -> Any:
    """Return the first truthy answer of `check`, asked again and again."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := check()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {PATIENCE_S:.0f} s still not true: {what}")
        time.sleep(0.01)
    return answer


@contextmanager
def running(key_dir: Path) -> Iterator[Venue]:
    """Serve an exchange until the block ends; whatever the server raises is raised here."""
    started: list[Venue] = []
    failed: list[BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        products = (product_named("BTC-USD"),)
        market = ManualMarket(products)
        market.set_price("BTC-USD", Decimal(40_000))
        simulator = Simulator(market, products, SimulatorOptions(balances={"USD": Decimal(10_000)}))
        simulator.step()
        options = ServerOptions(tls_port=0, key_dir=key_dir, heartbeat_interval_s=0.1)
        async with SimulatorServer(simulator, options) as server:
            assert server.tls_url is not None
            started.append(
                Venue(
                    rest_url=server.rest_url,
                    ws_url=server.ws_url,
                    tls_host=server.tls_url.removeprefix("https://"),
                    ca_file=str(server.ca_file),
                    key_name=server.key_name,
                    secret=server.key_file.read_text(),
                    control_url=server.control_url,
                )
            )
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner() as runner:
                loops.append(runner.get_loop())
                runner.run(serve())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="exchange")
    thread.start()
    ready.wait(PATIENCE_S)
    try:
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        if thread.is_alive():
            loops[0].call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_S)
    if failed:
        raise failed[0]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with running(tmp_path) as exchange:
        yield exchange
