"""The simulated exchange without its wire: a market, an engine, and the history that they make.

Venue time is the market's time. Nothing here waits, and nothing is random: the same market and the same calls give the
same events, byte for byte.

Warm-up: a bot wants candles from before it came. Call `step` as often as wanted before the first client connects; the
candles of those ticks are then served like any others.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from coinbase_sim.amounts import ONE, ZERO, exact
from coinbase_sim.engine import Engine, FeeRates
from coinbase_sim.history import ProductHistory
from coinbase_sim.ids import Ids
from coinbase_sim.ledger import Ledger
from coinbase_sim.model import (
    Account,
    Bar,
    Books,
    BucketChanged,
    Event,
    Fill,
    Level,
    Order,
    OrderRequest,
    ProductSpec,
    TickerChanged,
    TradePrinted,
)
from coinbase_sim.state import ProductState, SimulatorState, decode_state, encode_state
from coinbase_sim.ticks import Market, Tick

_TRADES_KEPT = 500
_NOBODY = Level(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The account and its terms; fee rates are per quote unit traded."""

    balances: Mapping[str, Decimal]
    """Amounts available at the start, by currency; the products' other currencies start at zero."""
    maker_fee_rate: Decimal = Decimal("0.004")
    taker_fee_rate: Decimal = Decimal("0.008")
    name: str = "coinbase-sim"
    """Goes into every order and trade id: give each exchange of its own history a name of its own."""

    def __post_init__(self) -> None:
        if not ZERO <= self.maker_fee_rate <= self.taker_fee_rate < ONE:
            raise ValueError(
                "fee rates satisfy 0 <= maker <= taker < 1, because a hold covers the taker fee; "
                f"were maker {self.maker_fee_rate} and taker {self.taker_fee_rate}"
            )
        for currency, amount in self.balances.items():
            if not amount.is_finite() or amount < ZERO:
                raise ValueError(f"a balance is finite and not negative; was {amount} {currency}")


class Simulator:
    """One account on one simulated exchange."""

    def __init__(self, market: Market, products: Sequence[ProductSpec], options: SimulatorOptions) -> None:
        """Build the exchange before its first tick.

        Raises:
            ValueError: when the market trades a product whose rules are not given.
        """
        self.options = options
        self.products: Mapping[str, ProductSpec] = MappingProxyType({spec.product_id: spec for spec in products})
        for product_id in market.product_ids:
            if product_id not in self.products:
                raise ValueError(f"the market trades {product_id}, but its rules are not among the products")
        self._market = market
        self._listeners: list[Callable[[Event], None]] = []
        self._undelivered: deque[Event] = deque()
        self._is_delivering = False
        self._reset(self._opening_balances(), {})

    def _opening_balances(self) -> dict[str, Decimal]:
        currencies = [name for spec in self.products.values() for name in (spec.quote_currency, spec.base_currency)]
        return {**dict.fromkeys(currencies, ZERO), **self.options.balances}

    def _reset(self, available: Mapping[str, Decimal], held: Mapping[str, Decimal], fees: Decimal = ZERO) -> None:
        self._now = self._market.started_at
        self._ids = Ids(self.options.name)
        rates = FeeRates(self.options.maker_fee_rate, self.options.taker_fee_rate)
        self._engine = Engine(self.products, rates, Ledger(available, held, fees), self._ids, self._emit)
        self._histories = {product_id: ProductHistory(product_id) for product_id in self.products}
        self._tickers: dict[str, TickerChanged] = {}
        self._trades: dict[str, deque[TradePrinted]] = {
            product_id: deque(maxlen=_TRADES_KEPT) for product_id in self.products
        }

    @property
    def market(self) -> Market:
        """The market that this exchange runs on."""
        return self._market

    @property
    def now(self) -> datetime:
        """Venue time; it never goes back."""
        return self._now

    def step(self) -> Tick | None:
        """Take one tick of the market: resting orders trade, the ladder and the candles change, events go out.

        Returns None, and changes nothing, when the market's data has ended.
        """
        tick = self._market.next_tick()
        if tick is None:
            return None
        assert tick.at >= self._now, f"venue time does not go back from {self._now} to {tick.at}"
        self._now = tick.at
        with exact():
            self._engine.take_print(tick)
            history = self._histories[tick.product_id]
            is_new = history.add(tick.at, tick.price, tick.size)
            self._emit(self._quote(tick, history))
            if is_new or tick.completes is not None:
                self._emit(BucketChanged(history.current_bucket(), tick.at))
        self._deliver()
        return tick

    def submit(self, request: OrderRequest) -> Order:
        """Place an order and return it as it is after matching; a known client order id returns the existing order.

        Raises:
            OrderRejected: with Coinbase's code; nothing has changed.
        """
        with exact():
            order = copy(self._engine.submit(request, self._now))
        self._deliver()
        return order

    def cancel(self, order_id: str) -> Order:
        """Cancel an open order, release its hold, and return it.

        Raises:
            OrderRejected: for an order that is unknown or has ended, with Coinbase's code.
        """
        with exact():
            order = copy(self._engine.cancel(order_id, self._now))
        self._deliver()
        return order

    def order(self, order_id: str) -> Order | None:
        """Return a copy of the order's present state, None when there is none of that id."""
        order = self._engine.orders.get(order_id)
        return None if order is None else copy(order)

    def orders(self) -> Sequence[Order]:
        """Return copies of all orders, oldest first."""
        return [copy(order) for order in self._engine.orders.values()]

    def fills(self) -> Sequence[Fill]:
        """Return all fills, oldest first."""
        return tuple(self._engine.fills)

    def accounts(self) -> Sequence[Account]:
        """Return one wallet per currency."""
        ledger = self._engine.ledger
        return [
            Account(self._ids.account_id(currency), currency, ledger.available(currency), ledger.held(currency))
            for currency in ledger.currencies
        ]

    def ticker(self, product_id: str) -> TickerChanged | None:
        """Return the last tick's ticker, None before the first; raises KeyError for an unknown product."""
        if product_id not in self.products:
            raise KeyError(product_id)
        return self._tickers.get(product_id)

    def book(self, product_id: str) -> tuple[Sequence[Level], Sequence[Level]]:
        """Return the displayed (bids, asks), best first, without what own takers took since the tick."""
        book = self._engine.books[product_id]
        return tuple(book.bids), tuple(book.asks)

    def trades(self, product_id: str, limit: int) -> Sequence[TradePrinted]:
        """Return up to `limit` of the last 500 public trades, newest first."""
        newest_first = list(reversed(self._trades[product_id]))
        return newest_first[:limit]

    def candles(self, product_id: str, width_s: int, start: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that start from `start` to `end`, both inclusive, oldest first, the forming one included.

        Raises ValueError for a width that Coinbase does not have. About a week of five-minute candles is kept.
        """
        return self._histories[product_id].candles(width_s, start, end)

    def books(self) -> Books:
        """Return the exchange's own ledger: totals by currency, and the fees charged so far."""
        ledger = self._engine.ledger
        with exact():
            return Books({currency: ledger.total(currency) for currency in ledger.currencies}, ledger.fees)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Have `listener` called with each event, in causal order; returns the function that ends it.

        A listener may call `submit` and `cancel`: the events of that follow the ones already on their way.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def snapshot(self) -> bytes:
        """Return the whole state as JSON; `restore` in a new exchange on the same market continues identically."""
        assert not self._undelivered, "a snapshot is taken between events"
        ledger = self._engine.ledger
        return encode_state(
            SimulatorState(
                name=self.options.name,
                position=self._market.position,
                now=self._now,
                order_ids=self._ids.orders,
                trade_ids=self._ids.trades,
                available={currency: ledger.available(currency) for currency in ledger.currencies},
                held={currency: ledger.held(currency) for currency in ledger.currencies},
                fees=ledger.fees,
                orders=list(self._engine.orders.values()),
                fills=self._engine.fills,
                queues={
                    one.order.order_id: one.queue_ahead for book in self._engine.books.values() for one in book.resting
                },
                products={product_id: self._product_state(product_id) for product_id in self.products},
            )
        )

    def _product_state(self, product_id: str) -> ProductState:
        book = self._engine.books[product_id]
        minutes, buckets = self._histories[product_id].saved()
        return ProductState(
            bids=book.bids,
            asks=book.asks,
            mid=book.mid,
            ticker=self._tickers.get(product_id),
            trades=list(self._trades[product_id]),
            minutes=list(minutes),
            buckets=list(buckets),
        )

    def restore(self, state: bytes) -> None:
        """Take over a snapshot; the market goes to the snapshot's position. Listeners stay and hear nothing of it.

        Raises:
            ValueError: for bytes that are no snapshot, or one of another name or other products; nothing has changed.
        """
        saved = decode_state(state)
        if saved.name != self.options.name or set(saved.products) != set(self.products):
            raise ValueError(
                f"this snapshot is of {saved.name} with {', '.join(saved.products)}; "
                f"this exchange is {self.options.name} with {', '.join(self.products)}"
            )
        self._market.seek(saved.position)
        with exact():
            self._reset(saved.available, saved.held, saved.fees)
            self._now = saved.now
            self._ids.orders, self._ids.trades = saved.order_ids, saved.trade_ids
            self._engine.restore(saved.orders, saved.fills, saved.queues)
            for product_id, product in saved.products.items():
                self._restore_product(product_id, product)

    def _restore_product(self, product_id: str, saved: ProductState) -> None:
        book = self._engine.books[product_id]
        book.bids, book.asks, book.mid = saved.bids, saved.asks, saved.mid
        if saved.ticker is not None:
            self._tickers[product_id] = saved.ticker
        self._trades[product_id].extend(saved.trades)
        self._histories[product_id].load(saved.minutes, saved.buckets)

    def _quote(self, tick: Tick, history: ProductHistory) -> TickerChanged:
        ticker = TickerChanged(
            product_id=tick.product_id,
            at=tick.at,
            price=tick.price,
            best_bid=tick.bids[0] if tick.bids else _NOBODY,
            best_ask=tick.asks[0] if tick.asks else _NOBODY,
            volume_24h=history.volume_24h,
            low_24h=history.low_24h,
            high_24h=history.high_24h,
            price_change_24h_pct=history.price_change_24h_pct,
        )
        self._tickers[tick.product_id] = ticker
        return ticker

    def _emit(self, event: Event) -> None:
        if isinstance(event, TradePrinted):
            self._trades[event.product_id].append(event)
        self._undelivered.append(event)

    def _deliver(self) -> None:
        """Hand out what has happened, outside the exact decimal context, which is no listener's business."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while self._undelivered:
                event = self._undelivered.popleft()
                for listener in tuple(self._listeners):
                    listener(event)
        finally:
            self._is_delivering = False
