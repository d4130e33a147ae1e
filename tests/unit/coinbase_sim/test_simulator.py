"""The exchange as a whole: time, events, public data, accounts, snapshots."""

import decimal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinbase_sim.market import CandleMarket, ManualMarket, SyntheticMarket
from coinbase_sim.model import (
    Bar,
    BucketChanged,
    Event,
    Level,
    Order,
    OrderChanged,
    OrderRejected,
    OrderRequest,
    OrderType,
    Side,
    TickerChanged,
    TimeInForce,
    TradePrinted,
)
from coinbase_sim.products import DEFAULT_PRODUCTS, product_named
from coinbase_sim.simulator import Simulator, SimulatorOptions
from tests.fixtures.simulated_exchange import COIN, Exchange, levels

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
BTC = product_named("BTC-USD")


def candle_simulator(*bars: tuple[int, str]) -> Simulator:
    """Return an exchange on one-minute bars given as (minute, "open high low close")."""
    made = [
        Bar("BTC-USD", START + timedelta(minutes=minute), *(D(price) for price in prices.split()), volume=D(4))  # type: ignore[misc]  # four prices by construction
        for minute, prices in bars
    ]
    return Simulator(CandleMarket([BTC], made), [BTC], SimulatorOptions({"USD": D(1000)}))


def test_venue_time_is_the_markets_time() -> None:
    sim = candle_simulator((0, "1 2 1 2"), (1, "2 2 2 2"))
    seen = [sim.now]
    while sim.step() is not None:
        seen.append(sim.now)
    assert seen == [START, *(START + timedelta(seconds=15 * number) for number in range(8))]


def test_after_the_last_tick_nothing_changes() -> None:
    sim = candle_simulator((0, "1 2 1 2"), (1, "2 2 2 2"))
    while sim.step() is not None:
        pass
    before = sim.snapshot()
    assert sim.step() is None
    assert sim.snapshot() == before


def test_a_replay_serves_the_candles_of_its_file() -> None:
    """The account's own trades leave no mark in them."""
    sim = candle_simulator((0, "100 110 90 105"), (1, "105 106 100 104"), (5, "104 104 104 104"))
    sim.step()
    sim.submit(
        OrderRequest("a", "BTC-USD", Side.BUY, OrderType.MARKET, TimeInForce.IOC, quote_size=D(500)),
    )
    while sim.step() is not None:
        pass
    minutes = sim.candles("BTC-USD", 60, START, sim.now)
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in minutes] == [
        (D(100), D(110), D(90), D(105), D(4)),
        (D(105), D(106), D(100), D(104), D(4)),
        (D(104), D(104), D(104), D(104), D(4)),
    ]
    assert [bar.high for bar in sim.candles("BTC-USD", 300, START, sim.now)] == [110, 104]


def test_the_bucket_is_announced_at_its_first_tick_and_with_each_completed_bar() -> None:
    sim = candle_simulator((0, "100 110 90 105"), (1, "105 106 80 104"), (5, "104 104 104 104"))
    events: list[Event] = []
    sim.subscribe(events.append)
    while sim.step() is not None:
        pass
    buckets = [((event.at - START).seconds, event.bar.low) for event in events if isinstance(event, BucketChanged)]
    assert buckets == [
        (0, D(100)),
        (45, D(90)),
        (105, D(80)),
        (300, D(104)),
        (345, D(104)),
    ]


def test_the_ticker_tells_the_last_trade_and_the_top_of_the_book() -> None:
    exchange = Exchange()
    assert exchange.sim.ticker("COIN-USD") is None
    exchange.tick("100", size="3")
    exchange.tick("110", size="2", bids=levels(("109.5", "7")), asks=())
    assert exchange.sim.ticker("COIN-USD") == TickerChanged(
        product_id="COIN-USD",
        at=exchange.sim.now,
        price=D(110),
        best_bid=Level(D("109.5"), D(7)),
        best_ask=Level(D(0), D(0)),
        volume_24h=D(5),
        low_24h=D(100),
        high_24h=D(110),
        price_change_24h_pct=D(10),
    )


def test_an_unknown_product_has_no_ticker() -> None:
    """B291"""
    with pytest.raises(KeyError):
        Exchange().sim.ticker("NONE-USD")


def test_a_tick_is_told_in_causal_order() -> None:
    """What filled, then the print of the others, then ticker and candle."""
    exchange = Exchange()
    exchange.tick("100")
    exchange.limit(Side.BUY, "1", "99.5")
    exchange.events.clear()
    exchange.tick("99.5", size="8")
    assert [type(event) for event in exchange.events] == [
        TradePrinted,
        OrderChanged,
        TradePrinted,
        TickerChanged,
        BucketChanged,
    ]


def test_trades_are_served_newest_first_and_only_the_last_five_hundred() -> None:
    exchange = Exchange()
    for number in range(501):
        exchange.tick(str(100 + number % 2))
    exchange.tick("107")
    trades = exchange.sim.trades("COIN-USD", 1000)
    assert len(trades) == 500
    assert trades[0].price == 107
    assert [trade.at for trade in trades] == sorted((trade.at for trade in trades), reverse=True)
    assert exchange.sim.trades("COIN-USD", 2) == trades[:2]


def test_an_unsubscribed_listener_hears_nothing_more() -> None:
    exchange = Exchange()
    heard: list[Event] = []
    unsubscribe = exchange.sim.subscribe(heard.append)
    unsubscribe()
    unsubscribe()
    exchange.tick("100")
    assert heard == []


def test_a_listener_that_trades_is_told_in_order() -> None:
    """Each listener hears the tick to its end before it hears of the order placed in the middle of it."""
    exchange = Exchange()
    placed: list[Order] = []

    def buy_once(event: Event) -> None:
        if isinstance(event, TickerChanged) and not placed:
            placed.append(exchange.market_order(Side.BUY, base="1"))

    exchange.sim.subscribe(buy_once)
    exchange.tick("100")
    kinds = [type(event) for event in exchange.events]
    assert kinds[:3] == [TradePrinted, TickerChanged, BucketChanged]
    assert kinds[3:] == [OrderChanged, TradePrinted, OrderChanged]


def test_a_listener_keeps_its_own_decimal_context() -> None:
    exchange = Exchange()
    precisions: list[int] = []
    exchange.sim.subscribe(lambda _: precisions.append(decimal.getcontext().prec))
    with decimal.localcontext(prec=9):
        exchange.tick("100")
    assert set(precisions) == {9}


def test_a_coarse_ambient_context_changes_no_amount() -> None:
    """With three digits 353.5 x 0.01 would be 3.54; the venue charges 3.535."""
    exchange = Exchange()
    with decimal.localcontext(prec=3):
        exchange.tick("100.5", asks=levels(("101", "9")))
        order = exchange.market_order(Side.BUY, base="3.5")
    assert order.total_fees == D("3.535")
    assert exchange.sim.books().totals == {"USD": D("9642.965"), "COIN": D("13.5")}


def test_the_books_tell_totals_with_holds_and_all_fees() -> None:
    """Bought 2 at 100.5 (201 + 2.01); sold 1 at 99.5 (99.5 - 0.995); held 9.8 x 1.01 for 0.1 at 98."""
    exchange = Exchange()
    exchange.tick("100")
    exchange.market_order(Side.BUY, base="2")
    exchange.market_order(Side.SELL, base="1")
    exchange.limit(Side.BUY, "0.1", "98")
    books = exchange.sim.books()
    assert books.totals == {"USD": D("9895.495"), "COIN": 11}
    assert books.fees == D("3.005")


def test_accounts_exist_for_every_currency_with_a_lasting_id() -> None:
    market = ManualMarket(DEFAULT_PRODUCTS)
    sim = Simulator(market, DEFAULT_PRODUCTS, SimulatorOptions({"USD": D(5), "EUR": D(1)}))
    accounts = {account.currency: account for account in sim.accounts()}
    assert {currency: account.available for currency, account in accounts.items()} == {
        "USD": 5,
        "EUR": 1,
        "BTC": 0,
        "ETH": 0,
        "SOL": 0,
    }
    assert len({account.account_id for account in accounts.values()}) == 5
    assert Simulator(market, DEFAULT_PRODUCTS, SimulatorOptions({})).accounts()[0].account_id == (
        accounts["USD"].account_id
    )


def test_orders_and_fills_are_listed_oldest_first() -> None:
    exchange = Exchange()
    exchange.tick("100")
    placed = [exchange.limit(Side.BUY, "1", price) for price in ("98", "97", "96")]
    exchange.tick("90")
    assert [order.order_id for order in exchange.sim.orders()] == [order.order_id for order in placed]
    assert [fill.sequence for fill in exchange.sim.fills()] == [1, 2, 3]


def test_ids_are_shaped_like_uuids_and_differ_between_names() -> None:
    ids = []
    for name in ("one", "one", "two"):
        market = ManualMarket([COIN])
        sim = Simulator(market, [COIN], SimulatorOptions({"USD": D(1000)}, name=name))
        order = sim.submit(
            OrderRequest("a", "COIN-USD", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, D(1), limit_price=D(10))
        )
        market.set_price("COIN-USD", D(9))
        sim.step()
        ids.append((order.order_id, sim.fills()[0].trade_id))
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])
    assert all([len(part) for part in one.split("-")] == [8, 4, 4, 4, 12] for one in ids[0])


def test_an_unknown_order_is_none() -> None:
    assert Exchange().sim.order("nothing") is None


@pytest.mark.parametrize(("maker", "taker"), [("0.01", "0.005"), ("-0.001", "0.005"), ("0.5", "1"), ("0", "1.5")])
def test_fee_rates_that_a_hold_cannot_cover_are_refused(maker: str, taker: str) -> None:
    with pytest.raises(ValueError, match="0 <= maker <= taker < 1"):
        SimulatorOptions({}, D(maker), D(taker))


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_a_balance_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="balance"):
        SimulatorOptions({"USD": D(amount)})


def test_a_market_of_an_unknown_product_is_refused() -> None:
    with pytest.raises(ValueError, match="COIN-USD"):
        Simulator(ManualMarket([COIN]), [BTC], SimulatorOptions({}))


def test_bytes_that_are_no_snapshot_are_refused_and_change_nothing() -> None:
    exchange = Exchange()
    exchange.tick("100")
    before = exchange.sim.snapshot()
    for state in (b"", b"{}", b"not json", before.replace(b"coinbase-sim-2", b"coinbase-sim-0")):
        with pytest.raises(ValueError, match="no snapshot of this version"):
            exchange.sim.restore(state)
    assert exchange.sim.snapshot() == before


def test_a_snapshot_of_another_exchange_is_refused() -> None:
    exchange = Exchange()
    other = Simulator(ManualMarket([COIN]), [COIN], replace(exchange.sim.options, name="other"))
    with pytest.raises(ValueError, match="this snapshot is of coinbase-sim"):
        other.restore(exchange.sim.snapshot())


def test_a_restored_exchange_knows_its_client_order_ids_holds_and_queues() -> None:
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(Side.BUY, "3", "99.5", client_order_id="mine")
    exchange.tick("99.5", size="6", bids=levels(("99.5", "9")))
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    assert restored.orders() == exchange.sim.orders()
    assert restored.accounts() == exchange.sim.accounts()
    assert restored.submit(replace(order.request, base_size=D(9))).order_id == order.order_id
    with pytest.raises(OrderRejected, match="UNKNOWN_CANCEL_ORDER"):
        restored.cancel("nothing")
    assert restored.cancel(order.order_id).filled_size == 1


def test_a_restored_synthetic_exchange_goes_on_as_if_nothing_happened() -> None:
    def build() -> Simulator:
        market = SyntheticMarket(DEFAULT_PRODUCTS[:2], 11, START)
        return Simulator(market, DEFAULT_PRODUCTS[:2], SimulatorOptions({"USD": D(1000)}))

    sim, restored = build(), build()
    for _ in range(133):
        sim.step()
    restored.restore(sim.snapshot())
    assert [restored.step() for _ in range(100)] == [sim.step() for _ in range(100)]
    assert restored.snapshot() == sim.snapshot()
