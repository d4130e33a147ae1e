"""Carry stored signals to the webhook: at least once, retried until acknowledged, rejected or expired (B265)."""

import asyncio

from bottrader.app.activity import Activity
from bottrader.app.tasks import Pulse, TaskBoard
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.signals import Signal
from bottrader.ports import Clock, Delivery, DeliveryReport, Entropy, EventLog, SignalSender, SignalStore

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 5.0
# After this many attempts in a row the outbox row stays open and the next start delivers or expires it; a clock that
# stands still (a paused market) must not make one signal retry for ever.
ATTEMPTS_MAX = 30
RECOVERY_LIMIT = 1000
# Reading what an earlier life left takes no longer than this, unless it hangs.
STORE_S_MAX = 120.0


class SignalDeliverer:
    """Delivers in the background, so that a webhook that is down never delays the next candle."""

    def __init__(
        self,
        store: SignalStore,
        sender: SignalSender,
        clock: Clock,
        entropy: Entropy,
        log: EventLog,
        activity: Activity,
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._queue: asyncio.Queue[Signal] = asyncio.Queue()
        self._activity = activity

    def deliver(self, signal: Signal) -> None:
        """Queue one stored signal."""
        self._activity.begin()
        self._queue.put_nowait(signal)

    async def run(self, board: TaskBoard | None = None) -> None:
        """Deliver what an earlier life left in the outbox, then whatever is queued, until cancelled."""
        board = board or TaskBoard(self._clock)
        await board.keep("deliver", STORE_S_MAX, self._deliver_repeatedly)

    async def _deliver_repeatedly(self, pulse: Pulse) -> None:
        for signal in await self._store.undelivered_signals(RECOVERY_LIMIT):
            self.deliver(signal)
        async with asyncio.TaskGroup() as deliveries:
            while True:
                pulse.rest()
                signal = await self._queue.get()
                pulse.beat()
                deliveries.create_task(self._deliver(signal))

    async def _deliver(self, signal: Signal) -> None:
        try:
            report = await self._attempt(signal)
            if report.delivery is not Delivery.RETRY:
                await self._store.close_delivery(signal.signal_id, report, self._clock.now())
            tell = self._log.info if report.delivery is Delivery.ACKNOWLEDGED else self._log.alarm
            tell(f"signal_{report.delivery}", signal_id=signal.signal_id, detail=report.detail)
        except StoreUnreachable as error:
            # The outbox row stays open: the signal is sent once more after the next start and recognised as known.
            self._log.alarm("delivery_not_closed", signal_id=signal.signal_id, cause=str(error))
        finally:
            self._activity.end()

    async def _attempt(self, signal: Signal) -> DeliveryReport:
        backoff_s = BACKOFF_S_MIN
        report = DeliveryReport(Delivery.RETRY, "never attempted")
        for _ in range(ATTEMPTS_MAX):
            if self._clock.now() > signal.expires_at:
                return DeliveryReport(Delivery.REJECTED, f"expired before it was delivered: {report.detail}")
            report = await self._sender.send(signal)
            if report.delivery is not Delivery.RETRY:
                return report
            await self._clock.sleep(self._entropy.uniform(backoff_s / 2, backoff_s))
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
        return report
