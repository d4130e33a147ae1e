"""`bottrader report`: the books, on the terminal and as a page."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.postgres.store import open_store
from bottrader.app.write_reports import Report, build_report
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.bootstrap.reporting import REPORTS_DIR, write_html
from bottrader.cli.options import ConfigFile
from bottrader.cli.tables import closed_trades_table, summary_table
from bottrader.config import Settings, load_settings
from bottrader.domain.market import quote_of

DEFAULT_DATABASE = "bottrader"


def report(
    out: Annotated[
        Path | None, typer.Option(help="Where to write the HTML page. [default: in the data folder]")
    ] = None,
    trades: Annotated[int, typer.Option(min=0, help="How many closed trades to print.")] = 30,
    config: ConfigFile = None,
) -> None:
    """Print the trades, P&L, fees and open lots, and write them as an HTML page with the equity curve.

    Reads DATABASE_URL; without it the newest paper session of the data folder, else the embedded database of
    `bottrader run`. Every figure is a query over the recorded facts.
    """
    settings = load_settings(file=config)
    built = asyncio.run(_build(settings))
    console = Console(highlight=False)
    console.print(closed_trades_table(built, trades))
    console.print(summary_table(built))
    file = write_html(built, out or settings.data_dir / REPORTS_DIR / "report.html")
    console.print(f"report: {file}", soft_wrap=True)


async def _build(settings: Settings) -> Report:
    name = last_session(settings.data_dir) or DEFAULT_DATABASE
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        facts = await store.snapshot()
    return build_report(facts, None, datetime.now(UTC), venue=name, quote_currency=quote_of(settings.symbols[0]))
