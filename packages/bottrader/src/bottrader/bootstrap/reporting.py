"""Reports as files: built from the store, held against the exchange's balances when there is one to ask."""

import asyncio
from pathlib import Path

from bottrader.adapters.report.html import render_html
from bottrader.app.reconcile import exchange_books
from bottrader.app.write_reports import Report, build_report
from bottrader.bootstrap.database import prepare_data_dir
from bottrader.bootstrap.venue import Venue
from bottrader.config import Settings
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import quote_of
from bottrader.ports import EventLog, Store

REPORTS_DIR = "reports"
LATEST = "latest.html"
REPORT_INTERVAL_S = 3600.0


def write_html(report: Report, file: Path) -> Path:
    """Write the report so that a reader sees the old file or the new one, never half of one; return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".new")
    beside.write_text(render_html(report), encoding="utf-8")
    beside.replace(file)
    return file


class ReporterService:
    """Writes a report every hour; a report that fails is told and tried again, and never touches trading (D12)."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog) -> None:
        self._store = store
        self._venue = venue
        self._log = log
        self._directory = prepare_data_dir(settings.data_dir) / REPORTS_DIR
        self._name = f"{settings.mode} trading at {venue.address.rest_url}"
        self._quote_currency = quote_of(settings.symbols[0])

    async def run(self) -> None:
        """Write reports until cancelled."""
        while True:
            try:
                file = await self._write()
                self._log.info("report_written", file=str(file))
            except (AdapterError, OSError) as error:
                self._log.alarm("report_failed", cause=str(error))
            await self._venue.clock.sleep(REPORT_INTERVAL_S)

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
