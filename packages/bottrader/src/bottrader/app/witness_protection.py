"""Assert after every tick that no position was held through it without protection (L1, S5).

Only a driver that takes the ticks one by one knows of each that it has come; a live stream may drop or bundle them. So
paper sessions ask this witness, which does not trust that a price reached the monitor: it compares the time of the tick
at the venue with the time of the price that the monitor judged by.
"""

from datetime import datetime

from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.portfolio import Portfolio
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.domain.positions import Position


class ProtectionWitness:
    """Knows the newest tick of each product, and holds the monitor to it."""

    def __init__(self, portfolio: Portfolio, monitor: PositionMonitor) -> None:
        self._portfolio = portfolio
        self._monitor = monitor
        self._ticks: dict[ProductId, datetime] = {}

    def saw_tick(self, product_id: ProductId, at: datetime) -> None:
        """Take a tick of the venue that was handled to its end, and assert that every position is protected.

        Raises:
            InvariantBroken: naming the position that was held through a tick unjudged and without a bracket.
        """
        self._ticks[product_id] = at
        for position in self._portfolio.positions():
            tick_at = self._ticks.get(position.product_id)
            if tick_at is not None and not self._is_protected(position, tick_at, at):
                raise InvariantBroken(
                    f"the position of {position.size} {position.product_id} was held through the tick at"
                    f" {tick_at.isoformat()} without protection: no exit rule judged it by that price, and no bracket"
                    " at the venue covers it"
                )

    def _is_protected(self, position: Position, tick_at: datetime, now: datetime) -> bool:
        judged_at = self._monitor.judged_at(position.product_id)
        if judged_at is not None and judged_at >= tick_at:
            return True
        # Bought in answer to this very tick: the next one is the first to judge it by.
        if position.opened_at >= tick_at:
            return True
        return self._portfolio.bracketed_size(position.product_id, now) >= position.size
