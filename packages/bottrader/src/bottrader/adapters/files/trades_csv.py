"""A file of trades: CSV in, executions out, or the whole file refused with every problem it has.

One line is one trade with an id of its own. The same line twice is one trade; the same id with other content is
refused, because nobody can tell which of the two is true. Nothing is guessed, rounded or left out.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bottrader.adapters.files import cells
from bottrader.adapters.files.problems import Problems, quoted
from bottrader.domain.errors import AmountInvalid, FileRefused
from bottrader.domain.lots import FEE_SUFFIX, ChargedFee, Execution, with_fee
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import ZERO, Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side

REQUIRED = ("order_id", "symbol", "side", "size", "price", "fee", "time")
OPTIONAL = ("fee_currency", "fee_price", "sequence", "account")


@dataclass(frozen=True, slots=True)
class TradesFile:
    """What a file holds: `executions` with fees in quote currency, the disposals of fees paid in coins included."""

    executions: tuple[Execution, ...]
    trades_count: int
    repeated_count: int
    """Lines that said again what another line said."""
    has_accounts: bool


@dataclass(frozen=True, slots=True)
class _Trade:
    """One line; its fields are the columns."""

    order_id: str
    symbol: ProductId
    side: Side
    size: Decimal
    price: Decimal
    fee: Decimal
    time: datetime
    fee_currency: str = ""
    fee_price: Decimal | None = None
    sequence: int | None = None
    account: str = ""


def read_trades(file: Path) -> TradesFile:
    """Read the trades of a CSV file with a header: columns in any order, UTF-8 with or without a mark, any line ends.

    Raises:
        FileRefused: when it cannot be opened, or with the list of all that is wrong in it.
    """
    problems = Problems(file)
    trades = _Trades(problems)
    header: list[str] = []
    try:
        # What is not UTF-8 becomes characters that no cell accepts, so it is told with its line.
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            try:
                header = [name.strip() for name in next(reader, [])]
                if _header_fits(header, problems):
                    for row in reader:
                        trades.take(reader.line_num, header, row)
            except csv.Error as error:
                problems.add(reader.line_num, f"is not CSV: {error}; nothing after it was read")
    except OSError as error:
        raise FileRefused(f"{file} cannot be read: {error.strerror}") from None
    problems.refuse_if_any()
    return TradesFile(tuple(trades.executions), trades.count, trades.repeated_count, "account" in header)


def _header_fits(header: Sequence[str], problems: Problems) -> bool:
    text = ",".join(header)
    if not text:
        problems.add(1, f"there is no header; it names the columns {','.join(REQUIRED)}")
    elif not text.isprintable():
        problems.add(1, f"this is no text in UTF-8, it begins with {quoted(text)}; save it as CSV in UTF-8")
    elif len(header) == 1:
        problems.add(1, f"columns are separated by commas, the header was {quoted(text)}")
    else:
        return _columns_fit(header, problems)
    return False


def _columns_fit(header: Sequence[str], problems: Problems) -> bool:
    known = REQUIRED + OPTIONAL
    faults = {
        "missing": [name for name in REQUIRED if name not in header],
        "unknown": [name for name in header if name not in known],
        "named twice": sorted({name for name in header if header.count(name) > 1}),
    }
    for fault, names in faults.items():
        for name in names:
            problems.add(1, f"column {quoted(name)} is {fault}; there are {', '.join(known)}")
    return not any(faults.values())


class _Trades:
    """The trades read so far, by their ids, and what they amount to."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._seen: dict[str, tuple[int, _Trade]] = {}
        self.executions: list[Execution] = []
        self.repeated_count = 0
        self._numbered_line: dict[bool, int] = {}

    @property
    def count(self) -> int:
        return len(self._seen)

    def take(self, line: int, header: Sequence[str], row: Sequence[str]) -> None:
        """Take in the line that ends at this number; an empty one is none."""
        if not row:
            return
        if len(row) != len(header):
            self._problems.add(line, f"has {len(row)} cells, the header has {len(header)}")
            return
        reasons: list[str] = []
        trade = _trade(dict(zip(header, row, strict=True)), reasons)
        if trade is not None:
            self._check_numbering(line, trade, reasons)
            self._keep(line, trade, reasons)
        for reason in reasons:
            self._problems.add(line, reason)

    def _check_numbering(self, line: int, trade: _Trade, reasons: list[str]) -> None:
        """Numbers order trades of one moment; where only some have one, the order of the others is anybody's guess."""
        is_numbered = trade.sequence is not None
        self._numbered_line.setdefault(is_numbered, line)
        other_line = self._numbered_line.get(not is_numbered)
        if other_line is not None:
            reasons.append(
                f"sequence is {'given' if is_numbered else 'empty'} but not so in line {other_line}; give it in every"
                " line or in none"
            )

    def _keep(self, line: int, trade: _Trade, reasons: list[str]) -> None:
        first_line, first = self._seen.setdefault(trade.order_id, (line, trade))
        if first is trade:
            self.executions.extend(_executions(trade, reasons))
        elif first == trade:
            self.repeated_count += 1
        else:
            other = [field.name for field in fields(trade) if getattr(trade, field.name) != getattr(first, field.name)]
            reasons.append(
                f"order_id {quoted(trade.order_id)} was in line {first_line} with other content"
                f" ({', '.join(other)}); keep the true one, and give each fill of an order an id of its own"
            )


def _trade(texts: Mapping[str, str], reasons: list[str]) -> _Trade | None:
    values: dict[str, Any] = {}
    for column, text in texts.items():
        try:
            values[column] = _PARSERS[column](text.strip())
        except cells.CellInvalid as error:
            reasons.append(f"{column} {error}")
    return None if reasons else _Trade(**values)


def _executions(trade: _Trade, reasons: list[str]) -> Sequence[Execution]:
    currency = trade.fee_currency or quote_of(trade.symbol)
    if reason := _fee_fault(trade, currency):
        reasons.append(reason)
        return ()
    if currency == quote_of(trade.symbol):
        return (_execution(trade, trade.fee),)
    price = None if trade.fee_price is None else Price(trade.fee_price)
    try:
        executions = with_fee(_execution(trade, ZERO), ChargedFee(trade.fee, currency, price))
        cells.check_digits(executions[0].fee)
    except (AmountInvalid, cells.CellInvalid) as error:
        reasons.append(f"fee cannot be used: {error}")
        return ()
    return executions


def _fee_fault(trade: _Trade, currency: str) -> str | None:
    base, quote = base_of(trade.symbol), quote_of(trade.symbol)
    if currency in {base, quote}:
        if trade.fee_price is None:
            return None
        return f"fee_price is only for a fee in a third coin, but {currency} is of {trade.symbol}; leave it empty"
    if trade.fee_price is not None:
        return None
    return (
        f"fee_currency {currency} is neither {base} nor {quote}; a column fee_price has to tell how much {quote} one"
        f" {currency} was worth"
    )


def _execution(trade: _Trade, fee: Decimal) -> Execution:
    return Execution(
        execution_id=trade.order_id,
        order_id=ClientOrderId(trade.order_id),
        product_id=trade.symbol,
        side=trade.side,
        price=Price(trade.price),
        size=Size(trade.size),
        fee=Money(fee),
        executed_at=trade.time,
        sequence=trade.sequence or 0,
        account=trade.account,
    )


def _parse_own_id(text: str) -> str:
    if text.endswith(FEE_SUFFIX):
        raise cells.CellInvalid(f"does not end in {FEE_SUFFIX}, which names the disposal of a fee, was {quoted(text)}")
    return cells.parse_id(text)


def _or(parse: Callable[[str], Any], if_empty: Any) -> Callable[[str], Any]:
    return lambda text: parse(text) if text else if_empty


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "order_id": _parse_own_id,
    "symbol": cells.parse_symbol,
    "side": cells.parse_side,
    "size": cells.parse_positive,
    "price": cells.parse_positive,
    "fee": cells.parse_fee,
    "time": cells.parse_moment,
    "fee_currency": _or(cells.parse_currency, ""),
    "fee_price": _or(cells.parse_positive, None),
    "sequence": _or(cells.parse_sequence, None),
    "account": _or(cells.parse_id, ""),
}
