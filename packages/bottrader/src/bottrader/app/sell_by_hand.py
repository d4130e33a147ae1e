"""Decide what a person's order to sell becomes: one exact intent, or one refusal.

A person may sell what the bot holds and nothing else, and of it only what no other sell may still take: coins that a
bracket or a sell of unknown outcome has on hold would be sold twice (S5, R84). Nothing is cancelled for it, because
that would leave the rest unprotected; `bottrader flatten` is the way to sell everything.
"""

from datetime import timedelta
from decimal import Decimal

from bottrader.app.portfolio import Portfolio
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.exits import exit_limit_price
from bottrader.domain.market import Product, Ticker, base_of
from bottrader.domain.money import ZERO, exact
from bottrader.domain.orders import OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.positions import Position
from bottrader.domain.signals import Signal
from bottrader.domain.validation import (
    Code,
    EntryCheck,
    EntryRules,
    OrderCheck,
    Refusal,
    ValidationRules,
    show_amount,
    validate_entry,
    validate_order,
)


class ManualSeller:
    """Turns a person's sell of an exact size into an intent or a refusal; places nothing."""

    def __init__(self, world: World, portfolio: Portfolio, rules: TradingRules) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._portfolio = portfolio
        self._rules = rules

    async def decide(self, signal: Signal) -> OrderIntent | Refusal:
        """Return exactly what to send for `signal`, or why nothing is sent.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when the balances could not be asked: no answer, no order.
        """
        market = self._market(signal)
        if isinstance(market, Refusal):
            return market
        product, ticker = market
        position = self._portfolio.position(signal.product_id)
        if position is None:
            return Refusal(Code.INSUFFICIENT_BASE, f"no open position of ours in {signal.product_id}; nothing to sell")
        balances = await self._exchange.balances()
        base = base_of(signal.product_id)
        at_venue = next((balance.available for balance in balances if balance.currency == base), ZERO)
        # Nothing is awaited from here on: what is free now is still free when the order counts among the open ones.
        return self._judged(signal, position, product, (ticker, at_venue))

    def _market(self, signal: Signal) -> tuple[Product, Ticker] | Refusal:
        product = self._portfolio.products.get(signal.product_id)
        entry = EntryCheck(signal.product_id, product, Side.SELL, ZERO, has_open_order=False)
        refusal = validate_entry(entry, EntryRules(ZERO, hodl=self._rules.hodl, shill=self._rules.shill))
        if refusal is not None:
            return refusal
        ticker = self._portfolio.tickers.get(signal.product_id)
        age_max = timedelta(seconds=self._rules.limits.price_age_s_max)
        if ticker is None or not ticker.is_sane or self._clock.now() - ticker.at > age_max:
            return Refusal("STALE_PRICE", f"there is no recent price of {signal.product_id}; nothing is sold blind")
        assert product is not None, "what is not listed was refused"
        return product, ticker

    def _judged(
        self, signal: Signal, position: Position, product: Product, market: tuple[Ticker, Decimal]
    ) -> OrderIntent | Refusal:
        assert signal.size_base is not None, "a person says how much is to be sold"
        ticker, at_venue = market
        sells = self._portfolio.open_sells(signal.product_id)
        with exact():
            on_hold = sum((self._portfolio.size_left(order) for order in sells), ZERO)
            free = min(position.size - on_hold, at_venue)
        if signal.size_base > free:
            message = (
                f"{show_amount(max(free, ZERO))} {product.base_currency} are free to be sold, not"
                f" {show_amount(signal.size_base)}: the bot holds {show_amount(position.size)}, and"
                f" {show_amount(on_hold)} of it are on hold for {len(sells)} open sells; `bottrader flatten` sells all"
            )
            return Refusal(Code.INSUFFICIENT_BASE, message)
        limit_price = exit_limit_price(ticker.bid, product)
        order = OrderCheck(product, Side.SELL, signal.size_base, limit_price, free, ZERO)
        rules = ValidationRules(minimum=ZERO, cap=ZERO, minimum_sell=self._rules.sell_value_min)
        verdict = validate_order(order, rules)
        if not verdict.is_valid:
            return Refusal(verdict.code, verdict.error_message)
        return OrderIntent(
            client_order_id=derive_client_order_id(signal.trigger, signal.product_id, signal.signal_id),
            product_id=signal.product_id,
            side=Side.SELL,
            kind=OrderKind.LIMIT_IOC,
            size_base=signal.size_base,
            limit_price=limit_price,
            trigger=signal.trigger,
            note=signal.note,
            created_at=self._clock.now(),
            signal_id=signal.signal_id,
            parent_id=position.anchor_order_id,
            parent_ids=position.parent_ids,
            snapshot_hash=signal.snapshot_hash,
        )
