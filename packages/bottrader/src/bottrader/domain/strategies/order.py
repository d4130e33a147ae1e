"""The order in which a strategy sees candles."""

from datetime import datetime

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import Candle


class CandleOrder:
    """Sees to it that candles come once and in order; an indicator would count a repeated one twice."""

    __slots__ = ("_last_opened_at",)

    def __init__(self) -> None:
        self._last_opened_at: datetime | None = None

    def follow(self, candle: Candle) -> None:
        """Raise `InvariantBroken` unless `candle` opens after the last one."""
        last = self._last_opened_at
        if last is not None and candle.opened_at <= last:
            raise InvariantBroken(
                f"candles of {candle.product_id} come once and in order: {candle.opened_at.isoformat()} came after"
                f" {last.isoformat()}"
            )
        self._last_opened_at = candle.opened_at
