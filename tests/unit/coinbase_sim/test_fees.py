"""Fee tiers: by the volume of 30 days, from hour to hour (coinbase.md §14)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinbase_sim.fees import FeeMeter, FeeTier, example_tiers
from coinbase_sim.market import CandleMarket
from coinbase_sim.model import Bar, Fill, OrderRequest, OrderType, Side, TimeInForce, TradeType
from coinbase_sim.products import product_named
from coinbase_sim.simulator import Simulator, SimulatorOptions

D = Decimal
T0 = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
LOW = FeeTier("low", D(0), D(1000), D("0.005"), D("0.01"))
HIGH = FeeTier("high", D(1000), None, D("0.001"), D("0.002"))


def fill(at: datetime, value: str, *, product_id: str = "BTC-USD", kind: TradeType = TradeType.FILL) -> Fill:
    """Return a fill of one coin at the price `value`."""
    return Fill("t", "o", "c", product_id, Side.BUY, D(value), D(1), D(0), False, at, 1, kind)


def test_the_tier_changes_at_the_full_hour_after_the_volume_was_reached() -> None:
    fills = [fill(T0, "1000")]
    meter = FeeMeter((LOW, HIGH), fills, {"BTC-USD"})
    assert meter.tier(T0 + timedelta(minutes=29, seconds=59)) is LOW
    assert meter.tier(T0 + timedelta(minutes=30)) is HIGH
    assert meter.volume(T0 + timedelta(minutes=30)) == 1000


def test_a_volume_below_the_bound_stays_in_the_lower_tier() -> None:
    meter = FeeMeter((LOW, HIGH), [fill(T0, "999.99")], {"BTC-USD"})
    assert meter.tier(T0 + timedelta(hours=1)) is LOW


def test_a_fill_counts_for_thirty_days() -> None:
    """Traded at 10:30, it counts in the hour that begins at 10:00 on day 30 and no more in the one at 11:00."""
    meter = FeeMeter((LOW, HIGH), [fill(T0, "1000")], {"BTC-USD"})
    day_30 = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
    assert meter.tier(day_30) is HIGH
    assert meter.tier(day_30 + timedelta(minutes=59)) is HIGH
    assert meter.tier(day_30 + timedelta(minutes=60)) is LOW
    assert meter.volume(day_30 + timedelta(minutes=60)) == 0


def test_a_fill_at_the_full_hour_counts_from_the_next_one_for_thirty_days() -> None:
    """Traded at 11:00 sharp: not before the hour that begins then, and exactly 30 days before the one on day 30."""
    hour = T0 + timedelta(minutes=30)
    meter = FeeMeter((LOW, HIGH), [fill(hour, "1000")], {"BTC-USD"})
    assert meter.tier(hour) is LOW
    assert meter.tier(hour + timedelta(hours=1)) is HIGH
    assert meter.tier(hour + timedelta(days=30)) is HIGH
    assert meter.tier(hour + timedelta(days=30, hours=1)) is LOW


def test_other_quote_currencies_do_not_count_and_reversals_count_back() -> None:
    fills = [fill(T0, "700"), fill(T0, "900", product_id="BTC-EUR"), fill(T0, "300", kind=TradeType.REVERSAL)]
    assert FeeMeter((LOW, HIGH), fills, {"BTC-USD"}).volume(T0 + timedelta(hours=1)) == 400


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (HIGH,),
        (LOW,),
        (HIGH, LOW),
        (LOW, FeeTier("gap", D(2000), None, D(0), D(0))),
    ],
)
def test_tiers_that_leave_a_volume_without_a_rate_are_refused(tiers: tuple[FeeTier, ...]) -> None:
    with pytest.raises(ValueError, match="fee tier"):
        FeeMeter(tiers, [], set())


def test_the_example_tiers_are_a_schedule() -> None:
    rates = [tier.taker_rate for tier in example_tiers()]
    assert rates == sorted(rates, reverse=True)
    FeeMeter(example_tiers(), [], set())


def test_an_order_keeps_the_rates_of_its_placement_and_a_restored_exchange_its_tier() -> None:
    """1 000 traded at 1 % in the first hour; an order placed then fills as maker at 0.5 % in the second, while a new
    one pays 0.2 %."""
    spec = product_named("BTC-USD")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    prices = ("100", "100", "80")
    bars = [Bar("BTC-USD", start + timedelta(hours=n), D(p), D(p), D(p), D(p), D(4)) for n, p in enumerate(prices)]

    def build() -> Simulator:
        return Simulator(CandleMarket([spec], bars), [spec], SimulatorOptions({"USD": D(9000)}, fee_tiers=(LOW, HIGH)))

    def order(name: str, size: str, limit: str, force: TimeInForce) -> OrderRequest:
        return OrderRequest(name, "BTC-USD", Side.BUY, OrderType.LIMIT, force, D(size), limit_price=D(limit))

    sim = build()
    sim.step()
    taken = sim.submit(order("a", "10", "101", TimeInForce.IOC))
    assert taken.filled_size == 10
    assert taken.total_fees == taken.filled_value * D("0.01")
    rests = sim.submit(order("b", "1", "90", TimeInForce.GTC))
    for _ in range(4):
        sim.step()
    assert (sim.fee_tier(), sim.volume_30d()) == (HIGH, taken.filled_value)
    restored = build()
    restored.restore(sim.snapshot())
    assert restored.fee_tier() is HIGH
    for one in (sim, restored):
        cheap = one.submit(order("c", "1", "101", TimeInForce.IOC))
        assert cheap.total_fees == cheap.filled_value * D("0.002")
        while one.step():
            pass
        filled = one.order(rests.order_id)
        assert filled is not None
        assert (filled.filled_value, filled.total_fees) == (D(90), D("0.45"))
