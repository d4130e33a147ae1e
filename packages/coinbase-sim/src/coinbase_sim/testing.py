"""What the pytest fixtures hand to a test: a hand on the market, and a script of faults."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from coinbase_sim.actions import Action
from coinbase_sim.faults import Fault, at_random, named
from coinbase_sim.market import ManualMarket
from coinbase_sim.model import TickerChanged
from coinbase_sim.wire.server import SimulatorServer


class MarketHand:
    """Moves the market of a running exchange, and waits until its clients have been sent what that caused."""

    def __init__(self, server: SimulatorServer) -> None:
        self._server = server

    async def price(self, price: str | int | Decimal, product_id: str = "BTC-USD", *, size: str = "1") -> TickerChanged:
        """Take one tick: a print of `size` at `price`, between a bid and an ask of 1,000 one increment away.

        Raises:
            ValueError: there is no such product.
            TypeError: this market is not moved by hand.
        """
        market = self._server.simulator.market
        if not isinstance(market, ManualMarket):
            raise TypeError("prices are set on a ManualMarket only; step any other with server.simulator.step()")
        market.set_price(product_id, Decimal(price), size=Decimal(size))
        self._server.simulator.step()
        await self._server.flush()
        ticker = self._server.simulator.ticker(product_id)
        assert ticker is not None, "a tick was just taken"
        return ticker


class Script:
    """Scripts what goes wrong on a running exchange. Call it for each fault; it counts requests from then on."""

    def __init__(self, server: SimulatorServer) -> None:
        self._faults = server.faults

    def __call__(self, on: str, do: str, nth: int = 1, seconds: float = 0.0, **terms: Any) -> None:
        """Spoil the `nth` match of `on` ("POST /orders", "ws user") as `do` says; see the README for what there is.

        `terms` are the other fields of a `Fault`: `times`, `lasts_s`, `rate`, `seed`, `code`, `tick`.

        Raises:
            ValueError: for a fault that makes no sense, with what would.
        """
        self._faults.install([Fault(on=on, do=Action(do), nth=nth, seconds=seconds, **terms)])

    def named(self, name: str, **terms: Any) -> None:
        """Script a fault by its name in the catalogue (`named("F2", nth=3)`); raises ValueError for one unknown."""
        self._faults.install(named(name, **terms))

    def at_random(self, seed: int, rates: Mapping[str, float]) -> None:
        """Let named faults come at random, each at its own rate: `at_random(7, {"F2": 0.05, "F24": 0.01})`."""
        self._faults.install(at_random(seed, rates))

    @property
    def unfired(self) -> list[dict[str, Any]]:
        """The faults that have not happened yet; a test that ends with some has not tested what it set out to."""
        return [fault for fault in self._faults.counts() if not fault["fired"]]
