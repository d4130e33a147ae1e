"""Amounts as people read them. Rounding happens here, at display, and nowhere before (B227).

Money is rounded half-even to cents: 1.18634523 reads 1.19, 0.125 reads 0.12, 0.135 reads 0.14. Sizes are never rounded.
A minus is U+2212, as wide as a plus, so signed columns line up; a loss is told by its sign, never by its colour alone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bottrader.app.report import LedgerVerdict
from bottrader.domain.money import EXACT
from bottrader.domain.performance import to_cents
from bottrader.domain.reconciliation import Difference

# Wider than any ledger amount, so that only the digits after the last one shown are ever rounded away.
_DISPLAY = Context(prec=120, rounding=ROUND_HALF_EVEN)
_PRICE_DIGITS = 6
MINUS = "\u2212"
NOT_AVAILABLE = "n/a"


def money_text(amount: Decimal) -> str:
    """Return quote currency in cents, half-even, thousands separated: `1,234.50`, `−0.72`."""
    return _grouped(to_cents(amount))


def signed_money_text(amount: Decimal) -> str:
    """Return quote currency in cents with its sign: `+1.19`, `−0.72`; what rounds to zero has none."""
    cents = to_cents(amount)
    return f"+{_grouped(cents)}" if cents > 0 else _grouped(cents)


def exact_text(amount: Decimal) -> str:
    """Return every digit of an amount in plain notation, without trailing zeros."""
    plain = f"{amount:f}"
    trimmed = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if trimmed in {"", "-0"} else trimmed.replace("-", MINUS)


def price_text(price: Decimal) -> str:
    """Return a price in cents or, below 1000, in six significant digits at most, half-even: `42,789.65`, `0.1373`."""
    decimals = max(2, _PRICE_DIGITS - 1 - price.adjusted()) if price else 2
    rounded = price.quantize(Decimal(1).scaleb(-decimals), context=_DISPLAY)
    whole, _, fraction = f"{rounded:,f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}".replace("-", MINUS)


def percent_text(fraction: Decimal | None) -> str:
    """Return a fraction as a percentage with two decimals, half-even: 0.048387 reads `4.84 %`; None reads `n/a`."""
    if fraction is None:
        return NOT_AVAILABLE
    return f"{_grouped(to_cents(_DISPLAY.multiply(fraction, Decimal(100))))} %"


def profit_factor_text(profit_factor: Decimal | None, wins_count: int) -> str:
    """Return the profit factor with two decimals, half-even; without losses it has no value and says so (B225)."""
    if profit_factor is not None:
        return _grouped(to_cents(profit_factor))
    return "no losses" if wins_count else NOT_AVAILABLE


def moment_text(at: datetime) -> str:
    """Return a moment to the minute, without its zone: `2023-03-04 17:05`."""
    return f"{at:%Y-%m-%d %H:%M}"


def span_text(span: timedelta) -> str:
    """Return a duration in its two largest units: `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `9 s`."""
    seconds = int(span.total_seconds())
    parts = (seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)
    first = next((i for i, part in enumerate(parts) if part), len(parts) - 1)
    shown = [(parts[i], ("d", "h", "min", "s")[i]) for i in range(first, min(first + 2, len(parts)))]
    return " ".join(f"{count} {unit}" for count, unit in shown if count) or "0 s"


def reason_text(reason: str) -> str:
    """Return a trigger's name as words: `TAKE_PROFIT` reads `take profit`."""
    return reason.replace("_", " ").lower()


def orders_text(orders_by_status: Mapping[str, int]) -> str:
    """Return how many orders there were, and of which status: `12 orders: 2 cancelled, 10 filled`."""
    count = sum(orders_by_status.values())
    if not count:
        return "no orders"
    parts = ", ".join(f"{of_status} {status}" for status, of_status in orders_by_status.items())
    return f"{count} {'order' if count == 1 else 'orders'}: {parts}"


def verdict_text(verdict: LedgerVerdict) -> str:
    """Return in one clause whether the books are equal, and if not, in what they differ."""
    if verdict.equal:
        return "Ledger equals the exchange's to the last digit"
    return f"Ledger differs from the exchange's: {', '.join(difference.what for difference in verdict.differences)}"


def gap_text(figure: Difference) -> str:
    """Return by how much our figure is off the exchange's: `0.00000001 too much`, `12.5 too little`."""
    gap = EXACT.subtract(figure.ours, figure.theirs)
    return f"{exact_text(abs(gap))} too {'much' if gap > 0 else 'little'}"


def sign_of(amount: Decimal) -> str:
    """Return `gain`, `loss` or `even`, by the cents that are shown."""
    cents = to_cents(amount)
    return "gain" if cents > 0 else "loss" if cents < 0 else "even"


def _grouped(rounded: Decimal) -> str:
    # A loss below half a cent would read as minus zero.
    return f"{rounded or abs(rounded):,f}".replace("-", MINUS)
