"""What is held of one product: its open lots, and the position they add up to.

A position is never stored: it is its open lots, and those are its executions. `LotBook` follows the executions as they
come, with the same matching rule as a full run, so both give the same rows.
"""

import decimal
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation, Execution, LotMethod, LotQueue, OpenLot
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, ZERO, Money, Size, exact
from bottrader.domain.orders import ClientOrderId, trigger_of


@dataclass(frozen=True, slots=True)
class Position:
    """Holdings of one product with what they cost: `cost` is the open lots' price x size plus their entry fees.

    `opened_at` and `anchor_order_id` are those of the oldest open lot, `parent_ids` the orders of all open lots, oldest
    first. `trigger` is why the oldest was bought, None when that order was not ours.
    """

    product_id: ProductId
    size: Size
    cost: Money
    opened_at: datetime
    anchor_order_id: ClientOrderId
    parent_ids: tuple[ClientOrderId, ...]
    trigger: str | None

    def __post_init__(self) -> None:
        if self.size <= ZERO:
            raise InvariantBroken(f"a position has a size above zero, was {self.size} of {self.product_id}")

    @property
    def cost_per_unit(self) -> Decimal:
        """Quote currency per unit of base, entry fees included; to 28 digits, for display and reports."""
        return _DISPLAY.divide(self.cost, self.size)


class LotBook:
    """One product's open lots, kept up to date execution by execution, in ledger order."""

    __slots__ = ("_held", "_queue", "product_id")

    def __init__(self, product_id: ProductId, method: LotMethod = LotMethod.FIFO) -> None:
        self.product_id = product_id
        self._queue = LotQueue(method)
        # The monitor asks on every tick and executions are rare, so answers are kept until the next execution.
        self._held: tuple[tuple[OpenLot, ...], Position | None] | None = None

    def apply(self, execution: Execution) -> list[Allocation]:
        """Take in one execution and return the allocations it made; none for a buy.

        Raises:
            InvariantBroken: when the execution is of another product, is known, or belongs before one applied already;
                a late one needs a new book, made from all executions sorted by `ledger_key`.
        """
        if execution.product_id != self.product_id:
            raise InvariantBroken(f"the lots of {self.product_id} were given an execution of {execution.product_id}")
        self._held = None
        return self._queue.apply(execution)

    def position(self) -> Position | None:
        """Return what is held, or None when nothing is."""
        return self._lots_and_position()[1]

    @property
    def open_lots(self) -> tuple[OpenLot, ...]:
        """The lots not sold yet, oldest first."""
        return self._lots_and_position()[0]

    @property
    def entry_price(self) -> Decimal | None:
        """Quote currency per unit of base, fees left out, to 28 digits; None when nothing is held."""
        if not self.open_lots:
            return None
        with exact():
            value = sum((lot.price * lot.size for lot in self.open_lots), ZERO)
        return _DISPLAY.divide(value, self.size)

    @property
    def size(self) -> Size:
        """Units of base currency held."""
        position = self.position()
        return Size(ZERO) if position is None else position.size

    def _lots_and_position(self) -> tuple[tuple[OpenLot, ...], Position | None]:
        if self._held is None:
            lots = tuple(self._queue.open_lots())
            self._held = lots, _position_of(lots) if lots else None
        return self._held


_DISPLAY = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


def _position_of(lots: tuple[OpenLot, ...]) -> Position:
    oldest = lots[0]
    size = cost = ZERO
    for lot in lots:
        size = EXACT.add(size, lot.size)
        cost = EXACT.add(cost, lot.cost)
    return Position(
        product_id=oldest.product_id,
        size=Size(size),
        cost=Money(cost),
        opened_at=oldest.opened_at,
        anchor_order_id=oldest.order_id,
        parent_ids=tuple(dict.fromkeys(lot.order_id for lot in lots)),
        trigger=trigger_of(oldest.order_id),
    )
