"""Coins that came without us and are handed to the bot: one fact, and what follows from it.

Adopted coins become a lot like any other, bought for what their owner says they cost. That purchase is an execution,
and an execution spends money; none was spent. So the same fact moves as much money in, and the coins, as far as the
books held them as somebody's, out:

    execution   buy size at price, no fee     cash - price x size     coin + size
    movement    money in                      cash + price x size
    movement    coins out                                             coin - booked size

Cash is what it was, and the coin's total too when all of it was booked before. What was not booked (it came after the
books were opened and nobody recorded it) enters them by this.

Worked example: the books open with 1 BTC and 500 USD. Adopting 0.25 BTC at 30,000 moves 7,500 USD in and 0.25 BTC out;
the lot costs 7,500 and holds 0.25. The totals are 500 USD and 1 BTC as before, and sold at 32,000 it earns 500.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side, derive_client_order_id
from bottrader.domain.signals import Trigger

EXECUTION_PREFIX = "adoption:"


@dataclass(frozen=True, slots=True)
class Adoption:
    """Foreign coins made a position: `price` is their cost per unit in quote currency, fees included.

    `acquired_at` dates the lot, for first in, first out; `booked_size` is how much of `size` the books already held.
    """

    product_id: ProductId
    size: Size
    price: Price
    acquired_at: datetime
    recorded_at: datetime
    booked_size: Decimal

    def __post_init__(self) -> None:
        if not self.size > ZERO or not self.price > ZERO:
            raise InvariantBroken(f"an adoption has a size and a price above zero, was {self.size} at {self.price}")
        if not ZERO <= self.booked_size <= self.size:
            raise InvariantBroken(f"of {self.size} adopted coins {self.booked_size} cannot have been booked before")

    @property
    def order_id(self) -> ClientOrderId:
        """The key: the same coins at the same cost and time are adopted once."""
        terms = (f"{EXACT.normalize(self.size):f}", f"{EXACT.normalize(self.price):f}", self.acquired_at.isoformat())
        return derive_client_order_id(Trigger.MANUAL, self.product_id, "adopt", *terms)

    @property
    def execution(self) -> Execution:
        return Execution(
            f"{EXECUTION_PREFIX}{self.order_id}",
            self.order_id,
            self.product_id,
            Side.BUY,
            self.price,
            self.size,
            Money(ZERO),
            self.acquired_at,
            0,
        )

    @property
    def movements(self) -> tuple[tuple[str, str, Decimal], ...]:
        """The movements that balance the execution, as (transaction id, currency, amount)."""
        key = self.execution.execution_id
        money = (f"{key}/cash", quote_of(self.product_id), EXACT.multiply(self.price, self.size))
        coins = (f"{key}/coins", base_of(self.product_id), EXACT.minus(self.booked_size))
        return (money, coins) if self.booked_size else (money,)


def is_adopted(execution_id: str) -> bool:
    """Tell whether this is the id of an execution that stands for an adoption, not for a trade."""
    return execution_id.startswith(EXECUTION_PREFIX)
