"""A signal's decision and its fate for a terminal, as Rich renderables."""

from collections.abc import Iterator
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from bottrader.domain.signals import Action, Breakdown, Component, Signal
from bottrader.ports import SignalHistory, TradeRecord

_SIDES = (("buy", Action.BUY), ("sell", Action.SELL))
_IN_HEAD = {"buy_score", "sell_score", "target_buy", "target_sell"}


def history_table(history: SignalHistory) -> Table:
    """Return what the signal was, what it was decided by and how it ended, one fact a line."""
    signal = history.signal
    table = Table(box=None, show_header=False, pad_edge=False, title_justify="left", title_style="bold")
    table.title = Text(f"{signal.action.value.upper()} {signal.product_id} at {signal.price:f}")
    table.add_column("what", style="dim", no_wrap=True)
    table.add_column("how", overflow="fold")
    for what, how in (*_decision_rows(signal), *_fate_rows(history)):
        # Text, never markup: what stands in square brackets would otherwise be read as a style.
        table.add_row(Text(what), Text(how))
    return table


def components_table(breakdown: Breakdown) -> Table:
    """Return the votes of the indicators, side by side with what each was compared with, sums at the end of a side."""
    table = Table(title="Components", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("Indicator", no_wrap=True)
    table.add_column("Says", no_wrap=True)
    for heading in ("Value", "Threshold", "Weight", "Adds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, side in _SIDES:
        of_side = [component for component in breakdown.components if component.side is side]
        for component in of_side:
            table.add_row(*_cells(component), style="" if component.decision else "dim")
        total = sum((component.contribution for component in of_side), start=Decimal(0))
        table.add_row(Text(f"{name} score", style="bold"), "", "", "", "", Text(f"{total:f}", style="bold"))
    return table


def _decision_rows(signal: Signal) -> Iterator[tuple[str, str]]:
    yield "signal", signal.signal_id
    yield "candle", f"opened {signal.candle_opened_at:%Y-%m-%d %H:%M} UTC, born {signal.born_at:%H:%M:%S}"
    yield "trigger", signal.trigger.value
    yield "note", signal.note
    for name, _ in _SIDES:
        score, target = signal.scores.get(f"{name}_score"), signal.scores.get(f"target_{name}")
        if score is not None:
            yield f"{name} score", f"{score:f}" if target is None else f"{score:f}, target {target:f}"
    figures = {name: value for name, value in signal.scores.items() if name not in _IN_HEAD}
    if figures:
        yield "figures", ", ".join(f"{name} {_short(value)}" for name, value in sorted(figures.items()))
    if signal.breakdown is not None:
        yield "decided by", signal.breakdown.reason
        yield "last side", "none yet" if signal.breakdown.last_side is None else signal.breakdown.last_side.value
        until = signal.breakdown.cooldown_until
        if until is not None:
            word = "until" if signal.candle_opened_at < until else "ended"
            yield "cooldown", f"of the other side {word} {until:%Y-%m-%d %H:%M} UTC"
    yield "snapshot", signal.snapshot_hash


def _fate_rows(history: SignalHistory) -> Iterator[tuple[str, str]]:
    if history.delivery is not None:
        yield "delivery", f"{history.delivery.delivery}: {history.delivery.detail}"
    accepted = history.accepted_at
    yield "accepted", "no" if accepted is None else f"{accepted:%Y-%m-%d %H:%M:%S} UTC"
    if history.outcome is None:
        yield "outcome", "none yet" if accepted is not None else "none: it never reached the webhook"
    else:
        yield "outcome", f"{history.outcome.kind}, {history.outcome.code}: {history.outcome.message}"
    if history.order is not None:
        yield "order", _order_text(history.order)


def _order_text(order: TradeRecord) -> str:
    price = "at the market" if order.price is None else f"at {order.price:f}"
    filled = f"filled {order.filled_size:f} for {order.filled_value:f}, fees {order.fees:f}"
    return f"{order.order_id}: {order.side} {order.size:f} {price}, {order.status}, {filled}"


def _cells(component: Component) -> tuple[Text, ...]:
    says = "unknown" if component.decision is None else "yes" if component.decision else "no"
    return (
        Text(component.indicator),
        Text(says, style="green" if component.decision else ""),
        Text(_short(component.value)),
        Text(_short(component.threshold)),
        Text(f"{component.weight:f}"),
        Text(f"{component.contribution:f}"),
    )


def _short(value: Decimal | None) -> str:
    """Return a figure as a person reads it: six significant decimals at most, no trailing zeros."""
    if value is None:
        return ""
    text = f"{value:.6f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
