"""When an order of the exchange in memory trades, and at which price."""

from bottrader.domain.market import Ticker
from bottrader.domain.money import Price
from bottrader.domain.orders import OrderIntent, OrderKind, Side


def resting_price(intent: OrderIntent, ticker: Ticker) -> Price | None:
    """Return what a resting order trades at on this tick, None when it does not trade."""
    limit = intent.limit_price
    if not intent.kind.rests or limit is None:
        return None
    if is_stopped(intent, ticker.price):
        return ticker.bid
    is_through = ticker.price < limit if intent.side is Side.BUY else ticker.price > limit
    return limit if is_through else None


def is_stopped(intent: OrderIntent, last_trade: Price) -> bool:
    """Tell whether the last trade has reached a bracket's stop."""
    return intent.stop_price is not None and last_trade <= intent.stop_price


def crosses(intent: OrderIntent, top: Price) -> bool:
    """Tell whether an order trades at once with what is on top of the other side."""
    if intent.kind is OrderKind.MARKET_IOC or intent.limit_price is None:
        return True
    return intent.limit_price >= top if intent.side is Side.BUY else intent.limit_price <= top
