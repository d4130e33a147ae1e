"""Fees in coins: worked numbers, and that neither money nor coins come or go."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.lots import ChargedFee, Execution, allocate, with_fee
from bottrader.domain.market import ProductId
from bottrader.domain.orders import Side
from tests.fixtures.ledgers import SOME, total
from tests.unit.domain.examples import execution, price

BNB = ProductId("BNB-USD")


def charged(amount: str, currency: str, at_price: str | None = None) -> ChargedFee:
    return ChargedFee(Decimal(amount), currency, None if at_price is None else price(at_price))


def test_a_fee_in_quote_is_added_to_the_trade() -> None:
    trade = execution(Side.BUY, "b", "1", "100", fee="0.25")
    assert with_fee(trade, charged("0.5", "USD")) == (execution(Side.BUY, "b", "1", "100", fee="0.75"),)


def test_a_buy_that_pays_in_base_brings_less_at_the_same_cost() -> None:
    """1.0 at 100 with fee 0.01 BTC: 0.99 at 100 with fee 1, so that the lot costs 100."""
    trade = execution(Side.BUY, "b", "1.0", "100", account="mine")
    after = with_fee(trade, charged("0.01", "BTC", "999"))
    assert after == (execution(Side.BUY, "b", "0.99", "100", fee="1", account="mine"),)
    (lot,) = allocate(after).open_lots
    assert (lot.size, lot.cost) == (Decimal("0.99"), Decimal(100))


def test_a_sell_that_pays_in_base_disposes_of_the_fee_beside_it() -> None:
    """Lot of 1.01 for 101; 1.0 sold at 120 with fee 0.01 BTC: 18.80 and 0.20, together 120 - 101, nothing left."""
    bought = execution(Side.BUY, "b", "1.01", "100")
    trade = execution(Side.SELL, "s", "1.0", "120", minute=9, sequence=4, order="o", account="")
    sale, disposal = with_fee(trade, charged("0.01", "BTC"))
    assert sale == execution(Side.SELL, "s", "1.0", "120", fee="1.20", minute=9, sequence=4, order="o")
    assert disposal == execution(Side.SELL, "s/fee", "0.01", "120", minute=9, sequence=4, order="o/fee")
    result = allocate([disposal, sale, bought])
    assert [row.pnl for row in result.allocations] == [Decimal("18.80"), Decimal("0.20")]
    assert [row.sell_order_id for row in result.allocations] == ["o", "o/fee"]
    assert result.open_lots == ()


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_a_fee_in_a_third_coin_costs_money_and_disposes_of_the_coin(side: Side, sign: int) -> None:
    """Lot of 10 BNB for 20; 1.0 BTC at 100 with fee 2 BNB, BNB at 3: fee 6; 2 BNB sold for 6 with basis 4."""
    held = execution(Side.BUY, "h", "10", "2", product_id=BNB)
    trade = execution(side, "t", "1.0", "100", minute=1, sequence=7)
    after = with_fee(trade, charged("2", "BNB", "3"))
    assert after == (
        execution(side, "t", "1.0", "100", fee="6", minute=1, sequence=7),
        execution(Side.SELL, "t/fee", "2", "3", minute=1, sequence=7, product_id=BNB),
    )
    result = allocate([held, *after])
    assert [row.pnl for row in result.allocations if row.product_id == BNB] == [Decimal(2)]
    assert [(lot.size, lot.cost) for lot in result.open_lots if lot.product_id == BNB] == [(Decimal(8), Decimal(16))]
    net = total(row.net_proceeds for row in result.allocations)
    btc = total(lot.cost for lot in result.open_lots if lot.product_id != BNB)
    assert net - btc == -sign * 100


def test_a_fee_in_a_coin_comes_on_top_of_one_in_quote() -> None:
    """0.50 in quote and 0.01 BTC at 120: a fee of 1.70; the coins themselves go without one."""
    sale, disposal = with_fee(execution(Side.SELL, "s", "1", "120", fee="0.50"), charged("0.01", "BTC"))
    assert (sale.fee, disposal.fee) == (Decimal("1.70"), Decimal(0))


@pytest.mark.parametrize("currency", ["BTC", "BNB"])
@pytest.mark.parametrize("side", Side)
def test_a_fee_of_nothing_leaves_the_trade_as_it_is(side: Side, currency: str) -> None:
    trade = execution(side, "t", "1", "100", fee="0.10")
    assert with_fee(trade, charged("0", currency)) == (trade,)


@pytest.mark.parametrize(
    ("side", "fee", "reason"),
    [
        (Side.BUY, charged("1", "BNB"), "trade t paid its fee in BNB, whose price in USD at that moment is not known"),
        (Side.SELL, charged("-0.1", "BTC"), r"trade t was charged -0.1 BTC; a fee in a coin is not negative"),
        (Side.BUY, charged("-0.1", "BNB", "3"), r"trade t was charged -0.1 BNB; a fee in a coin is not negative"),
        (Side.BUY, charged("1", "BTC"), "trade t bought 1 and was charged 1 of it; a fee leaves something"),
        (Side.BUY, charged("1.5", "BTC"), "trade t bought 1 and was charged 1.5 of it"),
    ],
)
def test_what_cannot_be_a_fee_is_refused(side: Side, fee: ChargedFee, reason: str) -> None:
    with pytest.raises(AmountInvalid, match=reason):
        with_fee(execution(side, "t", "1", "100"), fee)


def test_a_rebate_in_quote_lowers_the_fee() -> None:
    (after,) = with_fee(execution(Side.SELL, "t", "1", "100", fee="0.10"), charged("-0.25", "USD"))
    assert after.fee == Decimal("-0.15")


amounts = st.decimals("0.00000001", "1000", places=8, allow_nan=False, allow_infinity=False)


@given(data=st.data(), side=st.sampled_from(Side), size=amounts, at_price=amounts, fee=amounts, coin=amounts)
@SOME
def test_money_and_coins_are_conserved_whatever_the_fee_is_paid_in(
    data: st.DataObject, side: Side, size: Decimal, at_price: Decimal, fee: Decimal, coin: Decimal
) -> None:
    """E3: the trade moves size x price of cash; coins that leave beyond the trade are those of the fee."""
    currency = data.draw(st.sampled_from(["BTC", "BNB"] if side is Side.SELL or fee < size else ["BNB"]))
    trade = execution(side, "t", str(size), str(at_price))
    after = with_fee(trade, ChargedFee(fee, currency, price(str(coin))))
    cash, coins = Fraction(0), {"BTC": Fraction(0), "BNB": Fraction(0)}
    for entry in after:
        sign = 1 if entry.side is Side.BUY else -1
        cash -= sign * Fraction(entry.size) * Fraction(entry.price) + Fraction(entry.fee)
        coins[entry.product_id.removesuffix("-USD")] += sign * Fraction(entry.size)
    sign = 1 if side is Side.BUY else -1
    assert cash == -sign * Fraction(size) * Fraction(at_price)
    expected = {"BTC": sign * Fraction(size), "BNB": Fraction(0)}
    expected[currency] -= Fraction(fee)
    assert coins == expected
    assert len({entry.execution_id for entry in after}) == len(after)
    assert all(isinstance(entry, Execution) for entry in after)
