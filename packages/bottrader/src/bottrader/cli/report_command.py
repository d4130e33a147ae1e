"""`bottrader report`: the books, on the terminal and as a page; `report daily` and `report weekly`: what is mailed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.report.cells import agreement_text
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import StructuredLog, standard_stream
from bottrader.app.periodic.document import PeriodicReport
from bottrader.app.periodic.view import Observed
from bottrader.app.write_reports import Report, build_report
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.bootstrap.periodic import (
    REPORTS_DIR,
    AskExchange,
    ReportMaker,
    ask_exchange,
    ask_nobody,
    mailer_of,
    stem_of,
    write_files,
    write_text,
)
from bottrader.bootstrap.reporting import write_html
from bottrader.bootstrap.venue import address_of, open_venue
from bottrader.cli.options import ConfigFile
from bottrader.cli.tables import closed_trades_table, summary_table
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import AdapterError, ConfigInvalid, StartupRefused
from bottrader.domain.market import FeeRates, quote_of
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.ports import Mail, MailReceipt, ReportOutcome, Store

DEFAULT_DATABASE = "bottrader"

app = typer.Typer(invoke_without_command=True)

Hours = Annotated[int, typer.Option(min=1, help="How far back the report goes.")]
Send = Annotated[bool, typer.Option("--send/--no-send", help="Mail it to BOTTRADER_REPORT_RECIPIENTS.")]
Preview = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write the page there, and no other file; needs no mail.")
]
Subject = Annotated[str | None, typer.Option(help="Subject of the mail. [default: kind, time and realized P&L]")]
OutFolder = Annotated[
    Path | None, typer.Option(help="Folder for page, text and CSV. [default: reports in the data folder]")
]


@app.callback()
def report(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the HTML page. [default: in the data folder]")
    ] = None,
    trades: Annotated[int, typer.Option(min=0, help="How many closed trades to print.")] = 30,
    config: ConfigFile = None,
) -> None:
    """Print the trades, P&L, fees and open lots, and write them as an HTML page with the equity curve.

    Reads DATABASE_URL; without it the newest paper session of the data folder, else the embedded database of
    `bottrader run`. Every figure is a query over the recorded facts. `report daily` and `report weekly` make what the
    reporter mails.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(file=config)
    built = asyncio.run(_build(settings))
    console = Console(highlight=False)
    console.print(closed_trades_table(built, trades))
    console.print(summary_table(built))
    file = write_html(built, out or settings.data_dir / REPORTS_DIR / "report.html")
    console.print(f"report: {file}", soft_wrap=True)


@app.command("daily")
def daily(
    hours: Hours = 24,
    send: Send = False,
    preview: Preview = None,
    subject: Subject = None,
    out: OutFolder = None,
    config: ConfigFile = None,
) -> None:
    """Make the daily report: page, plain text and CSV, of the last 24 hours.

    Of a paper session the hours before its end are meant. Cash and prices are asked of the exchange when
    BOTTRADER_EXCHANGE_KEY_FILE is set, and are n/a otherwise.
    """
    _periodic(ReportKind.DAILY, _Wish(timedelta(hours=hours), send, preview, subject, out), config)


@app.command("weekly")
def weekly(
    hours: Hours = 168,
    send: Send = False,
    preview: Preview = None,
    subject: Subject = None,
    out: OutFolder = None,
    config: ConfigFile = None,
) -> None:
    """Make the weekly report: page, plain text and CSV, of the last seven days.

    Of a paper session the hours before its end are meant.
    """
    _periodic(ReportKind.WEEKLY, _Wish(timedelta(hours=hours), send, preview, subject, out), config)


@dataclass(frozen=True, slots=True)
class _Wish:
    span: timedelta
    sends: bool
    preview: Path | None
    subject: str | None
    out: Path | None


def _periodic(kind: ReportKind, wish: _Wish, config: Path | None) -> None:
    settings = load_settings(file=config)
    if wish.sends and mailer_of(settings) is None:
        raise ConfigInvalid(
            "no mail server is set: set BOTTRADER_SMTP_HOST, BOTTRADER_REPORT_SENDER and BOTTRADER_REPORT_RECIPIENTS,"
            " or leave --send out"
        )
    if wish.subject is not None and not wish.subject.isprintable():
        raise ConfigInvalid("--subject is one line of text")
    console = Console(highlight=False, soft_wrap=True)
    built, mail = asyncio.run(_make(settings, kind, wish))
    for agreement in built.sections[0].agreements:
        console.print(agreement_text(agreement, built.currency))
    if wish.preview is not None:
        files = [write_text(mail.html, wish.preview)]
    else:
        files = write_files(mail, wish.out or settings.data_dir / REPORTS_DIR, stem_of(built.period))
    for file in files:
        console.print(f"report: {file}")
    if wish.sends:
        console.print(_told(asyncio.run(_send(settings, mail)), len(settings.report_recipients)))


async def _make(settings: Settings, kind: ReportKind, wish: _Wish) -> tuple[PeriodicReport, Mail]:
    session = last_session(settings.data_dir) if settings.database_url is None else None
    name = session or DEFAULT_DATABASE
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        until = datetime.now(UTC) if session is None else await _end_of(store)
        maker = ReportMaker(settings, store, SystemClock(), name)
        ask = ask_nobody if session is not None else _asking(settings, store)
        built = await maker.report(ReportPeriod(kind, until - wish.span, until), ask)
    return built, maker.mail_of(built, wish.subject)


def _asking(settings: Settings, store: Store) -> AskExchange:
    """Return how to ask the exchange of the settings; without a key nobody is asked."""
    if settings.exchange_key_file is None:
        return ask_nobody
    log = StructuredLog(standard_stream(), "WARNING", "report")

    async def ask() -> tuple[Observed, FeeRates | None]:
        try:
            async with open_venue(address_of(settings), settings.mode, log) as venue:
                return await ask_exchange(venue.exchange, store, log)
        except StartupRefused as error:
            log.alarm("report_without_exchange", cause=str(error))
            return await ask_nobody()

    return ask


async def _end_of(store: Store) -> datetime:
    """Return the first whole minute after everything that a paper session recorded: its time has stopped there."""
    moments = [movement.at for movement in await store.cash_movements()]
    moments += [execution.executed_at for execution in await store.executions()]
    moments += [record.filled_at or record.order_time for record in await store.trade_records()]
    newest = max(moments, default=datetime.now(UTC))
    return newest.replace(second=0, microsecond=0) + timedelta(minutes=1)


async def _send(settings: Settings, mail: Mail) -> MailReceipt:
    mailer = mailer_of(settings)
    assert mailer is not None, "checked before anything was made"
    return await mailer.send(mail)


def _told(receipt: MailReceipt, recipients_count: int) -> str:
    match receipt.outcome:
        case ReportOutcome.SENT if receipt.refused_recipients:
            raise AdapterError(f"mailed, but not to {', '.join(receipt.refused_recipients)}: {receipt.detail}")
        case ReportOutcome.SENT:
            return f"mailed to {recipients_count} {'recipient' if recipients_count == 1 else 'recipients'}"
        case ReportOutcome.UNKNOWN:
            raise AdapterError(f"the report may have been mailed, or not: {receipt.detail}")
        case _:
            raise AdapterError(f"the report was not mailed: {receipt.detail}")


async def _build(settings: Settings) -> Report:
    name = last_session(settings.data_dir) or DEFAULT_DATABASE
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        facts = await store.snapshot()
    return build_report(facts, None, datetime.now(UTC), venue=name, quote_currency=quote_of(settings.symbols[0]))
