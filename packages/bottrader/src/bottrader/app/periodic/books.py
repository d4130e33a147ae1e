"""Sections about the books themselves: how sound the allocation is, and what a reader should know."""

from bottrader.app.periodic.document import Column, Figure, Section, SectionName, Table, Unit
from bottrader.app.periodic.view import PeriodView
from bottrader.app.report import total
from bottrader.domain.round_trips import grouped, is_weak

GAPS_SHOWN_MAX = 10


def fifo_health(view: PeriodView) -> Section:
    run, version = view.facts.newest_run, view.facts.version
    gaps = view.books.unmatched_sells
    by_product = {product_id: [gap for gap in gaps if gap.product_id == product_id] for product_id in _products(view)}
    status = "none yet" if run is None else run.status if not run.error else f"{run.status}: {run.error}"
    return Section(
        SectionName.FIFO_HEALTH,
        "How far sells have met their buys, over all time.",
        figures=(
            Figure("Active version", version.number, Unit.COUNT, f"method {version.method}"),
            Figure("Newest run", status, Unit.TEXT, "" if run is None else f"of {run.symbol or 'all products'}"),
            Figure("It ran", None if run is None else run.at, Unit.MOMENT),
            Figure("Allocations", len(view.facts.ledger.allocations), Unit.COUNT),
            Figure("Open lots", len(view.books.open_lots), Unit.COUNT),
            Figure("Unmatched sells", len(gaps), Unit.COUNT, "all time"),
            Figure("Waiting for review", view.facts.reviews_count, Unit.COUNT),
            Figure("Cash not explained", view.books.cash_unexplained, Unit.MONEY, "sells not matched yet"),
        ),
        tables=(
            Table(
                "Data gaps: sold without a known buy",
                (
                    Column("Symbol", Unit.TEXT),
                    Column("Sells", Unit.COUNT),
                    Column("Size", Unit.SIZE),
                    Column("Net proceeds", Unit.MONEY),
                ),
                tuple(
                    (
                        product_id,
                        len(of_product),
                        total(gap.size for gap in of_product),
                        total(gap.net_proceeds for gap in of_product),
                    )
                    for product_id, of_product in list(by_product.items())[:GAPS_SHOWN_MAX]
                ),
                "Every sell has its buys.",
            ),
        ),
    )


def notes(view: PeriodView) -> Section:
    """What a reader should know before acting on the figures."""
    found = []
    if view.books.unmatched_sells:
        found.append(
            f"More was sold than is known to be bought of {', '.join(_products(view))}: its buys are missing from the"
            " ledger. That is a gap in the data, and no short position."
        )
    if view.books.cash_unexplained:
        found.append("Some sells still have to be matched with their buys; their cash is counted, their P&L is not.")
    if view.books.cash.net_deposits is None:
        found.append("No opening balance or deposit is recorded, so equity, drawdown and return are not available.")
    if not view.is_priced:
        found.append("Not everything held has a known price, so unrealized P&L and exposure are not available.")
    weak = sorted(
        str(name) for name, group in grouped(view.trips, lambda t: t.trade.product_id).items() if is_weak(group)
    )
    if weak:
        found.append(f"Fewer than 45 % of ten trades or more were won with {', '.join(weak)}.")
    found.append(
        "Trades, orders and signals are those of the period; what is held, cash and the health of the books are of the"
        " moment the report was made."
    )
    return Section(SectionName.NOTES, remarks=tuple(found))


def _products(view: PeriodView) -> list[str]:
    return sorted({str(gap.product_id) for gap in view.books.unmatched_sells})
