"""`bottrader symbols`: which pairs are entered, which are not and why, and how each stands."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bottrader.adapters.postgres.store import open_store
from bottrader.app.survey_symbols import SymbolRow, SymbolSurvey, survey_symbols
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.cli.options import ConfigFile
from bottrader.cli.report_command import DEFAULT_DATABASE
from bottrader.config import Mode, Settings, load_settings

NOTHING = "-"


def symbols(config: ConfigFile = None) -> None:
    """Print each pair of BOTTRADER_SYMBOLS: entered or not and why, and its place on the leaderboard.

    Reads DATABASE_URL; without it the newest paper session of the data folder, else the embedded database of
    `bottrader run`. A paper session is judged at its newest sell, since its market may have stopped.
    """
    survey = asyncio.run(_survey(load_settings(file=config)))
    Console(highlight=False).print(symbols_table(survey))


async def _survey(settings: Settings) -> SymbolSurvey:
    name = last_session(settings.data_dir) or DEFAULT_DATABASE
    now = datetime.now(UTC) if settings.mode is Mode.LIVE else None
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        return await survey_symbols(store, settings.selection_rules(), settings.symbols, now)


def symbols_table(survey: SymbolSurvey) -> Table:
    """Return one row a pair; P&L in cents, the caption says of when the figures are."""
    table = Table(title="Symbols", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("Product", no_wrap=True)
    table.add_column("Entered", overflow="fold")
    for heading in ("Trades", "Won", "Mean P&L", "Profit factor", "Score"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in survey.rows:
        table.add_row(*_cells(row))
    table.caption = (
        f"Results as of {_time(survey.as_of)}, leaderboard of {_time(survey.ranked_at)}; spreads are judged on entry."
    )
    table.caption_justify = "left"
    return table


def _cells(row: SymbolRow) -> tuple[Text, ...]:
    entered = Text("yes") if row.exclusion is None else Text(f"no: {row.exclusion}", style="red")
    standing = row.standing
    if standing is None:
        return (Text(row.product_id), entered, *[Text(NOTHING)] * 5)
    return (
        Text(row.product_id),
        entered,
        Text(str(standing.trades_count)),
        Text(NOTHING if standing.win_rate is None else f"{standing.win_rate:.0%}"),
        Text(f"{standing.pnl_mean:.2f}"),
        Text("no losses" if standing.profit_factor is None else f"{standing.profit_factor:.2f}"),
        Text(_score(standing.score, is_eligible=standing.is_eligible)),
    )


def _score(score: Decimal, *, is_eligible: bool) -> str:
    return f"{score:.2f}" if is_eligible else f"({score:.2f})"


def _time(at: datetime | None) -> str:
    return "no sell yet" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
