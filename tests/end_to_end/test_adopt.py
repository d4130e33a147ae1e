"""Coins are handed over as a person does it: by a command, beside a bot that runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.command_line import Shell, refused
from tests.fixtures.processes import Bot, Exchange, eventually


@pytest.mark.parametrize(
    "exchange", [["--manual", "40000", "--balance", "USD=10000", "--balance", "BTC=0.5"]], indirect=True
)
async def test_coins_are_handed_over_once_and_then_protected(
    shell: Shell, bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """At 39,000 the adopted quarter of a coin, said to have cost 40,500, is sold by its stop."""
    names = {"DATABASE_URL", "BOTTRADER_EXCHANGE_REST_URL", "BOTTRADER_EXCHANGE_MARKET_WS_URL"}
    names |= {"BOTTRADER_EXCHANGE_USER_WS_URL", "BOTTRADER_EXCHANGE_KEY_NAME", "BOTTRADER_EXCHANGE_KEY_FILE"}
    settings = {name: bot.environment[name] for name in names}
    webhook = await bot.start("webhook", reconcile_interval_s="1")
    await bot.ready(webhook)

    async def adopt(*words: str) -> str:
        done = await asyncio.to_thread(shell.run, "adopt", *words, **settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "0.5" in await adopt("--list")
    day = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    terms = ("BTC-USD", "0.25", "--price", "40500", "--at", day)
    assert "adopted 0.25 of BTC-USD at 40500" in await adopt(*terms)
    assert "was adopted already" in await adopt(*terms)
    too_much = await asyncio.to_thread(shell.run, "adopt", "BTC-USD", "0.3", "--price", "1", **settings)
    assert "0.25" in refused(too_much)

    async def sold() -> bool:
        await exchange.price("39000")
        return bool(await sql.fetchval("SELECT true FROM trade_records WHERE side = 'sell' AND status = 'filled'"))

    await eventually(sold, "the stop of the adopted coins has sold them")
    assert Decimal((await exchange.books())["totals"]["BTC"]) == Decimal("0.25")


def test_half_a_command_is_refused_with_what_is_missing(shell: Shell) -> None:
    assert "give a pair, a size and --price" in refused(shell.run("adopt", "BTC-USD"))
    assert "--at is a moment" in refused(shell.run("adopt", "BTC-USD", "1", "--price", "1", "--at", "noon"))
