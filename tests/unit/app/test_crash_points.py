"""A process dies at every single call of the store and of the exchange, before it and after it, and comes back.

One buy and its stop are played to the end without any crash, which tells how many calls there are. Then once for each
call and each side of it: the process ends there, a new one on the same store and the same exchange goes on, and what is
there in the end has to be what is there without a crash. An entry alone may be given up, where it had not left yet.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.market import Ticker
from bottrader.ports import InboundSignal
from tests.fixtures.facts import BTC, ETH, NOON
from tests.fixtures.trading_house import House, signal, unlocked

STARTS_MAX = 3
ROUNDS_MAX = 12


class PowerCut(BaseException):
    """The process is gone: nothing that handles errors sees it."""


class Fuse:
    """Counts calls, and cuts the power at one of them."""

    def __init__(self) -> None:
        self.calls_count = 0
        self.cut_at: int | None = None
        self.is_done_first = False

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        async def called(*arguments: Any, **options: Any) -> Any:
            self.calls_count += 1
            if self.calls_count != self.cut_at:
                return await work(*arguments, **options)
            if self.is_done_first:
                await work(*arguments, **options)
            raise PowerCut

        return called


class FusedStore(MemoryStore):
    fuse: Fuse

    def __getattribute__(self, name: str) -> Any:
        return _fused(self, name, super().__getattribute__(name))


class FusedExchange(MemoryExchange):
    fuse: Fuse

    def __getattribute__(self, name: str) -> Any:
        return _fused(self, name, super().__getattribute__(name))


def _fused(owner: Any, name: str, found: Any) -> Any:
    if name.startswith("_") or not inspect.iscoroutinefunction(found):
        return found
    # A call that the twin makes of itself is one call of the port.
    caller = inspect.currentframe()
    inside = caller is not None and caller.f_back is not None and caller.f_back.f_back is not None
    if inside and caller.f_back.f_back.f_locals.get("self") is owner:  # type: ignore[union-attr]
        return found
    return owner.fuse.around(found)


@dataclass
class Ending:
    """What is there in the end, ids and times left out."""

    orders: list[tuple[str, Decimal]]
    fills: list[tuple[str, Decimal, Decimal, Decimal]]
    statuses: list[str]
    outcome: tuple[str, str]
    balances: dict[str, Decimal]
    held: Decimal | None


NOT_BOUGHT = Ending([], [], [], ("ordered", "SUCCESS"), {"USD": Decimal(10_000)}, None)
"""An entry that had not left is never sent late, at whatever price there is by then; its chance is gone."""


def new_house(fuse: Fuse) -> House:
    house = House(store=FusedStore())
    exchange = FusedExchange(house.clock, house.products, {"USD": Decimal(10_000)}, house.exchange.fees)
    house.store.fuse = exchange.fuse = fuse  # type: ignore[attr-defined]
    return House(clock=house.clock, store=house.store, given_exchange=exchange)


async def live(house: House) -> None:
    """Do what the acting role does: accept, act, watch, settle; each of it may be a repetition after a restart."""
    _show_the_market(house)
    await house.reconciler.start(unlocked)
    house.with_ranges()
    await house.store.accept_signal(InboundSignal(signal(), "test", "body", "request", NOON))
    for _ in range(ROUNDS_MAX):
        for waiting in await house.store.signals_without_outcome([BTC], 100):
            await house.actor.act(waiting, gate=None)
        for order in house.portfolio.open_orders():
            await house.settler.settle(order)
        house.pass_time(31)
        await house.monitor.on_ticker(_show_the_market(house))


def _show_the_market(house: House) -> Ticker:
    """Let the price fall once the buy is at the exchange, whoever has put it there."""
    house.show("2000", ETH)
    return house.show("38000" if house.exchange.placements else "40000")


async def played(fuse: Fuse) -> House:
    """Return the house in which everything has come to its end."""
    house = new_house(fuse)
    for _ in range(STARTS_MAX):
        try:
            await live(house)
            break
        except PowerCut:
            fuse.cut_at = None
            house = house.restarted()
    fuse.cut_at = None
    return house


async def ending_of(house: House) -> Ending:
    store, exchange = house.store, house.exchange
    outcome = await store.outcome_of(signal().signal_id)
    assert outcome is not None
    position = house.portfolio.position(BTC)
    executions = await store.executions(BTC)
    return Ending(
        orders=list({each.client_order_id: (each.side.value, each.size_base) for each in exchange.placements}.values()),
        fills=[(each.side.value, each.size, each.price, each.fee) for each in executions],
        # An exit that had not left is given up too, and the next one sells.
        statuses=[record.status for record in await store.trade_records() if record.status != "failed"],
        outcome=(outcome.kind.value, outcome.code),
        balances={balance.currency: balance.total for balance in await exchange.balances()},
        held=None if position is None else position.size,
    )


async def test_without_a_crash_a_position_is_bought_and_stopped() -> None:
    ending = await ending_of(await played(Fuse()))
    assert [side for side, _ in ending.orders] == ["buy", "sell"]
    assert ending.statuses == ["filled", "filled"]
    assert ending.outcome == ("ordered", "SUCCESS")
    assert ending.held is None
    assert ending.balances["BTC"] == 0


@pytest.mark.cpu_budget(1000, "a life and a second one for each of the calls that a process makes")
@pytest.mark.parametrize("is_done_first", [False, True], ids=["before the call", "after the call"])
async def test_a_crash_at_any_call_ends_where_no_crash_would(is_done_first: bool) -> None:
    """F31, invariant R1"""
    whole = Fuse()
    expected = await ending_of(await played(whole))
    assert whole.calls_count > 40
    given_up = []
    for number in range(1, whole.calls_count + 1):
        fuse = Fuse()
        fuse.cut_at, fuse.is_done_first = number, is_done_first
        ending = await ending_of(await played(fuse))
        if ending == NOT_BOUGHT:
            given_up.append(number)
        else:
            assert ending == expected, f"the power was cut at call {number}"
    # The intent is durable, or said to be sent, and the request has not left.
    assert 1 <= len(given_up) <= 2
    assert given_up == list(range(given_up[0], given_up[-1] + 1))


async def test_to_live_it_again_changes_nothing() -> None:
    """Invariant R2: the same signal, the same prices and the exchange's whole history once more, and once more."""
    house = await played(Fuse())
    before = await _books(house)
    for _ in range(2):
        house = house.restarted()
        await live(house)
        assert await _books(house) == before


async def _books(house: House) -> list[object]:
    store = house.store
    return [await ending_of(house), await store.trade_records(), await store.executions(), await store.cash_movements()]
