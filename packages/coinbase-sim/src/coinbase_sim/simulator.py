"""The simulated exchange without its wire: a market, an engine, and the history that they make.

Venue time is the market's time. Nothing here waits, and nothing is random: the same market and the same calls give the
same events, byte for byte.

Warm-up: a bot wants candles from before it came. Call `step` as often as wanted before the first client connects; the
candles of those ticks are then served like any others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from coinbase_sim.amounts import ZERO, exact
from coinbase_sim.clearing import Clearing
from coinbase_sim.drafts import HouseRules
from coinbase_sim.engine import Engine
from coinbase_sim.feed import Feed, Listener
from coinbase_sim.fees import USD_CURRENCIES, FeeMeter, FeeTier
from coinbase_sim.history import ProductHistory
from coinbase_sim.ids import Ids
from coinbase_sim.incidents import Incidents
from coinbase_sim.ledger import CashTransaction, Ledger
from coinbase_sim.model import (
    Account,
    Bar,
    Books,
    BucketChanged,
    EditRequest,
    Fill,
    Level,
    Order,
    OrderRequest,
    ProductGates,
    ProductSpec,
    Side,
    TickerChanged,
    TradePrinted,
)
from coinbase_sim.previews import Outlook, Preview
from coinbase_sim.state import ProductState, SimulatorState, decode_state, encode_state
from coinbase_sim.terms import SimulatorOptions
from coinbase_sim.ticks import Market, Tick

__all__ = ["Simulator", "SimulatorOptions"]


class Simulator(Incidents):
    """One account on one simulated exchange."""

    def __init__(self, market: Market, products: Sequence[ProductSpec], options: SimulatorOptions) -> None:
        """Build the exchange before its first tick.

        Raises:
            ValueError: when the market trades a product whose rules are not given.
        """
        self.options = options
        self._specs = {spec.product_id: spec for spec in products}
        self.products: Mapping[str, ProductSpec] = MappingProxyType(self._specs)
        """The rules of the moment, by product id."""
        for product_id in market.product_ids:
            if product_id not in self.products:
                raise ValueError(f"the market trades {product_id}, but its rules are not among the products")
        self._market = market
        self._feed = Feed(self._specs)
        self._reset(self._opening_balances(), {})

    def _opening_balances(self) -> dict[str, Decimal]:
        currencies = [name for spec in self.products.values() for name in (spec.quote_currency, spec.base_currency)]
        return {**dict.fromkeys(currencies, ZERO), **self.options.balances}

    def _reset(self, available: Mapping[str, Decimal], held: Mapping[str, Decimal], fees: Decimal = ZERO) -> None:
        self._now = self._market.started_at
        self._clearing = Clearing(self._specs, Ledger(available, held, fees), Ids(self.options.name))
        in_usd = {spec.product_id for spec in self._specs.values() if spec.quote_currency in USD_CURRENCIES}
        self._meter = FeeMeter(self.options.tiers, self._clearing.fills, in_usd)
        rules = HouseRules(self.options.duplicate_ids, self.options.open_orders_max)
        self._engine = Engine(self._specs, self._clearing, self._meter, self._feed, rules)
        self._histories = {product_id: ProductHistory(product_id) for product_id in self._specs}
        for trades in self._feed.trades.values():
            trades.clear()

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
            self._feed.emit(history.quote(tick))
            if is_new or tick.completes is not None:
                self._feed.emit(BucketChanged(history.current_bucket(), tick.at))
        self._tell()
        return tick

    def _tell(self) -> None:
        """Tell the listeners what has happened, and those who want it how the books look now."""
        if self._feed.is_book_heard:
            with exact():
                for listing in self._engine.listings.values():
                    if listing.book.is_stale and (change := listing.book_changes(self._now)) is not None:
                        self._feed.emit(change)
        if not self._feed.is_empty:
            self._feed.deliver()

    def submit(self, request: OrderRequest, *, is_held: bool = False) -> Order:
        """Place an order and return it as it is after matching; a known client order id returns the existing order,
        or is refused, as `set_duplicate_ids` says. A held order stays PENDING until `settle`.

        Raises:
            OrderRejected: with Coinbase's code; nothing has changed.
        """
        with exact():
            order = self._engine.submit(request, self._now, is_held=is_held).copied()
        self._tell()
        return order

    def cancel(self, order_id: str, *, is_queued: bool = False) -> Order:
        """Cancel an open order, release its hold, and return it; a queued cancel is carried out by `settle`.

        Raises:
            OrderRejected: for an order that is unknown or has ended, with Coinbase's code.
        """
        with exact():
            cancel = self._engine.queue_cancel if is_queued else self._engine.cancel
            order = cancel(order_id, self._now).copied()
        self._tell()
        return order

    def edit(self, edit: EditRequest) -> Order:
        """Give an open order new terms and return it as it is then; see `coinbase_sim.edits`.

        Raises:
            OrderRejected: with Coinbase's edit reason, or its order reason for funds, crossing and wrong-sided prices;
                nothing has changed.
        """
        with exact():
            order = self._engine.edit(edit, self._now).copied()
        self._tell()
        return order

    def preview(self, request: OrderRequest) -> Preview:
        """Return what `submit` would do now, or in `errors` why it would refuse; the client order id may be empty."""
        named = request if request.client_order_id else replace(request, client_order_id="preview")
        with exact():
            return self._engine.drafts.preview(named, self._outlook(request.product_id, repr(request)), self._now)

    def preview_edit(self, edit: EditRequest) -> Preview:
        """Return what `edit` would do now, or in `errors` why it would refuse.

        Raises:
            OrderRejected: ORDER_NOT_FOUND.
        """
        order = self._engine.orders.get(edit.order_id)
        product_id = "" if order is None else order.request.product_id
        with exact():
            return self._engine.drafts.preview_edit(edit, self._outlook(product_id, repr(edit)), self._now)

    def _outlook(self, product_id: str, asked: str) -> Outlook:
        # Derived, not counted: a preview changes nothing, not even which id comes next.
        preview_id = self._clearing.ids.preview_id(f"{self._now.isoformat()} {asked}")
        listing = self._engine.listings.get(product_id)
        return Outlook(preview_id, *((listing.book.bids, listing.book.asks) if listing else ((), ())))

    def order(self, order_id: str) -> Order | None:
        """Return a copy of the order's present state, None when there is none of that id."""
        order = self._engine.orders.get(order_id)
        return None if order is None else order.copied()

    def orders(self) -> Sequence[Order]:
        """Return copies of all orders, oldest first."""
        return [order.copied() for order in self._engine.orders.values()]

    def fills(self) -> Sequence[Fill]:
        """Return all fills, oldest first."""
        return tuple(self._clearing.fills)

    def transactions(self) -> Sequence[CashTransaction]:
        """Return what came and went without an order, oldest first."""
        return tuple(self._clearing.transactions)

    def accounts(self) -> Sequence[Account]:
        """Return one wallet per currency."""
        ledger = self._clearing.ledger
        return [
            Account(
                self._clearing.ids.account_id(currency), currency, ledger.available(currency), ledger.held(currency)
            )
            for currency in ledger.currencies
        ]

    def ticker(self, product_id: str) -> TickerChanged | None:
        """Return the last tick's ticker, None before the first; raises KeyError for an unknown product."""
        return self._histories[product_id].ticker

    def book(self, product_id: str) -> tuple[Sequence[Level], Sequence[Level]]:
        """Return the displayed (bids, asks), best first, without what own takers took since the tick."""
        book = self._engine.listings[product_id].book
        return tuple(book.bids), tuple(book.asks)

    def trades(self, product_id: str, limit: int) -> Sequence[TradePrinted]:
        """Return up to `limit` of the last 500 public trades, newest first."""
        newest_first = list(reversed(self._feed.trades[product_id]))
        return newest_first[:limit]

    def candles(self, product_id: str, width_s: int, start: datetime, end: datetime) -> Sequence[Bar]:
        """Return the candles that start from `start` to `end`, both inclusive, oldest first, the forming one included.

        Raises ValueError for a width that Coinbase does not have. About a week of five-minute candles is kept.
        """
        return self._histories[product_id].candles(width_s, start, end)

    def books(self) -> Books:
        """Return the exchange's own ledger: totals by currency, and the fees charged so far."""
        ledger = self._clearing.ledger
        with exact():
            return Books({currency: ledger.total(currency) for currency in ledger.currencies}, ledger.fees)

    def depth(self, product_id: str) -> tuple[Sequence[Level], Sequence[Level]]:
        """Return the book as the venue displays it: (bids, asks), best first, with the own resting orders in it.

        Own orders that cross each other do not meet, so the depth may be crossed by them.
        """
        book = self._engine.listings[product_id].book
        with exact():
            bids, asks = (
                tuple(Level(price, size) for price, size in book.depth(side).items()) for side in (Side.BUY, Side.SELL)
            )
        return bids, asks

    def fee_tier(self) -> FeeTier:
        """Return the tier that an order placed now would trade on."""
        return self._meter.tier(self._now)

    def fees_30d(self) -> Decimal:
        """Return the fees of the same window as `volume_30d`."""
        return self._meter.fees(self._now)

    def volume_30d(self) -> Decimal:
        """Return the USD volume that the tier goes by: of the 30 days before the present hour of venue time."""
        return self._meter.volume(self._now)

    def gates(self, product_id: str) -> ProductGates:
        """Return what may be done with a product now; raises KeyError for an unknown one."""
        return self._engine.listings[product_id].gates

    def subscribe(self, listener: Listener, *, with_book: bool = False) -> Callable[[], None]:
        """Have `listener` called with each event, in causal order; returns the function that ends it.

        `BookChanged` goes only to listeners `with_book`, after the events that caused it, and tells the difference to
        the `depth` at that moment or at the subscription. A listener may call `submit` and `cancel`: the events of that
        follow the ones already on their way.
        """
        if with_book and not self._feed.is_book_heard:
            self._count_books_as_told()
        return self._feed.subscribe(listener, with_book=with_book)

    def _count_books_as_told(self) -> None:
        with exact():
            for listing in self._engine.listings.values():
                listing.book_changes(self._now)

    def snapshot(self) -> bytes:
        """Return the whole state as JSON; `restore` in a new exchange on the same market continues identically."""
        assert self._feed.is_settled, "a snapshot is taken between changes"
        ledger, ids = self._clearing.ledger, self._clearing.ids
        return encode_state(
            SimulatorState(
                name=self.options.name,
                position=self._market.position,
                now=self._now,
                order_ids=ids.orders,
                trade_ids=ids.trades,
                available={currency: ledger.available(currency) for currency in ledger.currencies},
                held={currency: ledger.held(currency) for currency in ledger.currencies},
                fees=ledger.fees,
                orders=list(self._engine.orders.values()),
                fills=self._clearing.fills,
                transactions=self._clearing.transactions,
                places=self._engine.places(),
                duplicate_ids=self._engine.rules.duplicate_ids,
                products={product_id: self._product_state(product_id) for product_id in self._specs},
            )
        )

    def _product_state(self, product_id: str) -> ProductState:
        minutes, buckets = self._histories[product_id].saved()
        return ProductState.of(
            self._engine.listings[product_id],
            ticker=self._histories[product_id].ticker,
            trades=list(self._feed.trades[product_id]),
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
        self._specs.update({product_id: product.spec for product_id, product in saved.products.items()})
        with exact():
            self._reset(saved.available, saved.held, saved.fees)
            self._now = saved.now
            self._clearing.ids.orders, self._clearing.ids.trades = saved.order_ids, saved.trade_ids
            self._clearing.transactions.extend(saved.transactions)
            self._engine.rules.duplicate_ids = saved.duplicate_ids
            for product_id, product in saved.products.items():
                self._restore_product(product_id, product)
            self._engine.restore(saved.orders, saved.fills, saved.places)
        self._count_books_as_told()

    def _restore_product(self, product_id: str, saved: ProductState) -> None:
        saved.show_in(self._engine.listings[product_id])
        self._feed.trades[product_id].extend(saved.trades)
        history = self._histories[product_id]
        history.load(saved.minutes, saved.buckets)
        history.ticker = saved.ticker
