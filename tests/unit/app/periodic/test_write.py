"""A periodic report against the small ledger, whose figures were worked out by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.app.periodic.document import (
    DAILY_SECTIONS,
    WEEKLY_SECTIONS,
    Bar,
    BarChart,
    LineChart,
    SectionName,
    Unit,
)
from bottrader.app.periodic.view import Observed
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.orders import Side
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.ports import LedgerSnapshot, LoggedRun
from tests.fixtures.report_facts import (
    DAY,
    WEEK,
    facts_of,
    figure_of,
    figures_of,
    link,
    report_of,
    section_of,
    table_of,
)
from tests.fixtures.small_ledger import (
    BTC,
    BUY_BTC,
    BUY_ETH,
    ETH,
    NOW,
    SELL_BTC,
    execution,
    matched,
    minutes,
    record,
    small_ledger,
)

EMPTY = LedgerSnapshot()


@pytest.mark.parametrize("ledger", [None, EMPTY], ids=["traded", "nothing"])
def test_every_section_is_there_even_when_there_is_nothing_to_say(ledger: LedgerSnapshot | None) -> None:
    daily = report_of(facts_of(ledger))
    weekly = report_of(facts_of(ledger, WEEK), period=WEEK)
    assert tuple(section.name for section in daily.sections) == DAILY_SECTIONS
    assert tuple(section.name for section in weekly.sections) == WEEKLY_SECTIONS
    for section in (*daily.sections, *weekly.sections):
        assert section.figures or section.charts or section.tables or section.remarks, section.name
        for table in section.tables:
            assert table.empty.endswith(".")
            assert all(len(row) == len(table.columns) for row in table.rows)


def test_totals_equal_the_ledgers_and_say_so() -> None:
    """B235, R2, E6: 8.156 - 3.388 = 4.768 over three allocations; 29.88 of SOL; fees of all six executions 1.552."""
    report = report_of()
    said = {each.what: each for each in section_of(report, SectionName.KEY_METRICS).agreements}
    assert (said["Realized P&L"].amount, said["Realized P&L"].rows_count) == (Decimal("4.768"), 3)
    assert said["Realized P&L"].rows == "allocations of version 3 (fifo)"
    assert (said["Unmatched proceeds"].amount, said["Unmatched proceeds"].rows_count) == (Decimal("29.880"), 1)
    assert (said["Fees"].amount, said["Fees"].rows_count) == (Decimal("1.552"), 6)
    figures = figures_of(report, SectionName.KEY_METRICS)
    assert figures["Realized P&L"] == Decimal("4.768")
    assert figures["Unmatched proceeds"] == Decimal("29.880")


@pytest.mark.parametrize(
    "changed",
    [
        {"realized_pnl": Decimal("4.7680000001")},
        {"unmatched_proceeds": Decimal(0)},
        {"fees": Decimal(0)},
        {"allocations_count": 4},
        {"unmatched_count": 0},
        {"executions_count": 5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_total_that_is_not_the_ledgers_is_never_hidden(changed: dict[str, object]) -> None:
    """B235, R2, E6"""
    facts = facts_of()
    broken = replace(facts, totals=replace(facts.totals, **changed))  # type: ignore[arg-type]
    with pytest.raises(InvariantBroken, match="does not equal the ledger"):
        report_of(broken)


def test_only_what_was_closed_in_the_window_counts() -> None:
    """The BTC trade closed 90 minutes after the start, that of ETH 130: a window between them has the second."""
    period = ReportPeriod(ReportKind.DAILY, minutes(91), minutes(131))
    report = report_of(period=period)
    key = figures_of(report, SectionName.KEY_METRICS)
    assert (key["Realized P&L"], key["Trades"]) == (Decimal("-3.388"), 1)
    # ETH was bought and sold in it: 0.400 + 0.188.
    assert key["Fees"] == Decimal("0.588")
    (equity, _) = section_of(report, SectionName.EQUITY).charts
    assert isinstance(equity, LineChart)
    assert equity.points == ((minutes(91), Decimal("1008.156")), (minutes(130), Decimal("1004.768")))


def test_windows_side_by_side_have_every_trade_once() -> None:
    cut = minutes(90)
    before = report_of(period=ReportPeriod(ReportKind.DAILY, DAY.since, cut))
    after = report_of(period=ReportPeriod(ReportKind.DAILY, cut, DAY.until))
    assert figures_of(before, SectionName.KEY_METRICS)["Realized P&L"] == 0
    assert figures_of(after, SectionName.KEY_METRICS)["Realized P&L"] == Decimal("4.768")


def test_every_section_tells_the_same_win_rate() -> None:
    """B222, R53, R63: one won, one lost, and one without profit or loss."""
    buy = execution(9, BUY_ETH, Side.BUY, "50 1 0", minutes(210))
    sell = execution(10, SELL_BTC.replace("b", "f"), Side.SELL, "50 1 0", minutes(220))  # type: ignore[arg-type]
    sell = replace(sell, product_id=ETH)
    ledger = small_ledger()
    ledger = replace(
        ledger,
        executions=(*ledger.executions, buy, sell),
        allocations=(*ledger.allocations, matched(buy, sell, "1 0 0 50 50 50 0")),
    )
    report = report_of(facts_of(ledger))
    key, stats = (figures_of(report, name) for name in (SectionName.KEY_METRICS, SectionName.TRADE_STATS))
    assert key["Win rate"] == Decimal("0.5")
    assert (stats["Won"], stats["Lost"], stats["Break-even"]) == (1, 1, 1)
    (sources,) = table_of(report, SectionName.SOURCES, "Trades by source").rows[:1]
    rows = table_of(report, SectionName.SOURCES, "Trades by source").rows
    assert {row[0]: row[1:3] for row in rows} == {"webhook": (2, Decimal("0.5")), "unknown": (1, None)}
    assert len(sources) == 5


def test_without_cash_movements_nothing_is_made_up() -> None:
    """B233, R51: no capital, so no equity, drawdown or return."""
    ledger = replace(small_ledger(), cash_movements=())
    report = report_of(facts_of(ledger), Observed())
    assert figures_of(report, SectionName.KEY_METRICS)["Max drawdown"] is None
    risk = figures_of(report, SectionName.RISK)
    assert (risk["Net deposits"], risk["Return"], risk["Max drawdown"]) == (None, None, None)
    for chart in section_of(report, SectionName.EQUITY).charts:
        assert isinstance(chart, LineChart)
        assert chart.points == ()
        assert "unknown" in chart.empty
    assert any("No opening balance" in remark for remark in section_of(report, SectionName.NOTES).remarks)


def test_drawdown_is_of_the_capital_and_the_profit() -> None:
    """From 1008.156 down to 1004.768: 3.388, a 0.00336th."""
    report = report_of()
    assert figures_of(report, SectionName.RISK)["Max drawdown"] == Decimal("3.388")
    assert str(figures_of(report, SectionName.KEY_METRICS)["Max drawdown"])[:10] == "0.00336059"


def test_cash_that_both_agree_on_is_shown() -> None:
    """B234, R52"""
    risk = figures_of(report_of(), SectionName.RISK)
    assert (risk["Cash"], risk["Cash by our ledger"], risk["Cash by the exchange"]) == (Decimal("984.448"),) * 3


def test_cash_that_they_do_not_agree_on_is_unknown_with_both_figures() -> None:
    """B234, R52"""
    report = report_of(observed=Observed({"USD": Decimal("984.46")}))
    assert figure_of(report, SectionName.RISK, "Cash").value is None
    assert figure_of(report, SectionName.RISK, "Cash").note == "unknown"
    risk = figures_of(report, SectionName.RISK)
    assert (risk["Cash by our ledger"], risk["Cash by the exchange"]) == (Decimal("984.448"), Decimal("984.46"))
    assert section_of(report, SectionName.RISK).remarks[0].startswith("Cash is unknown")


def test_unrealized_profit_counts_entry_fees_and_leaves_the_exit_fee_apart() -> None:
    """B214: 1 ETH at 52 cost 50.200: 1.800; selling it as taker would cost 52 x 0.0055 = 0.286."""
    key = figures_of(report_of(), SectionName.KEY_METRICS)
    assert (key["Unrealized P&L"], key["Estimated exit fee"]) == (Decimal("1.800"), Decimal("0.2860"))


def test_without_a_price_value_is_unknown_and_not_zero() -> None:
    """R51"""
    report = report_of(observed=Observed())
    key, exposure = (figures_of(report, name) for name in (SectionName.KEY_METRICS, SectionName.EXPOSURE))
    assert (key["Unrealized P&L"], key["Estimated exit fee"], exposure["Exposure"]) == (None, None, None)
    assert exposure["At cost"] == Decimal("50.200")
    assert section_of(report, SectionName.EXPOSURE).remarks == ("Held without a known price, so not counted: ETH-USD.",)
    ((coin, size, cost, price, value, gain),) = table_of(report, SectionName.HODL, "Coins that are never sold").rows
    assert (coin, size, cost, price, value, gain) == ("ETH", Decimal("1.0"), Decimal("50.200"), None, None, None)


def test_exposure_and_held_coins_are_at_the_exchanges_price() -> None:
    """B239: one symbol is all of it, and that is a warning."""
    report = report_of()
    assert figures_of(report, SectionName.EXPOSURE)["Exposure"] == Decimal("52.0")
    assert table_of(report, SectionName.EXPOSURE, "The three largest").rows == (("ETH-USD", Decimal("52.0"), 1),)
    assert section_of(report, SectionName.EXPOSURE).remarks == ("ETH-USD is a quarter of everything held, or more.",)
    rows = table_of(report, SectionName.HODL, "Coins that are never sold").rows
    assert rows[0][4:] == (Decimal("52.0"), Decimal("1.800"))


def test_a_coin_that_is_not_held_for_ever_is_no_hodl_position() -> None:
    facts = facts_of()
    bare = replace(small_ledger(), allocations=small_ledger().allocations[2:])
    report = report_of(replace(facts, ledger=bare, totals=facts_of(bare).totals))
    assert [row[0] for row in table_of(report, SectionName.HODL, "Coins that are never sold").rows] == ["ETH"]


def test_costs_tell_the_move_that_pays_for_both_fees() -> None:
    """1.10 % and 0.60 %; 1.552 was paid on 50 + 51 + 110 + 100 + 47 + 30 = 388."""
    costs = figures_of(report_of(), SectionName.COSTS)
    assert (costs["Break-even as taker"], costs["Break-even as maker"]) == (Decimal("0.0110"), Decimal("0.006"))
    assert (costs["Fees on buys"], costs["Fees on sells"]) == (Decimal("0.804"), Decimal("0.748"))
    assert costs["Turnover"] == Decimal(388)
    assert costs["Fee rate paid"] == Decimal("0.004")


def test_what_was_sold_and_never_bought_is_a_gap_and_no_short() -> None:
    """B236, R63"""
    report = report_of()
    (gap,) = table_of(report, SectionName.FIFO_HEALTH, "Data gaps: sold without a known buy").rows
    assert gap == ("SOL-USD", 1, Decimal("3.0"), Decimal("29.880"))
    (note,) = (text for text in section_of(report, SectionName.NOTES).remarks if "SOL-USD" in text)
    assert "gap in the data, and no short" in note
    assert "SOL-USD" not in [row[0] for row in table_of(report, SectionName.EXPOSURE, "The three largest").rows]


def test_the_health_of_the_allocation_is_told() -> None:
    health = figures_of(report_of(), SectionName.FIFO_HEALTH)
    assert (health["Active version"], health["Newest run"], health["Allocations"]) == (3, "completed", 4)
    assert (health["Open lots"], health["Unmatched sells"], health["Waiting for review"]) == (1, 1, 1)
    failed = LoggedRun(None, "full", "failed", NOW, 0, "disk full")
    report = report_of(replace(facts_of(), newest_run=failed))
    assert figure_of(report, SectionName.FIFO_HEALTH, "Newest run").value == "failed: disk full"
    assert figure_of(report, SectionName.FIFO_HEALTH, "Newest run").note == "of all products"
    none = report_of(replace(facts_of(), newest_run=None))
    assert figures_of(none, SectionName.FIFO_HEALTH)["It ran"] is None


def test_a_round_trip_has_the_score_of_its_buy() -> None:
    """B237, R85: the sells have no score; their buys had 4.2 and 2.6."""
    report = report_of(facts_of(period=WEEK), period=WEEK)
    rows = table_of(report, SectionName.SCORE_BANDS, "P&L by score band").rows
    assert [(row[0], row[1], row[3], row[5]) for row in rows] == [
        ("≥ 4.0", 1, Decimal("8.156"), "profitable"),
        ("2.5-3.0", 1, Decimal("-3.388"), "losing"),
    ]


def test_a_round_trip_that_nobody_scored_is_in_a_band_of_its_own() -> None:
    facts = replace(facts_of(period=WEEK), links=())
    rows = table_of(report_of(facts, period=WEEK), SectionName.SCORE_BANDS, "P&L by score band").rows
    assert [(row[0], row[3]) for row in rows] == [("no score", Decimal("4.768"))]


def test_charts_show_profit_by_symbol_by_reason_and_by_hour() -> None:
    """13:30 and 14:10 UTC on the 1st of March are five and six o'clock in Pacific Time."""
    report = report_of()
    by_symbol, by_reason = section_of(report, SectionName.PROFIT_BY_GROUP).charts
    assert isinstance(by_symbol, BarChart)
    assert isinstance(by_reason, BarChart)
    assert by_symbol.bars == (Bar(BTC, Decimal("8.156"), "1 trade"), Bar(ETH, Decimal("-3.388"), "1 trade"))
    assert [bar.label for bar in by_reason.bars] == ["take profit", "hard stop"]
    (by_hour,) = section_of(report, SectionName.HOURS).charts
    assert isinstance(by_hour, BarChart)
    assert {bar.label: bar.value for bar in by_hour.bars if bar.value} == {
        "05": Decimal("8.156"),
        "06": Decimal("-3.388"),
    }
    assert len(by_hour.bars) == 24


def test_signals_are_told_with_what_each_indicator_did() -> None:
    """Two signals: Buy RSI fired in both with weight 1.5, Sell RSI in the first alone."""
    report = report_of()
    rows = table_of(report, SectionName.SIGNAL_SCORES, "What each indicator did").rows
    assert ("Buy RSI", "buy", 2, 2, Decimal("3.0"), Decimal("1.5"), Decimal(25)) in rows
    assert ("Sell RSI", "sell", 1, 1, Decimal("1.5"), Decimal("1.5"), Decimal("75.00")) in rows
    assert ("Sell MACD", "sell", 0, 1, Decimal(0), Decimal("1.8"), None) in rows
    newest = table_of(report, SectionName.SIGNAL_SCORES, "The 15 newest").rows
    assert [row[4] for row in newest] == [Decimal("2.50"), Decimal("2.50")]


def test_at_most_fifteen_signals_are_listed_the_newest_first() -> None:
    facts = facts_of()
    many = tuple(replace(facts.signals[0], born_at=minutes(number)) for number in range(20))
    report = report_of(replace(facts, signals=many))
    newest = table_of(report, SectionName.SIGNAL_SCORES, "The 15 newest").rows
    assert [row[0] for row in newest] == [minutes(number) for number in range(19, 4, -1)]
    assert figures_of(report, SectionName.SIGNAL_SCORES)["Signals"] == 20


def test_a_momentum_overrides_only_where_there_is_a_score() -> None:
    facts = facts_of()
    bare = tuple(replace(signal, breakdown=None) for signal in facts.signals)
    assert figures_of(report_of(facts), SectionName.OVERRIDES)["Override signals"] == 2
    assert figures_of(report_of(replace(facts, signals=bare)), SectionName.OVERRIDES)["Override signals"] == 0


def test_triggers_and_sources_are_counted_and_add_up() -> None:
    report = report_of()
    orders = table_of(report, SectionName.TRIGGERS, "Orders by trigger").rows
    assert orders == (("hard stop", 1, 1), ("roc", 2, 2), ("signal exit", 1, 1), ("take profit", 1, 1))
    (entry,) = table_of(report, SectionName.TRIGGERS, "Trades by what they began with").rows
    assert entry == ("roc", 2, Decimal("0.5"), Decimal("4.768"), Decimal("2.384"))
    exits = table_of(report, SectionName.TRIGGERS, "Trades by what ended them").rows
    assert [(row[0], row[3]) for row in exits] == [("hard stop", Decimal("-3.388")), ("take profit", Decimal("8.156"))]


def test_linkage_is_linked_orders_over_filled_ones() -> None:
    """Three of five filled orders are linked; the newest come first."""
    report = report_of()
    assert figures_of(report, SectionName.LINKAGE) == {"Linked": Decimal("0.6"), "Linked orders": 3}
    linked = table_of(report, SectionName.LINKAGE, "The last linked").rows
    assert [row[0] for row in linked] == [minutes(100), minutes(90), minutes(0)]
    missing = table_of(report, SectionName.LINKAGE, "Without a link").rows
    assert [row[1] for row in missing] == ["SOL-USD", "ETH-USD"]


def test_a_link_without_a_snapshot_is_no_link() -> None:
    facts = replace(facts_of(), links=(link(BUY_BTC, "4.2", snapshot=None),))
    assert figures_of(report_of(facts), SectionName.LINKAGE)["Linked orders"] == 0


def test_an_order_that_did_not_fill_counts_for_no_linkage() -> None:
    ledger = small_ledger()
    unfilled = replace(record(ledger.executions[0], status="cancelled"), filled_size=Decimal(0))  # type: ignore[arg-type]
    facts = facts_of(replace(ledger, trade_records=(unfilled,)))
    assert figures_of(report_of(facts), SectionName.LINKAGE) == {"Linked": None, "Linked orders": 0}


def test_fast_round_trips_are_listed() -> None:
    """Bought at minute 0, sold at minute 1."""
    buy = execution(1, BUY_BTC, Side.BUY, "100 1 0", minutes(0))
    sell = execution(2, SELL_BTC, Side.SELL, "99 1 0", minutes(1))
    report = report_of(facts_of(LedgerSnapshot((buy, sell), (), (matched(buy, sell, "1 0 0 100 99 99 -1"),))))
    assert figures_of(report, SectionName.FAST_TRIPS) == {"Fast round trips": 1, "Their P&L": Decimal(-1)}
    (row,) = table_of(report, SectionName.FAST_TRIPS, "The newest").rows
    assert row == (BTC, minutes(1), timedelta(minutes=1), "take profit", Decimal(-1))
    assert figures_of(report_of(), SectionName.FAST_TRIPS)["Fast round trips"] == 0


def test_brackets_are_measured_against_the_mean_entry() -> None:
    """Entry 101: target 4 % above, stop 2 % below, R:R 2; the entry's fee was 0.404 on 101, 0.4 %."""
    report = report_of()
    figures = figures_of(report, SectionName.BRACKETS)
    assert (figures["Brackets"], figures["Median R:R"], figures["R:R below 1"]) == (1, 2, 0)
    (row,) = table_of(report, SectionName.BRACKETS, "By symbol").rows
    assert row == (BTC, 1, 2, 2, Decimal("0.04"), Decimal("0.02"), None, None, Decimal("0.004"))
    assert section_of(report, SectionName.BRACKETS).remarks == ()


def test_brackets_that_win_too_little_are_worth_a_suggestion() -> None:
    facts = facts_of()
    (bracket,) = facts.brackets
    poor = replace(bracket, target=Decimal("103.02"))  # type: ignore[arg-type]
    report = report_of(replace(facts, brackets=(poor,)))
    assert "below 1.10" in section_of(report, SectionName.BRACKETS).remarks[0]
    lost = replace(bracket, parent_ids=())
    assert figure_of(report_of(replace(facts, brackets=(lost,))), SectionName.BRACKETS, "Brackets").note == (
        "0 with a known entry"
    )


def many_trades(results: list[str], period: ReportPeriod) -> LedgerSnapshot:
    """Return a ledger with one BTC trade per result, a minute each."""
    executions, allocations = [], []
    for number, result in enumerate(results):
        buy = execution(2 * number, f"ROC-BTC-{number:032x}", Side.BUY, "100 1 0", minutes(number))  # type: ignore[arg-type]
        proceeds = Decimal(100) + Decimal(result)
        sell_id = f"SIGNAL_EXIT-BTC-{number:032x}"
        sell = execution(2 * number + 1, sell_id, Side.SELL, f"{proceeds} 1 0", minutes(number))  # type: ignore[arg-type]
        executions += [buy, sell]
        allocations.append(matched(buy, sell, f"1 0 0 100 {proceeds} {proceeds} {result}"))
    return LedgerSnapshot(tuple(executions), (), tuple(allocations))


def test_symbols_of_three_trades_are_listed_and_the_others_summed() -> None:
    report = report_of()
    figures = figures_of(report, SectionName.SYMBOLS)
    assert figures["P&L of the symbols below"] == 0
    assert figures["P&L of the others"] == figures["All together"] == Decimal("4.768")
    three = report_of(facts_of(many_trades(["1", "1", "1"], DAY)))
    (row,) = table_of(three, SectionName.SYMBOLS, "Symbols with three trades or more").rows
    assert row == (BTC, 3, 1, 3, 1, "")


def test_a_weak_symbol_has_a_note() -> None:
    report = report_of(facts_of(many_trades(["1"] * 4 + ["-1"] * 6, DAY)))
    (row,) = table_of(report, SectionName.SYMBOLS, "Symbols with three trades or more").rows
    assert row[-1] == "win rate below 45 %"
    assert any("BTC-USD" in remark for remark in section_of(report, SectionName.NOTES).remarks)


def test_a_week_suggests_what_to_do_with_a_symbol() -> None:
    report = report_of(facts_of(many_trades(["-0.2"] * 3, WEEK), WEEK), period=WEEK)
    (row,) = table_of(report, SectionName.SYMBOLS, "Symbols with three trades or more").rows
    assert row[-1] == "consider exclusion"


def test_readiness_counts_all_trades_there_ever_were() -> None:
    period = ReportPeriod(ReportKind.WEEKLY, minutes(120), minutes(140))
    readiness = figures_of(report_of(facts_of(period=period), period=period), SectionName.READINESS)
    assert readiness == {"Trades so far": 2, "Of what is needed": Decimal("0.004")}


def test_hours_of_two_trades_or_more_are_listed() -> None:
    rows = table_of(
        report_of(facts_of(many_trades(["1", "-3"], DAY))), SectionName.HOURS, "Hours with two trades or more"
    ).rows
    assert rows == (("04:00", 2, Decimal("0.5"), -2, -1),)
    assert table_of(report_of(), SectionName.HOURS, "Hours with two trades or more").rows == ()


def test_without_losses_the_profit_factor_says_so() -> None:
    """B225"""
    report = report_of(facts_of(many_trades(["1", "2", "3"], DAY)))
    figure = figure_of(report, SectionName.KEY_METRICS, "Profit factor")
    assert (figure.value, figure.unit) == ("no losses", Unit.TEXT)
    assert figures_of(report_of(facts_of(EMPTY)), SectionName.KEY_METRICS)["Profit factor"] is None


def test_the_same_facts_give_the_same_report() -> None:
    assert report_of() == report_of()
