"""Give every accepted signal exactly one recorded outcome: ordered, refused or expired (E4)."""

from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.open_positions import EntryDecider
from bottrader.app.place_orders import OrderPlacer
from bottrader.app.sell_by_hand import ManualSeller
from bottrader.app.world import World
from bottrader.domain.orders import OrderIntent
from bottrader.domain.signals import Action, OutcomeKind, Signal, SignalOutcome
from bottrader.domain.validation import Refusal


class SignalActor:
    """Acts on one signal at a time per product."""

    def __init__(
        self,
        world: World,
        entries: EntryDecider,
        monitor: PositionMonitor,
        placer: OrderPlacer,
        seller: ManualSeller,
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._log = world.log
        self._tally = world.tally
        self._entries = entries
        self._monitor = monitor
        self._placer = placer
        self._seller = seller

    async def act(self, signal: Signal, *, gate: Refusal | None) -> None:
        """Carry out `signal` or record why not; a signal that has its outcome already is left alone.

        `gate` is why nothing may be bought right now; leaving a position passes every gate.

        Raises `AdapterError` when the store or the venue could not be asked: the signal then has no outcome yet and is
        taken up again by the next reconciliation, with the same ids.
        """
        if await self._store.outcome_of(signal.signal_id) is not None:
            return
        if self._clock.now() > signal.expires_at:
            await self._end(signal, OutcomeKind.EXPIRED, "EXPIRED", "the signal was older than its time to live")
            return
        if signal.action is Action.SELL and signal.size_base is not None:
            refusal = await self._carry_out(signal, await self._seller.decide(signal))
        elif signal.action is Action.SELL:
            refusal = await self._monitor.on_sell_signal(signal)
        elif gate is not None:
            refusal = gate
        else:
            refusal = await self._carry_out(signal, await self._entries.decide(signal))
        if refusal is not None:
            await self._end(signal, OutcomeKind.REFUSED, refusal.code, refusal.message)

    async def _carry_out(self, signal: Signal, decided: OrderIntent | Refusal) -> Refusal | None:
        if not isinstance(decided, OrderIntent):
            return decided
        outcome = SignalOutcome(
            signal.signal_id, OutcomeKind.ORDERED, "SUCCESS", f"order {decided.client_order_id}", self._clock.now()
        )
        await self._placer.place(decided, outcome)
        return None

    async def _end(self, signal: Signal, kind: OutcomeKind, code: str, message: str) -> None:
        outcome = SignalOutcome(signal.signal_id, kind, code, message, self._clock.now())
        if await self._store.record_outcome(outcome):
            self._tally.outcomes[kind] += 1
        self._log.info(f"signal_{kind}", signal_id=signal.signal_id, code=code, message=message)
