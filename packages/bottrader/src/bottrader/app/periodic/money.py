"""Sections about money: costs, capital, and what is held."""

from bottrader.app.periodic.document import Column, Figure, Section, SectionName, Table, Unit
from bottrader.app.periodic.results import NO_PRICE, drawdown_note
from bottrader.app.periodic.view import PeriodView
from bottrader.app.report import total
from bottrader.domain import performance, report_metrics
from bottrader.domain.market import base_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import Side

TOP_EXPOSURES = 3


def costs(view: PeriodView) -> Section:
    rates = view.occasion.fee_rates
    on = {side: total(each.fee for each in view.executions if each.side is side) for side in (Side.BUY, Side.SELL)}
    turnover = total(EXACT.multiply(each.price, each.size) for each in view.executions)
    paid = view.facts.totals.fees
    return Section(
        SectionName.COSTS,
        "How far a price must move to pay for both fees of a round trip, and what was paid.",
        figures=(
            Figure(
                "Break-even as taker",
                report_metrics.break_even_move(rates.taker),
                Unit.FRACTION,
                "twice the taker fee",
            ),
            Figure(
                "Break-even as maker",
                report_metrics.break_even_move(rates.maker),
                Unit.FRACTION,
                "twice the maker fee",
            ),
            Figure("Fees on buys", on[Side.BUY], Unit.MONEY),
            Figure("Fees on sells", on[Side.SELL], Unit.MONEY),
            Figure("Turnover", turnover, Unit.MONEY, f"{len(view.executions)} executions"),
            Figure("Fee rate paid", report_metrics.rate_of(paid, turnover), Unit.FRACTION, "fees / turnover"),
        ),
    )


def risk(view: PeriodView) -> Section:
    cash, capital = view.books.cash, view.books.cash.net_deposits
    theirs = None if view.observed.cash is None else view.observed.cash.get(cash.currency, ZERO)
    known = report_metrics.known_cash(cash.closing, theirs)
    drawdown = performance.max_drawdown(view.equity)
    gain = None if capital is None else performance.return_fraction(view.realized_pnl, capital)
    verdict = "n/a" if theirs is None else "unknown" if known is None else "equal within 0.01"
    return Section(
        SectionName.RISK,
        figures=(
            Figure("Net deposits", capital, Unit.MONEY, "no opening is recorded" if capital is None else ""),
            Figure("Return", gain, Unit.FRACTION, "realized P&L / net deposits"),
            Figure("Max drawdown", None if drawdown is None else drawdown.amount, Unit.MONEY, drawdown_note(view)),
            Figure("Cash", known, Unit.MONEY, verdict if theirs is not None else "the exchange was not asked"),
            Figure("Cash by our ledger", cash.closing, Unit.MONEY),
            Figure("Cash by the exchange", theirs, Unit.MONEY),
            Figure("Cost of open lots", view.books.open_cost, Unit.MONEY, "entry fees included"),
        ),
        remarks=(
            ("Cash is unknown: the exchange's and ours differ by more than 0.01.",)
            if theirs is not None and known is None
            else ()
        ),
    )


def hodl(view: PeriodView) -> Section:
    prices = view.observed.prices
    rows = tuple(
        (
            base_of(product_id),
            size,
            cost,
            prices.get(product_id),
            view.values.get(product_id),
            EXACT.subtract(view.values[product_id], cost) if product_id in prices else None,
        )
        for product_id, (size, cost) in sorted(view.held.items())
        if base_of(product_id) in view.occasion.hodl
    )
    named = ", ".join(sorted(view.occasion.hodl))
    return Section(
        SectionName.HODL,
        tables=(
            Table(
                "Coins that are never sold",
                (
                    Column("Coin", Unit.TEXT),
                    Column("Size", Unit.SIZE),
                    Column("Cost", Unit.MONEY),
                    Column("Price", Unit.PRICE),
                    Column("Value", Unit.MONEY),
                    Column("Unrealized", Unit.SIGNED),
                ),
                rows,
                f"Nothing is held of {named}." if named else "No coin is set to be held (BOTTRADER_HODL).",
            ),
        ),
    )


def exposure(view: PeriodView) -> Section:
    shares = report_metrics.exposures({str(name): value for name, value in view.values.items()})
    unpriced = sorted(view.held.keys() - view.values.keys())
    rows = tuple((each.symbol, each.value, each.share) for each in shares[:TOP_EXPOSURES])
    remarks = [f"{each.symbol} is a quarter of everything held, or more." for each in shares if each.is_concentrated]
    if unpriced:
        remarks.append(f"Held without a known price, so not counted: {', '.join(unpriced)}.")
    exposed = total(each.value for each in shares) if view.is_priced else None
    return Section(
        SectionName.EXPOSURE,
        "What is held now, at the exchange's price.",
        figures=(
            Figure("Exposure", exposed, Unit.MONEY, "" if view.is_priced else NO_PRICE),
            Figure("At cost", view.books.open_cost, Unit.MONEY, "entry fees included"),
            Figure("Symbols held", len(view.held), Unit.COUNT),
        ),
        tables=(
            Table(
                "The three largest",
                (Column("Symbol", Unit.TEXT), Column("Value", Unit.MONEY), Column("Share", Unit.FRACTION)),
                rows,
                "Nothing is held." if not view.held else "No price is known of what is held.",
            ),
        ),
        remarks=tuple(remarks),
    )
