"""Reports put together: facts, what the exchange says, files on the data volume, and the mail."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.mail.smtp import Encryption
from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.periodic.document import SectionName
from bottrader.app.periodic.view import Observed
from bottrader.bootstrap.periodic import (
    ReportMaker,
    ask_exchange,
    ask_nobody,
    mailer_of,
    subject_of,
    write_files,
    write_text,
)
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import FeeRates, Ticker
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from tests.fixtures.facts import make_adoption
from tests.fixtures.report_facts import DAY, figures_of, report_of
from tests.fixtures.small_ledger import NOW, small_ledger
from tests.unit.domain.examples import BTC, price, product

PASSWORD = "canary-7f3a"
MAIL = {
    "smtp_host": "mail.example.org",
    "report_sender": "bot@example.org",
    "report_recipients": "a@example.org,b@example.org",
    "smtp_user": "bot",
    "smtp_password": PASSWORD,
}


def settings_in(folder: Path, **more: str) -> Settings:
    return load_settings({"data_dir": folder / "data", "symbols": "BTC-USD,ETH-USD", **more}, None)


async def store_of_small_ledger() -> MemoryStore:
    store, ledger = MemoryStore(), small_ledger()
    await store.record_cash(ledger.cash_movements)
    for product_id in sorted({row.product_id for row in ledger.allocations}):
        rows = [row for row in ledger.allocations if row.product_id == product_id]
        await store.replace_allocations(product_id, rows, NOW)
    return store


async def test_a_report_leaves_page_text_and_csv_on_the_data_volume(tmp_path: Path) -> None:
    """B238, R28"""
    settings = settings_in(tmp_path)
    maker = ReportMaker(settings, await store_of_small_ledger(), ManualClock(NOW), "paper")
    mail = await maker.mail(DAY, ask_nobody)
    folder = settings.data_dir / "reports"
    assert sorted(file.name for file in folder.iterdir()) == [
        "daily-20260302T0000Z.csv",
        "daily-20260302T0000Z.html",
        "daily-20260302T0000Z.txt",
    ]
    (attached,) = mail.attachments
    written = (folder / attached.name).read_bytes().decode()
    assert written == attached.content
    assert ["Key metrics", "", "Realized P&L", "4.768", "signed money"] in list(csv.reader(io.StringIO(written)))
    assert (folder / "daily-20260302T0000Z.html").read_text() == mail.html


def test_the_subject_tells_kind_time_and_result() -> None:
    assert subject_of(report_of()) == "BotTrader daily report, 2026-03-02 00:00 UTC: +4.77 USD"


def test_the_message_id_is_that_of_the_period_in_every_process(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **MAIL)

    def id_of(period: ReportPeriod, venue: str = "paper") -> str:
        return ReportMaker(settings, MemoryStore(), ManualClock(), venue).message_id(period)

    assert id_of(DAY) == id_of(replace(DAY))
    assert id_of(DAY).startswith("<daily-")
    assert id_of(DAY).endswith("@example.org>")
    others = [
        replace(DAY, until=DAY.until + timedelta(hours=6)),
        replace(DAY, since=DAY.since - timedelta(hours=6)),
        replace(DAY, kind=ReportKind.WEEKLY),
    ]
    assert len({id_of(DAY), *map(id_of, others), id_of(DAY, "another account")}) == 5


async def test_the_password_is_in_no_report_and_no_mailer(tmp_path: Path) -> None:
    """E7"""
    settings = settings_in(tmp_path, **MAIL)
    maker = ReportMaker(settings, await store_of_small_ledger(), ManualClock(NOW), "paper")
    mail = await maker.mail(DAY, ask_nobody)
    mailer = mailer_of(settings)
    assert mailer is not None
    assert PASSWORD not in repr(mail)
    assert PASSWORD not in repr(mailer)
    assert PASSWORD not in repr(vars(mailer))


def test_the_mailer_is_that_of_the_settings(tmp_path: Path) -> None:
    assert mailer_of(settings_in(tmp_path)) is None
    mailer = mailer_of(settings_in(tmp_path, **MAIL, smtp_tls="implicit", smtp_port="465", smtp_timeout_s="7"))
    assert mailer is not None
    account = mailer.account
    assert (account.host, account.port, account.encryption) == ("mail.example.org", 465, Encryption.IMPLICIT)
    assert (account.sender, account.recipients) == ("bot@example.org", ("a@example.org", "b@example.org"))
    assert (account.user, account.password, account.timeout_s) == ("bot", PASSWORD, 7)


async def test_the_exchange_says_what_cash_and_prices_are() -> None:
    """0.25 BTC are held; ETH is not, so nobody asks for its price."""
    clock, store = ManualClock(), MemoryStore()
    await store.record_adoption(make_adoption())
    exchange = exchange_at(clock)
    exchange.show(Ticker(BTC, price("40000"), price("39999"), price("40001"), clock.now()))
    observed, rates = await ask_exchange(exchange, store, RecentEvents())
    assert observed.cash is not None
    assert observed.cash["USD"] == Decimal(1000)
    assert list(observed.prices) == ["BTC-USD"]
    assert observed.prices[BTC] == 40_000
    assert rates == FeeRates(Decimal("0.003"), Decimal("0.0055"))


def exchange_at(clock: ManualClock) -> MemoryExchange:
    rates = FeeRates(Decimal("0.003"), Decimal("0.0055"))
    return MemoryExchange(clock, [product(BTC)], {"USD": Decimal(1000)}, rates)


async def test_an_exchange_that_does_not_answer_costs_the_report_its_prices_only(tmp_path: Path) -> None:
    """R51, D11"""
    events, store = RecentEvents(), await store_of_small_ledger()

    exchange = exchange_at(ManualClock())
    exchange.query_error = ExchangeUnreachable("no answer")

    async def ask() -> tuple[Observed, FeeRates | None]:
        return await ask_exchange(exchange, store, events)

    maker = ReportMaker(settings_in(tmp_path), store, ManualClock(NOW), "paper")
    report = await maker.report(DAY, ask)
    risk = figures_of(report, SectionName.RISK)
    assert (risk["Cash"], risk["Cash by the exchange"]) == (None, None)
    assert events.counts["report_without_exchange"] == 1
    # The configured rates stand in for the account's.
    assert figures_of(report, SectionName.COSTS)["Break-even as taker"] == Decimal("0.016")


async def test_a_folder_that_cannot_be_written_is_an_error_and_no_half_file(tmp_path: Path) -> None:
    maker = ReportMaker(settings_in(tmp_path), await store_of_small_ledger(), ManualClock(NOW), "paper")
    mail = maker.mail_of(await maker.report(DAY, ask_nobody))
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_files(mail, tmp_path / "file" / "reports", "daily")


def test_writers_of_one_file_do_not_take_each_others(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write_text(text * 10_000, tmp_path / "page.html"), "abcdefgh" * 8))
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert len(set((tmp_path / "page.html").read_text())) == 1
