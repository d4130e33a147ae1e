"""Settings from real files, with a real database at the address that they name."""

from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import open_store
from bottrader.bootstrap.database import open_database
from bottrader.config import Settings, load_configuration, variable_name
from bottrader.domain.errors import StartupRefused
from tests.fixtures.facts import make_signal
from tests.integration.services.conftest import Stage, eventually

pytestmark = pytest.mark.component("config_manager")


@pytest.fixture(autouse=True)
def _clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*Settings.model_fields, "config"):
        monkeypatch.delenv(variable_name(name), raising=False)
    monkeypatch.chdir(tmp_path)


async def test_the_database_of_the_env_file_is_the_one_that_is_written_to(database_url: str, sql: Connection) -> None:
    """The secret stands in `.env`, the limits in `bottrader.toml`; each value tells where it came from."""
    Path(".env").write_text(f"DATABASE_URL={database_url}\nBOTTRADER_ORDER_SIZE_ROC=21\n")
    Path("bottrader.toml").write_text('[sizing]\norder_size_roc = "20"\norder_size_signal = "35"\n')

    configuration = load_configuration()
    async with open_database(configuration.settings) as dsn, open_store(dsn) as store:
        assert await store.record_signal(make_signal())

    assert await sql.fetchval("SELECT count(*) FROM signals") == 1
    assert configuration.settings.order_size_roc == Decimal(21)
    assert configuration.settings.order_size_signal == Decimal(35)
    assert (configuration.origins["order_size_roc"], configuration.origins["order_size_signal"]) == (
        ".env",
        "bottrader.toml",
    )


async def test_an_empty_database_that_the_settings_name_is_brought_up_to_date(empty_database_url: str) -> None:
    Path(".env").write_text(f"DATABASE_URL={empty_database_url}\n")

    async with open_database(load_configuration().settings) as dsn:
        assert await schema.current(dsn) == schema.newest()


async def test_a_database_that_is_not_there_is_one_sentence_without_its_password(database_url: str) -> None:
    Path(".env").write_text("DATABASE_URL=postgresql://u:hunter2@127.0.0.1:1/books\n")

    with pytest.raises(StartupRefused, match=r"the database at 127\.0\.0\.1:1/books cannot be used") as refused:
        async with open_database(load_configuration().settings):
            pass
    assert "hunter2" not in str(refused.value)


async def test_a_size_from_a_file_is_the_size_of_the_order(stage: Stage, sql: Connection) -> None:
    """25 USD at a limit of 40,080.02, a tick above the ask and 0.2 %, is 0.0006237521... BTC, cut to 8 decimals."""
    Path("bottrader.toml").write_text('[sizing]\norder_size_roc = "25"\n')
    read = load_configuration().settings

    async with stage.webhook(order_size_roc=str(read.order_size_roc)) as webhook:
        await webhook.healthy()
        await webhook.send("buy", quote_size=None)
        await eventually(lambda: stage.orders, "the order is at the exchange")

    (order,) = stage.orders
    assert order.request.base_size == Decimal("0.00062375")
