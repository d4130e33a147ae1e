"""The exchange in memory: the port's contract, and what its script can do."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import FillParts, Lose, MemoryExchange, Refuse, StayOpen
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import Candle, FeeRates, Product
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import Accepted, OrderState, Refused, Unknown
from tests.fixtures.coinbase_wire import BTC, CLIENT_ID, limit_buy, market_sell
from tests.fixtures.exchange_contract import OPENING_USD, PRICE, TAKER_RATE, ExchangeContract

START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCT = Product(
    product_id=BTC,
    base_currency="BTC",
    quote_currency="USD",
    base_increment=Decimal("0.00000001"),
    price_increment=Decimal("0.01"),
    base_size_min=Size(Decimal("0.00000001")),
    quote_size_min=Decimal(1),
)


class MemoryBench:
    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.exchange = MemoryExchange(
            self.clock, [PRODUCT], {"USD": OPENING_USD}, FeeRates(maker=Decimal("0.004"), taker=TAKER_RATE)
        )

    def now(self) -> datetime:
        return self.clock.now()

    async def set_price(self, price: Decimal) -> None:
        self.clock.advance(timedelta(seconds=1))
        self.exchange.set_price(BTC, Price(price))

    async def show_minutes(self, start: datetime, prices: Sequence[Decimal]) -> None:
        self.exchange.add_candles(
            Candle(BTC, start + timedelta(minutes=n), Price(p), Price(p), Price(p), Price(p), Size(Decimal(1)))
            for n, p in enumerate(prices)
        )

    async def reverse(self, trade_id: str) -> None:
        self.exchange.reverse(trade_id)

    async def correct(self, trade_id: str, price: Decimal, fee: Decimal) -> None:
        self.exchange.correct(trade_id, Price(price), Money(fee))

    async def move_cash(self, currency: str, amount: Decimal, word: str) -> None:
        self.exchange.move_cash(currency, amount, word)


@pytest.fixture
async def bench() -> MemoryBench:
    bench = MemoryBench()
    await bench.set_price(PRICE)
    return bench


class TestMemoryExchange(ExchangeContract):
    """The contract, kept in memory."""


async def test_a_scripted_refusal_leaves_no_order(bench: MemoryBench) -> None:
    bench.exchange.script(Refuse("GEOFENCING_RESTRICTION"))
    assert await bench.exchange.place(limit_buy("0.1", "51000")) == Refused(
        "GEOFENCING_RESTRICTION", "refused by the script"
    )
    assert await bench.exchange.find_order(CLIENT_ID, BTC, START) is None


async def test_a_lost_reply_may_hide_a_live_order(bench: MemoryBench) -> None:
    """F2"""
    bench.exchange.script(Lose(is_placed=True))
    assert isinstance(await bench.exchange.place(limit_buy("0.1", "51000")), Unknown)
    found = await bench.exchange.find_order(CLIENT_ID, BTC, START)
    assert found is not None
    assert await bench.exchange.place(limit_buy("0.1", "51000")) == Accepted(found.venue_order_id)
    assert len(bench.exchange.placements) == 2


async def test_a_lost_request_leaves_no_order(bench: MemoryBench) -> None:
    """F1"""
    bench.exchange.script(Lose(is_placed=False))
    assert isinstance(await bench.exchange.place(limit_buy("0.1", "51000")), Unknown)
    assert await bench.exchange.find_order(CLIENT_ID, BTC, START) is None


async def test_scripted_parts_fill_and_the_rest_is_cancelled(bench: MemoryBench) -> None:
    bench.exchange.script(FillParts((Size(Decimal("0.02")), Size(Decimal("0.03")))))
    placed = await bench.exchange.place(limit_buy("0.1", "51000"))
    assert isinstance(placed, Accepted)
    order = await bench.exchange.get_order(placed.venue_order_id)
    assert order is not None
    assert (order.state, order.filled_size) == (OrderState.CANCELLED, Decimal("0.05"))
    # 0.05 x 50000 = 2500, and 0.8 % of it are 20.
    assert (order.filled_value, order.total_fees) == (Decimal(2500), Decimal(20))
    assert [fill.size for fill in await bench.exchange.fills_of(placed.venue_order_id)] == [
        Decimal("0.02"),
        Decimal("0.03"),
    ]


async def test_an_order_that_stays_open_holds_funds_until_it_fills_or_ends(bench: MemoryBench) -> None:
    bench.exchange.script(StayOpen())
    placed = await bench.exchange.place(limit_buy("0.1", "50000"))
    assert isinstance(placed, Accepted)
    # 0.1 x 50000 x 1.008 = 5040 are held, and 4960 are left.
    assert [(wallet.available, wallet.hold) for wallet in await bench.exchange.balances()] == [
        (Decimal(4960), Decimal(5040))
    ]
    assert [order.venue_order_id for order in await bench.exchange.open_orders()] == [placed.venue_order_id]
    bench.exchange.fill(placed.venue_order_id, Size(Decimal("0.04")), Price(Decimal(50000)))
    # 2000 and the fee of 16 are spent; 0.06 x 50000 x 1.008 = 3024 stay held.
    assert {wallet.currency: (wallet.available, wallet.hold) for wallet in await bench.exchange.balances()} == {
        "BTC": (Decimal("0.04"), Decimal(0)),
        "USD": (Decimal(4960), Decimal(3024)),
    }
    bench.exchange.end(placed.venue_order_id, OrderState.CANCELLED)
    assert await bench.exchange.open_orders() == []
    assert [wallet.hold for wallet in await bench.exchange.balances()] == [0, 0]


async def test_a_young_order_is_hidden_for_as_many_lookups_as_scripted(bench: MemoryBench) -> None:
    """F18"""
    placed = await bench.exchange.place(limit_buy("0.1", "51000"))
    assert isinstance(placed, Accepted)
    bench.exchange.hidden_lookups = 2
    assert await bench.exchange.find_order(CLIENT_ID, BTC, START) is None
    assert await bench.exchange.get_order(placed.venue_order_id) is None
    assert await bench.exchange.get_order(placed.venue_order_id) is not None


async def test_every_query_fails_while_the_venue_is_away(bench: MemoryBench) -> None:
    """D11"""
    bench.exchange.query_error = ExchangeUnreachable("away")
    with pytest.raises(ExchangeUnreachable):
        await bench.exchange.fills_since(START)
    with pytest.raises(ExchangeUnreachable):
        await bench.exchange.open_orders()
    assert isinstance(await bench.exchange.place(limit_buy("0.1", "51000")), Accepted)
    bench.exchange.query_error = None
    assert len(await bench.exchange.fills_since(START)) == 1


async def test_a_product_without_a_price_has_no_liquidity() -> None:
    exchange = MemoryBench().exchange
    outcome = await exchange.place(market_sell())
    assert isinstance(outcome, Refused)
    assert outcome.code == "INVALID_NO_LIQUIDITY"
