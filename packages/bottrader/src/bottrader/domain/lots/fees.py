"""Fees that were not paid in quote currency, as executions, so that matching knows one kind of fee only.

A fee in a coin is two things: it costs money, and the coin it was paid in is gone. The first is a fee in quote, at the
coin's price in that moment; the second is a disposal of the coin at the same price, with rows of its own.

Fee in base, on a buy. What arrives is size - fee. Buy of 1.0 at 100 with fee 0.01 BTC: an execution of 0.99 at 100
with fee 0.01 x 100 = 1, so the lot of 0.99 costs 0.99 x 100 + 1 = 100, which is what was paid.

Fee in base, on a sell. What leaves is size + fee. Lot of 1.01 that cost 101; sell of 1.0 at 120 with fee 0.01 BTC,
which brings 120 in cash. The sale is 1.0 at 120 with fee 0.01 x 120 = 1.20: P&L 120 - 1.20 - 100 = 18.80. The fee is a
sell of 0.01 at 120 with fee 0: P&L 1.20 - 1 = 0.20. Together 19, which is 120 - 101, and nothing of the lot is left.

Fee in a third coin. Lot of 10 BNB that cost 20. Buy of 1.0 BTC at 100 with fee 2 BNB, BNB at 3, which takes 100 in
cash. The lot of 1.0 BTC costs 100 + 2 x 3 = 106. The fee is a sell of 2 BNB-USD at 3: proceeds 6, basis 4, P&L 2. Cash
out 100 = cost 106 - proceeds 6. A sell pays such a fee in the same way.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.lots.rows import Execution
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side

FEE_SUFFIX = "/fee"
"""What the ids of the disposal add to those of the trade that paid it."""


@dataclass(frozen=True, slots=True)
class ChargedFee:
    """A fee as the venue charged it: `amount` in units of `currency`.

    `price` is quote currency per unit of it at the moment of the trade. It is needed for a third coin only: of quote it
    is 1, and of base it is the price of the trade.
    """

    amount: Decimal
    currency: str
    price: Price | None = None


def with_fee(trade: Execution, fee: ChargedFee) -> tuple[Execution, ...]:
    """Return the executions that a trade and a fee charged on top of it amount to: the trade, then perhaps a disposal.

    Raises:
        AmountInvalid: when the price of a third coin is not known, a fee in a coin is negative, or a buy had nothing
            left after its fee.
    """
    if fee.currency == quote_of(trade.product_id):
        return (replace(trade, fee=Money(EXACT.add(trade.fee, fee.amount))),)
    if fee.amount < ZERO:
        raise AmountInvalid(
            f"trade {trade.execution_id} was charged {fee.amount} {fee.currency}; a fee in a coin is not negative"
        )
    if fee.amount == ZERO:
        return (trade,)
    if fee.currency != base_of(trade.product_id):
        price = _price_of(fee, trade)
        product_id = ProductId(f"{fee.currency}-{quote_of(trade.product_id)}")
        return _costing(trade, fee, price), _disposal(trade, fee, product_id, price)
    if trade.side is Side.SELL:
        return _costing(trade, fee, trade.price), _disposal(trade, fee, trade.product_id, trade.price)
    if fee.amount >= trade.size:
        raise AmountInvalid(
            f"trade {trade.execution_id} bought {trade.size} and was charged {fee.amount} of it; a fee leaves something"
        )
    return (replace(_costing(trade, fee, trade.price), size=Size(EXACT.subtract(trade.size, fee.amount))),)


def _price_of(fee: ChargedFee, trade: Execution) -> Price:
    if fee.price is None:
        raise AmountInvalid(
            f"trade {trade.execution_id} paid its fee in {fee.currency}, whose price in {quote_of(trade.product_id)} at"
            " that moment is not known; give the price"
        )
    return fee.price


def _costing(trade: Execution, fee: ChargedFee, price: Price) -> Execution:
    return replace(trade, fee=Money(EXACT.fma(fee.amount, price, trade.fee)))


def _disposal(trade: Execution, fee: ChargedFee, product_id: ProductId, price: Price) -> Execution:
    return replace(
        trade,
        execution_id=trade.execution_id + FEE_SUFFIX,
        order_id=ClientOrderId(trade.order_id + FEE_SUFFIX),
        product_id=product_id,
        side=Side.SELL,
        price=price,
        size=Size(fee.amount),
        fee=Money(ZERO),
    )
