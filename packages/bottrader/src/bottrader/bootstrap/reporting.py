"""Reports as files: built from the store, held against the exchange's balances when there is one to ask."""

import asyncio
from pathlib import Path

from bottrader.adapters.report.html import render_html
from bottrader.app.deliver_reports import ReportDesk, ReportSources
from bottrader.app.reconcile import exchange_books
from bottrader.app.write_reports import Report, build_report
from bottrader.bootstrap.database import prepare_data_dir
from bottrader.bootstrap.periodic import REPORTS_DIR, ReportMaker, ask_exchange, mailer_of, write_text
from bottrader.bootstrap.venue import Venue
from bottrader.config import Settings
from bottrader.domain.errors import AdapterError, BotTraderError
from bottrader.domain.market import quote_of
from bottrader.ports import EventLog, Store

LATEST = "latest.html"
REPORT_INTERVAL_S = 3600.0
REPORTER_LEASE = "reporter"
LEASE_RETRY_S = 5.0


def write_html(report: Report, file: Path) -> Path:
    """Write the report as a page; return its path."""
    return write_text(render_html(report), file)


class ReporterService:
    """Writes a page every hour, and daily and weekly reports at their times.

    What fails is told and tried again, and never touches trading (D12): not even books that contradict themselves end
    the process from here, since reconciliation is what finds that.
    """

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog) -> None:
        self._settings = settings
        self._store = store
        self._venue = venue
        self._log = log
        self._directory = prepare_data_dir(settings.data_dir) / REPORTS_DIR
        self._name = f"{settings.mode} trading at {venue.address.rest_url}"
        self._quote_currency = quote_of(settings.symbols[0])

    async def run(self) -> None:
        """Write and send reports until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_pages())
            tasks.create_task(self._deliver_reports())

    async def _write_pages(self) -> None:
        while True:
            try:
                file = await self._write()
                self._log.info("report_written", file=str(file))
            except (BotTraderError, OSError) as error:
                self._log.alarm("report_failed", cause=str(error))
            await self._venue.clock.sleep(REPORT_INTERVAL_S)

    async def _deliver_reports(self) -> None:
        """Deliver reports while this process is the one that does; another one takes over when the lease is lost."""
        settings, venue = self._settings, self._venue
        maker = ReportMaker(settings, self._store, venue.clock, self._name)
        sources = ReportSources(
            lambda period: maker.mail(period, lambda: ask_exchange(venue.exchange, self._store, self._log)),
            maker.message_id,
            mailer_of(settings),
        )
        desk = ReportDesk(settings.report_schedule(), sources, self._store, venue.clock, venue.entropy, self._log)
        while True:
            try:
                async with self._store.lease(REPORTER_LEASE) as lease:
                    await desk.run(lease)
                self._log.alarm("report_lease_lost")
            except AdapterError as error:
                self._log.alarm("report_lease_lost", cause=str(error))
            await self._venue.clock.sleep(LEASE_RETRY_S)

    async def _write(self) -> Path:
        balances = await self._venue.exchange.balances()
        facts = await self._store.snapshot()
        report = build_report(
            facts,
            exchange_books(balances, facts.books),
            self._venue.clock.now(),
            venue=self._name,
            quote_currency=self._quote_currency,
        )
        return await asyncio.to_thread(write_html, report, self._directory / LATEST)
