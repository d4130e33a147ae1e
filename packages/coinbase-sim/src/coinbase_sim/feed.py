"""Events on their way from the exchange to its listeners, and the public trades that are kept."""

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal

from coinbase_sim.model import BookChanged, Event, Side, TradePrinted
from coinbase_sim.ticks import Tick

_TRADES_KEPT = 500

Listener = Callable[[Event], None]


class Feed:
    """Collects what happens and hands it out in that order, when the exchange is between two changes.

    Nobody listening, nothing is collected: whoever makes an event for listeners only asks `is_heard` first.
    """

    def __init__(self, product_ids: Iterable[str]) -> None:
        self.trades: dict[str, deque[TradePrinted]] = {one: deque(maxlen=_TRADES_KEPT) for one in product_ids}
        self.is_heard = False
        self.is_book_heard = False
        self._listeners: list[tuple[Listener, bool]] = []
        self._undelivered: deque[Event] = deque()
        self._is_delivering = False

    @property
    def is_empty(self) -> bool:
        return not self._undelivered

    @property
    def is_settled(self) -> bool:
        """Tell whether the exchange is between two changes: what happened is being handed out, or has been."""
        return self._is_delivering or not self._undelivered

    def emit(self, event: Event) -> None:
        if self.is_heard:
            self._undelivered.append(event)

    def print_trade(self, trade: TradePrinted) -> None:
        self.trades[trade.product_id].append(trade)
        self.emit(trade)

    def subscribe(self, listener: Listener, *, with_book: bool) -> Callable[[], None]:
        """Add a listener; the function returned ends it. `BookChanged` goes only to those who want it."""
        entry = (listener, with_book)
        self._listeners.append(entry)
        self._note_listeners()

        def unsubscribe() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)
                self._note_listeners()

        return unsubscribe

    def _note_listeners(self) -> None:
        self.is_heard = bool(self._listeners)
        self.is_book_heard = any(with_book for _, with_book in self._listeners)

    def deliver(self) -> None:
        """Hand out what has happened, outside the exact decimal context, which is no listener's business."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._undelivered:
                event = self._undelivered.popleft()
                is_book = isinstance(event, BookChanged)
                for listener, with_book in tuple(self._listeners):
                    if with_book or not is_book:
                        listener(event)
        finally:
            self._is_delivering = False


def maker_side_of(tick: Tick, mid: Decimal | None) -> Side:
    """Return the resting side of a print: above the last middle it is a buyer's, who met a resting seller."""
    return Side.SELL if mid is not None and tick.price > mid else Side.BUY
