"""The cells of a trades file: text to values, exactly or not at all.

Amounts are plain decimals. Limits of digits keep every later product and sum exact (`domain.money.EXACT` has 76
digits: a product of two amounts has 66 at most, and ten thousand million of them add ten).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

from bottrader.adapters.files.problems import quoted
from bottrader.domain.market import ProductId
from bottrader.domain.money import ZERO, canonical
from bottrader.domain.orders import Side

INTEGER_DIGITS_MAX = 15
FRACTION_DIGITS_MAX = 18
ID_LENGTH_MAX = 128

_DIGITS_MAX = f"at most {INTEGER_DIGITS_MAX} digits before and {FRACTION_DIGITS_MAX} after the point"
_ABOVE_ZERO = "is above zero"
_PLAIN = re.compile(r"([0-9]*)(?:\.([0-9]*))?", re.ASCII)
_PAIR = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}")
_CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII
)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


class CellInvalid(ValueError):
    """The cell is refused; the message goes on after the name of its column."""


def parse_id(text: str) -> str:
    """Return an id or a name that can be printed and told apart."""
    if not text:
        raise CellInvalid("is missing")
    if len(text) > ID_LENGTH_MAX or not text.isprintable():
        raise CellInvalid(f"has 1 to {ID_LENGTH_MAX} printable characters, was {quoted(text)}")
    return text


def parse_symbol(text: str) -> ProductId:
    """Return a pair of two different currencies."""
    base, _, quote = text.partition("-")
    if not _PAIR.fullmatch(text) or base == quote:
        raise CellInvalid(f"is BASE-QUOTE in capitals, such as BTC-USD, was {quoted(text)}")
    return ProductId(text)


def parse_currency(text: str) -> str:
    """Return the code of a currency or coin."""
    if not _CURRENCY.fullmatch(text):
        raise CellInvalid(f"is a code in capitals, such as USD or BTC, was {quoted(text)}")
    return text


def parse_side(text: str) -> Side:
    """Return the side, in capitals or not."""
    side = _SIDES.get(text.lower())
    if side is None:
        raise CellInvalid(f"is buy or sell, was {quoted(text)}")
    return side


def parse_positive(text: str) -> Decimal:
    """Return an amount above zero."""
    amount = _amount(text, _ABOVE_ZERO)
    if amount == ZERO:
        raise CellInvalid(f"{_ABOVE_ZERO}, was {quoted(text)}")
    return amount


def parse_fee(text: str) -> Decimal:
    """Return an amount of zero or more. Coinbase pays no rebates, so a fee below zero is a slip: a sign turned."""
    return _amount(text, "is zero or more")


def parse_sequence(text: str) -> int:
    """Return the venue's number of a trade."""
    if not _WHOLE.fullmatch(text):
        raise CellInvalid(f"is a whole number of up to 18 digits, was {quoted(text)}")
    return int(text)


def parse_moment(text: str) -> datetime:
    """Return a moment in UTC. Digits finer than microseconds are refused: cutting them off could reorder trades."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise CellInvalid(f"is a moment such as 2026-01-31T12:00:00Z, was {quoted(text)}")
    fraction, zone = match.groups()
    if zone is None:
        raise CellInvalid(f"has no time zone, add Z for UTC or an offset such as +01:00, was {quoted(text)}")
    if fraction is not None and len(fraction.rstrip("0")) > 7:
        raise CellInvalid(f"has at most 6 digits after the second, was {quoted(text)}")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CellInvalid(f"is no moment of the calendar, was {quoted(text)}") from None


def check_digits(amount: Decimal) -> None:
    """Hold an amount that was computed, of zero or more, against the limits of those that are read.

    Raises:
        CellInvalid: when it has more digits.
    """
    if amount >= 10**INTEGER_DIGITS_MAX or int(canonical(amount).as_tuple().exponent) < -FRACTION_DIGITS_MAX:
        raise CellInvalid(f"in quote currency it has {_DIGITS_MAX}, was {amount:f}")


def _amount(text: str, range_text: str) -> Decimal:
    match = _PLAIN.fullmatch(text)
    if match is None or text in {"", "."}:
        raise CellInvalid(_not_plain(text, range_text))
    whole, fraction = match.groups()
    if len(whole.lstrip("0")) > INTEGER_DIGITS_MAX or len((fraction or "").rstrip("0")) > FRACTION_DIGITS_MAX:
        raise CellInvalid(f"has {_DIGITS_MAX}, was {quoted(text)}")
    # Without its zeros an amount of any length fits.
    return Decimal(f"{whole.lstrip('0') or '0'}.{(fraction or '').rstrip('0') or '0'}")


def _not_plain(text: str, range_text: str) -> str:
    if not text:
        return "is missing"
    if text.startswith("-"):
        return f"{range_text}, was {quoted(text)}"
    return f"is a plain decimal such as 0.015, without exponent, sign or separators, was {quoted(text)}"
