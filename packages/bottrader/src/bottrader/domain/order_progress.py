"""How far an order has come, so that an old report of it is told from a new one (F25).

A stream tells an order's cumulative state again and again: after a reconnect from the beginning, and not always in
order. What is filled never shrinks and an order ends once, so a report that goes beyond neither is old or a copy.
"""

from dataclasses import dataclass

from bottrader.domain.money import Size
from bottrader.domain.orders import OrderState


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """The highest filled size seen of one order, in base units, and whether its end was seen."""

    filled_size: Size
    has_ended: bool

    def goes_beyond(self, known: "OrderProgress") -> bool:
        """Tell whether this report says more than what is known."""
        return self.filled_size > known.filled_size or (self.has_ended and not known.has_ended)

    def joined(self, other: "OrderProgress") -> "OrderProgress":
        """Return what both together say; neither part ever goes back."""
        return OrderProgress(max(self.filled_size, other.filled_size), self.has_ended or other.has_ended)


def progress_of(filled_size: Size, state: OrderState) -> OrderProgress:
    return OrderProgress(filled_size, state.is_terminal)
