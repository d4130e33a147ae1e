"""Coinbase's transaction report as CSV, judged as a whole.

Two shapes are read. The report that people download begins with a few lines about its owner and has the columns `ID,
Timestamp, Transaction Type, Asset, Quantity Transacted` and more. The normalised one has `transaction_id,
normalized_type, amount_usd` and a column of moments; `currency` may name another one than USD, with `amount`.

Amounts follow these rules: a deposit is above zero; a withdrawal is taken out whether the report writes a sign or not,
because older reports do not; the normalised shape has no signs except at an internal transfer, where one says the
direction. A trade is no cash movement, and is counted and left out. Every problem is listed, and a file that has one
moves nothing.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bottrader.domain.cash import (
    TRADE_WORDS,
    CashKind,
    CashMovement,
    CashRoute,
    amount_fault,
    direction_of_word,
    kind_of_word,
    plain_word,
)
from bottrader.domain.errors import AmountInvalid
from bottrader.domain.money import EXACT, ZERO, parse_amount

DIGITS_MAX = 18
"""Digits before and after the point of an amount; more are a broken line, and sums of them could not be exact."""

_IDS = ("id", "transaction_id")
_WORDS = ("transaction_type", "normalized_type")
_TIMES = ("timestamp", "transaction_date", "created_at", "date", "time", "at")
_CURRENCIES = ("asset", "currency")
_AMOUNTS = ("quantity_transacted", "amount_usd", "amount")
_NEEDED = {"ID": _IDS, "Transaction Type": _WORDS, "Timestamp": _TIMES, "Quantity Transacted": _AMOUNTS}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a line cannot be taken; `line` counts from 1 as an editor does."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownEntry:
    """A transaction of a word that nobody knows: a person has to say what it is."""

    transaction_id: str
    line: int
    word: str
    currency: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class CashFile:
    """What a report says; with `problems` nothing of it may be used."""

    movements: tuple[tuple[int, CashMovement], ...]
    """With the line of each, in the order of the file."""
    unknown: tuple[UnknownEntry, ...]
    trades_count: int
    problems: tuple[FileProblem, ...]


def read_cash_file(text: str, currencies: Collection[str]) -> CashFile:
    """Return what the report `text` says. `currencies` are those that an amount may be in."""
    # Strict: a quote that is never closed would swallow the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        return CashFile((), (), 0, (FileProblem(reader.line_num, f"is no CSV: {error}"),))
    head = next((place for place, (_, row) in enumerate(lines) if _is_head(row)), None)
    if head is None:
        needed = "ID, Timestamp, Transaction Type, Asset and Quantity Transacted"
        return CashFile((), (), 0, (FileProblem(1, f"has no line that names the columns {needed}"),))
    line, names = lines[head]
    columns = [plain_word(name) for name in names]
    missing = [name for name, spellings in _NEEDED.items() if not set(spellings) & set(columns)]
    if "quantity_transacted" in columns and "asset" not in columns:
        missing.append("Asset")
    if missing or len(set(columns)) < len(columns):
        reason = f"lacks the column {', '.join(missing)}" if missing else "names a column twice"
        return CashFile((), (), 0, (FileProblem(line, reason),))
    reading = _Reading(columns, currencies)
    for number, row in lines[head + 1 :]:
        if any(field.strip() for field in row):
            reading.take(number, row)
    return reading.result()


def _is_head(row: Sequence[str]) -> bool:
    words = {plain_word(field) for field in row}
    return bool(words & set(_WORDS)) and bool(words & set(_AMOUNTS))


class _Reading:
    """The lines of one file so far."""

    def __init__(self, columns: Sequence[str], currencies: Collection[str]) -> None:
        self._columns = columns
        self._currencies = currencies
        self._is_normalised = "normalized_type" in columns
        self._entries: dict[str, CashMovement | UnknownEntry] = {}
        self._lines: dict[str, int] = {}
        self._trades: set[str] = set()
        self._problems: list[FileProblem] = []

    def take(self, line: int, row: Sequence[str]) -> None:
        if len(row) != len(self._columns):
            reason = f"has {len(row)} fields where the columns are {len(self._columns)}"
            self._problems.append(FileProblem(line, reason))
            return
        fields = dict(zip(self._columns, (field.strip() for field in row), strict=True))
        faults = list(self._take(line, fields))
        self._problems += [FileProblem(line, fault) for fault in faults]

    def result(self) -> CashFile:
        movements = [
            (self._lines[key], entry) for key, entry in self._entries.items() if isinstance(entry, CashMovement)
        ]
        unknown = [entry for entry in self._entries.values() if isinstance(entry, UnknownEntry)]
        return CashFile(tuple(movements), tuple(unknown), len(self._trades), tuple(self._problems))

    def _take(self, line: int, fields: Mapping[str, str]) -> Iterator[str]:
        """Take one line in, or yield what is wrong with it."""
        key, word = _first(fields, _IDS), _first(fields, _WORDS)
        if not key:
            yield "has no transaction id"
        if not word:
            yield "has no transaction type"
        if plain_word(word) in TRADE_WORDS:
            self._trades.add(key)
            return
        at, amount = _moment(_first(fields, _TIMES)), _amount(_first(fields, _AMOUNTS))
        yield from (fault for fault in (at, amount) if isinstance(fault, str))
        currency = self._currency(fields)
        if currency not in self._currencies and kind_of_word(word) is not None:
            yield f"unknown currency {currency!r}; if it is one of yours, name it with --currency"
        if not isinstance(at, str) and not isinstance(amount, str):
            yield from self._book(UnknownEntry(key, line, word, currency, amount, at))

    def _book(self, entry: UnknownEntry) -> Iterator[str]:
        """Take an entry as what its word says, or yield why it cannot be that."""
        kind = kind_of_word(entry.word)
        if kind is None:
            yield from self._keep(entry.line, entry)
            return
        signed = self._signed(kind, entry.word, entry.amount)
        fault = amount_fault(kind, signed)
        if fault:
            yield fault
        elif self._is_normalised and entry.amount < ZERO and kind is not CashKind.INTERNAL_TRANSFER:
            yield f"an amount in this shape has no sign, was {entry.amount}"
        else:
            movement = CashMovement(entry.transaction_id, kind, entry.currency, signed, entry.at, CashRoute.FILE)
            yield from self._keep(entry.line, movement)

    def _keep(self, line: int, entry: CashMovement | UnknownEntry) -> Iterator[str]:
        known = self._entries.setdefault(entry.transaction_id, entry)
        first = self._lines.setdefault(entry.transaction_id, line)
        if _terms(known) != _terms(entry):
            yield f"transaction {entry.transaction_id} is on line {first} with other content"

    def _currency(self, fields: Mapping[str, str]) -> str:
        named = _first(fields, _CURRENCIES)
        if fields.get("amount_usd") and named not in ("", "USD"):
            return f"{named} with amount_usd"
        return named or ("USD" if self._is_normalised else "")

    def _signed(self, kind: CashKind, word: str, amount: Decimal) -> Decimal:
        if amount <= ZERO or direction_of_word(word) > 0:
            return amount
        return EXACT.minus(amount) if kind in (CashKind.WITHDRAWAL, CashKind.INTERNAL_TRANSFER) else amount


def _terms(entry: CashMovement | UnknownEntry) -> tuple[object, ...]:
    what = entry.kind if isinstance(entry, CashMovement) else entry.word
    return what, entry.currency, entry.amount, entry.at


def _first(fields: Mapping[str, str], spellings: Sequence[str]) -> str:
    return next((fields[name] for name in spellings if fields.get(name)), "")


def _moment(text: str) -> datetime | str:
    """Return the moment, or what is wrong with it; newer reports write `2024-01-31 12:00:00 UTC`."""
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" if text.endswith(" UTC") else text)
    except ValueError:
        return f"{text!r} is no moment such as 2024-01-31T12:00:00Z"
    return f"the moment {text!r} has no time zone" if at.tzinfo is None else at.astimezone(UTC)


def _amount(text: str) -> Decimal | str:
    """Return the amount, or what is wrong with it."""
    try:
        amount = parse_amount(text)
    except AmountInvalid as error:
        return str(error)
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), "an amount is finite"
    if not amount:
        return "an amount of zero moves nothing"
    if amount.adjusted() >= DIGITS_MAX or exponent < -DIGITS_MAX:
        return f"an amount has at most {DIGITS_MAX} digits before and after the point, was {text}"
    return amount
