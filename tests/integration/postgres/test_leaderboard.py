"""Symbol selection on a real database: every query it needs, run by the use case that needs it."""

from dataclasses import replace
from datetime import timedelta

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.portfolio import Portfolio
from bottrader.app.select_symbols import SymbolSelector
from bottrader.app.world import World
from bottrader.domain.market import ProductId
from bottrader.domain.selection import SelectionRules
from tests.fixtures.closed_trades import sells
from tests.fixtures.facts import BTC, ETH, NOON
from tests.fixtures.trading_house import FEES, product

SOL = ProductId("SOL-USD")


def selector_on(store: PostgresStore, clock: ManualClock) -> SymbolSelector:
    products = [product(product_id) for product_id in (BTC, ETH, SOL)]
    world = World(store, MemoryExchange(clock, products, {}, FEES), clock, RecentEvents())
    return SymbolSelector(world, Portfolio(store, [BTC, ETH, SOL]), SelectionRules())


async def test_three_traded_symbols_make_three_rows(store: PostgresStore, sql: Connection) -> None:
    """B244, R56: 2, -1, 3 is eligible, 2, -1, 0.5, -1.4 has a profit factor of 1.04, and one trade is too few."""
    clock = ManualClock(NOON)
    trades = {BTC: ("2", "-1", "3"), ETH: ("2", "-1", "0.5", "-1.4"), SOL: ("4",)}
    for product_id, pnls in trades.items():
        await store.replace_allocations(product_id, sells(product_id, *pnls, end=NOON), NOON)
    await selector_on(store, clock).follow_reconciliation()
    rows = await sql.fetch("SELECT symbol, trades_count, is_eligible, computed_at FROM active_symbols ORDER BY symbol")
    assert [tuple(row.values()) for row in rows] == [
        (BTC, 3, True, NOON),
        (ETH, 4, False, NOON),
        (SOL, 1, False, NOON),
    ]


async def test_a_day_without_sells_empties_the_leaderboard(store: PostgresStore, sql: Connection) -> None:
    """R56"""
    clock = ManualClock(NOON)
    selector = selector_on(store, clock)
    await store.replace_allocations(BTC, sells(BTC, "1", end=NOON), NOON)
    await selector.follow_reconciliation()
    clock.advance(timedelta(hours=25))
    await selector.follow_reconciliation()
    assert await sql.fetchval("SELECT count(*) FROM active_symbols") == 0


async def test_the_filter_reads_the_active_allocations(store: PostgresStore) -> None:
    """B246, R29, R30: the query is run, and one win in five is excluded; unknown P&L is not (R78)."""
    clock = ManualClock(NOON)
    await store.replace_allocations(BTC, sells(BTC, "1", "-1", "-1", "-1", "-1", end=NOON), NOON)
    await store.replace_allocations(ETH, sells(ETH, *[None] * 5, end=NOON), NOON)
    selector = selector_on(store, clock)
    refused = await selector.check(BTC)
    assert refused is not None
    assert refused.code == "SYMBOL_EXCLUDED"
    assert await selector.check(ETH) is None


async def test_half_a_sell_order_of_the_window_is_read_whole(store: PostgresStore) -> None:
    """R38: its first part lies before the window and lost more than its second gained."""
    early, late = sells(BTC, "-10", "4", end=NOON)
    before = NOON - timedelta(days=8)
    first = replace(early, sell_order_id=late.sell_order_id, sell_time=before, buy_time=before)
    await store.replace_allocations(BTC, [first, late], NOON)
    selector = selector_on(store, ManualClock(NOON))
    await selector.follow_reconciliation()
    board = await store.leaderboard()
    assert board is not None
    assert board.standings[0].pnl_mean == -6
