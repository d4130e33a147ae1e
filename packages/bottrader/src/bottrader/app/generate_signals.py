"""Turn closed candles into signals: one strategy per product, one deterministic id per decision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.app.score_log import tell_score
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import Candle, Granularity, ProductId
from bottrader.domain.signals import LastSide, Signal, derive_signal_id
from bottrader.domain.strategy import Decision, Strategy
from bottrader.ports import Clock, EventLog, SignalStore

# What the store could not confirm is repeated with the same id until the signal would be stale anyway.
STORE_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class DecisionMakers:
    """One strategy per product, and the hash of the snapshot that covers all they decide by."""

    strategies: Mapping[ProductId, Strategy]
    snapshot_hash: str


class SignalGenerator:
    """Feeds each closed candle to its product's strategy and stores what comes of it before telling anyone."""

    def __init__(
        self, store: SignalStore, clock: Clock, log: EventLog, makers: DecisionMakers, time_to_live: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._strategies = makers.strategies
        self._snapshot_hash = makers.snapshot_hash
        self._time_to_live = time_to_live

    async def on_closed(self, candle: Candle, deliver: Callable[[Signal], None]) -> None:
        """Decide on one candle; a signal is durable before `deliver` hears of it.

        A decision on a candle that closed longer ago than the signal's time to live is history, seen while warming up
        or catching up: it shapes the indicators and is not traded (F47).
        """
        expires_at = _closed_at(candle) + self._time_to_live
        last = await self._last_side(candle.product_id, expires_at)
        decision = self._strategies[candle.product_id].on_candle(candle, last)
        if decision is None or self._clock.now() > expires_at:
            return
        tell_score(self._log, candle, decision)
        if isinstance(decision, Decision):
            await self._carry_out(self._signal(candle, decision), deliver)

    async def _last_side(self, product_id: ProductId, expires_at: datetime) -> LastSide | None:
        """Return what the store knows; asked anew for each candle, because acceptance is decided elsewhere."""
        while self._clock.now() <= expires_at:
            try:
                return await self._store.last_side(product_id)
            except StoreUnreachable as error:
                self._log.alarm("last_side_unknown", product_id=product_id, cause=str(error))
                await self._clock.sleep(STORE_RETRY_S)
        return None

    async def _carry_out(self, signal: Signal, deliver: Callable[[Signal], None]) -> None:
        is_in_doubt = False
        while self._clock.now() <= signal.expires_at:
            try:
                is_new = await self._store.record_signal(signal)
            except StoreUnreachable as error:
                # The commit may have happened: the same id again makes the second attempt harmless (F42).
                is_in_doubt = True
                self._log.alarm("signal_not_stored", signal_id=signal.signal_id, cause=str(error))
                await self._clock.sleep(STORE_RETRY_S)
                continue
            if is_new or is_in_doubt:
                self._log.info(
                    "signal_born",
                    signal_id=signal.signal_id,
                    product_id=signal.product_id,
                    action=signal.action,
                    price=signal.price,
                    note=signal.note,
                )
                deliver(signal)
            return

    def _signal(self, candle: Candle, decision: Decision) -> Signal:
        closed_at = _closed_at(candle)
        return Signal(
            signal_id=derive_signal_id(candle.product_id, candle.opened_at, self._snapshot_hash, decision.action),
            product_id=candle.product_id,
            action=decision.action,
            trigger=decision.trigger,
            note=decision.note,
            price=candle.close,
            candle_opened_at=candle.opened_at,
            born_at=closed_at,
            expires_at=closed_at + self._time_to_live,
            snapshot_hash=self._snapshot_hash,
            scores=decision.scores,
            breakdown=decision.breakdown,
        )


def _closed_at(candle: Candle) -> datetime:
    return candle.opened_at + Granularity.FIVE_MINUTE.span
