"""The matching of sells to buys: linear, and far from what a plain search would cost."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest

from bottrader.domain.lots import Execution, allocate, ledger_key
from bottrader.domain.money import exact
from bottrader.domain.orders import Side
from tests.fixtures.trade_generator import TradeGenerator, sample_trades
from tests.performance.measuring import cpu_s, tell


def test_ten_times_the_trades_take_ten_times_the_work() -> None:
    small, large = TradeGenerator().executions(1_000), TradeGenerator().executions(10_000)

    small_s, large_s = cpu_s(lambda: allocate(small)), cpu_s(lambda: allocate(large), runs=3)

    ratio = large_s / small_s
    tell(
        "FIFO of 1,000 and 10,000 trades:",
        f"{small_s * 1e3:.1f} ms, {large_s * 1e3:.0f} ms: {ratio:.1f} times",
        ratio=ratio,
    )
    assert ratio <= 13


def test_matching_beats_a_search_through_all_buys() -> None:
    """The oracle looks for the oldest open buy of every unit anew; both agree on every figure of the outcome."""
    executions = TradeGenerator().executions(2_000)
    result = allocate(executions)
    assert _search(executions) == sum(
        (row.proceeds - row.size * row.buy_price for row in result.allocations if row.buy_price is not None), Decimal(0)
    )

    ours_s, search_s = cpu_s(lambda: allocate(executions)), cpu_s(lambda: _search(executions), runs=2)

    ratio = search_s / ours_s
    tell(
        "FIFO of 2,000 trades against a search:",
        f"{ours_s * 1e3:.1f} ms, {search_s * 1e3:.0f} ms: {ratio:.1f} times",
        ratio=ratio,
    )
    assert ratio >= 5


@pytest.mark.parametrize(("name", "gain"), [("profitable_roundtrip", "2"), ("losing_roundtrip", "-1")])
def test_what_is_measured_is_right(name: str, gain: str) -> None:
    """0.001 x (42,000 - 40,000) = 2 and 0.01 x (2,400 - 2,500) = -1, both before fees."""
    (row,) = allocate([trade.execution(number) for number, trade in enumerate(sample_trades(name))]).allocations

    assert row.pnl is not None
    assert row.buy_fee is not None
    assert row.pnl + row.buy_fee + row.sell_fee == Decimal(gain)


def test_the_generated_trades_are_what_the_benchmarks_believe() -> None:
    """B295, B296."""
    generator = TradeGenerator(seed=3)
    batches = [generator.generate_random_trades(1_000) for _ in range(3)]
    trades = [trade for batch in batches for trade in batch]

    assert trades == TradeGenerator(seed=3).generate_random_trades(3_000)
    assert trades != TradeGenerator(seed=4).generate_random_trades(3_000)
    assert len({trade.order_id for trade in trades}) == 3_000
    gaps = [(later.filled_at - earlier.filled_at).total_seconds() for earlier, later in pairwise(trades)]
    assert min(gaps) >= 60
    assert max(gaps) <= 3600
    assert {trade.status for trade in trades} == {"filled"}
    assert 0.48 < sum(trade.side == "buy" for trade in trades) / 3_000 < 0.56
    assert all(Decimal(38_000) <= trade.price <= Decimal(42_000) for trade in trades)
    assert all(trade.price == round(trade.price, 2) for trade in trades)
    assert all(Decimal("0.0001") <= trade.size <= Decimal("0.01") for trade in trades)
    assert all(trade.size == round(trade.size, 8) for trade in trades)


def _search(executions: Sequence[Execution]) -> Decimal:
    """Return the gain before fees: for each sell, look through all executions for the oldest buy that has some left."""
    ordered = sorted(executions, key=ledger_key)
    left: dict[str, Decimal] = {}
    gain = Decimal(0)
    with exact():
        for number, sell in enumerate(ordered):
            if sell.side is Side.BUY:
                left[sell.execution_id] = sell.size
                continue
            wanted: Decimal = sell.size
            for buy in ordered[:number]:
                if not wanted:
                    break
                if buy.side is Side.BUY:
                    taken = min(wanted, left[buy.execution_id])
                    left[buy.execution_id] -= taken
                    wanted -= taken
                    gain += taken * (sell.price - buy.price)
    return gain
