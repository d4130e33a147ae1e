"""Daily and weekly reports put together: facts from the store, prices from the exchange, files, and a mail."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC
from decimal import Decimal
from pathlib import Path

from bottrader.adapters.mail.smtp import Encryption, SmtpAccount, SmtpMailer
from bottrader.adapters.report.cells import shown, title_of
from bottrader.adapters.report.csv_file import render_csv
from bottrader.adapters.report.figures import moment_text
from bottrader.adapters.report.periodic_html import render_page
from bottrader.adapters.report.plain_text import render_text
from bottrader.app.periodic.document import PeriodicReport
from bottrader.app.periodic.view import Observed, Occasion
from bottrader.app.periodic.write import build_periodic_report
from bottrader.config import Settings
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import FeeRates, ProductId, quote_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import Side
from bottrader.domain.report_schedule import ReportPeriod
from bottrader.ports import Attachment, Clock, EventLog, Exchange, Mail, Store

REPORTS_DIR = "reports"

AskExchange = Callable[[], Awaitable[tuple[Observed, FeeRates | None]]]


class ReportMaker:
    """Makes the reports of one store; `venue` names the account in them."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, venue: str) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._venue = venue

    async def report(self, period: ReportPeriod, ask: AskExchange) -> PeriodicReport:
        """Return the report of this period; raises `InvariantBroken` when it does not equal the ledger."""
        observed, fee_rates = await ask()
        settings = self._settings
        occasion = Occasion(
            period=period,
            made_at=self._clock.now(),
            venue=self._venue,
            quote_currency=quote_of(settings.symbols[0]),
            fee_rates=fee_rates or FeeRates(settings.maker_fee, settings.taker_fee),
            hodl=settings.hodl,
            zone=settings.report_schedule().zone,
        )
        facts = await self._store.report_facts(period.since, period.until)
        # With years of trades this takes long enough to make prices late.
        return await asyncio.to_thread(build_periodic_report, facts, observed, occasion)

    async def mail(self, period: ReportPeriod, ask: AskExchange) -> Mail:
        """Make the report, leave its files on the data volume (B238, R28), and return it as a mail."""
        report = await self.report(period, ask)
        mail = await asyncio.to_thread(self.mail_of, report)
        await asyncio.to_thread(write_files, mail, self._settings.data_dir / REPORTS_DIR, stem_of(period))
        return mail

    def mail_of(self, report: PeriodicReport, subject: str | None = None) -> Mail:
        return Mail(
            message_id=self.message_id(report.period),
            subject=subject or subject_of(report),
            text=render_text(report),
            html=render_page(report),
            sent_at=self._clock.wall(),
            attachments=(Attachment(f"{stem_of(report.period)}.csv", "text/csv", render_csv(report)),),
        )

    def message_id(self, period: ReportPeriod) -> str:
        """Return the id of the mail of this period, the same in every process and at every try (RFC 5322, 3.6.4)."""
        content = f"{self._venue}|{period.kind}|{period.since.isoformat()}|{period.until.isoformat()}"
        host = (self._settings.report_sender or "bottrader@localhost").rpartition("@")[2]
        return f"<{period.kind}-{hashlib.sha256(content.encode()).hexdigest()[:32]}@{host}>"


def mailer_of(settings: Settings) -> SmtpMailer | None:
    """Return what sends mail, None when no mail server is set."""
    if settings.smtp_host is None or settings.report_sender is None:
        return None
    password = settings.smtp_password
    return SmtpMailer(
        SmtpAccount(
            host=settings.smtp_host,
            port=settings.smtp_port,
            encryption=Encryption(settings.smtp_tls.value),
            sender=settings.report_sender,
            recipients=settings.report_recipients,
            user=settings.smtp_user,
            password=None if password is None else password.get_secret_value(),
            timeout_s=settings.smtp_timeout_s,
        )
    )


async def ask_exchange(exchange: Exchange, store: Store, log: EventLog) -> tuple[Observed, FeeRates | None]:
    """Return cash and prices of what is held, as the exchange says now; nothing when it does not answer: a report
    without them is better than none, and says so."""
    try:
        held = await _held(store)
        balances = await exchange.balances()
        tickers = await exchange.tickers(held) if held else ()
        fee_rates = await exchange.fee_rates()
    except AdapterError as error:
        log.alarm("report_without_exchange", cause=str(error))
        return Observed(), None
    cash = {balance.currency: balance.total for balance in balances}
    return Observed(cash, {ticker.product_id: ticker.mark for ticker in tickers if ticker.is_sane}), fee_rates


async def ask_nobody() -> tuple[Observed, FeeRates | None]:
    """Return nothing: for books whose exchange is not there any more."""
    return Observed(), None


def subject_of(report: PeriodicReport) -> str:
    """Return `BotTrader daily report, 2026-03-02 10:05 UTC: +4.77 USD`."""
    realized = report.sections[0].figures[0]
    amount = shown(realized.value, realized.unit)
    until = moment_text(report.period.until)
    return f"BotTrader {title_of(report).lower()}, {until} UTC: {amount} {report.currency}"


def stem_of(period: ReportPeriod) -> str:
    """Return the name of the files of a period, without suffix: `daily-20260302T1005Z`."""
    return f"{period.kind}-{period.until.astimezone(UTC):%Y%m%dT%H%MZ}"


def write_files(mail: Mail, directory: Path, stem: str) -> list[Path]:
    """Write page, text and CSV of a report; return their paths."""
    contents = {f"{stem}.html": mail.html, f"{stem}.txt": mail.text}
    contents.update((attachment.name, attachment.content) for attachment in mail.attachments)
    return [write_text(content, directory / name) for name, content in contents.items()]


def write_text(text: str, file: Path) -> Path:
    """Write a file so that a reader sees the old one or the new one, never half of one; return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Two that write the same file at once must not take each other's.
    beside = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.new")
    # As it is: a CSV brings its own line ends.
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(file)
    return file


async def _held(store: Store) -> list[ProductId]:
    held: dict[ProductId, Decimal] = {}
    for execution in await store.executions():
        size = execution.size if execution.side is Side.BUY else EXACT.minus(execution.size)
        held[execution.product_id] = EXACT.add(held.get(execution.product_id, ZERO), size)
    return [product_id for product_id, size in held.items() if size > ZERO]
