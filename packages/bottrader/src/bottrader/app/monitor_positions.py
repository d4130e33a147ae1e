"""Judge every open position on every price: one decision with one reason, sent at once.

A stop waits for nothing: not for a maker order, a report, a backoff or another product. What blocks it, an open sell or
a bracket of the same coins, it cancels (R17): cancel, acknowledged, balance queried, sell. While that sell may still be
live nothing else is sent, because two sells for one quantity are worse than a late one (R84).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.app.cancel_orders import OrderCanceller
from bottrader.app.guard_entries import EntryGuard
from bottrader.app.place_orders import OrderPlacer
from bottrader.app.portfolio import Portfolio
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.exits import Exit, ExitReason, Hold, MarketView, PriceUnusable, decide_exit, exit_limit_price
from bottrader.domain.market import Candle, Product, ProductId, Ticker, base_of
from bottrader.domain.money import ZERO, Price, Size, floor_to
from bottrader.domain.orders import ClientOrderId, OpenOrder, OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.positions import Position
from bottrader.domain.signals import OutcomeKind, Signal, SignalOutcome
from bottrader.domain.validation import OrderCheck, Refusal, ValidationRules, validate_order

# Attempts to leave one position follow each other at this pace, in venue time, so that an exit the venue refuses does
# not become a flood of requests; positions are to be judged at least every 3 s.
EXIT_RETRY = timedelta(seconds=3)
# What a cancel releases may show in the balance a moment later.
FREE_ROUNDS = 4
FREE_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An exit that was sent for a position."""

    at: datetime
    was_emergency: bool

    def holds_back(self, decision: Exit, at: datetime) -> bool:
        """Tell whether another exit has to wait; a stop waits for a stop only, never for a profit that got away."""
        return at - self.at < EXIT_RETRY and (self.was_emergency or not decision.emergency)


class PositionMonitor:
    """Turns prices (and sell signals) into exits."""

    def __init__(
        self,
        world: World,
        portfolio: Portfolio,
        placer: OrderPlacer,
        canceller: OrderCanceller,
        rules: TradingRules,
        guard: EntryGuard,
    ) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._placer = placer
        self._canceller = canceller
        self._rules = rules
        self._guard = guard
        self._last_attempts: dict[ClientOrderId, _Attempt] = {}
        self._unusable: set[ProductId] = set()
        self._missing: set[ClientOrderId] = set()
        self._leaving: set[ProductId] = set()
        self._judged_at: dict[ProductId, datetime] = {}
        self.judgements_count: Counter[ProductId] = Counter()
        """How often positions of each product were judged by a usable price."""

    async def on_closed(self, candle: Candle) -> None:
        """Take a closed candle into the range that stops are measured by."""
        self._portfolio.note_candle(candle)

    def is_leaving(self, product_id: ProductId) -> bool:
        """Tell whether the last judgement of this product's position was to leave it."""
        return product_id in self._leaving

    def judged_at(self, product_id: ProductId) -> datetime | None:
        """Return the time of the newest price by which a position of this product was judged, None before the first."""
        return self._judged_at.get(product_id)

    async def on_ticker(self, ticker: Ticker) -> None:
        """Judge the position of this product, if there is one."""
        position = self._portfolio.position(ticker.product_id)
        if position is not None:
            await self._judge(position, ticker, None)

    async def on_sell_signal(self, signal: Signal) -> Refusal | None:
        """Judge the position in the light of a sell signal; return why nothing was sold, None when an exit went out."""
        position = self._portfolio.position(signal.product_id)
        if position is None:
            return Refusal("INSUFFICIENT_BASE", f"no open position of ours in {signal.product_id}; nothing to sell")
        ticker = self._portfolio.tickers.get(signal.product_id)
        age_max = timedelta(seconds=self._rules.limits.price_age_s_max)
        if ticker is None or self._clock.now() - ticker.at > age_max:
            return Refusal("STALE_PRICE", f"there is no recent price of {signal.product_id}; nothing is sold blind")
        return await self._judge(position, ticker, signal)

    async def leave(self, position: Position, decision: Exit, ticker: Ticker) -> Refusal | None:
        """Leave a position for a reason that another use case found; return why not, None when an exit went out."""
        return await self._leave(position, decision, ticker, None)

    async def _judge(self, position: Position, ticker: Ticker, signal: Signal | None) -> Refusal | None:
        fee_rates = self._portfolio.fee_rates
        assert fee_rates is not None, "reconciliation reads the fee rates before anything is judged"
        before = self._portfolio.exit_state(position)
        decision, state = decide_exit(position, self._view(ticker, signal), self._rules.exits, before, fee_rates.taker)
        if state != before:
            await self._portfolio.keep_exit_state(position, state)
        if isinstance(decision, PriceUnusable):
            return self._alarm_unusable(position, decision)
        self._unusable.discard(position.product_id)
        self._judged_at[position.product_id] = ticker.at
        self.judgements_count[position.product_id] += 1
        decision = self._flattened(decision)
        if not isinstance(decision, Exit):
            self._leaving.discard(position.product_id)
            return Refusal("SIGNAL_EXIT_HELD", "the position is held: a signal exit would not clear its minimum profit")
        self._leaving.add(position.product_id)
        return await self._leave(position, decision, ticker, signal)

    def _flattened(self, decision: Exit | Hold) -> Exit | Hold:
        """Return an exit at the market in place of a hold where everything is to be sold."""
        why = self._guard.why_flatten() if isinstance(decision, Hold) else None
        if why is None:
            return decision
        return Exit(ExitReason.FLATTEN, f"{ExitReason.FLATTEN.category}: {why}", emergency=True)

    def _view(self, ticker: Ticker, signal: Signal | None) -> MarketView:
        return MarketView(
            price=ticker.price,
            bid=ticker.bid,
            ask=ticker.ask,
            at=ticker.at,
            atr=self._portfolio.atrs.get(ticker.product_id),
            sell_signal=signal is not None,
            bracket_stop=self._portfolio.bracket_stop(ticker.product_id, self._clock.now()),
            age_s=(self._clock.now() - ticker.at).total_seconds(),
        )

    def _alarm_unusable(self, position: Position, decision: PriceUnusable) -> Refusal:
        # Told once per stretch of bad prices: an alarm on every tick is an alarm nobody reads.
        if position.product_id not in self._unusable:
            self._unusable.add(position.product_id)
            self._log.alarm("price_unusable", product_id=position.product_id, reason=decision.reason)
        return Refusal("STALE_PRICE", decision.reason)

    async def _leave(self, position: Position, decision: Exit, ticker: Ticker, signal: Signal | None) -> Refusal | None:
        product = self._portfolio.products[position.product_id]
        if base_of(position.product_id) in self._rules.hodl:
            return Refusal("HODL_REJECT", f"{product.base_currency} is on the HODL list and is never sold")
        last = self._last_attempts.get(position.anchor_order_id)
        if last is not None and last.holds_back(decision, ticker.at):
            return Refusal("SKIPPED_OPEN_ORDER", "the last exit of this position was sent moments ago")
        blocking = self._portfolio.open_sells(position.product_id)
        cleared = await self._clear(position, blocking)
        if isinstance(cleared, Refusal):
            return cleared
        position = cleared
        if last is not None and last.was_emergency and decision.emergency:
            self._log.alarm("exit_incomplete", product_id=position.product_id, left=position.size)
        limit_price = None if decision.emergency else exit_limit_price(ticker.bid, product)
        size_base = await self._sellable(position, product, is_released=bool(blocking), is_repeated=last is not None)
        refusal = _check_size(product, size_base, limit_price or ticker.bid, self._rules.sell_value_min)
        if refusal is not None:
            return refusal
        self._last_attempts = {
            **self._current_attempts(),
            position.anchor_order_id: _Attempt(ticker.at, decision.emergency),
        }
        intent = self._intent(position, decision, size_base, limit_price, signal)
        outcome = None
        if signal is not None:
            outcome = SignalOutcome(
                signal.signal_id, OutcomeKind.ORDERED, "SUCCESS", f"exit {intent.client_order_id}", self._clock.now()
            )
        await self._placer.place(intent, outcome)
        return None

    async def _clear(self, position: Position, blocking: list[OpenOrder]) -> Position | Refusal:
        """End the sells that hold the coins; return what is then left to sell, for a fill may have won (F16)."""
        if blocking and not await self._canceller.end(blocking):
            return Refusal("SKIPPED_OPEN_ORDER", "a sell of this position may still be live; it is ended first")
        left = self._portfolio.position(position.product_id)
        if left is None:
            return Refusal("INSUFFICIENT_BASE", "an open sell has sold the position before it could be cancelled")
        return left

    async def _sellable(self, position: Position, product: Product, *, is_released: bool, is_repeated: bool) -> Size:
        """Return how much to sell: everything at first, but no more than the venue has free once coins were released by
        a cancel, or an attempt at everything did not do.

        A first exit with nothing in its way does not wait for a query. If coins are gone (sold or moved by hand), every
        further attempt at all of them would be refused, every few seconds and for ever.
        """
        size = position.size
        free = None
        for round_number in range(FREE_ROUNDS if is_released else 1 if is_repeated else 0):
            if round_number > 0:
                await self._clock.sleep(FREE_PAUSE_S)
            free = await self._free(product)
            if free is None or free >= size:
                break
        if free is not None and free < size:
            if position.anchor_order_id not in self._missing:
                self._missing.add(position.anchor_order_id)
                self._log.alarm("coins_missing", product_id=position.product_id, held=size, free=free)
            size = Size(free)
        return Size(floor_to(size, product.base_increment))

    async def _free(self, product: Product) -> Decimal | None:
        """Return what the venue says can be sold, None when it does not say."""
        try:
            balances = await self._exchange.balances()
        except (ExchangeUnreachable, ExchangeRefused):
            return None
        return next((each.available for each in balances if each.currency == product.base_currency), ZERO)

    def _current_attempts(self) -> dict[ClientOrderId, _Attempt]:
        anchors = {position.anchor_order_id for position in self._portfolio.positions()}
        return {anchor: attempt for anchor, attempt in self._last_attempts.items() if anchor in anchors}

    def _intent(
        self, position: Position, decision: Exit, size_base: Size, limit_price: Price | None, signal: Signal | None
    ) -> OrderIntent:
        trigger = decision.reason.trigger
        number = str(self._portfolio.exits_count(position.anchor_order_id) + 1)
        return OrderIntent(
            client_order_id=derive_client_order_id(trigger, position.product_id, position.anchor_order_id, number),
            product_id=position.product_id,
            side=Side.SELL,
            # An emergency must end flat, so it takes any price; a limit could be jumped by a gap (R83).
            kind=OrderKind.MARKET_IOC if decision.emergency else OrderKind.LIMIT_IOC,
            size_base=size_base,
            limit_price=limit_price,
            trigger=trigger,
            note=decision.note,
            created_at=self._clock.now(),
            signal_id=signal.signal_id if signal is not None else None,
            parent_id=position.anchor_order_id,
            parent_ids=position.parent_ids,
        )


def _check_size(product: Product, size_base: Size, price: Price, value_min: Decimal) -> Refusal | None:
    """Refuse dust: what the venue would refuse again and again is not worth an order every few seconds (B51)."""
    if size_base <= ZERO:
        return Refusal("INSUFFICIENT_BASE", f"less than {product.base_increment} {product.base_currency} is dust")
    order = OrderCheck(
        product=product,
        side=Side.SELL,
        size=size_base,
        price=price,
        available=size_base,
        fee_rate=ZERO,
        # The price of a limit order is on the tick already, and that of a market order is only what it is valued at.
        kind=OrderKind.MARKET_IOC,
    )
    verdict = validate_order(order, ValidationRules(minimum=ZERO, cap=ZERO, minimum_sell=value_min))
    return None if verdict.is_valid else Refusal(verdict.code, verdict.error_message)
