"""Sections about decisions: what was signalled, by what, and how far orders can be traced to it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.app.periodic.document import Column, Figure, Section, SectionName, Table, Unit, Value
from bottrader.app.periodic.results import GROUP_COLUMNS, NO_TRADE, words
from bottrader.app.periodic.view import PeriodView, entry_trigger, exit_trigger
from bottrader.app.report import total
from bottrader.domain import performance, report_metrics
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.round_trips import Group, RoundTrip, grouped
from bottrader.domain.signals import Component, Signal, Trigger
from bottrader.ports import PlacedBracket, TradeRecord

SIGNALS_SHOWN_MAX = 15
OVERRIDES_SHOWN_MAX = 10
LINKED_SHOWN_MAX, MISSING_SHOWN_MAX = 5, 10
OVERRIDES = frozenset({Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE})
"""Triggers of a momentum; with the components of a score beside it, it decided before that score could."""


def signal_scores(view: PeriodView) -> Section:
    components: dict[tuple[str, str], list[Component]] = {}
    for signal in view.facts.signals:
        for component in signal.breakdown.components if signal.breakdown else ():
            components.setdefault((component.side.value, component.indicator), []).append(component)
    indicators = Table(
        "What each indicator did",
        (
            Column("Indicator", Unit.TEXT),
            Column("Side", Unit.TEXT),
            Column("Fired", Unit.COUNT),
            Column("Of", Unit.COUNT),
            Column("Contribution", Unit.NUMBER),
            Column("Median weight", Unit.NUMBER),
            Column("Median threshold", Unit.NUMBER),
        ),
        tuple(_indicator_row(side, name, of_one) for (side, name), of_one in sorted(components.items())),
        "No signal of this period tells its indicators.",
    )
    newest = Table(
        f"The {SIGNALS_SHOWN_MAX} newest",
        _SIGNAL_COLUMNS,
        tuple(_signal_row(signal) for signal in view.facts.signals[::-1][:SIGNALS_SHOWN_MAX]),
        "No signal arrived in this period.",
    )
    return Section(
        SectionName.SIGNAL_SCORES,
        "Accepted signals, with what each indicator added to the score of its side.",
        figures=(Figure("Signals", len(view.facts.signals), Unit.COUNT),),
        tables=(indicators, newest),
    )


def overrides(view: PeriodView) -> Section:
    signals = [
        signal
        for signal in view.facts.signals
        if signal.trigger in OVERRIDES and signal.breakdown is not None and signal.breakdown.components
    ]
    trips = [trip for trip in view.trips if _began_with_override(view, trip)]
    pnls = performance.known_pnls(trip.trade for trip in trips)
    return Section(
        SectionName.OVERRIDES,
        "Signals of a momentum that was judged before the score and decided alone.",
        figures=(
            Figure("Override signals", len(signals), Unit.COUNT, f"of {len(view.facts.signals)}"),
            Figure("Trades they began", len(pnls), Unit.COUNT),
            Figure("Their P&L", total(pnls), Unit.SIGNED),
            Figure("Their win rate", performance.win_rate(pnls), Unit.FRACTION),
        ),
        tables=(
            Table(
                "The newest",
                _SIGNAL_COLUMNS,
                tuple(_signal_row(signal) for signal in signals[::-1][:OVERRIDES_SHOWN_MAX]),
                "No momentum overrode the score in this period.",
            ),
        ),
    )


def triggers(view: PeriodView) -> Section:
    entries, exits = grouped(view.trips, entry_trigger), grouped(view.trips, exit_trigger)
    view.add_up(entries.values(), "by entry trigger")
    view.add_up(exits.values(), "by exit trigger")
    return Section(
        SectionName.TRIGGERS,
        tables=(
            _orders_table("Orders by trigger", "Trigger", view.orders, lambda order: words(order.trigger)),
            _groups_table("Trades by what they began with", "Entry", {words(k): g for k, g in entries.items()}),
            _groups_table("Trades by what ended them", "Exit", {words(k): g for k, g in exits.items()}),
        ),
    )


def sources(view: PeriodView) -> Section:
    by_source: dict[str, Group] = grouped(view.trips, view.source_of)
    view.add_up(by_source.values(), "by source")
    return Section(
        SectionName.SOURCES,
        "Who asked for the orders; a sell has the source of the buy it ends.",
        tables=(
            _orders_table("Orders by source", "Source", view.orders, lambda order: order.source),
            _groups_table("Trades by source", "Source", by_source),
        ),
    )


def linkage(view: PeriodView) -> Section:
    filled = [order for order in view.orders if order.filled_size > ZERO]
    linked = [order for order in filled if _snapshot_of(view, order) is not None]
    missing = [order for order in filled if _snapshot_of(view, order) is None]
    columns = (
        Column("Ordered", Unit.MOMENT),
        Column("Symbol", Unit.TEXT),
        Column("Side", Unit.TEXT),
        Column("Trigger", Unit.TEXT),
        Column("Snapshot", Unit.TEXT),
    )

    def rows(orders: Sequence[TradeRecord], count: int) -> tuple[tuple[Value, ...], ...]:
        return tuple(
            (each.order_time, each.symbol, each.side, words(each.trigger), (_snapshot_of(view, each) or "")[:12])
            for each in orders[::-1][:count]
        )

    return Section(
        SectionName.LINKAGE,
        "Filled orders that can be traced to the settings they were decided by.",
        figures=(
            Figure("Linked", report_metrics.fraction(len(linked), len(filled)), Unit.FRACTION),
            Figure("Linked orders", len(linked), Unit.COUNT, f"of {len(filled)} filled"),
        ),
        tables=(
            Table("The last linked", columns, rows(linked, LINKED_SHOWN_MAX), "No filled order is linked."),
            Table("Without a link", columns, rows(missing, MISSING_SHOWN_MAX), "Every filled order is linked."),
        ),
    )


def brackets(view: PeriodView) -> Section:
    """Targets and stops as they were sent. The spread and the ATR they were reckoned with are not recorded."""
    placed = [_Placed.of(bracket, view) for bracket in view.facts.brackets]
    known = [each for each in placed if each is not None and each.reward_to_risk is not None]
    ratios = [each.reward_to_risk for each in known if each.reward_to_risk is not None]
    by_symbol: dict[str, list[_Placed]] = {}
    for each in known:
        by_symbol.setdefault(each.symbol, []).append(each)
    below_one = sum(ratio < 1 for ratio in ratios)
    poor = [name for name, of_symbol in sorted(by_symbol.items()) if _is_poor(of_symbol)]
    return Section(
        SectionName.BRACKETS,
        "Brackets as they were placed: R:R is target distance / stop distance, before fees.",
        figures=(
            Figure("Brackets", len(view.facts.brackets), Unit.COUNT, f"{len(known)} with a known entry"),
            Figure("Median R:R", report_metrics.median(ratios), Unit.NUMBER),
            Figure("R:R below 1", report_metrics.fraction(below_one, len(ratios)), Unit.FRACTION),
        ),
        tables=(
            Table(
                "By symbol",
                _BRACKET_COLUMNS,
                tuple(_bracket_row(name, of_symbol) for name, of_symbol in sorted(by_symbol.items())),
                "No bracket was placed in this period.",
            ),
        ),
        remarks=tuple(f"{name}: the average R:R is below 1.10; widen its target or tighten its stop." for name in poor),
    )


@dataclass(frozen=True, slots=True)
class _Placed:
    symbol: str
    reward_to_risk: Decimal | None
    target_distance: Decimal
    stop_distance: Decimal
    fee_rate: Decimal | None

    @classmethod
    def of(cls, bracket: PlacedBracket, view: PeriodView) -> "_Placed | None":
        """Return the bracket against the mean price of what it protects; None when that is unknown."""
        bought = [each for order_id in bracket.parent_ids for each in view.executions_of.get(order_id, ())]
        size = total(each.size for each in bought)
        value = total(EXACT.multiply(each.price, each.size) for each in bought)
        entry = report_metrics.rate_of(value, size)
        if entry is None:
            return None
        return cls(
            bracket.product_id,
            report_metrics.reward_to_risk(entry, bracket.target, bracket.stop),
            report_metrics.distance(entry, bracket.target),
            report_metrics.distance(entry, bracket.stop),
            report_metrics.rate_of(total(each.fee for each in bought), value),
        )


_BRACKET_COLUMNS = (
    Column("Symbol", Unit.TEXT),
    Column("Brackets", Unit.COUNT),
    Column("Average R:R", Unit.NUMBER),
    Column("10th percentile", Unit.NUMBER),
    Column("Target", Unit.FRACTION),
    Column("Stop", Unit.FRACTION),
    Column("ATR", Unit.FRACTION),
    Column("Spread", Unit.FRACTION),
    Column("Entry fee", Unit.FRACTION),
)
_SIGNAL_COLUMNS = (
    Column("Born", Unit.MOMENT),
    Column("Symbol", Unit.TEXT),
    Column("Side", Unit.TEXT),
    Column("Trigger", Unit.TEXT),
    Column("Buy score", Unit.NUMBER),
    Column("Sell score", Unit.NUMBER),
)


def _bracket_row(symbol: str, placed: Sequence[_Placed]) -> tuple[Value, ...]:
    ratios = [each.reward_to_risk for each in placed if each.reward_to_risk is not None]
    return (
        symbol,
        len(placed),
        performance.mean(ratios),
        report_metrics.tenth_percentile(ratios),
        performance.mean([each.target_distance for each in placed]),
        performance.mean([each.stop_distance for each in placed]),
        # Neither is recorded with a bracket, and what it is now is not what it was.
        None,
        None,
        performance.mean([each.fee_rate for each in placed if each.fee_rate is not None]),
    )


def _is_poor(placed: Sequence[_Placed]) -> bool:
    average = performance.mean([each.reward_to_risk for each in placed if each.reward_to_risk is not None])
    return average is not None and average < report_metrics.REWARD_TO_RISK_MIN


def _indicator_row(side: str, name: str, components: Sequence[Component]) -> tuple[Value, ...]:
    return (
        name,
        side,
        sum(each.decision is True for each in components),
        len(components),
        total(each.contribution for each in components),
        report_metrics.median([each.weight for each in components]),
        report_metrics.median([each.threshold for each in components if each.threshold is not None]),
    )


def _signal_row(signal: Signal) -> tuple[Value, ...]:
    return (
        signal.born_at,
        signal.product_id,
        signal.action.value,
        words(signal.trigger),
        signal.scores.get("buy_score"),
        signal.scores.get("sell_score"),
    )


def _orders_table(
    caption: str, heading: str, orders: Sequence[TradeRecord], name_of: Callable[[TradeRecord], str]
) -> Table:
    all_of = Counter(name_of(order) for order in orders)
    filled = Counter(name_of(order) for order in orders if order.filled_size > ZERO)
    return Table(
        caption,
        (Column(heading, Unit.TEXT), Column("Orders", Unit.COUNT), Column("Filled", Unit.COUNT)),
        tuple((name, count, filled[name]) for name, count in sorted(all_of.items())),
        "No order was sent in this period.",
    )


def _groups_table(caption: str, heading: str, groups: dict[str, Group]) -> Table:
    rows = tuple(
        (name, group.trades_count, group.win_rate, group.pnl, group.average) for name, group in sorted(groups.items())
    )
    return Table(caption, (Column(heading, Unit.TEXT), *GROUP_COLUMNS), rows, NO_TRADE)


def _began_with_override(view: PeriodView, trip: RoundTrip) -> bool:
    link = None if trip.entry_order_id is None else view.links.get(trip.entry_order_id)
    return link is not None and bool(link.components) and entry_trigger(trip) in OVERRIDES


def _snapshot_of(view: PeriodView, order: TradeRecord) -> str | None:
    link = view.links.get(order.order_id)
    return None if link is None else link.snapshot_id
