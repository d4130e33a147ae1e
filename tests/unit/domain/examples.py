"""Short ways to write the domain's values in tests; every amount is text, as the venue sends it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bottrader.domain.lots import Execution
from bottrader.domain.market import Candle, Product, ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.domain.positions import Position

BTC = ProductId("BTC-USD")
ETH = ProductId("ETH-USD")
START = datetime(2026, 1, 1, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def price(value: str) -> Price:
    return Price(Decimal(value))


def product(
    product_id: ProductId = BTC,
    *,
    base_increment: str = "0.00000001",
    price_increment: str = "0.01",
    base_size_min: str = "0.00000001",
    quote_size_min: str = "1",
    is_tradable: bool = True,
) -> Product:
    base, _, quote = product_id.partition("-")
    return Product(
        product_id,
        base,
        quote,
        Decimal(base_increment),
        Decimal(price_increment),
        Size(Decimal(base_size_min)),
        Decimal(quote_size_min),
        is_tradable,
    )


def execution(
    side: Side,
    name: str,
    size: str,
    at_price: str,
    *,
    fee: str = "0",
    minute: float = 0,
    sequence: int = 0,
    product_id: ProductId = BTC,
    order: str | None = None,
    account: str = "",
) -> Execution:
    return Execution(
        execution_id=name,
        order_id=ClientOrderId(order or name),
        product_id=product_id,
        side=side,
        price=price(at_price),
        size=Size(Decimal(size)),
        fee=Money(Decimal(fee)),
        executed_at=at(minute),
        sequence=sequence,
        account=account,
    )


def position(size: str, cost: str, *, minute: float = 0) -> Position:
    anchor = ClientOrderId("buy-1")
    return Position(BTC, Size(Decimal(size)), Money(Decimal(cost)), at(minute), anchor, (anchor,), None)


def candle(index: int, close: str, *, high: str | None = None, low: str | None = None) -> Candle:
    """The five-minute candle number `index`, flat unless high and low are given."""
    return Candle(
        BTC, at(5 * index), price(close), price(high or close), price(low or close), price(close), Size(Decimal(1))
    )
