"""`bottrader cash`: money that came and went without a trade."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bottrader.adapters.report import figures
from bottrader.app.import_cash import CashImport
from bottrader.bootstrap.cash import open_books, open_importer
from bottrader.cli.options import ConfigFile
from bottrader.config import Settings, load_settings
from bottrader.domain.cash import CashKind, CashMovement
from bottrader.domain.cash_file import FileProblem
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.money import EXACT, ZERO
from bottrader.ports import ReviewItem

app = typer.Typer(
    help="Deposits, withdrawals and transfers. Without DATABASE_URL the embedded database is meant.",
    no_args_is_help=True,
)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Coinbase's transaction report.")],
    currency: Annotated[
        list[str] | None, typer.Option(help="A currency of the file beside those of the traded pairs; repeatable.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Record the deposits, withdrawals and transfers of Coinbase's own CSV report; the exchange is not asked.

    All of the file or nothing: every problem is listed with its line, and then nothing is written (exit code 2).
    Importing it again changes nothing.
    """
    text = _text_of(file)
    outcome = asyncio.run(_import(load_settings(file=config), text, [name.upper() for name in currency or []]))
    if not isinstance(outcome, CashImport):
        raise ConfigInvalid(_refusal(file, outcome))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for line in summary(outcome):
        console.print(line)


@app.command("list")
def list_movements(config: ConfigFile = None) -> None:
    """Show every movement with the totals by currency, and what a person has to look at."""
    movements, items = asyncio.run(_books(load_settings(file=config)))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(movements_table(movements))
    console.print()
    console.print(totals_table(movements))
    for item in items:
        console.print(f"to review: {item.issue} {item.subject}: {item.detail}")


def summary(outcome: CashImport) -> list[str]:
    """Return what was done, one sentence a line."""
    opened = "" if outcome.opened_at is None else outcome.opened_at.isoformat(timespec="seconds")
    told = (
        (outcome.known_count, "known already"),
        (outcome.twins_count, "known already under another id"),
        (outcome.before_opening_count, f"from before the books were opened ({opened}): in the opening balance"),
        (outcome.queued_count, "of an unknown type: put up for review, see `bottrader cash list`"),
        (outcome.queued_before_count, "of an unknown type: put up for review before"),
        (outcome.trades_count, "trades: no cash movements, their fills tell of them"),
    )
    return [f"{len(outcome.new)} recorded", *(f"{count} {what}" for count, what in told if count)]


def movements_table(movements: Sequence[CashMovement]) -> Table:
    """Return one line per movement, oldest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("When", "Kind", "Currency"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("Id", overflow="fold")
    for each in movements:
        cells = (each.at.isoformat(timespec="seconds"), each.kind, each.currency, figures.exact_text(each.amount))
        table.add_row(*(Text(cell) for cell in cells), Text(each.transaction_id))
    return table


def totals_table(movements: Sequence[CashMovement]) -> Table:
    """Return the sum of each kind by currency; net deposits are opening, deposits and withdrawals, no transfers."""
    kinds = [kind for kind in CashKind if any(movement.kind is kind for movement in movements)]
    table = Table(box=None, pad_edge=False)
    table.add_column("Total", no_wrap=True)
    for kind in (*kinds, "net deposits"):
        table.add_column(kind.replace("_", " "), justify="right", no_wrap=True)
    for currency in sorted({movement.currency for movement in movements}):
        sums = dict.fromkeys(CashKind, ZERO)
        for movement in movements:
            if movement.currency == currency:
                sums[movement.kind] = EXACT.add(sums[movement.kind], movement.amount)
        net = ZERO
        for kind in (CashKind.OPENING_BALANCE, CashKind.DEPOSIT, CashKind.WITHDRAWAL):
            net = EXACT.add(net, sums[kind])
        cells = [*(sums[kind] for kind in kinds), net]
        table.add_row(Text(currency), *(Text(figures.exact_text(amount)) for amount in cells))
    return table


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigInvalid(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{file} is not a text in UTF-8: give the report as Coinbase sent it") from None


def _refusal(file: Path, problems: Sequence[FileProblem]) -> str:
    lines = "\n".join(f"  line {problem.line}: {problem.reason}" for problem in problems)
    return f"nothing of {file} was imported:\n{lines}"


async def _import(settings: Settings, text: str, currencies: Sequence[str]) -> CashImport | tuple[FileProblem, ...]:
    async with open_importer(settings) as importer:
        return await importer.run(text, currencies, datetime.now(UTC))


async def _books(settings: Settings) -> tuple[Sequence[CashMovement], Sequence[ReviewItem]]:
    async with open_books(settings) as store:
        return await store.cash_movements(), await store.review_items()
