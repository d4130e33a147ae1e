"""The report over what a service really wrote: facts and allocations from the database, a page on the disk."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.app.write_reports import build_report
from bottrader.bootstrap.reporting import write_html
from tests.integration.services.conftest import Stage, eventually

pytestmark = pytest.mark.component("report_generator", "trade_recorder")


async def test_the_report_of_a_stopped_position_is_what_the_exchange_took(
    stage: Stage, sql: Connection, tmp_path: Path
) -> None:
    """One trade, of which the exchange kept the loss and both fees: 10,000 USD less what it has now."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await eventually(webhook.service.portfolio.positions, "a position")
        await stage.price("38000")
        await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
        await webhook.healthy()

    report = build_report(await stage.store.snapshot(), None, datetime.now(UTC), venue="sim", quote_currency="USD")

    (trade,) = report.closed_trades
    books = stage.books
    assert report.realized_pnl == trade.pnl == Decimal(books.totals["USD"]) - 10_000
    assert trade.pnl == await sql.fetchval("SELECT sum(pnl_usd) FROM fifo_allocations")
    assert report.open_lots == ()
    page = write_html(report, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "BTC-USD" in page
    assert "stop_loss" in page or "HARD_STOP" in page or "hard stop" in page


async def test_books_without_a_trade_make_a_report_that_says_so(stage: Stage, tmp_path: Path) -> None:
    report = build_report(await stage.store.snapshot(), None, datetime.now(UTC), venue="sim", quote_currency="USD")

    assert report.realized_pnl == 0
    assert report.closed_trades == ()
    assert "<html" in write_html(report, tmp_path / "report.html").read_text(encoding="utf-8")
