"""How the venue writes amounts, times and derived identities: numbers are strings, times are RFC 3339 in UTC."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from uuid import NAMESPACE_URL, uuid5

from coinbase_sim.amounts import EXACT
from coinbase_sim.model import TickerChanged

DISPLAY = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""For quotients that are shown and never booked; the caller's own decimal context is not used."""

NO_TIME = "0001-01-01T00:00:00Z"
"""What the user channel sends for a time that does not apply (coinbase.md §12.3)."""


def amount_text(amount: Decimal) -> str:
    """The exact digits without an exponent: `Decimal("1E+2")` is `100`."""
    return format(amount, "f")


def time_text(at: datetime) -> str:
    """RFC 3339 with six digits: `2026-04-07T14:30:03.000000Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def unix_text(at: datetime) -> str:
    """Whole seconds since 1970, as text; this is how candles say when they start."""
    return str(int(at.timestamp()))


def derived_id(*parts: str) -> str:
    """A UUID that is the same for the same parts in every run."""
    return str(uuid5(NAMESPACE_URL, "coinbase-sim/" + "/".join(parts)))


def public_trade_id(trade_id: str) -> str:
    """The number under which the public tape tells a trade; a member's fills have ids of another form."""
    return str(int(trade_id[-12:], 16))


USER_ID = derived_id("user")
PORTFOLIO_ID = derived_id("portfolio")


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """A quotient for display, half-even to 28 digits; zero when there is nothing to divide by."""
    return DISPLAY.divide(numerator, denominator) if denominator else Decimal(0)


def mid_price(ticker: TickerChanged) -> Decimal:
    return EXACT.divide(EXACT.add(ticker.best_bid.price, ticker.best_ask.price), Decimal(2))
