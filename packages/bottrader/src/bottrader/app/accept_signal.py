"""Take a signal in: durable first, acknowledged second, acted on third."""

from collections.abc import Callable

from bottrader.domain.market import ProductId
from bottrader.domain.signals import Signal
from bottrader.ports import Acceptance, EventLog, InboundSignal, SignalStore


class SignalAcceptor:
    """Commits a verified signal with its dedupe keys; only a new one is handed on, so a retry orders nothing twice.

    `has_room` tells whether one more signal of a product can be handed on; whoever asks first turns a flood away before
    anything is stored (F36, F48).
    """

    def __init__(
        self,
        store: SignalStore,
        log: EventLog,
        on_accepted: Callable[[Signal], None],
        has_room: Callable[[ProductId], bool],
    ) -> None:
        self._store = store
        self._log = log
        self._on_accepted = on_accepted
        self.has_room = has_room

    async def accept(self, inbound: InboundSignal) -> Acceptance:
        """Return what the store made of it; when this returns ACCEPTED the signal survives any crash.

        Raises `StoreUnreachable`: the sender must retry, since the commit may or may not have happened.
        """
        acceptance = await self._store.accept_signal(inbound)
        signal = inbound.signal
        if acceptance is Acceptance.ACCEPTED:
            self._log.info("signal_accepted", signal_id=signal.signal_id, sender=inbound.sender)
            self._on_accepted(signal)
        else:
            self._log.info(f"signal_{acceptance}", signal_id=signal.signal_id, sender=inbound.sender)
        return acceptance
