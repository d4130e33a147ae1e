"""Turn closed candles into signals: one strategy per product, one deterministic id per decision."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import Candle, Granularity, ProductId
from bottrader.domain.signals import Signal, derive_signal_id
from bottrader.domain.strategy import Decision, Strategy
from bottrader.ports import Clock, EventLog, SignalStore

# A decision whose commit could not be confirmed is repeated with the same id until the signal would be stale anyway.
STORE_RETRY_S = 0.5


class SignalGenerator:
    """Feeds each closed candle to its product's strategy and stores what comes of it before telling anyone."""

    def __init__(
        self,
        store: SignalStore,
        clock: Clock,
        log: EventLog,
        strategies: Mapping[ProductId, Strategy],
        time_to_live: timedelta,
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._strategies = strategies
        self._time_to_live = time_to_live

    async def on_closed(self, candle: Candle, deliver: Callable[[Signal], None]) -> None:
        """Decide on one candle; a signal is durable before `deliver` hears of it.

        A decision on a candle that closed longer ago than the signal's time to live is history, seen while warming up
        or catching up: it shapes the strategy's state and is not traded (F47).
        """
        decision = self._strategies[candle.product_id].on_candle(candle)
        if decision is None:
            return
        signal = self._signal(candle, decision)
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
        snapshot_hash = self._strategies[candle.product_id].snapshot.content_hash
        closed_at = candle.opened_at + Granularity.FIVE_MINUTE.span
        return Signal(
            signal_id=derive_signal_id(candle.product_id, candle.opened_at, snapshot_hash, decision.action),
            product_id=candle.product_id,
            action=decision.action,
            trigger=decision.trigger,
            note=decision.note,
            price=candle.close,
            candle_opened_at=candle.opened_at,
            born_at=closed_at,
            expires_at=closed_at + self._time_to_live,
            snapshot_hash=snapshot_hash,
            scores=decision.scores,
        )
