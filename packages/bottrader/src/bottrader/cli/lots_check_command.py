"""`bottrader lots check`: whether the stored lots are right."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bottrader.adapters.postgres.lots_audit import open_auditor
from bottrader.app.check_lots import LotsCheck, check_lots
from bottrader.bootstrap.auditing import exchange_of
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.cli.options import ConfigFile
from bottrader.config import Settings, load_settings
from bottrader.domain.lot_checks import Check

EXIT_DIFFERS = 1
DEFAULT_DATABASE = "bottrader"
FINDINGS_SHOWN = 20


def check(
    is_without_exchange: Annotated[
        bool, typer.Option("--no-exchange", help="Leave the comparison with the exchange's balances out.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Check every stored allocation of the active version, and change nothing.

    Sizes, fees and money must be conserved, no coin sold before it was bought, and every unmatched sell queued for
    review. The rows are computed again by two other routes and compared one by one, and the open lots are held against
    the balances of the exchange that is configured. Reads the database that `bottrader report` reads.

    Exit codes: 0 all of it holds, 1 something differs or could not be compared, 2 the configuration must be mended.
    """
    settings = load_settings(file=config)
    result = asyncio.run(_check(settings, is_without_exchange=is_without_exchange))
    show(result, Console(highlight=False, soft_wrap=True, markup=False))
    if not result.holds:
        raise typer.Exit(EXIT_DIFFERS)


def show(result: LotsCheck, console: Console) -> None:
    """Print what was checked with counts, and everything that differs."""
    console.print(f"allocations of version {result.version.number}, {result.version.method}")
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in result.checks:
        table.add_row(Text(_verdict(each)), Text(each.name), Text(each.left_out or f"{each.count:,} {each.unit}"))
    console.print(table)
    for each in result.checks:
        for finding in each.findings[:FINDINGS_SHOWN]:
            where = finding.symbol if finding.position is None else f"{finding.symbol} position {finding.position}"
            console.print(f"{where}: expected {finding.expected}, found {finding.found}")
        if len(each.findings) > FINDINGS_SHOWN:
            console.print(f"and {len(each.findings) - FINDINGS_SHOWN:,} more of: {each.name}")
    console.print(_conclusion(result))


def _verdict(check: Check) -> str:
    if check.left_out:
        return "left out"
    return "DIFFERS" if check.findings else "holds"


def _conclusion(result: LotsCheck) -> str:
    count = sum(len(each.findings) for each in result.checks)
    if count:
        return f"{count:,} differences; `bottrader lots rebuild` computes the allocations anew from the facts"
    return "the exchange could not be compared" if result.is_asked_in_vain else "everything that was checked holds"


async def _check(settings: Settings, *, is_without_exchange: bool) -> LotsCheck:
    session = last_session(settings.data_dir)
    async with AsyncExitStack() as opened:
        dsn = await opened.enter_async_context(open_database(settings, session or DEFAULT_DATABASE))
        auditor = await opened.enter_async_context(open_auditor(dsn))
        if is_without_exchange:
            return await check_lots(auditor, None, "by --no-exchange")
        if settings.exchange_key_file is None:
            return await check_lots(auditor, None, "no exchange is configured")
        return await check_lots(auditor, await opened.enter_async_context(exchange_of(settings)))
