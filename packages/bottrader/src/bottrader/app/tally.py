"""What has happened since this process began, counted; for whoever watches, never for a decision."""

from enum import StrEnum

from bottrader.domain.orders import Accepted, Placement, Refused
from bottrader.domain.signals import OutcomeKind


class Answer(StrEnum):
    """What a request to take in a signal was answered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REPLAYED = "replayed"
    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"
    BUSY = "busy"
    LIMITED = "limited"
    NOT_READY = "not_ready"
    STORE_UNREACHABLE = "store_unreachable"


class OrderAnswer(StrEnum):
    """What the exchange answered to a request to place an order; one that is sent twice has two answers."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Tally:
    """Counts of the acting role, each from zero."""

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(OutcomeKind, 0)
        self.orders = dict.fromkeys(OrderAnswer, 0)

    def count_placement(self, placement: Placement) -> None:
        """Count one answer of the exchange."""
        match placement:
            case Accepted():
                self.orders[OrderAnswer.ACCEPTED] += 1
            case Refused():
                self.orders[OrderAnswer.REFUSED] += 1
            case _:
                self.orders[OrderAnswer.UNKNOWN] += 1
