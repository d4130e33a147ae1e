"""Each metric against figures computed by hand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.lots import Allocation, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.orders import Side, derive_client_order_id
from bottrader.domain.performance import (
    Drawdown,
    Totals,
    Trade,
    average_loss,
    average_win,
    by_exit_reason,
    by_product,
    counts,
    drawdown_curve,
    equity_curve,
    expectancy,
    is_long_term,
    known_pnls,
    max_drawdown,
    mean,
    profit_factor,
    realized_pnl,
    return_fraction,
    to_cents,
    trade_sharpe,
    trades_of,
    unmatched_proceeds,
    unrealized_pnl,
    win_loss_ratio,
    win_rate,
)
from bottrader.domain.signals import Trigger
from tests.unit.domain.examples import BTC, ETH, START, at, execution, position, price

FIVE = [Decimal(text) for text in ("100", "-50", "75", "30", "-20")]
TEN = [Decimal(text) for text in ("100", "-50", "75", "30", "-20", "40", "60", "-15", "25", "80")]


def sales(results: Iterable[int], product_id: ProductId = BTC) -> list[Allocation]:
    """One matched sale per result: bought at 1000, sold ten minutes after the last for as much more."""
    ledger = []
    for number, result in enumerate(results):
        ledger.append(execution(Side.BUY, f"b{number}", "1", "1000", minute=10 * number, product_id=product_id))
        ledger.append(
            execution(Side.SELL, f"s{number}", "1", str(1000 + result), minute=10 * number + 5, product_id=product_id)
        )
    return list(allocate(ledger).allocations)


@pytest.mark.parametrize(
    ("results", "expected"),
    [((100, -50, 75), 125), ((50, -20, 30, -10, 15), 65), ((), 0)],
    ids=["B218", "B219", "no trade"],
)
def test_realized_profit_is_the_sum_of_the_allocations(results: tuple[int, ...], expected: int) -> None:
    assert realized_pnl(sales(results)) == expected


def test_profit_adds_up_per_product() -> None:
    """B220."""
    rows = sales([100, -30, 20]) + [_renamed(row, "e") for row in sales([50], ETH)]
    rows += [_renamed(row, "o") for row in sales([25], ProductId("SOL-USD"))]
    totals = by_product(rows)
    assert {name: found.pnl for name, found in totals.items()} == {"BTC-USD": 90, "ETH-USD": 50, "SOL-USD": 25}
    assert totals["BTC-USD"] == Totals(trades_count=3, wins_count=2, pnl=Decimal(90))
    assert realized_pnl(rows) == 165


def _renamed(row: Allocation, prefix: str) -> Allocation:
    return replace(row, sell_order_id=type(row.sell_order_id)(prefix + row.sell_order_id))


def test_the_win_rate_counts_decisive_trades() -> None:
    """B221: 7 of 10."""
    assert win_rate(TEN) == Decimal("0.7")


@pytest.mark.parametrize("none", ["0", "0.000000001", "-0.000000001"])
def test_a_trade_that_broke_even_is_neither_won_nor_lost(none: str) -> None:
    """B222, R53."""
    assert win_rate([*TEN, Decimal(none)]) == Decimal("0.7")
    assert expectancy([*FIVE, Decimal(none)]) == 27


def test_a_trade_just_beyond_break_even_is_decisive() -> None:
    assert win_rate([Decimal("0.0000000011")]) == 1
    assert win_rate([Decimal("-0.0000000011")]) == 0


def test_average_win_and_loss_and_their_ratio() -> None:
    """B223: 205 / 3, 70 / 2, and 205 x 2 / (3 x 70) = 1.952..."""
    assert average_win(FIVE) == Decimal("68.33333333333333333333333333")
    assert average_loss(FIVE) == 35
    ratio = win_loss_ratio(FIVE)
    assert ratio is not None
    assert ratio.quantize(Decimal("0.0001")) == Decimal("1.9524")


def test_the_profit_factor_is_wins_over_losses() -> None:
    """B224."""
    assert str(profit_factor(FIVE)) == "2.928571428571428571428571429"


def test_without_losses_there_is_no_profit_factor() -> None:
    """B225."""
    assert profit_factor([Decimal(1), Decimal(2), Decimal(3)]) is None


def test_expectancy_and_the_deviation_of_trades() -> None:
    """B226: 135 / 5; deviations 73, -77, 48, 3, -47 give a variance of 3156 and a deviation of 56.178."""
    assert expectancy(FIVE) == 27
    sharpe = trade_sharpe(FIVE)
    assert sharpe is not None
    assert sharpe.quantize(Decimal("0.0001")) == Decimal("0.4806")


def test_figures_without_meaning_are_none() -> None:
    for nothing in ([], [Decimal(0)]):
        for metric in (win_rate, average_win, average_loss, win_loss_ratio, profit_factor, expectancy):
            assert metric(nothing) is None
    assert trade_sharpe([]) is None
    assert trade_sharpe([Decimal(5), Decimal(5)]) is None
    assert win_loss_ratio([Decimal(1)]) is None
    assert return_fraction(Decimal(1), Decimal(0)) is None


@given(st.lists(st.decimals("-1000", "1000", places=2), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_expectancy_is_what_its_definition_says(pnls: list[Decimal]) -> None:
    """p(win) x average win - p(loss) x average loss, to 20 digits."""
    rate = win_rate(pnls)
    found = expectancy(pnls)
    if rate is None:
        assert found is None
        return
    assert found is not None
    defined = rate * (average_win(pnls) or 0) - (1 - rate) * (average_loss(pnls) or 0)
    assert abs(found - defined) < Decimal("1E-20")


@pytest.mark.parametrize(("value", "expected"), [("42000", "2"), ("38000", "-2"), ("40000", "0")])
def test_an_open_position_is_worth_its_price_less_its_cost(value: str, expected: str) -> None:
    """B212."""
    assert unrealized_pnl(position("0.001", "40"), price(value)) == Decimal(expected)


def test_the_entry_fee_is_part_of_the_cost() -> None:
    """B214: 42.00 - 40.40."""
    assert unrealized_pnl(position("0.001", "40.40"), price("42000")) == Decimal("1.60")


@pytest.mark.parametrize(("gain", "cost"), [("2000", "40000"), ("2.00", "40.00")], ids=["B213", "B217"])
def test_a_return_is_a_fraction_of_the_cost(gain: str, cost: str) -> None:
    assert return_fraction(Decimal(gain), Decimal(cost)) == Decimal("0.05")


@pytest.mark.parametrize(
    ("amount", "shown"), [("1.18634523", "1.19"), ("0.125", "0.12"), ("0.135", "0.14"), ("-0.005", "-0.00")]
)
def test_cents_are_rounded_half_to_even_for_display(amount: str, shown: str) -> None:
    """B227."""
    assert str(to_cents(Decimal(amount))) == shown


@pytest.mark.parametrize(
    ("acquired", "disposed", "is_long"),
    [
        pytest.param(date(2026, 1, 1), date(2026, 6, 1), False, id="B229"),
        pytest.param(date(2025, 1, 1), date(2026, 1, 2), True, id="B230"),
        pytest.param(date(2025, 1, 1), date(2026, 1, 1), False, id="B231"),
        pytest.param(date(2024, 2, 29), date(2025, 2, 28), False, id="leap day, on its anniversary"),
        pytest.param(date(2024, 2, 29), date(2025, 3, 1), True, id="leap day, after its anniversary"),
        pytest.param(date(2023, 3, 1), date(2024, 2, 29), False, id="366 days are not yet a year and a day"),
    ],
)
def test_a_holding_is_long_term_after_its_first_anniversary(acquired: date, disposed: date, *, is_long: bool) -> None:
    assert is_long_term(acquired, disposed) is is_long


def test_the_drawdown_is_the_largest_fall_from_the_running_peak() -> None:
    """B232, R51: 150 of 3100 is 4.8387 %."""
    found = max_drawdown(equity_curve(Decimal(3000), sales([100, -150, 20])))
    assert found is not None
    assert found.amount == 150
    assert (found.fraction * 100).quantize(Decimal("0.0001")) == Decimal("4.8387")


def test_a_first_loss_is_a_fall_from_the_opening() -> None:
    assert max_drawdown(equity_curve(Decimal(1000), sales([-100]))) == Drawdown(Decimal(100), Decimal("0.1"))


def test_amount_and_fraction_are_each_the_largest() -> None:
    """50 of 100 is the larger share, 60 of 1000 the larger amount."""
    points = [(START, Decimal(value)) for value in (100, 50, 1000, 940)]
    assert max_drawdown(points) == Drawdown(Decimal(60), Decimal("0.5"))


def test_no_drawdown_without_capital() -> None:
    """B233."""
    assert max_drawdown(equity_curve(None, sales([100, -150]))) is None
    assert max_drawdown([]) is None
    assert max_drawdown([(START, Decimal(0)), (START, Decimal(-5))]) is None


@given(st.lists(st.decimals("-5000", "5000", places=2), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_a_drawdown_is_never_above_all_of_it(changes: list[Decimal]) -> None:
    """R51: 0 <= % <= 100, even if the books went below zero."""
    equity = Decimal(1000)
    points = [(START, equity)]
    for change in changes:
        equity += change
        points.append((START, equity))
    found = max_drawdown(points)
    assert found is not None
    assert 0 <= found.fraction <= 1
    values = [value for _, value in points]
    assert found.amount == max(a - b for i, a in enumerate(values) for b in values[i:])


def test_the_equity_curve_starts_with_the_opening_at_the_first_purchase() -> None:
    assert equity_curve(Decimal(3000), sales([100, -150, 20])) == [
        (at(0), Decimal(3000)),
        (at(5), Decimal(3100)),
        (at(15), Decimal(2950)),
        (at(25), Decimal(2970)),
    ]
    assert equity_curve(Decimal(3000), []) == []


def test_a_trade_is_a_sell_order_with_all_its_rows() -> None:
    """Two fills of one order over two lots, the last part unmatched: 10 + 5, and 0.5 x 120 less its fee."""
    ledger = [
        execution(Side.BUY, "b1", "1", "100", minute=0),
        execution(Side.BUY, "b2", "0.5", "110", minute=1),
        execution(Side.SELL, "f1", "1", "110", minute=2, order="s"),
        execution(Side.SELL, "f2", "1", "120", fee="1", minute=3, order="s"),
    ]
    rows = allocate(ledger).allocations
    assert len(rows) == 3
    assert trades_of(rows) == [
        Trade(rows[0].sell_order_id, BTC, at(3), Decimal("14.5"), Decimal(155), Decimal("59.5"), is_matched=True)
    ]
    assert unmatched_proceeds(rows) == Decimal("59.5")


def test_a_sale_without_a_basis_is_no_trade_with_profit_zero() -> None:
    """R5: it is counted nowhere as won, lost or even."""
    rows = allocate([execution(Side.SELL, "s", "1", "100")]).allocations
    (trade,) = trades_of(rows)
    assert not trade.is_matched
    assert known_pnls([trade]) == []
    assert by_product(rows) == {}
    assert realized_pnl(rows) == 0
    assert equity_curve(Decimal(10), rows) == [(at(0), Decimal(10)), (at(0), Decimal(10))]


def test_trades_are_listed_by_the_time_they_closed() -> None:
    rows = sales([1, 2, 3])
    assert [trade.sell_order_id for trade in trades_of(reversed(rows))] == ["s0", "s1", "s2"]
    assert known_pnls(trades_of(rows)) == [1, 2, 3]


def test_profit_adds_up_per_reason_of_exit() -> None:
    stop = derive_client_order_id(Trigger.HARD_STOP, BTC, "1")
    target = derive_client_order_id(Trigger.TAKE_PROFIT, BTC, "2")
    ledger = [
        execution(Side.BUY, "b", "3", "100", minute=0),
        execution(Side.SELL, "s1", "1", "90", minute=1, order=stop),
        execution(Side.SELL, "s2", "1", "105", minute=2, order=target),
        execution(Side.SELL, "s3", "1", "100", minute=3, order="by hand"),
    ]
    assert by_exit_reason(allocate(ledger).allocations) == {
        "HARD_STOP": Totals(1, 0, Decimal(-10)),
        "TAKE_PROFIT": Totals(1, 1, Decimal(5)),
        "unknown": Totals(1, 0, Decimal(0)),
    }


def test_wins_losses_and_break_evens_are_counted_apart() -> None:
    """B222, R53"""
    assert counts([*TEN, Decimal(0), Decimal("1E-9"), Decimal("-1E-9")]) == (7, 3, 3)
    assert counts([]) == (0, 0, 0)


def test_the_mean_of_nothing_is_unknown() -> None:
    assert mean([Decimal(1), Decimal(2)]) == Decimal("1.5")
    assert mean([]) is None


def test_a_curve_may_begin_before_its_first_trade() -> None:
    rows = sales([100])
    assert equity_curve(Decimal(1000), rows, since=at(-60)) == [(at(-60), Decimal(1000)), (at(5), Decimal(1100))]


def test_the_drawdown_curve_is_the_distance_from_the_peak_so_far() -> None:
    """1000, 1100, 990, 1100, 880: at most 220 below 1100, that is a fifth."""
    points = [(at(number), Decimal(equity)) for number, equity in enumerate((1000, 1100, 990, 1100, 880))]
    assert [fall for _, fall in drawdown_curve(points)] == [0, 0, Decimal("-0.1"), 0, Decimal("-0.2")]
    drawdown = max_drawdown(points)
    assert drawdown is not None
    assert drawdown.fraction == -min(fall for _, fall in drawdown_curve(points))


def test_no_drawdown_is_deeper_than_everything() -> None:
    """B233, R51: also when more was lost than there was."""
    points = [(at(0), Decimal(100)), (at(1), Decimal(-50))]
    assert [fall for _, fall in drawdown_curve(points)] == [0, -1]
    assert drawdown_curve([]) == []
    assert drawdown_curve([(at(0), Decimal(0))]) == []
