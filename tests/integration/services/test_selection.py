"""A pair that loses is not entered, and is back by itself: through the door, with real trades and a real database."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.lots import Allocation
from tests.integration.services.conftest import RunningWebhook, Stage, eventually


async def outcome(webhook: RunningWebhook, sql: Connection) -> str:
    """Return what became of a buy signal sent now."""
    await webhook.healthy()
    _, _, signal_id = await webhook.send("buy")
    query = "SELECT code FROM signal_outcomes WHERE signal_id = $1"
    return str(await eventually(lambda: sql.fetchval(query, signal_id), "an outcome"))


async def end(stage: Stage, webhook: RunningWebhook, price: str) -> None:
    """Move the price to where the position is sold."""
    await eventually(webhook.service.portfolio.positions, "a position")
    await stage.price(price)
    await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    await webhook.quiet()


async def test_a_pair_that_lost_is_not_entered_until_its_results_recover(stage: Stage, sql: Connection) -> None:
    """B246, R29, R30: one loss of one is 0 %, one win of two is 50 %; the third life trades with the filter off."""
    judged = {"dynamic_filter_min_trades": "1"}
    async with stage.webhook(**judged) as webhook:
        assert await outcome(webhook, sql) == "SUCCESS"
        await end(stage, webhook, "38000")
    async with stage.webhook(**judged) as webhook:
        assert await outcome(webhook, sql) == "SYMBOL_EXCLUDED"
        row = await sql.fetchrow("SELECT symbol, trades_count, win_rate, is_eligible FROM active_symbols")
        assert row is not None
        assert tuple(row.values()) == ("BTC-USD", 1, 0, False)
    async with stage.webhook(dynamic_filter_enabled="false") as webhook:
        assert await outcome(webhook, sql) == "SUCCESS"
        await end(stage, webhook, "41500")
    async with stage.webhook(**judged) as webhook:
        assert await outcome(webhook, sql) == "SUCCESS"


async def test_an_excluded_coin_is_not_entered_and_its_position_is_still_left(stage: Stage, sql: Connection) -> None:
    """R57"""
    async with stage.webhook() as webhook:
        assert await outcome(webhook, sql) == "SUCCESS"
        await eventually(webhook.service.portfolio.positions, "a position")
    async with stage.webhook(permanent_exclusions="BTC") as webhook:
        await webhook.healthy()
        await end(stage, webhook, "38000")
        assert await outcome(webhook, sql) == "SYMBOL_EXCLUDED"


async def test_a_filter_that_was_never_computed_enters_nothing_and_shows_in_the_health(
    stage: Stage, sql: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B248: and it is open again with the first reading."""

    async def unreachable(since: datetime | None = None) -> Sequence[Allocation]:
        raise StoreUnreachable("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(stage.store, "allocations", unreachable)
        async with stage.webhook() as webhook:
            fault = "the symbol filter was never computed: the database does not answer"
            await eventually(lambda: webhook.service.health().faults == (fault,), "nothing else is wrong")
            _, _, signal_id = await webhook.send("buy")
            query = "SELECT code FROM signal_outcomes WHERE signal_id = $1"
            assert await eventually(lambda: sql.fetchval(query, signal_id), "an outcome") == "SELECTION_STALE"
    async with stage.webhook() as webhook:
        assert await outcome(webhook, sql) == "SUCCESS"
