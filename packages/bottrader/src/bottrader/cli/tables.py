"""The report for a terminal of 80 columns or more: the same figures and texts as the page, as Rich renderables."""

from collections.abc import Iterator
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from bottrader.adapters.report import figures
from bottrader.app.report import ClosedTrade, LedgerVerdict, Report

_STYLES = {"gain": "green", "loss": "red", "even": ""}


def closed_trades_table(report: Report, limit: int) -> Table:
    """Return the newest `limit` closed trades, newest last, as a terminal is read; the caption says how many there are.

    Money is in cents. The year stands in the summary; without it every reason fits on one line of 80 columns. In a
    narrower terminal times, sizes and prices give way first, P&L never.
    """
    shown = report.closed_trades[max(len(report.closed_trades) - limit, 0) :] if limit > 0 else ()
    table = Table(title="Closed trades", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("Sold (UTC)", style="dim", overflow="ellipsis", no_wrap=True)
    table.add_column("Product", no_wrap=True)
    table.add_column("Exit reason", overflow="fold")
    for heading in ("Size", "Bought at", "Sold at"):
        table.add_column(heading, justify="right", overflow="ellipsis", no_wrap=True)
    table.add_column(f"P&L {report.cash.currency}", justify="right", no_wrap=True, min_width=9)
    for trade in shown:
        table.add_row(*_trade_cells(trade))
    table.caption = _trades_caption(len(report.closed_trades), len(shown))
    table.caption_justify = "left"
    return table


def summary_table(report: Report) -> Table:
    """Return the key figures, one a line; money in cents."""
    table = Table(box=None, show_header=False, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(f"{report.venue}, {_period_text(report)}")
    table.add_column("figure", style="dim", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("remark", style="dim")
    for figure, value, remark in _summary_rows(report):
        # Text, never markup: what stands in square brackets would otherwise be read as a style.
        table.add_row(Text(figure), value if isinstance(value, Text) else Text(value), Text(remark))
    return table


def ledger_line(verdict: LedgerVerdict) -> Text:
    """Return whether our books equal the exchange's: all figures when they do, both sides of each gap when not."""
    line = Text()
    if verdict.equal:
        compared = ", ".join(f"{_asset(f.what)} {figures.exact_text(f.ours)}" for f in verdict.figures)
        line.append("✓ ", style="bold green").append(figures.verdict_text(verdict), style="bold green")
        return line.append(f": {compared}.")
    line.append("✕ ", style="bold red").append(figures.verdict_text(verdict), style="bold red").append(".")
    for difference in verdict.differences:
        line.append(
            f"\n  {difference.what}: ours {figures.exact_text(difference.ours)},"
            f" the exchange's {figures.exact_text(difference.theirs)}, {figures.gap_text(difference)}"
        )
    return line


def _asset(what: str) -> str:
    """Return `BTC` for `holding BTC`; cash and fees keep their names."""
    return what.removeprefix("holding ")


def _summary_rows(report: Report) -> Iterator[tuple[str, str | Text, str]]:
    unit = report.cash.currency
    yield "Realized P&L", _signed(report.realized_pnl), f"{unit}, {_count(len(report.closed_trades), 'closed trade')}"
    if report.unmatched_sells:
        remark = f"{unit}, {_count(len(report.unmatched_sells), 'sell')} without a known buy, not in the P&L"
        yield "Unmatched proceeds", figures.money_text(report.unmatched_proceeds), remark
    yield "Closing cash", figures.money_text(report.cash.closing), f"{unit}, {_opening_text(report)}"
    if report.cash_unexplained:
        gap = f"{figures.exact_text(report.cash_unexplained)} {unit} is not covered by the allocations yet"
        yield "", Text("!", style="bold red"), gap
    yield "Fees", figures.money_text(report.cash.fees), f"{unit}, already deducted"
    yield "Win rate", figures.percent_text(report.win_rate), _wins_text(report)
    factor = figures.profit_factor_text(report.profit_factor, report.wins_count)
    yield "Profit factor", factor, "won for each 1 lost"
    yield "Expectancy", _expectancy(report), f"{unit}, mean of a trade"
    yield "Max drawdown", *_drawdown_texts(report)
    yield "Open lots", str(len(report.open_lots)), f"cost {figures.money_text(report.open_cost)} {unit}"
    yield "Signals", str(report.signals_count), figures.orders_text(report.orders_by_status)


def _trade_cells(trade: ClosedTrade) -> tuple[Text, ...]:
    return (
        Text(f"{trade.sold_at:%m-%d %H:%M}"),
        Text(trade.product_id),
        Text(figures.reason_text(trade.exit_reason)),
        Text(figures.exact_text(trade.size)),
        Text(figures.price_text(trade.buy_price)),
        Text(figures.price_text(trade.sell_price)),
        _signed(trade.pnl),
    )


def _trades_caption(total: int, shown: int) -> str:
    if not total:
        return "No trade has closed yet."
    return f"The newest {shown} of {total}." if shown < total else f"All {_count(total, 'closed trade')}."


def _signed(amount: Decimal) -> Text:
    return Text(figures.signed_money_text(amount), style=_STYLES[figures.sign_of(amount)])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _period_text(report: Report) -> str:
    if report.period is None:
        return "no orders yet"
    first, last = report.period.first_order_at, report.period.last_order_at
    return f"{figures.moment_text(first)} to {figures.moment_text(last)} UTC"


def _opening_text(report: Report) -> str:
    opening = report.cash.opening
    return "opening unknown" if opening is None else f"opening {figures.money_text(opening)}"


def _expectancy(report: Report) -> Text:
    return Text(figures.NOT_AVAILABLE) if report.expectancy is None else _signed(report.expectancy)


def _drawdown_texts(report: Report) -> tuple[str, str]:
    drawdown = report.drawdown
    if drawdown is None:
        return figures.NOT_AVAILABLE, "capital unknown" if report.cash.opening is None else "no closed trade"
    return figures.percent_text(drawdown.fraction), f"{figures.money_text(drawdown.amount)} {report.cash.currency}"


def _wins_text(report: Report) -> str:
    trades_count = len(report.closed_trades)
    return f"{report.wins_count} of {trades_count} won" if trades_count else "no closed trade"
