"""Signals in memory, from birth to outcome, and the strategy snapshots they were decided by."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bottrader.domain.market import ProductId
from bottrader.domain.signals import LastSide, Signal, SignalId, SignalOutcome, Trigger
from bottrader.domain.strategy import StrategySnapshot
from bottrader.ports import Acceptance, DeliveryReport, InboundSignal


@dataclass(frozen=True, slots=True)
class Activation:
    """A period in which one snapshot was the active one of a role; `until` is None for the open one."""

    role: str
    content_hash: str
    since: datetime
    until: datetime | None


class MemorySignals:
    """The `SignalStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._signals: dict[SignalId, Signal] = {}
        self.deliveries: dict[SignalId, tuple[DeliveryReport, datetime]] = {}
        self._inbound: dict[SignalId, InboundSignal] = {}
        self._requests: set[str] = set()
        self._outcomes: dict[SignalId, SignalOutcome] = {}
        self.snapshots: dict[str, StrategySnapshot] = {}
        self.activations: list[Activation] = []

    async def record_signal(self, signal: Signal) -> bool:
        if signal.signal_id in self._signals:
            return False
        self._signals[signal.signal_id] = signal
        return True

    async def undelivered_signals(self, limit: int) -> Sequence[Signal]:
        open_signals = [signal for signal in self._signals.values() if signal.signal_id not in self.deliveries]
        return sorted(open_signals, key=lambda signal: (signal.born_at, signal.signal_id))[:limit]

    async def close_delivery(self, signal_id: SignalId, report: DeliveryReport, at: datetime) -> None:
        self.deliveries.setdefault(signal_id, (report, at))

    async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
        if inbound.request_digest in self._requests:
            return Acceptance.REPLAYED
        self._requests.add(inbound.request_digest)
        known = self._inbound.get(inbound.signal.signal_id)
        if known is None:
            self._inbound[inbound.signal.signal_id] = inbound
            return Acceptance.ACCEPTED
        return Acceptance.DUPLICATE if known.body_digest == inbound.body_digest else Acceptance.CONFLICT

    async def signals_without_outcome(self, product_ids: Collection[ProductId], limit: int) -> Sequence[Signal]:
        waiting = [inbound.signal for signal_id, inbound in self._inbound.items() if signal_id not in self._outcomes]
        room = dict.fromkeys(product_ids, limit)
        oldest = []
        for signal in waiting:
            if room.get(signal.product_id, 0) > 0:
                room[signal.product_id] -= 1
                oldest.append(signal)
        return oldest

    async def record_outcome(self, outcome: SignalOutcome) -> bool:
        if outcome.signal_id in self._outcomes:
            return False
        self._outcomes[outcome.signal_id] = outcome
        return True

    async def outcome_of(self, signal_id: SignalId) -> SignalOutcome | None:
        return self._outcomes.get(signal_id)

    async def last_side(self, product_id: ProductId) -> LastSide | None:
        last: LastSide | None = None
        for inbound in self._inbound.values():
            signal = inbound.signal
            if signal.product_id != product_id or signal.trigger is Trigger.MANUAL:
                continue
            is_flip = last is None or last.side is not signal.action
            flipped_at = signal.candle_opened_at if is_flip or last is None else last.flipped_at
            last = LastSide(signal.action, flipped_at, signal.candle_opened_at)
        return last

    async def activate_snapshot(self, snapshot: StrategySnapshot, role: str, at: datetime) -> None:
        self.snapshots.setdefault(snapshot.content_hash, snapshot)
        since = at
        for index, period in enumerate(self.activations):
            if period.role == role and period.until is None:
                if period.content_hash == snapshot.content_hash:
                    return
                since = max(period.since, at)
                self.activations[index] = replace(period, until=since)
        self.activations.append(Activation(role, snapshot.content_hash, since, None))

    async def signals_count(self) -> int:
        return len(self._signals.keys() | self._inbound.keys())
