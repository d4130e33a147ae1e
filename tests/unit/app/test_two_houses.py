"""Two bots in one process share nothing: what one is told or holds is not the other's."""

from decimal import Decimal

from bottrader.domain.orders import OrderIntent
from bottrader.domain.risk import KillSwitch
from tests.fixtures.facts import BTC, at
from tests.fixtures.trading_house import House, signal


async def test_everything_built_twice_keeps_a_state_of_its_own() -> None:
    """B284, R58: the first trades, is stopped out and switched off; the second, at other prices, knows nothing."""
    first, second = await House().open_one(), await House().open_one()
    second.show("100")
    await first.buy("0.01")
    await first.see("38000")
    await first.kill_switch.throw(KillSwitch(True, "fear", "cli", at(0)))
    assert len(first.sells) == 1
    assert second.exchange.placements == []
    assert second.portfolio.tickers[BTC].price == 100
    assert second.portfolio.realized_pnl() == 0
    assert second.portfolio.orders_since(at(-3600)) == 0
    assert {told.event for told in second.log.newest} == {"books_opened", "reconciled"}
    built = await second.entries.decide(signal())
    assert isinstance(built, OrderIntent)
    await second.buy("0.02")
    position = second.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.02")
    assert first.portfolio.position(BTC) is None


async def test_what_one_does_not_know_the_other_still_knows() -> None:
    """B284: without increments an order is refused, in that house and at once."""
    first, second = await House().open_one(), await House().open_one()
    first.portfolio.products = {}
    refused = await first.entries.decide(signal())
    assert not isinstance(refused, OrderIntent)
    assert refused.code == "PRECISION_ERROR"
    assert isinstance(await second.entries.decide(signal()), OrderIntent)
