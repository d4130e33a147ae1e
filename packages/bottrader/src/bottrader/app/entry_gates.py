"""The gates in front of every order that increases exposure: while the bot does not see, it does not buy (S7).

Each gate is one condition, one code and one sentence. None of them stands before an order that reduces a position: a
stop that waited for a stream would be a stop that does not protect.
"""

from dataclasses import dataclass

from bottrader.domain.validation import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the desk sees at the moment an entry is asked for; the defaults are full sight."""

    is_reconciled: bool = True
    """The start-up has finished."""
    reconciliation_fault: str | None = None
    is_user_stream_live: bool = True
    is_user_gap_filled: bool = True
    """What the user stream missed while it was away has been asked for."""
    is_market_blind: bool = False
    is_price_doubted: bool = False
    has_unknown_order: bool = False
    """An order of the same product may be live, nobody knows."""


def closed_gate(sight: Sight) -> Refusal | None:
    """Return the first gate that is closed, None when an entry may pass."""
    fault = sight.reconciliation_fault
    gates = (
        (not sight.is_reconciled, "NOT_RECONCILED", "the start is not over: nothing is bought before the books agree"),
        (
            fault is not None,
            "RECONCILIATION_FAILED",
            f"the last reconciliation did not finish, so nothing is bought: {fault}",
        ),
        (
            not sight.is_user_stream_live,
            "USER_STREAM_DOWN",
            "the user stream is down; nothing is bought while fills go unheard",
        ),
        (
            not sight.is_user_gap_filled,
            "USER_GAP_OPEN",
            "what the user stream missed is not known yet; nothing is bought before",
        ),
        (sight.is_market_blind, "STALE_PRICE", "the market stream is down; no position is opened blind"),
        (
            sight.is_price_doubted,
            "PRICE_DOUBTED",
            "the price has jumped and nothing confirms it yet; nothing is bought on it",
        ),
        (
            sight.has_unknown_order,
            "SKIPPED_OPEN_ORDER",
            "an order of this pair has an unknown outcome; it is settled first",
        ),
    )
    return next((Refusal(code, message) for is_closed, code, message in gates if is_closed), None)
