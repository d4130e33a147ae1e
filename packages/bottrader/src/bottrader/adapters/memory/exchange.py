"""An exchange in memory for the tests of use cases: it follows the port's contract, and misbehaves on demand.

Left alone it fills every order that crosses at once at the top of the book and charges the taker rate. What rests
fills as a whole, at its own price and the maker rate, once a trade goes through it; a bracket's stop fills at the bid.
`script` and `script_cancels` lay down what becomes of the next placements and cancels, one step each.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bottrader.adapters.memory.matching import crosses, is_stopped, resting_price
from bottrader.adapters.memory.wallet import MemoryWallet
from bottrader.domain.errors import ExchangeRefused
from bottrader.domain.market import Candle, FeeRates, Granularity, Product, ProductId, Ticker, base_of, quote_of
from bottrader.domain.money import ZERO, Money, Price, Size, exact, is_multiple
from bottrader.domain.orders import (
    Accepted,
    Cancellation,
    CancelRefused,
    CancelTaken,
    ClientOrderId,
    Fill,
    FillKind,
    OrderIntent,
    OrderKind,
    OrderState,
    Placement,
    Refused,
    Side,
    Unknown,
    VenueOrder,
    VenueOrderId,
)
from bottrader.ports import Balance, Clock, KeyPermissions


@dataclass(frozen=True, slots=True)
class Refuse:
    """The placement is refused; no order exists."""

    code: str
    message: str = "refused by the script"


@dataclass(frozen=True, slots=True)
class Lose:
    """The answer is lost; whether the order exists is up to the script (F1, F2)."""

    is_placed: bool
    cause: str = "the reply was lost"


@dataclass(frozen=True, slots=True)
class FillParts:
    """The order fills in these parts, in base units; what they leave is cancelled."""

    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class StayOpen:
    """The order is accepted and does not fill until `fill` or `end` says so."""


@dataclass(frozen=True, slots=True)
class LoseCancel:
    """The answer to a cancel is lost; whether the order is cancelled is up to the script."""

    is_taken: bool


@dataclass(frozen=True, slots=True)
class QueueCancel:
    """The cancel is taken and the order stays live until `end` or a fill decides."""


@dataclass(frozen=True, slots=True)
class FillFirst:
    """So much fills at the order's own price before the cancel is looked at (F16, F17)."""

    size: Size


Step = Refuse | Lose | FillParts | StayOpen
CancelStep = Refuse | LoseCancel | QueueCancel | FillFirst


class MemoryExchange(MemoryWallet):
    """The `Exchange` twin; venue time is the clock's, ids count up from 1, so runs repeat exactly."""

    def __init__(
        self, clock: Clock, products: Sequence[Product], balances: Mapping[str, Decimal], fees: FeeRates
    ) -> None:
        super().__init__(clock, dict(balances))
        self.placements: list[OrderIntent] = []
        """Every intent that `place` was called with, repeats and lost ones included."""
        self.cancels: list[VenueOrderId] = []
        """Every order that `cancel` was asked for, repeats and lost ones included."""
        self.hidden_lookups = 0
        """So many lookups of single orders still answer None: a young order is not listed yet (F18)."""
        self._products = {product.product_id: product for product in products}
        self.fees = fees
        """The account's rates; a test that changes them changes the tier."""
        self._script: deque[Step] = deque()
        self._cancel_script: deque[CancelStep] = deque()
        self._tickers: dict[ProductId, Ticker] = {}
        self._candles: list[Candle] = []
        self._orders: dict[VenueOrderId, VenueOrder] = {}
        self._intents: dict[VenueOrderId, OrderIntent] = {}
        self._fills: list[Fill] = []

    def script(self, *steps: Step) -> None:
        """Lay down what becomes of the next placements, in order."""
        self._script.extend(steps)

    def script_cancels(self, *steps: CancelStep) -> None:
        """Lay down what becomes of the next cancels, in order."""
        self._cancel_script.extend(steps)

    def show(self, ticker: Ticker) -> None:
        """Set the last trade and top of book of one product; what rests there trades."""
        self._tickers[ticker.product_id] = ticker
        for order in [each for each in self._orders.values() if each.product_id == ticker.product_id]:
            intent = self._intents[order.venue_order_id]
            price = resting_price(intent, ticker) if order.state is OrderState.ACCEPTED else None
            if price is not None:
                with exact():
                    left = Size(intent.size_base - order.filled_size)
                self.fill(order.venue_order_id, left, price, is_maker=price == intent.limit_price)

    def set_price(self, product_id: ProductId, price: Price) -> None:
        """Set last trade, bid and ask of one product to the same price, now."""
        self.show(Ticker(product_id, price, price, price, self._clock.now()))

    def add_candles(self, candles: Iterable[Candle]) -> None:
        self._candles = sorted([*self._candles, *candles], key=lambda candle: candle.opened_at)

    def take(self, currency: str, amount: Decimal) -> None:
        """Let some of a balance leave by other hands: sold or moved away by a person (F51)."""
        with exact():
            self._totals[currency] -= amount

    def fill(self, venue_order_id: VenueOrderId, size: Size, price: Price, *, is_maker: bool = False) -> Fill:
        """Execute a part of an open order; the order is FILLED once nothing is left."""
        order, intent = self._orders[venue_order_id], self._intents[venue_order_id]
        with exact():
            value = Money(price * size)
            fee = Money(value * (self.fees.maker if is_maker else self.fees.taker))
            filled = Size(order.filled_size + size)
            assert filled <= intent.size_base, f"{size} is more than is left of {intent.size_base}"
            self._orders[venue_order_id] = replace(
                order,
                filled_size=filled,
                filled_value=Money(order.filled_value + value),
                total_fees=Money(order.total_fees + fee),
                state=OrderState.FILLED if filled == intent.size_base else order.state,
            )
        trade = Fill(
            trade_id=f"trade-{len(self._fills) + 1}",
            venue_order_id=venue_order_id,
            product_id=intent.product_id,
            side=intent.side,
            price=price,
            size=size,
            fee=fee,
            traded_at=self._clock.now(),
        )
        self._trade(trade, 1)
        self._fills.append(trade)
        return trade

    def reverse(self, trade_id: str) -> Fill:
        """Take a fill back: a row that says so, and the money moved back; the order's totals stay as executed (F29)."""
        taken = next(fill for fill in self._fills if fill.trade_id == trade_id)
        self._trade(taken, -1)
        return self._amend(taken, FillKind.REVERSAL)

    def correct(self, trade_id: str, price: Price, fee: Money) -> tuple[Fill, Fill]:
        """Take a fill back and book it at another price and fee; returns both rows (F29)."""
        reversal = self.reverse(trade_id)
        right = replace(reversal, price=price, fee=fee)
        self._trade(right, 1)
        return reversal, self._amend(right, FillKind.CORRECTION)

    def end(self, venue_order_id: VenueOrderId, state: OrderState) -> None:
        """End an open order without another fill."""
        self._orders[venue_order_id] = replace(self._orders[venue_order_id], state=state)

    async def place(self, intent: OrderIntent) -> Placement:
        self.placements.append(intent)
        step = self._script.popleft() if self._script else None
        if isinstance(step, Refuse):
            return Refused(step.code, step.message)
        if isinstance(step, Lose):
            if step.is_placed:
                self._book(intent, None)
            return Unknown(step.cause)
        return self._book(intent, step)

    async def cancel(self, venue_order_ids: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
        self.cancels.extend(venue_order_ids)
        return {venue_order_id: self._cancelled(venue_order_id) for venue_order_id in venue_order_ids}

    def _cancelled(self, venue_order_id: VenueOrderId) -> Cancellation:
        step = self._cancel_script.popleft() if self._cancel_script else None
        if isinstance(step, Refuse):
            return CancelRefused(step.code)
        if isinstance(step, LoseCancel) and not step.is_taken:
            return Unknown("the request was lost")
        order = self._orders.get(venue_order_id)
        if order is None:
            return CancelRefused("UNKNOWN_CANCEL_ORDER")
        if isinstance(step, FillFirst):
            price = self._intents[venue_order_id].limit_price
            assert price is not None, "a market order does not rest"
            self.fill(venue_order_id, step.size, price, is_maker=True)
            order = self._orders[venue_order_id]
        if order.state.is_terminal:
            is_filled = order.state is OrderState.FILLED
            return CancelRefused("ORDER_IS_FULLY_FILLED" if is_filled else "DUPLICATE_CANCEL_REQUEST")
        if not isinstance(step, QueueCancel):
            self.end(venue_order_id, OrderState.CANCELLED)
        return Unknown("the reply was lost") if isinstance(step, LoseCancel) else CancelTaken()

    async def find_order(
        self, client_order_id: ClientOrderId, product_id: ProductId, since: datetime
    ) -> VenueOrder | None:
        self._check_query()
        if self._is_hidden():
            return None
        found = self._known(client_order_id)
        return found if found and found.product_id == product_id and found.created_at >= since else None

    async def get_order(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        self._check_query()
        return None if self._is_hidden() else self._orders.get(venue_order_id)

    async def open_orders(self) -> Sequence[VenueOrder]:
        self._check_query()
        return [order for order in self._orders.values() if order.state is OrderState.ACCEPTED]

    async def fills_of(self, venue_order_id: VenueOrderId) -> Sequence[Fill]:
        self._check_query()
        return [fill for fill in self._fills if fill.venue_order_id == venue_order_id]

    async def fills_since(self, at: datetime) -> Sequence[Fill]:
        self._check_query()
        return [fill for fill in self._fills if fill.traded_at >= at]

    async def balances(self) -> Sequence[Balance]:
        self._check_query()
        return [self._balance(currency) for currency in sorted(self._totals)]

    async def products(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        self._check_query()
        self._check_listed(product_ids, self._products)
        return [self._products[product_id] for product_id in product_ids]

    async def tickers(self, product_ids: Sequence[ProductId]) -> Sequence[Ticker]:
        self._check_query()
        self._check_listed(product_ids, self._tickers)
        return [self._tickers[product_id] for product_id in product_ids]

    async def candles(
        self,
        product_id: ProductId,
        granularity: Granularity,  # noqa: ARG002 - the port's; the test adds candles of the width it asks for
        start: datetime,
        end: datetime,
    ) -> Sequence[Candle]:
        self._check_query()
        return [c for c in self._candles if c.product_id == product_id and start <= c.opened_at < end]

    async def fee_rates(self) -> FeeRates:
        self._check_query()
        return self.fees

    async def permissions(self) -> KeyPermissions:
        self._check_query()
        return KeyPermissions(can_view=True, can_trade=True, can_transfer=False, portfolio_id="memory")

    async def server_time(self) -> datetime:
        self._check_query()
        return self._clock.now()

    def _book(self, intent: OrderIntent, step: FillParts | StayOpen | None) -> Placement:
        if existing := self._known(intent.client_order_id):
            return Accepted(existing.venue_order_id)
        product, ticker = self._products.get(intent.product_id), self._tickers.get(intent.product_id)
        if product is None:
            return Refused("INVALID_PRODUCT_ID", f"there is no product {intent.product_id}")
        if ticker is None:
            return Refused("INVALID_NO_LIQUIDITY", f"{intent.product_id} has no price yet")
        top = ticker.ask if intent.side is Side.BUY else ticker.bid
        if refused := self._objection(intent, product, top):
            return refused
        order = self._open(intent)
        if isinstance(step, StayOpen) or (intent.kind.rests and not crosses(intent, top)):
            return Accepted(order.venue_order_id)
        if crosses(intent, top):
            sizes = step.sizes if isinstance(step, FillParts) else (intent.size_base,)
            for size in sizes:
                self.fill(order.venue_order_id, size, top)
        if not self._orders[order.venue_order_id].state.is_terminal:
            self.end(order.venue_order_id, OrderState.CANCELLED)
        return Accepted(order.venue_order_id)

    def _open(self, intent: OrderIntent) -> VenueOrder:
        order = VenueOrder(
            venue_order_id=VenueOrderId(f"venue-{len(self._orders) + 1}"),
            client_order_id=intent.client_order_id,
            product_id=intent.product_id,
            side=intent.side,
            state=OrderState.ACCEPTED,
            filled_size=Size(ZERO),
            filled_value=Money(ZERO),
            total_fees=Money(ZERO),
            created_at=self._clock.now(),
        )
        self._orders[order.venue_order_id] = order
        self._intents[order.venue_order_id] = intent
        return order

    def _objection(self, intent: OrderIntent, product: Product, top: Price) -> Refused | None:
        price, size, last = intent.limit_price or top, intent.size_base, self._tickers[intent.product_id].price
        with exact():
            value = price * size
        currency, needed = self._hold_of(intent, size)
        objections = (
            (not product.is_tradable, "UNTRADABLE_PRODUCT"),
            (not is_multiple(size, product.base_increment), "INVALID_SIZE_PRECISION"),
            (not is_multiple(price, product.price_increment), "INVALID_PRICE_PRECISION"),
            (size < product.base_size_min, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
            (value < product.quote_size_min, "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
            (needed > self._balance(currency).available, "INSUFFICIENT_FUND"),
            (intent.kind.is_post_only and crosses(intent, top), "INVALID_LIMIT_PRICE_POST_ONLY"),
            (is_stopped(intent, last), "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
            (intent.kind is OrderKind.BRACKET_GTC and price <= last, "PREVIEW_INVALID_BRACKET_LIMIT_PRICE"),
        )
        code = next((code for objects, code in objections if objects), None)
        return Refused(code, f"{intent.side} {size} {intent.product_id} at {price}") if code else None

    def _hold_of(self, intent: OrderIntent, size: Decimal) -> tuple[str, Decimal]:
        if intent.side is Side.SELL:
            return base_of(intent.product_id), size
        price = intent.limit_price or self._tickers[intent.product_id].ask
        with exact():
            return quote_of(intent.product_id), price * size * (1 + self.fees.taker)

    def _balance(self, currency: str) -> Balance:
        total = self._totals.get(currency, ZERO)
        hold = ZERO
        with exact():
            for order in self._orders.values():
                if order.state is OrderState.ACCEPTED:
                    intent = self._intents[order.venue_order_id]
                    held, amount = self._hold_of(intent, intent.size_base - order.filled_size)
                    hold += amount if held == currency else ZERO
            return Balance(currency, total - hold, hold)

    def _trade(self, fill: Fill, direction: int) -> None:
        with exact():
            sign = direction if fill.side is Side.BUY else -direction
            self._move(base_of(fill.product_id), sign * fill.size)
            self._move(quote_of(fill.product_id), -sign * fill.price * fill.size - direction * fill.fee)

    def _amend(self, terms: Fill, kind: FillKind) -> Fill:
        number = len(self._fills) + 1
        row = replace(
            terms, kind=kind, trade_id=f"trade-{number}", entry_id=f"entry-{number}", traded_at=self._clock.now()
        )
        self._fills.append(row)
        return row

    def _known(self, client_order_id: ClientOrderId) -> VenueOrder | None:
        return next((order for order in self._orders.values() if order.client_order_id == client_order_id), None)

    def _is_hidden(self) -> bool:
        if self.hidden_lookups == 0:
            return False
        self.hidden_lookups -= 1
        return True

    def _check_listed(self, product_ids: Sequence[ProductId], listed: Mapping[ProductId, object]) -> None:
        if missing := [product_id for product_id in product_ids if product_id not in listed]:
            raise ExchangeRefused(f"there is no product {', '.join(missing)}")
