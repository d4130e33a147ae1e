"""`bottrader lots compute` and `export`: tax lots from files, and from the database only when that is asked for."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console

from bottrader.adapters.files.beancount import write_beancount
from bottrader.adapters.files.lots_csv import amount_text, write_allocations, write_open_lots
from bottrader.adapters.files.tax_csv import write_disposals, write_totals
from bottrader.adapters.files.trades_csv import TradesFile, read_trades
from bottrader.adapters.files.whole_file import Writer, refuse_same_file, refuse_unwritable, write_whole
from bottrader.domain.disposals import TaxYear, Term, tax_year
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.lots import Allocation, Execution, LotMethod, LotResult, allocate
from bottrader.domain.market import quote_of
from bottrader.domain.performance import realized_pnl, unmatched_proceeds

METHODS = (LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO)

TradesOption = Annotated[
    Path,
    typer.Option(
        "--in",
        metavar="TRADES.CSV",
        help="Trades: order_id,symbol,side,size,price,fee,time and perhaps fee_currency,fee_price,sequence,account.",
    ),
]
MethodOption = Annotated[
    str,
    typer.Option("--method", help="What a sell consumes first: fifo the oldest, lifo the newest, hifo the dearest."),
]


def compute(
    trades_file: TradesOption,
    out: Annotated[Path, typer.Option(metavar="ALLOCATIONS.CSV", help="Where to write which buy each sell closes.")],
    method: MethodOption = LotMethod.FIFO.value,
    open_file: Annotated[
        Path | None, typer.Option("--open", metavar="LOTS.CSV", help="Where to write the lots that are left.")
    ] = None,
) -> None:
    """Match sells with buys, from one CSV file into another; no database, no settings, no network.

    A file with anything wrong in it is refused as a whole with the list of what is wrong, and nothing is written.
    """
    started = perf_counter()
    chosen = method_named(method)
    written = [("--out", out), *([("--open", open_file)] if open_file else [])]
    refuse_same_file([("--in", trades_file), *written])
    for _, file in written:
        refuse_unwritable(file)
    with _nothing_collected():
        trades = read_trades(trades_file)
        result = allocate(trades.executions, chosen)
        writers: dict[Path, Writer] = {out: partial(write_allocations, allocations=result.allocations)}
        if open_file is not None:
            writers[open_file] = partial(write_open_lots, lots=result.open_lots, has_accounts=trades.has_accounts)
        write_whole(writers)
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    for line in _summary(trades, result, chosen):
        say(line)
    for _, file in written:
        say(f"written: {file}")
    say(f"took {perf_counter() - started:.2f} s")


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector from walking again and again over rows that are all kept: it would double the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def export(
    year: Annotated[int, typer.Option(min=1970, max=9998, help="The calendar year of the sells.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")] = Path(),
    trades_file: Annotated[
        Path | None,
        typer.Option("--in", metavar="TRADES.CSV", help="A trades file, as for compute, instead of the database."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="With --in: fifo, lifo or hifo. The database has its own.  [default: fifo]")
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of all dates, such as Europe/Berlin.")] = "UTC",
) -> None:
    """Write what a tax form asks for: a year's disposals, their totals, and a ledger of all trades for beancount.

    Without --in the active version of the database is read: DATABASE_URL, else the newest paper session.
    """
    calendar = zone_named(zone)
    files = {
        out / f"disposals-{year}.csv": write_disposals,
        out / f"totals-{year}.csv": write_totals,
        out / f"ledger-{year}.beancount": write_beancount,
    }
    for file in files:
        refuse_unwritable(file)
        if trades_file is not None:
            refuse_same_file([("--in", trades_file), ("--out", file)])
    with _nothing_collected():
        source, executions, allocations = _books(trades_file, method)
        taxes = tax_year(executions, allocations, year, calendar)
        write_whole({file: partial(write, year=taxes) for file, write in files.items()})
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    say(f"tax year {year} of {source}; all dates are those of {zone}")
    for line in _tax_lines(taxes):
        say(line)
    for file in files:
        say(f"written: {file}")


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of this name; raises `ConfigInvalid` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigInvalid(f"--zone is the name of a time zone such as Europe/Berlin or UTC, was {name!r}") from None


def method_named(name: str) -> LotMethod:
    """Return the method of this name; raises `ConfigInvalid` naming those there are."""
    if name not in METHODS:
        raise ConfigInvalid(f"--method is {', '.join(METHODS[:-1])} or {METHODS[-1]}, was {name!r}")
    return LotMethod(name)


def _summary(trades: TradesFile, result: LotResult, method: LotMethod) -> list[str]:
    unmatched = [row for row in result.allocations if row.pnl is None]
    repeated = f", repeated lines counted once: {trades.repeated_count}" if trades.repeated_count else ""
    return [
        f"trades: {trades.trades_count}{repeated}",
        f"method: {method}",
        f"allocations: {len(result.allocations)}",
        f"unmatched: {len(unmatched)}{', without a known buy, so without basis and P&L' if unmatched else ''}",
        f"open lots: {len(result.open_lots)}",
        *_pnl_lines(result.allocations),
    ]


def _pnl_lines(allocations: Sequence[Allocation]) -> list[str]:
    by_product: dict[str, list[Allocation]] = {}
    for row in allocations:
        by_product.setdefault(row.product_id, []).append(row)
    return [_pnl_line(product_id, rows) for product_id, rows in sorted(by_product.items())]


def _pnl_line(product_id: str, rows: Sequence[Allocation]) -> str:
    currency = quote_of(rows[0].product_id)
    line = f"realized P&L {product_id}: {amount_text(realized_pnl(rows))} {currency}"
    unmatched = [row for row in rows if row.pnl is None]
    if not unmatched:
        return line
    return f"{line}, unmatched proceeds {amount_text(unmatched_proceeds(unmatched))} {currency}"


def _books(trades_file: Path | None, method: str | None) -> tuple[str, Sequence[Execution], Sequence[Allocation]]:
    if trades_file is not None:
        chosen = method_named(method or LotMethod.FIFO)
        trades = read_trades(trades_file)
        return f"{trades_file} ({chosen})", trades.executions, allocate(trades.executions, chosen).allocations
    if method is not None:
        raise ConfigInvalid("--method goes with --in; the database's version has a method of its own")
    from bottrader.cli.lots_books import active_books  # noqa: PLC0415 - loads the database, which a file does not need

    return active_books()


def _tax_lines(taxes: TaxYear) -> Iterator[str]:
    unmatched = taxes.unmatched_count
    flagged = f", {unmatched} without a known buy and to be settled by hand" if unmatched else ""
    yield f"disposals: {len(taxes.disposals)}{flagged}"
    for row in taxes.totals:
        proceeds = f"proceeds {amount_text(row.proceeds)}"
        amounts = f"{proceeds}, cost basis {amount_text(row.cost_basis)}, gain {amount_text(row.gain)}"
        known = amounts if row.term is not Term.UNKNOWN else proceeds
        yield f"{row.term} term, {row.currency}: disposals {row.disposals_count}, {known}"
    yield "these totals equal the ledger's realized P&L and unmatched proceeds of the year, to the last digit"
