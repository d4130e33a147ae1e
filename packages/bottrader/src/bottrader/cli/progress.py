"""What a paper session shows while it runs: a live panel on a terminal, a line every few seconds elsewhere."""

import time
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bottrader.adapters.simulator.venue import Step
from bottrader.adapters.system.log import LoggedEvent
from bottrader.bootstrap.paper import PaperSession
from bottrader.domain.exit_prices import net_return

REFRESH_S = 0.25
LINE_S = 5.0
EVENTS_SHOWN = 8
TOLD = {
    "signal_born": "signal",
    "signal_refused": "refused",
    "order_sent": "order",
    "fill_recorded": "fill",
    "fill_amended": "fill amended",
    "order_ended": "ended",
    "order_unknown": "unknown",
    "books_differ": "books differ",
}


class SessionDisplay:
    """Shows a session; `on_step` is called after each tick and draws only now and then."""

    def __init__(self, session: PaperSession, console: Console, minutes: int | None) -> None:
        self._session = session
        self._console = console
        self._started_at = session.now
        self._length = None if minutes is None else timedelta(minutes=minutes)
        self._drawn_at = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def on_step(self, _: Step) -> None:
        """Draw when it is time to; most ticks pass unseen."""
        now = time.monotonic()
        if now - self._drawn_at < (LINE_S if self._live is None else REFRESH_S):
            return
        self._drawn_at = now
        if self._live is None:
            self._console.print(self._line(), soft_wrap=True)
        else:
            self._live.update(self._panel(), refresh=True)

    def _line(self) -> str:
        counts = self._session.events.counts
        prices = ", ".join(f"{ticker.product_id} {ticker.price}" for ticker in self._session.portfolio.tickers.values())
        return (
            f"{self._session.now:%Y-%m-%d %H:%M}{self._share()}  {prices}  signals {counts['signal_born']}"
            f"  orders {counts['order_sent']}  fills {counts['fill_recorded']}"
            f"  positions {len(self._session.portfolio.positions())}"
            f"  P&L {self._session.portfolio.realized_pnl():+,.2f}"
        )

    def _share(self) -> str:
        if self._length is None:
            return ""
        share = (self._session.now - self._started_at) / self._length
        return f" ({min(share, 1.0):.0%})"

    def _panel(self) -> Group:
        counts = self._session.events.counts
        head = Text(f"{self._session.now:%Y-%m-%d %H:%M}{self._share()}", style="bold")
        head.append(
            f"   signals {counts['signal_born']}   orders {counts['order_sent']}   fills {counts['fill_recorded']}"
            f"   P&L {self._session.portfolio.realized_pnl():+,.2f}",
            style="dim",
        )
        return Group(head, self._markets(), self._events())

    def _markets(self) -> Table:
        table = Table("pair", "price", "held", "cost", "net", box=None, header_style="dim")
        portfolio = self._session.portfolio
        for product_id in portfolio.product_ids:
            ticker, position = portfolio.tickers.get(product_id), portfolio.position(product_id)
            price = "" if ticker is None else f"{ticker.price:,}"
            if position is None or ticker is None or portfolio.fee_rates is None:
                table.add_row(product_id, price, "", "", "")
                continue
            net = net_return(position.cost_per_unit, ticker.price, portfolio.fee_rates.taker)
            style = "green" if net > 0 else "red"
            table.add_row(
                product_id, price, f"{position.size.normalize():f}", f"{position.cost:,.2f}", Text(f"{net:+.2%}", style)
            )
        return table

    def _events(self) -> Table:
        table = Table(box=None, show_header=False)
        told = [event for event in self._session.events.newest if event.event in TOLD]
        for event in told[-EVENTS_SHOWN:]:
            table.add_row(Text(TOLD[event.event], "yellow" if event.is_alarm else "cyan"), _describe(event))
        return table


def _describe(event: LoggedEvent) -> str:
    fields = event.fields
    words = ("product_id", "side", "action", "size", "price", "limit_price", "trigger", "code", "state")
    return "  ".join(str(fields[word]) for word in words if fields.get(word) is not None)
