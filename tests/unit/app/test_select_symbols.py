"""Which products may be entered: over the house's store and clock, from allocations to one refusal or none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.lots import Allocation
from bottrader.domain.market import ProductId
from bottrader.domain.selection import FilterRules, ManualLists, SelectionRules
from bottrader.domain.signals import Action
from bottrader.domain.validation import Refusal
from tests.fixtures.closed_trades import sells
from tests.fixtures.facts import BTC, ETH, NOON
from tests.fixtures.trading_house import RULES, House, signal

SOL = ProductId("SOL-USD")
ONE_WIN_IN_FIVE = ("1", "-1", "-1", "-1", "-1")
ONE_WIN_IN_FOUR = ("1", "-1", "-1", "-1")
HOUR_S = 3600
DAY_S = 24 * HOUR_S


class DeafStore(MemoryStore):
    """A store whose allocations cannot be read while `is_deaf`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_deaf = False
        self.asked_since: list[datetime | None] = []

    async def allocations(self, since: datetime | None = None) -> Sequence[Allocation]:
        self.asked_since.append(since)
        if self.is_deaf:
            raise StoreUnreachable("the database does not answer")
        return await super().allocations(since)


def house_with(by_results: FilterRules | None = None, **lists: object) -> House:
    by_hand = ManualLists(**lists)  # type: ignore[arg-type]  # lists by name
    selection = SelectionRules(by_results or FilterRules(), by_hand)
    return House(replace(RULES, selection=selection), store=DeafStore())


async def lost(house: House, *pnls: str | None, product_id: ProductId = ETH, end: datetime | None = None) -> None:
    """Let the product's closed trades be these."""
    rows = sells(product_id, *pnls, end=end or house.clock.now())
    await house.store.replace_allocations(product_id, rows, house.clock.now())


async def refusal(house: House, product_id: ProductId = ETH) -> Refusal | None:
    """Return why the next entry is refused; None when it would be ordered."""
    house.show("2000", product_id)
    decided = await house.entries.decide(signal(product_id=product_id))
    return decided if isinstance(decided, Refusal) else None


async def code(house: House, product_id: ProductId = ETH) -> str | None:
    refused = await refusal(house, product_id)
    return None if refused is None else refused.code


def deaf(house: House) -> DeafStore:
    assert isinstance(house.store, DeafStore)
    return house.store


class TestFilter:
    async def test_one_win_in_five_is_not_entered_and_one_in_four_is_too_few(self) -> None:
        """B246, R29, R30"""
        few = await house_with().open()
        await lost(few, *ONE_WIN_IN_FOUR)
        assert await code(few) is None
        house = await house_with().open()
        await lost(house, *ONE_WIN_IN_FIVE)
        assert await refusal(house) == Refusal(
            "SYMBOL_EXCLUDED",
            "ETH-USD is not entered: its win rate of 0.2000 is below 0.30 over 5 trades in 30 days",
        )
        assert await code(house, BTC) is None

    async def test_a_product_is_back_by_itself_when_its_results_recover(self) -> None:
        """R29: three wins more make 4 of 8; the old list holds for an hour."""
        house = await house_with().open()
        await lost(house, *ONE_WIN_IN_FIVE)
        assert await code(house) == "SYMBOL_EXCLUDED"
        await lost(house, *ONE_WIN_IN_FIVE, "1", "1", "1")
        house.pass_time(HOUR_S - 1)
        assert await code(house) == "SYMBOL_EXCLUDED"
        house.pass_time(1)
        assert await code(house) is None

    async def test_trades_older_than_the_window_no_longer_count(self) -> None:
        """R29: what was excluded is back a month after its last loss, whatever it does."""
        house = await house_with().open()
        await lost(house, *["-1"] * 5, end=NOON)
        assert await code(house) == "SYMBOL_EXCLUDED"
        house.pass_time(30 * DAY_S - 4 * 60)
        assert await code(house) == "SYMBOL_EXCLUDED"
        house.pass_time(HOUR_S)
        assert await code(house) is None

    async def test_the_window_bounds_what_is_read(self) -> None:
        """R38: never less than the week that `is_profitable` looks at."""
        for days, read in ((30, 30), (1, 7)):
            house = await house_with(FilterRules(lookback_days=days)).open()
            await code(house)
            assert [at for at in deaf(house).asked_since if at is not None] == [NOON - timedelta(days=read)]

    async def test_a_shorter_window_than_a_week_is_kept(self) -> None:
        house = await house_with(FilterRules(lookback_days=1)).open()
        await lost(house, *["-1"] * 5, end=NOON - timedelta(days=1, seconds=1))
        assert await code(house) is None

    async def test_trades_without_a_known_result_exclude_nothing(self) -> None:
        """B245, R78"""
        house = await house_with().open()
        await lost(house, *[None] * 6)
        assert await code(house) is None
        assert not await house.selector.is_profitable(ETH)

    @pytest.mark.parametrize(("bid", "expected"), [("979", "SYMBOL_EXCLUDED"), ("980", None)])
    async def test_a_spread_above_two_percent_is_not_entered(self, bid: str, expected: str | None) -> None:
        """B247: (1000 - 979) / 1000 is 2.1 %, (1000 - 980) / 1000 is 2.0 %."""
        house = await house_with().open()
        assert await code(house) is None
        house.show("1000", ETH, bid=bid, ask="1000")
        decided = await house.entries.decide(signal(product_id=ETH))
        assert (decided.code if isinstance(decided, Refusal) else None) == expected

    async def test_switched_off_it_leaves_only_the_lists(self) -> None:
        house = await house_with(FilterRules(is_enabled=False), excluded_coins=frozenset({"BTC"})).open()
        await lost(house, *["-1"] * 5)
        deaf(house).is_deaf = True
        assert await code(house) is None
        assert await code(house, BTC) == "SYMBOL_EXCLUDED"
        await house.selector.follow_reconciliation()
        assert house.selector.health_fault() is None

    async def test_a_sell_of_an_excluded_product_is_not_held_up(self) -> None:
        house = await house_with(excluded_coins=frozenset({"BTC"})).open()
        await house.buy()
        await lost(house, *["-1"] * 5, product_id=BTC)
        deaf(house).is_deaf = True
        await house.see("38000")
        assert len(house.sells) == 1

    async def test_an_excluded_product_still_takes_a_sell_signal(self) -> None:
        house = await house_with(excluded_coins=frozenset({"BTC"})).open()
        await house.buy()
        house.pass_time(120)
        house.show("42000")
        await house.actor.act(signal(Action.SELL), gate=None)
        assert len(house.sells) == 1


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({"excluded_coins": frozenset({"ETH"})}, "ETH is excluded for good"),
        ({"ignored_pairs": frozenset({ETH})}, "the pair ETH-USD is ignored"),
        ({"only_coins": frozenset({"BTC"})}, "ETH is not among the coins to trade"),
    ],
)
async def test_a_product_on_a_list_is_not_entered(lists: dict[str, Any], reason: str) -> None:
    """R57: without a look at the store, so they hold when nothing can be read."""
    house = await house_with(**lists).open()
    deaf(house).is_deaf = True
    assert await refusal(house) == Refusal("SYMBOL_EXCLUDED", f"ETH-USD is not entered: {reason}")


class TestStaleness:
    async def test_the_last_good_list_holds_and_is_marked(self) -> None:
        """B248, R29, R30: one alarm, and a health fault until it can be computed again."""
        house = await house_with().open()
        await lost(house, *ONE_WIN_IN_FIVE)
        assert await code(house) == "SYMBOL_EXCLUDED"
        assert house.selector.health_fault() is None
        deaf(house).is_deaf = True
        await lost(house, *["1"] * 5)
        for _ in range(2):
            house.pass_time(HOUR_S)
            assert await code(house) == "SYMBOL_EXCLUDED"
            assert await code(house, BTC) is None
        assert len(house.told("symbol_filter_stale")) == 1
        assert house.selector.health_fault() == (
            f"the symbol filter is stale, of {NOON:%Y-%m-%d %H:%M} UTC: the database does not answer"
        )
        deaf(house).is_deaf = False
        assert await code(house) is None
        assert house.selector.health_fault() is None
        assert len(house.told("symbol_filter_back")) == 1

    async def test_after_a_day_nothing_is_entered(self) -> None:
        """B248: it never fails open."""
        house = await house_with().open()
        assert await code(house) is None
        deaf(house).is_deaf = True
        house.pass_time(DAY_S)
        assert await code(house, BTC) is None
        house.pass_time(1)
        assert await refusal(house, BTC) == Refusal(
            "SELECTION_STALE",
            f"nothing is entered, because the symbol filter is stale, of {NOON:%Y-%m-%d %H:%M} UTC:"
            " the database does not answer",
        )

    async def test_never_computed_is_closed_and_a_fresh_account_is_not(self) -> None:
        """B248: nothing traded is an empty list, nothing read is none."""
        house = await house_with().open()
        deaf(house).is_deaf = True
        assert await code(house) == "SELECTION_STALE"
        assert house.selector.health_fault() == "the symbol filter was never computed: the database does not answer"
        deaf(house).is_deaf = False
        assert await code(house) is None

    async def test_a_reconciliation_renews_it_when_it_is_due(self) -> None:
        """B248: no entry has to ask for it, so a quiet day does not make it stale."""
        house = await house_with().open()
        await house.selector.follow_reconciliation()
        read = len(deaf(house).asked_since)
        house.pass_time(HOUR_S - 1)
        await house.selector.follow_reconciliation()
        assert len(deaf(house).asked_since) == read
        house.pass_time(1)
        await house.selector.follow_reconciliation()
        assert len(deaf(house).asked_since) == read + 1


class TestLeaderboard:
    async def test_the_day_s_sells_are_ranked(self) -> None:
        """B240, B243: SOL 1, 1, 1 and ETH 2, -1, 3 have the same score, so the name decides; BTC has too few."""
        house = await house_with().open()
        await lost(house, "2", "-1", "3")
        await lost(house, "1", "1", "1", product_id=SOL)
        await lost(house, "1", "1", product_id=BTC)
        await house.selector.follow_reconciliation()
        board = await house.store.leaderboard()
        assert board is not None
        assert board.computed_at == NOON
        assert {s.product_id: s.is_eligible for s in board.standings} == {SOL: True, ETH: True, BTC: False}
        eth = house.selector.standing(ETH)
        assert eth is not None
        assert (eth.trades_count, eth.profit_factor) == (3, Decimal(5))
        assert abs(eth.score - Decimal("3.4641")) < Decimal("0.0001")

    async def test_sells_older_than_a_day_are_not_ranked(self) -> None:
        house = await house_with().open()
        await lost(house, "1", end=NOON - timedelta(days=1))
        await lost(house, "1", product_id=BTC, end=NOON - timedelta(days=1, seconds=1))
        await house.selector.follow_reconciliation()
        assert house.selector.standing(ETH) is not None
        assert house.selector.standing(BTC) is None

    async def test_it_is_made_every_six_hours(self) -> None:
        house = await house_with().open()
        assert house.selector.leaderboard_age() is None
        await house.selector.follow_reconciliation()
        await lost(house, "1")
        house.pass_time(6 * HOUR_S - 1)
        await house.selector.follow_reconciliation()
        assert house.selector.standing(ETH) is None
        assert house.selector.leaderboard_age() == timedelta(hours=6, seconds=-1)
        house.pass_time(1)
        await house.selector.follow_reconciliation()
        assert house.selector.standing(ETH) is not None
        assert house.selector.leaderboard_age() == timedelta(0)

    async def test_a_restart_goes_on_with_the_one_before(self) -> None:
        house = await house_with().open()
        await lost(house, "1")
        await house.selector.follow_reconciliation()
        house.pass_time(HOUR_S)
        restarted = house.restarted()
        await restarted.selector.follow_reconciliation()
        assert restarted.selector.leaderboard_age() == timedelta(hours=1)
        assert restarted.selector.standing(ETH) == house.selector.standing(ETH)

    async def test_one_that_cannot_be_computed_is_told_and_the_old_one_stays(self) -> None:
        """R56"""
        house = await house_with().open()
        await lost(house, "1")
        await house.selector.follow_reconciliation()
        deaf(house).is_deaf = True
        house.pass_time(6 * HOUR_S)
        await house.selector.follow_reconciliation()
        assert len(house.told("leaderboard_not_computed")) == 1
        assert house.selector.standing(ETH) is not None
        assert house.selector.leaderboard_age() == timedelta(hours=6)


class TestProfitable:
    async def test_two_trades_that_gained_within_a_week(self) -> None:
        """B245"""
        house = await house_with().open()
        await lost(house, "2", "-1")
        await lost(house, "3", product_id=BTC)
        await lost(house, "1", "-1", product_id=SOL)
        assert await house.selector.is_profitable(ETH)
        assert not await house.selector.is_profitable(BTC)
        assert not await house.selector.is_profitable(SOL)

    async def test_older_trades_do_not_count(self) -> None:
        house = await house_with().open()
        await lost(house, "5", "5", end=NOON - timedelta(days=7))
        assert not await house.selector.is_profitable(ETH)

    async def test_what_cannot_be_read_is_not_profitable(self) -> None:
        house = await house_with().open()
        deaf(house).is_deaf = True
        assert not await house.selector.is_profitable(ETH)
