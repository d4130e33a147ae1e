"""Query parameters as the venue reads them: list filters repeated or in the singular, unknown names ignored."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

Item = TypeVar("Item")

DIGITS_MAX = 18

FIRST_PAGE = "0"
"""A cursor before the first item: what an empty page carries that only seems to be the last."""

_PLAIN_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)


class ArgumentInvalid(ValueError):
    """The request is malformed: HTTP 400 with `INVALID_ARGUMENT`; the text is the `error_details`."""


class Parameters(Protocol):
    """What is needed of a query string in which a name may occur more than once."""

    def getall(self, key: str, default: Sequence[str]) -> Sequence[str]: ...
    def get(self, key: str) -> str | None: ...


GRANULARITIES_S: Mapping[str, int] = {
    "ONE_MINUTE": 60,
    "FIVE_MINUTE": 300,
    "FIFTEEN_MINUTE": 900,
    "THIRTY_MINUTE": 1800,
    "ONE_HOUR": 3600,
    "TWO_HOUR": 7200,
    "FOUR_HOUR": 14400,
    "SIX_HOUR": 21600,
    "ONE_DAY": 86400,
}


def names(query: Parameters, plural: str) -> frozenset[str]:
    """A list filter: `product_ids=A&product_ids=B`, `product_id=A`, or `product_ids=A,B`; empty means no filter."""
    given = [*query.getall(plural, ()), *query.getall(plural.removesuffix("s"), ())]
    return frozenset(name for text in given for name in text.split(",") if name)


def whole_number(query: Parameters, name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise ArgumentInvalid(f"{name} must be a whole number of up to {DIGITS_MAX} digits, not {text[:40]!r}")
    return int(text)


def page_limit(query: Parameters, default: int, maximum: int) -> int:
    """The page size asked for, never above what the venue gives; 0 or nothing is the default."""
    return min(whole_number(query, "limit") or default, maximum)


def unix_time(query: Parameters, name: str) -> datetime:
    at = unix_time_or_none(query, name)
    if at is None:
        raise ArgumentInvalid(f"{name} is required, in whole seconds since 1970")
    return at


def unix_time_or_none(query: Parameters, name: str) -> datetime | None:
    seconds = whole_number(query, name)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        # Which of them it is depends on how far out of the platform's range the number lies.
        raise ArgumentInvalid(f"{name} is not a time: {seconds}") from None


def timestamp(query: Parameters, name: str) -> datetime | None:
    """An RFC 3339 time with an offset, or None when it is absent."""
    text = query.get(name)
    if not text:
        return None
    return instant(text, name)


def instant(text: str, name: str) -> datetime:
    """The time that RFC 3339 text spells; it must have an offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentInvalid(f"{name} must be an RFC 3339 time, not {text[:40]!r}") from None
    if at.tzinfo is None:
        raise ArgumentInvalid(f"{name} must have an offset or Z, unlike {text[:40]!r}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        # The first and the last day of the calendar have no equal in UTC.
        raise ArgumentInvalid(f"{name} is out of range: {text[:40]!r}") from None


def flag(query: Parameters, name: str) -> bool:
    """A truth value, in the spelling of whatever language the client is written in."""
    text = query.get(name) or "false"
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ArgumentInvalid(f"{name} must be true or false, not {text[:40]!r}")
    return text.lower() in {"true", "1"}


def positive(query: Parameters, name: str) -> Decimal | None:
    """A positive number in plain digits, or None when it is absent."""
    text = query.get(name)
    if not text:
        return None
    if not _PLAIN_NUMBER.fullmatch(text) or not Decimal(text):
        raise ArgumentInvalid(f"{name} must be a positive number, not {text[:40]!r}")
    return Decimal(text)


def granularity_s(query: Parameters) -> int:
    text = query.get("granularity") or ""
    if text not in GRANULARITIES_S:
        raise ArgumentInvalid(f"granularity must be one of {', '.join(GRANULARITIES_S)}, not {text!r}")
    return GRANULARITIES_S[text]


def page(items: Sequence[tuple[str, Item]], cursor: str, limit: int) -> tuple[list[Item], str]:
    """The items after `cursor` and the next cursor, empty when nothing follows.

    Each item comes with its own stable id, and a cursor is the id of the last item given. Items that are added in
    front between two calls therefore neither shift a page nor repeat in it.
    """
    begin = 0
    if cursor and cursor != FIRST_PAGE:
        ids = [item_id for item_id, _ in items]
        if cursor not in ids:
            raise ArgumentInvalid(f"cursor {cursor!r} was not issued by this endpoint")
        begin = ids.index(cursor) + 1
    chosen = items[begin : begin + limit]
    more = begin + limit < len(items)
    return [item for _, item in chosen], chosen[-1][0] if more and chosen else ""
