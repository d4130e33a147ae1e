"""How a signal travels from the one who has it to the one who acts on it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bottrader.domain.signals import Signal


class Delivery(StrEnum):
    """What came of one attempt to deliver a signal."""

    ACKNOWLEDGED = "acknowledged"
    """The receiver has it durably."""
    REJECTED = "rejected"
    """The receiver will never take it; do not retry."""
    RETRY = "retry"
    """No or a temporary answer; try again with the same id."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    delivery: Delivery
    detail: str


class SignalSender(Protocol):
    """Carries a signal to the webhook; at least once, the receiver dedupes by signal id."""

    async def send(self, signal: Signal) -> DeliveryReport:
        """Send once; never raises for what the network or receiver did."""
        ...
