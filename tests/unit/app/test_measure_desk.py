"""Seconds without protection and without allocations, added up by hand on a clock that the test moves."""

from collections.abc import Collection
from decimal import Decimal

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.measure_desk import DeskMeter
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.lots import Execution
from bottrader.domain.orders import VenueOrderId
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import House


class Measured:
    """A house whose desk is measured."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.meter = DeskMeter(house.portfolio, house.monitor, house.clock)

    def look_after(self, seconds: float) -> float:
        self.house.pass_time(seconds)
        self.meter.look()
        return self.meter.unprotected_s


async def held() -> Measured:
    measured = Measured(await House().open())
    await measured.house.buy()
    measured.look_after(0)
    return measured


async def test_a_position_that_is_judged_within_three_seconds_is_protected() -> None:
    """L1, S5"""
    measured = await held()
    for _ in range(5):
        assert measured.look_after(3) == 0
        await measured.house.see("40000")


async def test_what_lasts_longer_than_three_seconds_is_counted_to_the_second() -> None:
    """L1, S5: seen at 0; looks at 2, 3.5 and 7 find 0, 0.5 and 3.5 s more than the three it may be without."""
    measured = await held()
    assert measured.look_after(2) == 0
    assert measured.look_after(1.5) == 0.5
    assert measured.look_after(3.5) == 4
    await measured.house.see("40000")
    assert measured.look_after(1) == 4
    assert measured.look_after(3) == 4
    assert measured.look_after(1) == 5


async def test_a_look_that_comes_late_counts_what_it_missed() -> None:
    """The loop stood still for ten seconds: three of them are allowed."""
    measured = await held()
    assert measured.look_after(10) == 7


async def test_a_price_that_cannot_be_judged_by_protects_nothing() -> None:
    measured = await held()
    for _ in range(4):
        await measured.house.see("0")
        measured.look_after(1)
    assert measured.meter.unprotected_s == 1


async def test_two_unprotected_positions_are_one_unprotected_second() -> None:
    """Two positions, both unseen for 5 s: 2 s, not 4."""
    measured = await held()
    await measured.house.buy(size="0.1", name="eth", product_id=ETH)
    measured.look_after(0)
    assert measured.look_after(5) == 2


async def test_a_position_that_ended_leaves_nothing_to_the_next_one() -> None:
    measured = await held()
    measured.look_after(2)
    await measured.house.see("36000")
    assert measured.house.portfolio.position(BTC) is None
    assert measured.look_after(60) == 0
    measured.house.show("40000")
    await measured.house.buy(name="another")
    measured.look_after(0)
    assert measured.look_after(3) == 0
    assert measured.look_after(1) == 1


async def test_a_bracket_at_the_venue_protects_what_nobody_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """B110: all of it is covered, then all but a bit."""
    measured = await held()
    portfolio = measured.house.portfolio
    monkeypatch.setattr(portfolio, "bracketed_size", lambda product_id, now: Decimal("0.01"))
    assert measured.look_after(100) == 0
    monkeypatch.setattr(portfolio, "bracketed_size", lambda product_id, now: Decimal("0.00999999"))
    assert measured.look_after(5) == 2


class ForgetfulStore(MemoryStore):
    """Takes fills but does not say what follows from them while it is down."""

    is_down = False

    async def executions_of(self, venue_order_ids: Collection[VenueOrderId]) -> list[Execution]:
        if self.is_down:
            raise StoreUnreachable("down")
        return list(await super().executions_of(venue_order_ids))


async def test_allocations_that_lag_behind_the_fills_have_an_age() -> None:
    """A fill at 10 s whose allocations could not be made: 5 s later they are 5 s old, and none once they are there."""
    store = ForgetfulStore()
    measured = Measured(await House(store=store).open())
    measured.look_after(10)
    assert measured.meter.allocation_age_s == 0
    store.is_down = True
    await measured.house.buy()
    measured.look_after(5)
    assert measured.meter.allocation_age_s == 5
    store.is_down = False
    await measured.house.portfolio.refresh(BTC, measured.house.clock.now())
    assert measured.meter.allocation_age_s == 0
    assert measured.look_after(1) == 0


async def test_before_the_first_reconciliation_nothing_is_known_of_the_allocations() -> None:
    measured = Measured(House())
    measured.look_after(4)
    assert measured.meter.allocation_age_s == 4
    await measured.house.open()
    assert measured.meter.allocation_age_s == 0
