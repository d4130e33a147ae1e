"""Matching everything anew, on the store in memory."""

from decimal import Decimal

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.allocate_lots import rebuild_lots
from bottrader.domain.errors import BotTraderError, VersionRefused
from bottrader.domain.lots import LotMethod
from bottrader.ports import VersionStatus
from tests.fixtures.facts import NOON, at
from tests.fixtures.worked_trades import TWO_BUYS_AND_A_SELL, store_trades


async def test_a_rebuild_is_dated_and_told() -> None:
    store, log = MemoryStore(), RecentEvents()
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    result = await rebuild_lots(store, ManualClock(at(900)), log, LotMethod.FIFO)
    assert result.pnl == Decimal("22.99")
    assert (await store.allocation_versions())[-1].created_at == at(900)
    assert [event.event for event in log.newest] == ["lots_rebuilt"]


async def test_without_a_method_it_is_that_of_the_active_version() -> None:
    store = MemoryStore()
    await rebuild_lots(store, ManualClock(NOON), RecentEvents(), LotMethod.HIFO)
    await rebuild_lots(store, ManualClock(NOON), RecentEvents())
    assert [each.version.method for each in await store.allocation_versions()] == ["fifo", "hifo", "hifo"]


async def test_a_rebuild_cannot_be_told_which_lots_to_take() -> None:
    store = MemoryStore()
    with pytest.raises(VersionRefused, match="choose fifo, lifo or hifo"):
        await rebuild_lots(store, ManualClock(NOON), RecentEvents(), LotMethod.SPECIFIC)
    assert len(await store.allocation_versions()) == 1


async def test_a_failed_run_is_kept_with_its_cause_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """R81: what the store on Postgres logs."""

    def refuse(*_: object) -> None:
        raise BotTraderError("these executions contradict themselves")

    store = MemoryStore()
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    before = await store.allocations()
    monkeypatch.setattr("bottrader.adapters.memory.versions.allocate", refuse)
    with pytest.raises(BotTraderError):
        await store.rebuild_allocations(LotMethod.LIFO, at(901))
    assert await store.allocations() == before
    assert store.failures == {3: "these executions contradict themselves"}
    assert [each.status for each in await store.allocation_versions()][2:] == [VersionStatus.FAILED]
