"""The reporter on real Postgres, a simulated exchange and a real mail server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bottrader.adapters.postgres.store import PostgresStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.bootstrap.reporting import ReporterService
from bottrader.config import Settings, load_settings
from bottrader.domain.report_schedule import ReportKind
from bottrader.ports import CashKind, CashMovement, ReportDelivery, ReportOutcome
from tests.fixtures.mail_server import Letterbox, message_in, served
from tests.integration.services.conftest import Stage, eventually

# One daily time, so that exactly two reports are due whatever the time of the market.
SETTINGS = {
    "report_daily_at": "02:05",
    "report_sender": "bot@example.org",
    "report_recipients": "a@example.org",
    "smtp_tls": "none",
    "smtp_timeout_s": "5",
}


@asynccontextmanager
async def reporting(stage: Stage, settings: Settings) -> AsyncIterator[RecentEvents]:
    """Run a reporter for the length of the block."""
    log = RecentEvents()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ReporterService(settings, stage.store, stage.venue, log).run())
        yield log
        task.cancel()


async def open_books(stage: Stage) -> None:
    """The exchange has held the dollars for ten days, so both kinds of report are due."""
    now = stage.venue.clock.now()
    balances = {balance.currency: balance.total for balance in await stage.venue.exchange.balances()}
    at = now - timedelta(days=10)
    movement = CashMovement("opening-USD", CashKind.OPENING_BALANCE, "USD", Decimal(balances["USD"]), at)
    await stage.store.record_cash([movement])


async def steps_of(stage: Stage, settings: Settings, kind: ReportKind) -> list[ReportDelivery]:
    period = settings.report_schedule().latest(kind, stage.venue.clock.now())
    assert period is not None
    return list(await stage.store.report_deliveries(period))


async def test_a_reporter_alone_goes_with_the_time_of_a_replayed_market(stage: Stage, tmp_path: Path) -> None:
    """No stream tells it the time; one that stood still would never make a report again."""
    began_at = stage.venue.clock.now()
    await stage.roll("40000", ticks=7)
    async with reporting(stage, load_settings({"data_dir": tmp_path}, None)):

        async def has_gone_on() -> bool:
            return stage.venue.clock.now() == stage.server.simulator.now

        await eventually(has_gone_on, "the reporter knows the time of the market")
    assert stage.venue.clock.now() > began_at


async def test_what_is_due_is_mailed_once_and_left_on_the_data_volume(
    stage: Stage, store: PostgresStore, tmp_path: Path
) -> None:
    """B234, B238: the exchange was asked, and agrees on the cash."""
    await open_books(stage)
    letterbox = Letterbox()
    async with served(letterbox) as account:
        server = {"smtp_host": account.host, "smtp_port": str(account.port), "data_dir": tmp_path}
        settings = load_settings({**SETTINGS, **server}, None)
        for _ in range(2):
            # The second one finds everything settled.
            async with reporting(stage, settings) as log:
                await eventually(lambda: log.counts["report_written"] == 1, "the page of the hour")

                async def are_sent() -> bool:
                    last = [(await steps_of(stage, settings, kind))[-1:] for kind in ReportKind]
                    return [step.outcome for steps in last for step in steps] == [ReportOutcome.SENT] * 2

                await eventually(are_sent, "both reports are sent")
    assert len(letterbox.envelopes) == 2
    for envelope in letterbox.envelopes:
        message = message_in(Letterbox([envelope]))
        text = message.get_body(("plain",))
        assert text is not None
        assert "equal within 0.01" in text.get_content()
    files = [file.name for file in (tmp_path / "reports").iterdir()]
    assert sorted(name.partition("-")[0] + name[name.rindex(".") :] for name in files if "latest" not in name) == [
        *(f"daily{suffix}" for suffix in (".csv", ".html", ".txt")),
        *(f"weekly{suffix}" for suffix in (".csv", ".html", ".txt")),
    ]


async def test_a_mail_server_that_is_gone_ends_nothing(stage: Stage, store: PostgresStore, tmp_path: Path) -> None:
    """D12: it is told and tried again later, and the page of the hour is written all the same."""
    await open_books(stage)
    async with served(Letterbox()) as account:
        gone = {"smtp_host": account.host, "smtp_port": str(account.port), "data_dir": tmp_path}
    settings = load_settings({**SETTINGS, **gone}, None)
    async with reporting(stage, settings) as log:
        await eventually(lambda: log.counts["report_put_off"] == 2, "both reports are put off")
        await eventually(lambda: log.counts["report_written"] == 1, "the page of the hour")
        assert [step.outcome for step in await steps_of(stage, settings, ReportKind.DAILY)] == [
            ReportOutcome.STARTED,
            ReportOutcome.UNREACHABLE,
        ]
