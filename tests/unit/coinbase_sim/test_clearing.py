"""Amended fills (F29): new rows, money moved back, history kept."""

from decimal import Decimal

import pytest

from coinbase_sim.model import OrderStatus, Side, TradeType
from tests.fixtures.simulated_exchange import Exchange

D = Decimal


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100")
    return exchange


def test_a_reversal_of_a_buy_gives_the_money_back_and_takes_the_coins(exchange: Exchange) -> None:
    """F29: 2 at 100.5 had cost 201 + 2.01."""
    order = exchange.market_order(Side.BUY, base="2")
    (fill,) = exchange.fills_of(order)
    row = exchange.sim.reverse_fill(fill.trade_id)
    assert (row.trade_type, row.amends) == (TradeType.REVERSAL, fill.trade_id)
    assert (row.side, row.price, row.size, row.commission) == (Side.BUY, fill.price, fill.size, fill.commission)
    assert row.trade_id != fill.trade_id
    assert [one.sequence for one in exchange.sim.fills()] == [1, 2]
    assert exchange.balance("USD") == (D(10_000), D(0))
    assert exchange.balance("COIN") == (D(10), D(0))
    assert exchange.sim.books().fees == 0


def test_a_reversal_of_a_sell_takes_the_proceeds(exchange: Exchange) -> None:
    order = exchange.market_order(Side.SELL, base="2")
    exchange.sim.reverse_fill(exchange.fills_of(order)[0].trade_id)
    assert exchange.sim.books().totals == {"USD": D(10_000), "COIN": D(10)}


def test_the_order_keeps_what_it_executed(exchange: Exchange) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    exchange.sim.reverse_fill(exchange.fills_of(order)[0].trade_id)
    assert exchange.now_of(order) == order
    assert order.status is OrderStatus.FILLED


def test_a_correction_books_the_right_terms_anew(exchange: Exchange) -> None:
    """F29: 2 at 99 with 1 of fee instead of 201 + 2.01: 10 000 - 198 - 1."""
    order = exchange.market_order(Side.BUY, base="2")
    (fill,) = exchange.fills_of(order)
    reversal, correction = exchange.sim.correct_fill(fill.trade_id, D(99), D(1))
    assert (reversal.trade_type, correction.trade_type) == (TradeType.REVERSAL, TradeType.CORRECTION)
    assert (correction.price, correction.size, correction.commission) == (D(99), D(2), D(1))
    assert exchange.balance("USD") == (D(9801), D(0))
    assert exchange.sim.books().fees == 1


def test_a_corrected_fill_can_be_taken_back_by_its_correction_only(exchange: Exchange) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    (fill,) = exchange.fills_of(order)
    _, correction = exchange.sim.correct_fill(fill.trade_id, D(99), D(1))
    with pytest.raises(ValueError, match="taken back already"):
        exchange.sim.reverse_fill(fill.trade_id)
    exchange.sim.reverse_fill(correction.trade_id)
    assert exchange.sim.books().totals == {"USD": D(10_000), "COIN": D(10)}


def test_a_fill_is_taken_back_once_and_a_reversal_never(exchange: Exchange) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    row = exchange.sim.reverse_fill(exchange.fills_of(order)[0].trade_id)
    for trade_id, words in ((exchange.fills_of(order)[0].trade_id, "taken back already"), (row.trade_id, "no fill")):
        with pytest.raises(ValueError, match=words):
            exchange.sim.reverse_fill(trade_id)


def test_a_fill_whose_coins_are_gone_cannot_be_taken_back() -> None:
    exchange = Exchange(coin=D(0))
    exchange.tick("100")
    order = exchange.market_order(Side.BUY, base="2")
    exchange.market_order(Side.SELL, base="1")
    before = exchange.sim.snapshot()
    with pytest.raises(ValueError, match="raise the balance first"):
        exchange.sim.reverse_fill(exchange.fills_of(order)[0].trade_id)
    assert exchange.sim.snapshot() == before


def test_a_correction_that_cannot_be_paid_changes_nothing(exchange: Exchange) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    before = exchange.sim.snapshot()
    with pytest.raises(ValueError, match="raise the balance first"):
        exchange.sim.correct_fill(exchange.fills_of(order)[0].trade_id, D(9000), D(0))
    assert exchange.sim.snapshot() == before


@pytest.mark.parametrize(("price", "commission"), [("0", "1"), ("NaN", "1"), ("99", "-1")])
def test_a_correction_to_nonsense_is_refused(exchange: Exchange, price: str, commission: str) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    with pytest.raises(ValueError, match="corrected fill"):
        exchange.sim.correct_fill(exchange.fills_of(order)[0].trade_id, D(price), D(commission))


def test_a_restored_exchange_knows_what_is_taken_back(exchange: Exchange) -> None:
    order = exchange.market_order(Side.BUY, base="2")
    exchange.sim.reverse_fill(exchange.fills_of(order)[0].trade_id)
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    assert restored.fills() == exchange.sim.fills()
    with pytest.raises(ValueError, match="taken back already"):
        restored.reverse_fill(exchange.fills_of(order)[0].trade_id)
