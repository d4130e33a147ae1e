"""Sections about results: what the trades of the period came to, and in which groups."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from bottrader.app.periodic.document import (
    Bar,
    BarChart,
    Column,
    Figure,
    LineChart,
    Section,
    SectionName,
    Table,
    Unit,
    Value,
)
from bottrader.app.periodic.view import PeriodView, exit_trigger
from bottrader.app.report import total
from bottrader.domain import performance, report_metrics
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.round_trips import (
    LOWEST_BAND,
    SCORE_BANDS,
    UNSCORED,
    Group,
    band_verdict,
    grouped,
    hour_in,
    is_fast,
    is_weak,
    score_band,
    symbol_verdict,
)

NO_TRADE = "No trade was closed in this period."
NO_PRICE = "the exchange was not asked, or knows no price"
GROUP_COLUMNS = (
    Column("Trades", Unit.COUNT),
    Column("Win rate", Unit.FRACTION),
    Column("P&L", Unit.SIGNED),
    Column("Average", Unit.SIGNED),
)
SYMBOL_TRADES_MIN, SYMBOLS_MAX = 3, 15
FAST_SHOWN_MAX = 10
HOUR_TRADES_MIN = 2


def key_metrics(view: PeriodView) -> Section:
    won, lost, even = performance.counts(view.pnls)
    unrealized = _unrealized(view)
    exit_fee = _exit_fee(view)
    drawdown = performance.max_drawdown(view.equity)
    unmatched = view.facts.totals
    return Section(
        SectionName.KEY_METRICS,
        agreements=view.agreements,
        figures=(
            Figure("Realized P&L", view.realized_pnl, Unit.SIGNED, "after all fees"),
            Figure("Trades", len(view.pnls), Unit.COUNT, f"{won} won, {lost} lost, {even} break-even"),
            Figure("Win rate", performance.win_rate(view.pnls), Unit.FRACTION, "of won and lost trades"),
            profit_factor_figure(view),
            Figure("Expectancy", performance.expectancy(view.pnls), Unit.SIGNED, "mean of a won or lost trade"),
            Figure(
                "Max drawdown",
                None if drawdown is None else drawdown.fraction,
                Unit.FRACTION,
                drawdown_note(view),
            ),
            Figure(
                "Unrealized P&L",
                unrealized,
                Unit.SIGNED,
                "of what is held now, entry fees included" if unrealized is not None else NO_PRICE,
            ),
            Figure("Estimated exit fee", exit_fee, Unit.MONEY, "not taken off the unrealized P&L"),
            Figure(
                "Unmatched proceeds",
                unmatched.unmatched_proceeds,
                Unit.MONEY,
                "sells without a known buy, in no P&L",
            ),
            Figure("Fees", unmatched.fees, Unit.MONEY, "paid in this period"),
        ),
    )


def equity(view: PeriodView) -> Section:
    curve = view.equity
    absent = (
        "There is no curve: no opening balance or deposit is recorded, so the capital is unknown."
        if view.books.cash.net_deposits is None
        else NO_TRADE
    )
    return Section(
        SectionName.EQUITY,
        "Net deposits plus realized P&L, which moves when a trade closes, and how far it is under its highest point.",
        charts=(
            LineChart("Equity", tuple(curve), Unit.MONEY, absent),
            LineChart("Drawdown", tuple(performance.drawdown_curve(curve)), Unit.FRACTION, absent),
        ),
    )


def profit_by_group(view: PeriodView) -> Section:
    by_symbol = grouped(view.trips, lambda trip: trip.trade.product_id)
    by_reason = grouped(view.trips, exit_trigger)
    view.add_up(by_symbol.values(), "by symbol")
    view.add_up(by_reason.values(), "by exit reason")
    return Section(
        SectionName.PROFIT_BY_GROUP,
        charts=(
            BarChart("P&L by symbol", _bars(by_symbol), NO_TRADE),
            BarChart("P&L by exit reason", _bars({words(name): group for name, group in by_reason.items()}), NO_TRADE),
        ),
    )


def hours(view: PeriodView) -> Section:
    """Hour of day by the clocks of the zone; the table has hours of two trades or more, the chart all of them."""
    by_hour = grouped(view.trips, lambda trip: hour_in(view.occasion.zone, trip))
    view.add_up(by_hour.values(), "by hour of day")
    bars = tuple(
        Bar(f"{hour:02}", by_hour[hour].pnl if hour in by_hour else ZERO, _trades(by_hour.get(hour)))
        for hour in range(24)
    )
    rows = tuple(
        (f"{hour:02}:00", group.trades_count, group.win_rate, group.pnl, group.average)
        for hour, group in sorted(by_hour.items())
        if group.trades_count >= HOUR_TRADES_MIN
    )
    columns = (Column("Hour", Unit.TEXT), *GROUP_COLUMNS)
    return Section(
        SectionName.HOURS,
        f"When trades closed, by the clocks of {view.occasion.zone}.",
        charts=(BarChart("P&L by hour of day", bars if by_hour else (), NO_TRADE, is_scale=True),),
        tables=(Table("Hours with two trades or more", columns, rows, "No hour has two trades yet."),),
    )


def trade_stats(view: PeriodView) -> Section:
    won, lost, even = performance.counts(view.pnls)
    held = report_metrics.median(
        [Decimal(int(trip.held.total_seconds())) for trip in view.trips if trip.held is not None]
    )
    return Section(
        SectionName.TRADE_STATS,
        "A trade is one sell order with all the buys it closed.",
        figures=(
            Figure("Won", won, Unit.COUNT),
            Figure("Lost", lost, Unit.COUNT),
            Figure("Break-even", even, Unit.COUNT),
            Figure("Average win", performance.average_win(view.pnls), Unit.MONEY),
            Figure("Average loss", performance.average_loss(view.pnls), Unit.MONEY),
            Figure("Win/loss ratio", performance.win_loss_ratio(view.pnls), Unit.NUMBER, "average win / average loss"),
            profit_factor_figure(view),
            Figure("Sharpe per trade", performance.trade_sharpe(view.pnls), Unit.NUMBER, "mean / deviation of P&L"),
            Figure("Best trade", max(view.pnls, default=None), Unit.SIGNED),
            Figure("Worst trade", min(view.pnls, default=None), Unit.SIGNED),
            Figure("Held, median", None if held is None else timedelta(seconds=int(held)), Unit.SPAN),
        ),
        remarks=() if view.pnls else (NO_TRADE,),
    )


def symbols(view: PeriodView) -> Section:
    """The daily look at symbols: the best by P&L, with a note where the win rate is weak."""
    by_symbol = _by_symbol(view)
    shown = [name for name in by_symbol if by_symbol[name].trades_count >= SYMBOL_TRADES_MIN][:SYMBOLS_MAX]
    rows = tuple(
        (name, *_cells(by_symbol[name]), "win rate below 45 %" if is_weak(by_symbol[name]) else "") for name in shown
    )
    return _symbols(view, by_symbol, rows, shown, "The best by P&L, at most 15.")


def symbols_of_week(view: PeriodView) -> Section:
    """The weekly look at symbols: all with three trades or more, and what their results suggest."""
    by_symbol = _by_symbol(view)
    shown = [name for name in by_symbol if by_symbol[name].trades_count >= SYMBOL_TRADES_MIN]
    rows = tuple((name, *_cells(by_symbol[name]), symbol_verdict(by_symbol[name])) for name in shown)
    return _symbols(view, by_symbol, rows, shown, "")


def score_bands(view: PeriodView) -> Section:
    by_band = grouped(view.trips, lambda trip: score_band(view.entry_score(trip)))
    view.add_up(by_band.values(), "by score band")
    names = (*(name for _, name in SCORE_BANDS), LOWEST_BAND, UNSCORED)
    rows = tuple(
        (name, *_cells(by_band[name]), band_verdict(by_band[name].average)) for name in names if name in by_band
    )
    return Section(
        SectionName.SCORE_BANDS,
        "Trades by the score of the buy that they began with.",
        tables=(
            Table(
                "P&L by score band",
                (Column("Score", Unit.TEXT), *GROUP_COLUMNS, Column("Verdict", Unit.TEXT)),
                rows,
                NO_TRADE,
            ),
        ),
    )


def readiness(view: PeriodView) -> Section:
    known = performance.known_pnls(performance.trades_of(view.facts.ledger.allocations))
    share = report_metrics.fraction(len(known), report_metrics.READY_TRADES)
    return Section(
        SectionName.READINESS,
        f"{report_metrics.READY_TRADES} trades are enough to judge the strategy by.",
        figures=(
            Figure("Trades so far", len(known), Unit.COUNT, f"of {report_metrics.READY_TRADES}"),
            Figure("Of what is needed", share, Unit.FRACTION),
        ),
    )


def fast_trips(view: PeriodView) -> Section:
    fast = [trip for trip in view.trips if is_fast(trip)]
    columns = (
        Column("Symbol", Unit.TEXT),
        Column("Closed", Unit.MOMENT),
        Column("Held", Unit.SPAN),
        Column("Why", Unit.TEXT),
        Column("P&L", Unit.SIGNED),
    )
    rows = tuple(
        (
            trip.trade.product_id,
            trip.trade.closed_at,
            trip.held,
            words(exit_trigger(trip)),
            trip.trade.pnl if trip.trade.is_matched else None,
        )
        for trip in fast[::-1][:FAST_SHOWN_MAX]
    )
    return Section(
        SectionName.FAST_TRIPS,
        "Held for a minute or less.",
        figures=(
            Figure("Fast round trips", len(fast), Unit.COUNT, f"of {len(view.trips)}"),
            Figure("Their P&L", total(performance.known_pnls(trip.trade for trip in fast)), Unit.SIGNED),
        ),
        tables=(Table("The newest", columns, rows, "No trade was that fast."),),
    )


def profit_factor_figure(view: PeriodView) -> Figure:
    """Return the profit factor; without losses it has no value and says so (B225)."""
    factor = performance.profit_factor(view.pnls)
    won, _, _ = performance.counts(view.pnls)
    if factor is None and won:
        return Figure("Profit factor", "no losses", Unit.TEXT)
    return Figure("Profit factor", factor, Unit.NUMBER, "won for each 1 lost")


def drawdown_note(view: PeriodView) -> str:
    if view.books.cash.net_deposits is None:
        return "the capital is unknown"
    return "below a peak of equity" if view.equity else "no trade closed"


def words(trigger: str) -> str:
    """Return a trigger's name as words: `TAKE_PROFIT` reads `take profit`."""
    return trigger.replace("_", " ").lower()


def _by_symbol(view: PeriodView) -> Mapping[str, Group]:
    by_symbol = grouped(view.trips, lambda trip: str(trip.trade.product_id))
    view.add_up(by_symbol.values(), "by symbol")
    return dict(sorted(by_symbol.items(), key=lambda item: (-item[1].pnl, item[0])))


def _symbols(
    view: PeriodView, by_symbol: Mapping[str, Group], rows: tuple[tuple[Value, ...], ...], shown: list[str], lead: str
) -> Section:
    rest = [group for name, group in by_symbol.items() if name not in shown]
    columns = (Column("Symbol", Unit.TEXT), *GROUP_COLUMNS, Column("Note", Unit.TEXT))
    return Section(
        SectionName.SYMBOLS,
        lead,
        figures=(
            Figure("P&L of the symbols below", total(by_symbol[name].pnl for name in shown), Unit.SIGNED),
            Figure("P&L of the others", total(group.pnl for group in rest), Unit.SIGNED, f"{len(rest)} symbols"),
            Figure("All together", view.realized_pnl, Unit.SIGNED),
        ),
        tables=(Table("Symbols with three trades or more", columns, rows, "No symbol has three trades yet."),),
    )


def _cells(group: Group) -> tuple[int, Decimal | None, Decimal, Decimal]:
    return (group.trades_count, group.win_rate, group.pnl, group.average)


def _unrealized(view: PeriodView) -> Decimal | None:
    """Return the value of what is held less its cost; None when the price of any of it is unknown."""
    if not view.is_priced:
        return None
    return EXACT.subtract(total(view.values.values()), view.books.open_cost)


def _exit_fee(view: PeriodView) -> Decimal | None:
    """Return what selling all of it as taker would cost; None when the price of any of it is unknown."""
    if not view.is_priced:
        return None
    return EXACT.multiply(total(view.values.values()), view.occasion.fee_rates.taker)


def _bars(groups: Mapping[str, Group]) -> tuple[Bar, ...]:
    best_first = sorted(groups.items(), key=lambda item: (-item[1].pnl, item[0]))
    return tuple(Bar(name, group.pnl, _trades(group)) for name, group in best_first)


def _trades(group: Group | None) -> str:
    count = 0 if group is None else group.trades_count
    return f"{count} {'trade' if count == 1 else 'trades'}"
