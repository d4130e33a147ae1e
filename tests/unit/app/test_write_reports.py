"""The report's figures against a ledger worked out by hand (see `tests/fixtures/small_ledger.py`)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.app.report import Report
from bottrader.app.write_reports import build_report
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.domain.money import Size
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.domain.reconciliation import Books
from bottrader.ports import CashKind, LedgerSnapshot
from tests.fixtures.small_ledger import (
    BTC,
    BUY_BTC,
    BUY_ETH,
    ETH,
    NOW,
    SELL_BTC,
    SELL_ETH,
    SELL_SOL,
    SOL,
    execution,
    matched,
    minutes,
    movement,
    record,
    small_ledger,
    unmatched,
    venue_books,
)

pytestmark = pytest.mark.component("report_generator")


def report_of(facts: LedgerSnapshot, exchange_books: Books | None = None) -> Report:
    return build_report(facts, exchange_books, NOW, venue="paper", quote_currency="USD")


def test_realized_pnl_is_the_sum_of_the_allocations_and_leaves_unmatched_proceeds_beside_it() -> None:
    """B235, R2, R5: 8.156 - 3.388 = 4.768; the 29.88 of the SOL sale are not profit."""
    report = report_of(small_ledger())
    assert report.realized_pnl == Decimal("4.768")
    assert report.unmatched_proceeds == Decimal("29.880")


def test_several_allocations_of_one_sell_order_are_one_trade() -> None:
    report = report_of(small_ledger())
    assert [trade.sell_order_id for trade in report.closed_trades] == [SELL_BTC, SELL_ETH]
    trade = report.closed_trades[0]
    assert (trade.size, trade.cost, trade.net_proceeds) == (Decimal(1), Decimal("101.404"), Decimal("109.560"))
    assert trade.pnl == Decimal("8.156")


def test_a_sell_order_of_several_executions_is_one_trade() -> None:
    """One sell order that filled in two parts against one buy: 2 x (11 - 10) less fees 0.2 + 0.2."""
    buy = execution(1, BUY_BTC, Side.BUY, "10 2 0.2", minutes(0))
    first = execution(2, SELL_BTC, Side.SELL, "11 1 0.1", minutes(5))
    second = execution(3, SELL_BTC, Side.SELL, "11 1 0.1", minutes(7))
    rows = (matched(buy, first, "1 0.1 0.1 10.1 11 10.9 0.8"), matched(buy, second, "1 0.1 0.1 10.1 11 10.9 0.8"))
    report = report_of(LedgerSnapshot((buy, first, second), (), rows))
    (trade,) = report.closed_trades
    assert (trade.pnl, trade.sold_at, trade.held) == (Decimal("1.6"), minutes(7), timedelta(minutes=7))
    assert report.pnl_by_product[BTC].trades_count == 1


def test_a_trade_tells_when_why_and_what_it_closed() -> None:
    report = report_of(small_ledger(note="3 % above break-even"))
    trade = report.closed_trades[0]
    assert (trade.bought_at, trade.sold_at) == (minutes(0), minutes(90))
    assert (trade.exit_reason, trade.note, trade.parent_id) == ("TAKE_PROFIT", "3 % above break-even", BUY_BTC)
    assert report.closed_trades[1].parent_id == BUY_ETH


def test_a_trade_shows_the_mean_prices_without_fees() -> None:
    """0.5 at 100 and 0.5 at 102 is 101 a unit."""
    trade = report_of(small_ledger()).closed_trades[0]
    assert (trade.buy_price, trade.sell_price) == (Decimal(101), Decimal(110))


def test_the_mean_price_is_weighted_by_size() -> None:
    """1 at 10 and 3 at 14 is 13, not 12."""
    cheap = execution(1, BUY_BTC, Side.BUY, "10 1 0", minutes(0))
    dear = execution(2, BUY_BTC, Side.BUY, "14 3 0", minutes(1))
    sell = execution(3, SELL_BTC, Side.SELL, "15 4 0", minutes(2))
    rows = (matched(cheap, sell, "1 0 0 10 15 15 5"), matched(dear, sell, "3 0 0 42 45 45 3"))
    report = report_of(LedgerSnapshot((cheap, dear, sell), (), rows))
    assert report.closed_trades[0].buy_price == 13


def test_a_sell_order_that_is_not_ours_has_an_unknown_reason_and_no_parent() -> None:
    buy = execution(1, ClientOrderId("buy-BTC-123"), Side.BUY, "40000 0.001 0", minutes(0))
    sell = execution(2, ClientOrderId("sell-BTC-456"), Side.SELL, "42000 0.001 0", minutes(60))
    rows = (
        replace(
            matched(replace(buy, product_id=BTC), replace(sell, product_id=BTC), "0.001 0 0 40 42 42 2"),
        ),
    )
    (trade,) = (report_of(LedgerSnapshot((), (), rows))).closed_trades
    assert (trade.exit_reason, trade.parent_id, trade.note, trade.pnl) == ("unknown", None, "", Decimal(2))


def test_an_unmatched_sell_is_listed_and_is_not_a_trade() -> None:
    """R5: proceeds without a basis are neither gain nor loss."""
    report = report_of(small_ledger())
    (sell,) = report.unmatched_sells
    assert (sell.sell_order_id, sell.size, sell.net_proceeds) == (SELL_SOL, Decimal(3), Decimal("29.880"))
    assert SOL not in report.pnl_by_product
    assert "SIGNAL_EXIT" not in report.pnl_by_exit_reason


def test_a_sell_that_is_half_matched_is_a_trade_of_its_matched_part() -> None:
    """B190: of 1.0 sold, 0.4 was bought here: P&L 0.4 x (12 - 10) = 0.8, the other 0.6 brought 7.2."""
    buy = execution(1, BUY_BTC, Side.BUY, "10 0.4 0", minutes(0))
    sell = execution(2, SELL_BTC, Side.SELL, "12 1.0 0", minutes(1))
    rows = (matched(buy, sell, "0.4 0 0 4.0 4.8 4.8 0.8"), unmatched(sell, "0.6 0 7.2 7.2"))
    report = report_of(LedgerSnapshot((buy, sell), (), rows))
    assert [(trade.size, trade.pnl) for trade in report.closed_trades] == [(Decimal("0.4"), Decimal("0.8"))]
    assert [(rest.size, rest.net_proceeds) for rest in report.unmatched_sells] == [(Decimal("0.6"), Decimal("7.2"))]


def test_cash_goes_from_opening_to_closing_step_by_step() -> None:
    cash = report_of(small_ledger()).cash
    assert (cash.currency, cash.opening, cash.closing) == ("USD", Decimal(1000), Decimal("984.448"))
    assert (cash.bought, cash.sold, cash.fees) == (Decimal(201), Decimal(187), Decimal("1.552"))
    assert cash.opening is not None
    assert cash.opening + cash.deposited - cash.withdrawn + cash.sold - cash.bought - cash.fees == cash.closing


def test_deposits_and_withdrawals_are_capital_and_not_profit() -> None:
    """1000 + 500 - 200 = 1300 of capital; the equity begins there."""
    moves = (
        movement(CashKind.OPENING_BALANCE, "1000"),
        movement(CashKind.DEPOSIT, "500"),
        movement(CashKind.WITHDRAWAL, "-200"),
    )
    report = report_of(replace(small_ledger(), cash_movements=moves))
    assert (report.cash.deposited, report.cash.withdrawn, report.cash.net_deposits) == (
        Decimal(500),
        Decimal(200),
        Decimal(1300),
    )
    assert report.cash.closing == Decimal("1284.448")
    assert report.realized_pnl == Decimal("4.768")
    assert report.equity_curve[0][1] == 1300


def test_all_cash_is_explained_by_capital_profit_and_what_is_still_held() -> None:
    """B235: 984.448 = 1000 + 4.768 + 29.880 - 50.200."""
    assert report_of(small_ledger()).cash_unexplained == 0


def test_a_sell_that_is_not_allocated_yet_shows_as_unexplained_cash() -> None:
    """B234: the SOL sale brought 29.88 that no row accounts for."""
    facts = small_ledger()
    stale = replace(facts, allocations=facts.allocations[:-1])
    assert report_of(stale).cash_unexplained == Decimal("29.880")


def test_the_rates_follow_from_the_two_trades() -> None:
    """One won 8.156, one lost 3.388: rate 1/2, factor 8.156/3.388, mean 2.384."""
    report = report_of(small_ledger())
    assert (report.win_rate, report.wins_count, report.expectancy) == (Decimal("0.5"), 1, Decimal("2.384"))
    assert report.profit_factor is not None
    assert abs(report.profit_factor * Decimal("3.388") - Decimal("8.156")) < Decimal("1E-25")


def test_equity_starts_at_the_capital_and_moves_with_each_closed_trade() -> None:
    curve = report_of(small_ledger()).equity_curve
    assert curve[:3] == (
        (minutes(0), Decimal(1000)),
        (minutes(90), Decimal("1008.156")),
        (minutes(130), Decimal("1004.768")),
    )
    assert curve[-1][1] == Decimal("1004.768")


def test_drawdown_is_the_fall_from_the_peak() -> None:
    """Peak 1008.156, fall 3.388."""
    drawdown = report_of(small_ledger()).drawdown
    assert drawdown is not None
    assert drawdown.amount == Decimal("3.388")
    assert abs(drawdown.fraction * Decimal("1008.156") - Decimal("3.388")) < Decimal("1E-24")


def test_a_transfer_between_own_accounts_is_no_deposit_and_leaves_nothing_unexplained() -> None:
    """B235: nor is what a trade of somebody else moved."""
    plain = report_of(small_ledger())
    moves = (
        movement(CashKind.OPENING_BALANCE, "1000"),
        movement(CashKind.INTERNAL_TRANSFER, "-300"),
        movement(CashKind.FOREIGN_TRADE, "-50"),
    )
    report = report_of(replace(small_ledger(), cash_movements=moves))
    assert (report.cash.net_deposits, report.cash.other) == (Decimal(1000), Decimal(-350))
    assert report.cash.closing == plain.cash.closing - 350
    assert report.cash_unexplained == plain.cash_unexplained == 0


def test_without_cash_movements_opening_and_drawdown_are_unknown() -> None:
    """B233, R51: no invented capital."""
    report = report_of(replace(small_ledger(), cash_movements=()))
    assert (report.cash.opening, report.cash.net_deposits, report.drawdown, report.equity_curve) == (
        None,
        None,
        None,
        (),
    )
    assert report.realized_pnl == Decimal("4.768")


def test_what_is_left_of_a_buy_is_an_open_lot_with_the_rest_of_its_fee() -> None:
    report = report_of(small_ledger())
    (lot,) = report.open_lots
    assert (lot.product_id, lot.order_id, lot.size, lot.fee) == (ETH, BUY_ETH, Decimal(1), Decimal("0.200"))
    assert report.open_cost == Decimal("50.200")


def test_a_single_open_position_has_no_trade_and_no_rates() -> None:
    buy = execution(1, BUY_BTC, Side.BUY, "100 1 0.4", minutes(0))
    report = report_of(LedgerSnapshot((buy,), (movement(CashKind.OPENING_BALANCE, "1000"),), (), (record(buy),), 1))
    assert (report.closed_trades, report.realized_pnl, report.win_rate, report.expectancy) == (
        (),
        Decimal(0),
        None,
        None,
    )
    assert (report.cash.closing, report.open_cost, report.cash_unexplained) == (
        Decimal("899.6"),
        Decimal("100.4"),
        Decimal(0),
    )
    assert report.holdings == {"BTC": 1}


def test_an_empty_ledger_gives_an_empty_report() -> None:
    report = report_of(LedgerSnapshot())
    assert (report.period, report.closed_trades, report.open_lots, report.equity_curve) == (None, (), (), ())
    assert (report.cash.currency, report.cash.closing, report.realized_pnl) == ("USD", Decimal(0), Decimal(0))
    assert report.orders_by_status == {}


def test_pnl_is_grouped_by_exit_reason_and_by_product() -> None:
    report = report_of(small_ledger())
    assert {name: group.pnl for name, group in report.pnl_by_exit_reason.items()} == {
        "HARD_STOP": Decimal("-3.388"),
        "TAKE_PROFIT": Decimal("8.156"),
    }
    assert {name: group.pnl for name, group in report.pnl_by_product.items()} == {
        BTC: Decimal("8.156"),
        ETH: Decimal("-3.388"),
    }


def test_fees_are_told_by_product_and_side() -> None:
    """BTC: 0.404 on buys of 101, 0.44 on a sell of 110, so 0.844 of 211, which is 0.4 %."""
    lines = report_of(small_ledger()).fees_by_product
    assert [line.product_id for line in lines] == [BTC, ETH, SOL]
    assert (lines[0].on_buys, lines[0].on_sells, lines[0].rate) == (Decimal("0.404"), Decimal("0.44"), Decimal("0.004"))
    assert sum(line.total for line in lines) == Decimal("1.552")


def test_orders_are_counted_by_status_and_the_period_spans_all_of_them() -> None:
    facts = small_ledger()
    late = execution(9, BUY_BTC, Side.BUY, "100 1 0", minutes(999))
    records = (*facts.trade_records, record(late, status="cancelled"))
    report = report_of(replace(facts, trade_records=records))
    assert report.orders_by_status == {"cancelled": 1, "filled": 5}
    assert report.period is not None
    assert (report.period.first_order_at, report.period.last_order_at) == (minutes(0), minutes(999))
    assert report.signals_count == 7


def test_equal_books_give_an_equal_verdict_with_every_figure() -> None:
    verdict = report_of(small_ledger(), venue_books()).verdict
    assert verdict is not None
    assert verdict.equal
    assert [(f.what, f.ours, f.theirs) for f in verdict.figures] == [
        ("cash USD", Decimal("984.448"), Decimal("984.448")),
        ("holding BTC", 0, 0),
        ("holding ETH", 1, 1),
        ("holding SOL", -3, -3),
        ("fees", Decimal("1.552"), Decimal("1.552")),
    ]


def test_one_last_digit_makes_the_books_different() -> None:
    verdict = report_of(small_ledger(), venue_books(cash="984.44800001")).verdict
    assert verdict is not None
    assert not verdict.equal
    assert [difference.what for difference in verdict.differences] == ["cash USD"]


def test_without_the_exchange_there_is_no_verdict() -> None:
    assert report_of(small_ledger()).verdict is None


def test_allocations_whose_pnl_column_is_wrong_break_the_report() -> None:
    """The trades are net proceeds less cost; a stored P&L that says otherwise is corrupt."""
    facts = small_ledger()
    wrong = replace(facts.allocations[0], pnl=facts.allocations[1].pnl)
    with pytest.raises(InvariantBroken, match=r"closed trades add up to 4\.768.*allocations to 3\.764"):
        report_of(replace(facts, allocations=(wrong, *facts.allocations[1:])))


def test_allocations_that_sell_more_than_was_bought_break_the_report() -> None:
    facts = small_ledger()
    greedy = replace(facts.allocations[2], size=Size(Decimal("2.5")))
    rows = (*facts.allocations[:2], greedy)
    with pytest.raises(InvariantBroken, match=r"take 0\.5 more of buy t4 than was bought"):
        report_of(replace(facts, allocations=rows))


def test_trades_of_two_quote_currencies_are_refused() -> None:
    euro = replace(execution(8, BUY_BTC, Side.BUY, "100 1 0", minutes(0)), product_id=ProductId("BTC-EUR"))
    facts = small_ledger()
    with pytest.raises(InvariantBroken, match="was EUR and USD"):
        report_of(replace(facts, executions=(*facts.executions, euro)))


def test_money_in_another_currency_stays_out_of_the_cash_flow() -> None:
    facts = small_ledger()
    moves = (movement(CashKind.DEPOSIT, "300", "EUR"), *facts.cash_movements)
    cash = report_of(replace(facts, cash_movements=moves)).cash
    assert (cash.currency, cash.deposited, cash.closing) == ("USD", Decimal(0), Decimal("984.448"))


def test_before_the_first_trade_the_cash_is_that_of_the_configured_pairs() -> None:
    """What the account holds besides, and in which order it is listed, is not the point."""
    moves = (
        movement(CashKind.OPENING_BALANCE, "0.5", "BTC"),
        movement(CashKind.OPENING_BALANCE, "900", "EUR"),
        movement(CashKind.OPENING_BALANCE, "100", "USD"),
    )
    facts = LedgerSnapshot(cash_movements=moves)
    cash = build_report(facts, None, NOW, venue="paper", quote_currency="EUR").cash
    assert (cash.currency, cash.opening, cash.closing) == ("EUR", Decimal(900), Decimal(900))


def test_the_currency_of_trades_goes_before_that_of_the_configured_pairs() -> None:
    cash = build_report(small_ledger(), None, NOW, venue="paper", quote_currency="EUR").cash
    assert (cash.currency, cash.closing) == ("USD", Decimal("984.448"))


def test_trades_are_oldest_first_whatever_the_order_of_the_rows() -> None:
    facts = small_ledger()
    report = report_of(replace(facts, allocations=facts.allocations[::-1]))
    assert [trade.sell_order_id for trade in report.closed_trades] == [SELL_BTC, SELL_ETH]
