"""Tend passive quotes: pull an entry that has grown old or lost its gates, and quote out what was bought.

The entry itself is an order like any other (`open_positions`). From then on, at each price of the product:

    an open buy quote     is cancelled after `lifetime_s`, when a gate closes, or when entries are stopped
    a position it bought  is offered by a post-only sell; in its time for a profit, after it at break-even or better;
                          when the price allows neither, the monitor gives it up at the market's price

All open sells together never offer more than the position (S5). Stops stay with the monitor, which cancels the quote
first and never waits for it; while it is leaving a position nothing is quoted. A sell quote is replaced only for a
lower price, since a higher one would give away its place in the queue, and not more often than every `REQUOTE_PAUSE`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.app.cancel_orders import OrderCanceller
from bottrader.app.guard_entries import EntryGuard
from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.passive_gates import PassiveGates
from bottrader.app.place_orders import OrderPlacer
from bottrader.app.portfolio import Portfolio
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.exits import Exit, ExitReason
from bottrader.domain.market import Product, ProductId, Ticker, base_of
from bottrader.domain.money import EXACT, ZERO, Price, Size, exact, floor_to
from bottrader.domain.orders import OpenOrder, OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.passive import judge_held, maker_break_even, profit_price, sell_quote
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import OrderCheck, Refusal, ValidationRules, validate_order

# Quotes of one position follow each other at this pace, in venue time: each costs a cancel and a place in the queue.
REQUOTE_PAUSE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class QuotingCrew:
    """The use cases that quoting works with."""

    monitor: PositionMonitor
    placer: OrderPlacer
    canceller: OrderCanceller
    guard: EntryGuard


class PassiveQuoter:
    """Tends the quotes of one product at a time; the caller holds the product's lock."""

    def __init__(self, world: World, portfolio: Portfolio, crew: QuotingCrew, rules: TradingRules) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._monitor = crew.monitor
        self._placer = crew.placer
        self._canceller = crew.canceller
        self._guard = crew.guard
        self._gates = PassiveGates(world.clock, portfolio, rules)
        self._rules = rules
        self._tried_at: dict[ProductId, datetime] = {}

    async def tend(self, product_id: ProductId, stopped: Refusal | None) -> None:
        """Bring the quotes of this product in line with book, age and position.

        `stopped` is why nothing may be bought right now; leaving a position does not ask for it.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when the balances could not be asked for a new sell quote; the
        next price tries again.
        """
        await self._tend_entry(product_id, stopped)
        position = self._portfolio.position(product_id)
        if position is None:
            await self._remove(self._sell_quotes(product_id))
        elif position.trigger == Trigger.PASSIVE_BUY and base_of(product_id) not in self._rules.hodl:
            await self._tend_position(position)

    async def _tend_entry(self, product_id: ProductId, stopped: Refusal | None) -> None:
        for order in self._buy_quotes(product_id):
            why = self._why_pull(order, stopped)
            if why is not None:
                self._log.info("quote_pulled", order_id=order.intent.client_order_id, code=why.code, reason=why.message)
                await self._remove([order])

    def _why_pull(self, order: OpenOrder, stopped: Refusal | None) -> Refusal | None:
        lifetime = self._rules.passive.lifetime_s
        if self._clock.now() - order.intent.created_at > timedelta(seconds=lifetime):
            return Refusal("PASSIVE_LIFETIME", f"the quote has not filled within {lifetime} s")
        return (
            stopped or self._guard.stopped() or self._gates.closed(order.intent.product_id, self._book_without(order))
        )

    def _book_without(self, order: OpenOrder) -> Ticker | None:
        """Return the book as if our own quote were not in it; otherwise it would close its own gate."""
        ticker, limit_price = self._portfolio.tickers.get(order.intent.product_id), order.intent.limit_price
        if ticker is None or ticker.bid != limit_price:
            return ticker
        tick = self._portfolio.products[order.intent.product_id].price_increment
        return replace(ticker, bid=Price(EXACT.subtract(ticker.bid, tick)))

    async def _tend_position(self, position: Position) -> None:
        product_id = position.product_id
        ticker, fee_rates = self._portfolio.tickers.get(product_id), self._portfolio.fee_rates
        entry_price = self._portfolio.entry_price(product_id)
        assert fee_rates is not None, "reconciliation reads the fee rates before anything is decided"
        assert entry_price is not None, "a position has lots"
        if ticker is None or not ticker.is_sane or self._monitor.is_leaving(product_id):
            return
        age_s = (self._clock.now() - position.opened_at).total_seconds()
        trigger = judge_held(entry_price, ticker.mark, age_s, fee_rates.maker, self._rules.passive)
        if trigger is Trigger.PASSIVE_LOSS:
            note = f"{ExitReason.PASSIVE_LOSS.category}: held {age_s:.0f} s, {ticker.mark} is below break-even"
            await self._monitor.leave(position, Exit(ExitReason.PASSIVE_LOSS, note, emergency=False), ticker)
            return
        judge = maker_break_even if trigger is Trigger.PASSIVE_EXIT else profit_price
        await self._offer(position, ticker, trigger, judge(entry_price, fee_rates.maker))

    async def _offer(self, position: Position, ticker: Ticker, trigger: Trigger, least: Decimal) -> None:
        """Have the whole position rest in post-only sells at the price that this moment asks for, at least `least`."""
        product, now = self._portfolio.products[position.product_id], self._clock.now()
        bare = self._bare(position, product)
        tried_at = self._tried_at.get(position.product_id)
        if tried_at is not None and now - tried_at < REQUOTE_PAUSE:
            return
        # Without a bias no lower price is possible but by the bias itself, so the balances are asked for only then.
        quotes = self._sell_quotes(position.product_id)
        if bare <= ZERO and not _any_above(quotes, Price(least)):
            return
        self._tried_at[position.product_id] = now
        bias = ZERO
        if trigger is Trigger.PASSIVE_SELL:
            bias = self._gates.bias(ticker, await self._exchange.balances())
        price = sell_quote(ticker, product.price_increment, bias, least)
        dear = [order for order in quotes if _any_above([order], price)]
        if dear:
            if not await self._canceller.end(dear):
                return
            # A fill may have won the race, so what is left is asked of the books.
            left = self._portfolio.position(position.product_id)
            if left is None:
                return
            position, bare = left, self._bare(left, product)
        if self._is_worth_an_order(product, bare, price):
            await self._placer.place(self._intent(position, trigger, bare, price))

    def _bare(self, position: Position, product: Product) -> Size:
        """Return how much of a position no open sell offers, in whole increments."""
        with exact():
            sells = self._portfolio.open_sells(position.product_id)
            offered = sum((self._portfolio.size_left(each) for each in sells), ZERO)
            bare = position.size - offered
        return Size(max(floor_to(bare, product.base_increment), ZERO))

    def _is_worth_an_order(self, product: Product, size: Size, price: Price) -> bool:
        if size <= ZERO:
            return False
        order = OrderCheck(
            product=product,
            side=Side.SELL,
            size=size,
            price=price,
            available=size,
            fee_rate=ZERO,
            kind=OrderKind.LIMIT_GTC_POST_ONLY,
        )
        rules = ValidationRules(minimum=ZERO, cap=ZERO, minimum_sell=self._rules.sell_value_min)
        return validate_order(order, rules).is_valid

    def _intent(self, position: Position, trigger: Trigger, size: Size, price: Price) -> OrderIntent:
        number = str(self._portfolio.exits_count(position.anchor_order_id) + 1)
        return OrderIntent(
            client_order_id=derive_client_order_id(trigger, position.product_id, position.anchor_order_id, number),
            product_id=position.product_id,
            side=Side.SELL,
            kind=OrderKind.LIMIT_GTC_POST_ONLY,
            size_base=size,
            limit_price=price,
            trigger=trigger,
            note=f"{_CATEGORIES[trigger]}: quoted out at {price}",
            created_at=self._clock.now(),
            parent_id=position.anchor_order_id,
            parent_ids=position.parent_ids,
        )

    async def _remove(self, orders: list[OpenOrder]) -> None:
        if orders:
            await self._canceller.end(orders)

    def _buy_quotes(self, product_id: ProductId) -> list[OpenOrder]:
        return [order for order in self._portfolio.open_orders(product_id) if _is_quote(order, Side.BUY)]

    def _sell_quotes(self, product_id: ProductId) -> list[OpenOrder]:
        return [order for order in self._portfolio.open_sells(product_id) if _is_quote(order, Side.SELL)]


def _is_quote(order: OpenOrder, side: Side) -> bool:
    return order.intent.side is side and order.intent.kind is OrderKind.LIMIT_GTC_POST_ONLY


def _any_above(orders: list[OpenOrder], price: Price) -> bool:
    limits = (order.intent.limit_price for order in orders)
    return any(limit is not None and limit > price for limit in limits)


_CATEGORIES = {
    Trigger.PASSIVE_SELL: "take_profit",
    Trigger.PASSIVE_PROFIT: "take_profit",
    Trigger.PASSIVE_EXIT: "max_hold",
}
