"""`bottrader paper` and `bottrader demo`: trading with invented money at a simulated exchange."""

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.simulator.venue import VenueOptions
from bottrader.app.write_reports import Report
from bottrader.bootstrap.paper import PaperOptions, open_paper_session
from bottrader.bootstrap.periodic import REPORTS_DIR
from bottrader.bootstrap.reporting import write_html
from bottrader.cli.options import ConfigFile
from bottrader.cli.progress import SessionDisplay
from bottrader.cli.stopping import run_until_stopped
from bottrader.cli.tables import closed_trades_table, ledger_line, summary_table
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import ProductId, quote_of

EXIT_UNEQUAL = 1
TRADES_SHOWN = 30

# Momentum of 10 % in five candles is the cautious default for real money; a paper market would rarely show it, so paper
# trading looks for smaller moves, and has money to try with.
PAPER_PROFILE: dict[str, object] = {
    "webhook_port": 0,
    "roc_5min_buy_threshold": "0.8",
    "roc_5min_sell_threshold": "0.8",
    "rsi_buy_min": "50",
    "rsi_buy_max": "80",
    "order_size_roc": "1000",
    "max_value_to_buy": "2000",
    "max_exposure": "6000",
    "max_daily_loss": "300",
    "reconcile_interval_s": 21_600,
    # A paper account begins without a history, and only trading would give it one.
    "passive_needs_history": "false",
}
# The demo's market moves 8 % a day. Its noise would reach the default stops within minutes of every buy, and each time
# both fees would be paid for nothing: so it buys stronger moves only, and gives them room.
DEMO_PROFILE: dict[str, object] = {
    **PAPER_PROFILE,
    "symbols": "BTC-USD,ETH-USD,SOL-USD",
    "roc_5min_buy_threshold": "2.5",
    "roc_5min_sell_threshold": "1.2",
    "max_loss_pct": "0.045",
    "soft_stop_market_pct": "0.05",
    "hard_stop_pct": "0.06",
    "trailing_stop_enabled": "true",
    "max_hold_minutes": 720,
    # A pair that lost would be out for the rest of the eight days, and there would be little to watch.
    "dynamic_filter_enabled": "false",
}
MINUTES_PER_DAY = 24 * 60
DEMO_SEED = 7
DEMO_MINUTES = 8 * MINUTES_PER_DAY


def demo(
    minutes: Annotated[int, typer.Option(min=10, help="Venue minutes to trade.")] = DEMO_MINUTES,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market; one seed, one market.")] = DEMO_SEED,
    report: Annotated[Path, typer.Option(help="Where to write the HTML report.")] = Path("bottrader-demo.html"),
    config: ConfigFile = None,
) -> None:
    """Watch the bot trade: eight days of a lively synthetic market in about a minute.

    Needs no keys, no database and no Docker: a simulated exchange and an embedded Postgres are started for it, and
    thrown away afterwards. It ends with the closed trades and with the line that says whether the bot's ledger equals
    the exchange's to the last digit.
    """
    with TemporaryDirectory(prefix="bottrader-demo-") as data_dir:
        # Whatever the environment says: a demo keeps its hands off the user's own books.
        away = {"data_dir": Path(data_dir), "database_url": None}
        settings = load_settings(DEMO_PROFILE, file=config).model_copy(update=away)
        options = PaperOptions(VenueOptions(settings.symbols, seed=seed, minutes=minutes))
        console = Console(highlight=False)
        pairs, days = ", ".join(settings.symbols), minutes / MINUTES_PER_DAY
        console.print(f"[bold]BotTrader demo[/bold]: {days:.1f} days of {pairs} at a simulated exchange")
        result = run_until_stopped(lambda stop: _trade(settings, options, stop, console))
        _tell(result, report, console)


def paper(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    candles: Annotated[
        Path | None,
        typer.Option(help="Replay these candles (CSV or Parquet: time, open, high, low, close, volume)."),
    ] = None,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="Venue seconds per second: 1 is real time, max as fast as possible.")
    ] = "1",
    symbols: Annotated[
        str | None, typer.Option(help="Pairs to trade, separated by commas; one pair with --candles.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market, without --candles.")] = 1,
    strategy: Annotated[
        str | None,
        typer.Option(help="roc_momentum, score_matrix, passive_market_making, or one that another package offers."),
    ] = None,
    balance: Annotated[str, typer.Option(help="Opening balance in quote currency.")] = "10000",
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier session of the same market.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the HTML report. [default: in the data folder]")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Trade on paper until Ctrl-C or the end of the candles.

    The market is replayed from a file, or synthetic. The same command later goes on where it stopped: bot and exchange
    keep their books in the data folder, one session for each market. Settings come from the environment; see
    `bottrader config show`.
    """
    given = {"symbols": symbols, "strategy": strategy}
    options = {name: value for name, value in given.items() if value is not None}
    settings = load_settings(PAPER_PROFILE, options=options, file=config)
    venue = VenueOptions(_pairs(settings, candles), candles, seed, balances=_balances(settings, balance))
    settings = settings.model_copy(update={"symbols": venue.product_ids})
    session = PaperOptions(venue, _speed(speed), fresh)
    console = Console(highlight=False)
    result = run_until_stopped(lambda stop: _trade(settings, session, stop, console))
    _tell(result, report or settings.data_dir / REPORTS_DIR / "paper.html", console)


async def _trade(settings: Settings, options: PaperOptions, stop: asyncio.Event, console: Console) -> Report:
    async with open_paper_session(settings, options) as session:
        with SessionDisplay(session, console, options.venue.minutes) as display:
            await session.drive(options.speed, stop, display.on_step)
        if not session.has_ended:
            console.print(f"stopped at {session.now:%Y-%m-%d %H:%M}; the same command goes on from here")
        return await session.report()


def _tell(report: Report, file: Path, console: Console) -> None:
    console.print(closed_trades_table(report, TRADES_SHOWN))
    console.print(summary_table(report))
    console.print(f"report: {write_html(report, file)}", soft_wrap=True)
    assert report.verdict is not None
    console.print(ledger_line(report.verdict), soft_wrap=True)
    if report.verdict.differences:
        raise typer.Exit(EXIT_UNEQUAL)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) == 0:
        raise ConfigInvalid(f"--speed is a number of venue seconds per second, or max; was {text!r}")
    return float(text)


def _balances(settings: Settings, text: str) -> dict[str, Decimal]:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or Decimal(text) == 0:
        raise ConfigInvalid(f"--balance is an amount of quote currency above zero, such as 10000; was {text!r}")
    return {quote_of(settings.symbols[0]): Decimal(text)}


def _pairs(settings: Settings, candles: Path | None) -> tuple[ProductId, ...]:
    if candles is not None and len(settings.symbols) > 1:
        raise ConfigInvalid("--candles replays one pair: name it with --symbols, such as --symbols BTC-USD")
    quotes = {quote_of(product_id) for product_id in settings.symbols}
    if len(quotes) != 1:
        raise ConfigInvalid(
            f"the pairs of a paper session share one quote currency, were in {', '.join(sorted(quotes))}"
        )
    return settings.symbols
