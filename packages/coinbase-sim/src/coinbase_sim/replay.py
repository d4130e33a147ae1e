"""Recorded candles from a file, read exactly and checked strictly.

A replay is only as good as its data: a wrong row would become a wrong trade that looks right. So nothing is repaired;
the first offence is refused with the file, the row and the remedy. Text stays exact (CSV through the standard
library), and a Parquet double counts as the shortest decimal that spells it.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from coinbase_sim.amounts import ZERO
from coinbase_sim.model import Bar

_COLUMNS = ("time", "open", "high", "low", "close", "volume")
_FALLBACK_PRODUCT = "BTC-USD"
_PRODUCT_IN_NAME = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z0-9]{2,10}?)[-_]?(USDC|USDT|USD|EUR|GBP)(?![A-Za-z0-9])", re.IGNORECASE
)
# A time this large, read as seconds, lies in the year 5138: it is milliseconds or finer.
_SECONDS_MAX = 10**11


class CandlesInvalid(ValueError):
    """The candle file cannot be replayed; the message names file, row (1 is the first data row) and remedy."""


def load_bars(path: Path, product_id: str | None = None) -> list[Bar]:
    """Return the bars of a CSV or Parquet file with the columns time, open, high, low, close and volume.

    Args:
        path: a file that ends in .csv, .parquet or .pq.
        product_id: the pair; when None it is taken from the file name (`BTC-USD`, `BTCUSD`, `btc_usd`), else BTC-USD.

    Times are aware datetimes, ISO 8601 text with an offset, or unix seconds, and rise strictly in steps of one width,
    gaps being whole multiples of it.

    Raises:
        CandlesInvalid: at the first offence.
    """
    product = product_id or _product_in(path.name)
    bars: list[Bar] = []
    for number, row in enumerate(_rows(path), start=1):
        bar = _bar(product, row, f"{path}, row {number}")
        if bars and bar.start == bars[-1].start:
            raise CandlesInvalid(f"{path}, row {number}: the time {row['time']} occurs twice; remove the duplicate row")
        if bars and bar.start < bars[-1].start:
            raise CandlesInvalid(
                f"{path}, row {number}: the time {row['time']} is earlier than the row before; sort the rows by time"
            )
        bars.append(bar)
    if not bars:
        raise CandlesInvalid(f"{path}: the file has no rows of candles; give one with at least two")
    if len(bars) == 1:
        raise CandlesInvalid(f"{path}: one row does not tell the width of a candle; give at least two rows")
    _check_spacing(path, bars)
    return bars


def bar_width_s(bars: Sequence[Bar]) -> int:
    """Return the width of one product's bars in seconds: the smallest step between two of them.

    Raises:
        ValueError: with fewer than two bars.
    """
    if len(bars) < 2:
        raise ValueError(f"the width of bars shows between two of them; there were {len(bars)}")
    return int(min(later.start - earlier.start for earlier, later in pairwise(bars)).total_seconds())


def _check_spacing(path: Path, bars: Sequence[Bar]) -> None:
    width = min(later.start - earlier.start for earlier, later in pairwise(bars))
    if width < timedelta(seconds=1) or width % timedelta(seconds=1):
        raise CandlesInvalid(f"{path}: candles of {width.total_seconds()} s are too fine; use whole seconds")
    for number, (earlier, later) in enumerate(pairwise(bars), start=2):
        step = later.start - earlier.start
        if step % width:
            raise CandlesInvalid(
                f"{path}, row {number}: the step of {step.total_seconds():g} s is no multiple of the candle width "
                f"{width.total_seconds():g} s; give candles of one width"
            )


def _product_in(name: str) -> str:
    found = _PRODUCT_IN_NAME.search(name)
    return f"{found[1]}-{found[2]}".upper() if found else _FALLBACK_PRODUCT


def _rows(path: Path) -> Iterator[Mapping[str, object]]:
    if not path.is_file():
        raise CandlesInvalid(f"{path}: there is no such file; check the path")
    match path.suffix.lower():
        case ".csv":
            return _csv_rows(path)
        case ".parquet" | ".pq":
            return _parquet_rows(path)
        case _:
            raise CandlesInvalid(f"{path}: candles are read from .csv or .parquet; convert the file or rename it")


def _csv_rows(path: Path) -> Iterator[Mapping[str, object]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
            _require_columns(path, header)
            for cells in reader:
                if cells:
                    yield dict(zip(header, cells, strict=False))
        except UnicodeDecodeError:
            raise CandlesInvalid(f"{path}: this is not UTF-8 text; save the CSV as UTF-8") from None
        except csv.Error as error:
            raise CandlesInvalid(f"{path}: this is not readable CSV ({error}); save it again") from None


def _parquet_rows(path: Path) -> Iterator[Mapping[str, object]]:
    # It takes a third of a second to import, and only this format needs it. It ships no type information.
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - see above
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise CandlesInvalid(f"{path}: this is not readable Parquet ({reason}); write the file again") from None
    table = table.rename_columns([name.strip().lower() for name in table.column_names])
    _require_columns(path, table.column_names)
    for batch in table.select(list(_COLUMNS)).to_batches(max_chunksize=4096):
        yield from batch.to_pylist()


def _require_columns(path: Path, header: Iterable[str]) -> None:
    present = list(header)
    if not present:
        raise CandlesInvalid(f"{path}: the file is empty; give one with the columns {', '.join(_COLUMNS)}")
    for name in _COLUMNS:
        if name not in present:
            raise CandlesInvalid(f"{path}: the column {name!r} is missing; the columns are {', '.join(_COLUMNS)}")
        if present.count(name) > 1:
            raise CandlesInvalid(f"{path}: the column {name!r} occurs twice; keep one of them")


def _bar(product_id: str, row: Mapping[str, object], where: str) -> Bar:
    start = _time(row.get("time"), where)
    opening, high, low, close = (_price(name, row.get(name), where) for name in ("open", "high", "low", "close"))
    volume = _number("volume", row.get("volume"), where)
    if volume < ZERO:
        raise CandlesInvalid(f"{where}: volume is {volume}; it must not be negative")
    if high < low:
        raise CandlesInvalid(f"{where}: high {high} is below low {low}; swap or correct them")
    for name, price in (("open", opening), ("close", close)):
        if not low <= price <= high:
            raise CandlesInvalid(f"{where}: {name} {price} lies outside low {low} to high {high}; correct the row")
    return Bar(product_id, start, opening, high, low, close, volume)


def _price(name: str, value: object, where: str) -> Decimal:
    price = _number(name, value, where)
    if price <= ZERO:
        raise CandlesInvalid(f"{where}: {name} is {price}; a price is above zero")
    return price


def _number(name: str, value: object, where: str) -> Decimal:
    text = repr(value) if isinstance(value, float) else str(value).strip()
    if value is None or not text:
        raise CandlesInvalid(f"{where}: {name} is missing; fill it in or remove the row")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CandlesInvalid(f"{where}: {name} is {text!r}; write it as a decimal number") from None
    if not number.is_finite():
        raise CandlesInvalid(f"{where}: {name} is {text}; fill in a finite number or remove the row")
    return number


def _time(value: object, where: str) -> datetime:
    if value is None or value == "":
        raise CandlesInvalid(f"{where}: time is missing; fill it in or remove the row")
    if isinstance(value, datetime):
        return _aware(value, value, where)
    text = str(value).strip()
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        try:
            return _aware(datetime.fromisoformat(text), text, where)
        except ValueError as error:
            if isinstance(error, CandlesInvalid):
                raise
            raise CandlesInvalid(
                f"{where}: time is {text!r}; write ISO 8601 with an offset (2026-01-01T00:00:00Z) or unix seconds"
            ) from None
    if not seconds.is_finite() or not ZERO <= seconds < _SECONDS_MAX or seconds != int(seconds):
        raise CandlesInvalid(f"{where}: time is {text}; a number counts whole unix seconds, not milliseconds or parts")
    return datetime.fromtimestamp(int(seconds), UTC)


def _aware(moment: datetime, shown: object, where: str) -> datetime:
    if moment.tzinfo is None:
        raise CandlesInvalid(f"{where}: the time {shown} has no offset from UTC; write it with one, for example a Z")
    return moment.astimezone(UTC)
