"""Reports as files: built from the store, held against the exchange's balances when there is one to ask."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bottrader.adapters.report.html import render_html
from bottrader.app.deliver_reports import ReportDesk, ReportSources
from bottrader.app.figures import Figure, Reading
from bottrader.app.reconcile import exchange_books
from bottrader.app.tasks import Pulse, TaskBoard
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
TIME_INTERVAL_S = 5.0
# With years of trades a report takes a while, and a mail server may be slow to refuse one.
WORK_S_MAX = 900.0
HOURLY = "hourly"


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
        self._page_s = venue.clock.monotonic_s()
        self._desk = self._report_desk()
        self.board = TaskBoard(venue.clock, "reporter")

    async def run(self) -> None:
        """Write and send reports until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.board.keep("pages", WORK_S_MAX, self._write_pages))
            tasks.create_task(self.board.keep("deliver", WORK_S_MAX, self._deliver_reports))
            if self._venue.on_time is not None:
                await self._follow_time(self._venue.on_time)

    def is_ready(self) -> bool:
        return True

    def faults(self) -> list[str]:
        """Nothing beside the tasks: a report that fails is told and tried again, and its age shows it."""
        return [] if self.board.ages_s() else ["the reporter has not begun to work"]

    def readings(self) -> list[Reading]:
        ages_s: dict[str, float] = {HOURLY: self._venue.clock.monotonic_s() - self._page_s, **self._desk.ages_s()}
        return [Reading(Figure.REPORT_AGE_S, age_s, period) for period, age_s in ages_s.items()]

    async def _follow_time(self, on_time: Callable[[datetime], None]) -> None:
        """Ask a replayed market for its time: no stream tells it here, and a clock that stands makes no report due."""

        async def ask(pulse: Pulse) -> None:
            while True:
                try:
                    on_time(await self._venue.exchange.server_time())
                except AdapterError as error:
                    self._log.info("venue_time_not_told", cause=str(error))
                await pulse.sleep(TIME_INTERVAL_S)

        await self.board.keep("venue_time", WORK_S_MAX, ask)

    async def _write_pages(self, pulse: Pulse) -> None:
        while True:
            try:
                file = await self._write()
                self._page_s = self._venue.clock.monotonic_s()
                self._log.info("report_written", file=str(file))
            except (BotTraderError, OSError) as error:
                self._log.alarm("report_failed", cause=str(error))
            await pulse.sleep(REPORT_INTERVAL_S)

    def _report_desk(self) -> ReportDesk:
        settings, venue = self._settings, self._venue
        maker = ReportMaker(settings, self._store, venue.clock, self._name)
        sources = ReportSources(
            lambda period: maker.mail(period, lambda: ask_exchange(venue.exchange, self._store, self._log)),
            maker.message_id,
            mailer_of(settings),
        )
        return ReportDesk(settings.report_schedule(), sources, self._store, venue.clock, venue.entropy, self._log)

    async def _deliver_reports(self, pulse: Pulse) -> None:
        """Deliver reports while this process is the one that does; another one takes over when the lease is lost."""
        while True:
            # Another reporter may hold the lease for ever.
            pulse.rest()
            try:
                async with self._store.lease(REPORTER_LEASE) as lease:
                    await self._desk.run(lease, pulse)
                self._log.alarm("report_lease_lost")
            except AdapterError as error:
                self._log.alarm("report_lease_lost", cause=str(error))
            await pulse.sleep(LEASE_RETRY_S)

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
