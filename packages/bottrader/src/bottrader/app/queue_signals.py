"""Accepted signals on their way to their outcome, in the order of their acceptance within each product.

A few wait in memory; the rest waits in the store, where every accepted signal is. Whoever has left some there takes no
new ones, so that none overtakes an older one, and fetches the next piece when the last of the one before is done.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from bottrader.app.activity import Activity
from bottrader.app.tasks import Pulse
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import ProductId
from bottrader.domain.signals import Signal, SignalId
from bottrader.ports import EventLog, SignalStore

# Signals of one product that may wait for their turn; each is acted on within moments or expires.
SIGNALS_MAX = 32
# What an earlier life left behind is fetched in pieces of this size, a query each; most of it has expired.
FETCHED_MAX = 1_000


class _Line:
    """The signals of one product that wait in memory, and whether more of them wait in the store."""

    __slots__ = ("has_failed", "ids", "is_behind", "signals")

    def __init__(self) -> None:
        self.signals: asyncio.Queue[Signal] = asyncio.Queue()
        self.ids: set[SignalId] = set()
        """Those that wait, and the one that is being acted on."""
        self.is_behind = False
        self.has_failed = False
        """One has ended without an outcome since the store was last asked, so its answer may not know of it."""

    @property
    def is_to_be_filled(self) -> bool:
        return self.is_behind and not self.ids

    def put(self, signal: Signal) -> None:
        self.ids.add(signal.signal_id)
        self.signals.put_nowait(signal)


class SignalQueue:
    """One line per product; knows no market and decides nothing."""

    def __init__(self, product_ids: Iterable[ProductId], store: SignalStore, log: EventLog, activity: Activity) -> None:
        self._store = store
        self._log = log
        self._activity = activity
        self._lines = {product_id: _Line() for product_id in product_ids}
        self._due = asyncio.Event()

    def has_room(self, product_id: ProductId) -> bool:
        """Tell whether one more signal of this product may wait for its turn."""
        line = self._lines[product_id]
        return not line.is_behind and line.signals.qsize() < SIGNALS_MAX

    def put(self, signal: Signal) -> None:
        """Queue an accepted signal; one that waits already is left where it is."""
        line = self._lines[signal.product_id]
        if signal.signal_id not in line.ids:
            self._activity.begin()
            line.put(signal)

    async def next(self, product_id: ProductId) -> Signal:
        """Return the oldest signal that waits; whoever takes it tells its end."""
        return await self._lines[product_id].signals.get()

    def end(self, signal: Signal, *, has_outcome: bool) -> None:
        """Forget a signal; one without an outcome is fetched again by a later look."""
        line = self._lines[signal.product_id]
        line.ids.discard(signal.signal_id)
        if not has_outcome:
            line.is_behind = line.has_failed = True
        elif line.is_to_be_filled:
            self._demand()
        self._activity.end()

    def look(self) -> None:
        """Ask once more for what could not be fetched or acted on."""
        if self._to_be_filled():
            self._demand()

    async def fetch_all(self) -> None:
        """Take up what waits in the store, whatever became of it before; raises `StoreUnreachable`."""
        await self._fetch(list(self._lines))

    async def fetch_repeatedly(self, pulse: Pulse) -> None:
        """Fill the lines that have run empty, until cancelled."""
        while True:
            pulse.rest()
            await self._due.wait()
            pulse.beat()
            self._due.clear()
            try:
                await self._fetch(self._to_be_filled())
            except AdapterError as error:
                # The next look asks again.
                self._log.alarm("signals_not_taken_up", cause=str(error))
            finally:
                self._activity.end()

    def _to_be_filled(self) -> list[ProductId]:
        return [product_id for product_id, line in self._lines.items() if line.is_to_be_filled]

    async def _fetch(self, product_ids: Collection[ProductId]) -> None:
        found: dict[ProductId, list[Signal]] = {}
        for product_id in product_ids:
            found[product_id] = []
            self._lines[product_id].has_failed = False
        for signal in await self._store.signals_without_outcome(product_ids, FETCHED_MAX):
            found[signal.product_id].append(signal)
        for product_id, signals in found.items():
            self._fill(self._lines[product_id], signals)

    def _fill(self, line: _Line, signals: Sequence[Signal]) -> None:
        for signal in signals:
            self.put(signal)
        line.is_behind = line.has_failed or len(signals) == FETCHED_MAX

    def _demand(self) -> None:
        if not self._due.is_set():
            self._activity.begin()
            self._due.set()
