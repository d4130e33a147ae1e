"""Measure, once a second, what a trading desk owes: protection of each position, and allocations of each fill.

Seconds are real ones. A position counts as protected while a bracket at the venue covers all of it, or an exit rule
has judged it by a usable price within the last three seconds.
"""

from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.portfolio import Portfolio
from bottrader.domain.market import ProductId
from bottrader.domain.positions import Position
from bottrader.ports import Clock

JUDGED_S_MAX = 3.0


class DeskMeter:
    """Adds up what it finds at each look; whoever shows it reads it at any time."""

    def __init__(self, portfolio: Portfolio, monitor: PositionMonitor, clock: Clock) -> None:
        self._portfolio = portfolio
        self._monitor = monitor
        self._clock = clock
        self._looked_s = self._allocated_s = clock.monotonic_s()
        self._judgements: dict[ProductId, int] = {}
        self._protected_s: dict[ProductId, float] = {}
        self.unprotected_s = 0.0
        """Seconds in which at least one position was not protected, since the desk began."""

    @property
    def allocation_age_s(self) -> float:
        """Seconds since the stored allocations were last known to be in step with the fills; none while they are."""
        return 0.0 if self._portfolio.is_allocated else self._clock.monotonic_s() - self._allocated_s

    def look(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._portfolio.is_allocated:
            self._allocated_s = now_s
        positions = self._portfolio.positions()
        for product_id in self._protected_s.keys() - {position.product_id for position in positions}:
            del self._protected_s[product_id]
        self.unprotected_s += max((self._unprotected_s(position, now_s) for position in positions), default=0.0)
        self._looked_s = now_s

    def _unprotected_s(self, position: Position, now_s: float) -> float:
        """Return how much of the time since the last look the position was not protected."""
        product_id = position.product_id
        judgements_count = self._monitor.judgements_count[product_id]
        is_judged = judgements_count != self._judgements.get(product_id)
        self._judgements[product_id] = judgements_count
        is_covered = self._portfolio.bracketed_size(product_id, self._clock.now()) >= position.size
        if is_judged or is_covered or product_id not in self._protected_s:
            self._protected_s[product_id] = now_s
        return now_s - max(self._looked_s, min(self._protected_s[product_id] + JUDGED_S_MAX, now_s))
