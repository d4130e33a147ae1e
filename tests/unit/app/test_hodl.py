"""A coin on the HODL list is never sold, by whatever path a sell may come (R16)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.brackets import BracketRules, StopMode
from bottrader.domain.market import ProductId
from bottrader.domain.orders import Side
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import Action
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import RULES, House, signal, unlocked

HODL = replace(
    RULES,
    hodl=frozenset({"BTC"}),
    brackets=BracketRules(stop_mode=StopMode.FIXED),
    exits=replace(RULES.exits, trailing_enabled=True),
)
BOTH_PAIRS = st.sampled_from([BTC, ETH])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("price"), BOTH_PAIRS, st.integers(50, 150)),
        st.tuples(st.just("signal"), BOTH_PAIRS, st.integers(0, 99)),
        st.tuples(st.just("bracket"), BOTH_PAIRS, st.just(0)),
        st.tuples(st.just("flatten"), BOTH_PAIRS, st.just(0)),
        st.tuples(st.just("guard"), BOTH_PAIRS, st.just(0)),
        st.tuples(st.just("time"), BOTH_PAIRS, st.integers(1, 100)),
    ),
    min_size=1,
    max_size=12,
)


async def held(*, has_brackets: bool = True) -> House:
    """Return a house that bought both coins while none was on the list, with a bracket around each or none."""
    before = await House(replace(HODL, hodl=frozenset())).open()
    await before.buy("0.01")
    await before.buy("0.1", "eth", ETH)
    for product_id in (BTC, ETH) if has_brackets else ():
        await before.protector.protect(product_id, is_leaving=False)
    after = before.restarted(HODL)
    await after.reconciler.start(unlocked)
    after.portfolio.tickers = dict(before.portfolio.tickers)
    return after.with_ranges()


async def take(house: House, what: str, product_id: ProductId, number: int) -> None:
    if what == "price":
        start = 40_000 if product_id == BTC else 2_000
        await house.see(str(start * number // 100), product_id)
    elif what == "signal":
        await house.actor.act(signal(Action.SELL, number, product_id), gate=None)
    elif what == "bracket":
        await house.protector.protect(product_id, is_leaving=house.monitor.is_leaving(product_id))
    elif what == "flatten":
        await house.store.record_kill_switch(KillSwitch(True, "all", "cli", house.clock.now(), flattens=True))
        await house.kill_switch.read()
    elif what == "guard":
        await house.asset_guard.run(await house.reconciler.run(unlocked), unlocked)
    else:
        house.pass_time(number)


@given(steps=STEPS)
async def test_no_path_sells_a_hodl_coin(steps: list[tuple[str, ProductId, int]]) -> None:
    """B40, B123, R16: stops, trails, targets, signals, brackets, the kill switch and the guard, in any order."""
    house = await held()
    before = len(house.exchange.placements)
    for step in steps:
        await take(house, *step)
    sold = [intent for intent in house.exchange.placements[before:] if intent.side is Side.SELL]
    assert [intent for intent in sold if intent.product_id == BTC] == []


async def test_every_path_of_the_property_sells_what_is_not_on_the_list() -> None:
    """B40: otherwise the property would hold of a bot that never sells."""
    for steps in (
        [("price", ETH, 90)],
        [("price", ETH, 110), ("price", ETH, 105)],
        [("time", ETH, 100), ("price", ETH, 103), ("signal", ETH, 1)],
        [("flatten", ETH, 0), ("price", ETH, 100)],
        [("bracket", ETH, 0)],
    ):
        house = await held(has_brackets=False)
        before = len(house.sells)
        for step in steps:
            await take(house, *step)
        assert [intent.product_id for intent in house.sells[before:]][:1] == [ETH], steps


async def test_a_bracket_from_before_the_coin_was_listed_is_taken_away() -> None:
    """B40, R16: resting at the venue, it would sell without anybody deciding so."""
    house = await held()
    assert {order.intent.product_id for order in house.portfolio.open_orders()} == {BTC, ETH}
    for product_id in (BTC, ETH):
        await house.protector.protect(product_id, is_leaving=False)
    assert {order.intent.product_id for order in house.portfolio.open_orders()} == {ETH}
