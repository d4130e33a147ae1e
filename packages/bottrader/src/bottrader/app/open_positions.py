"""Decide whether and how large to buy on a signal: size, validation, risk, then one exact intent or one refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.app.guard_entries import EntryGuard, EntryRequest
from bottrader.app.passive_gates import PassiveGates
from bottrader.app.portfolio import Portfolio, range_of
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.brackets import refuse_without_atr
from bottrader.domain.exit_prices import entry_cost_per_unit, price_of_proceeds
from bottrader.domain.market import FeeRates, Granularity, Product, ProductId, Ticker, quote_of
from bottrader.domain.money import EXACT, ZERO, Price, ceil_to
from bottrader.domain.orders import OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.passive import buy_quote
from bottrader.domain.signals import Signal, Trigger
from bottrader.domain.sizing import CENT, Grant, base_size_for, size_entry
from bottrader.domain.validation import (
    Code,
    EntryCheck,
    EntryRules,
    OrderCheck,
    Refusal,
    ValidationRules,
    check_target,
    show_amount,
    validate_entry,
    validate_order,
)
from bottrader.ports import Balance

# Buckets without a trade have no candle, so more are asked for than the range needs.
ATR_LOOKBACK = 45


@dataclass(frozen=True, slots=True)
class _Market:
    """What is known of a product at the moment of decision."""

    product: Product
    ticker: Ticker
    fee_rates: FeeRates


@dataclass(frozen=True, slots=True)
class _Terms:
    """How an entry executes, and its limit."""

    kind: OrderKind
    limit_price: Price


class EntryDecider:
    """Turns a buy signal into an intent or a refusal; places nothing."""

    def __init__(self, world: World, portfolio: Portfolio, rules: TradingRules, guard: EntryGuard) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._portfolio = portfolio
        self._rules = rules
        self._guard = guard
        self._gates = PassiveGates(world.clock, portfolio, rules)

    async def decide(self, signal: Signal) -> OrderIntent | Refusal:
        """Return exactly what to send for `signal`, or why nothing is sent.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when balance or candles could not be asked, `StoreUnreachable`
        when the kill switch could not: no answer, no order.
        """
        market = self._market(signal)
        if isinstance(market, Refusal):
            return market
        await self._learn_range(signal.product_id)
        refusal = self._check_entry(signal, market) or self._check_quote(signal, market)
        refusal = refusal or await self._guard.check_kill_switch()
        refusal = refusal or await self._guard.check_symbol(signal.product_id)
        if refusal is not None:
            return refusal
        balances = await self._exchange.balances()
        # Nothing is awaited from here on: what is judged now is still so when the order counts among the open ones.
        available = self._available(signal, balances)
        terms = self._terms(signal, market, balances)
        if isinstance(terms, Refusal):
            return terms
        asked = _asked_quote(signal, terms)
        sized = size_entry(signal.trigger, asked, available, market.fee_rates.taker, self._rules.sizing)
        sized = _all_or_nothing(signal, sized, available)
        if isinstance(sized, Refusal):
            return sized
        refusal = self._guard.check(EntryRequest(signal.product_id, sized.granted, market.ticker, balances))
        if refusal is not None:
            return refusal
        built = self._intent(signal, sized, market, terms)
        return self._validated(built, market, available) if isinstance(built, OrderIntent) else built

    async def _learn_range(self, product_id: ProductId) -> None:
        """Right after a start, reckon the average true range from candles that are asked for (B63)."""
        if product_id in self._portfolio.atrs:
            return
        now, span = self._clock.now(), Granularity.FIVE_MINUTE.span
        candles = await self._exchange.candles(product_id, Granularity.FIVE_MINUTE, now - ATR_LOOKBACK * span, now)
        atr = range_of(candle for candle in candles if candle.opened_at + span <= now)
        if atr is not None:
            self._portfolio.atrs.setdefault(product_id, atr)

    def _market(self, signal: Signal) -> _Market | Refusal:
        product = self._portfolio.products.get(signal.product_id)
        if product is None:
            return Refusal("PRECISION_ERROR", f"the increments of {signal.product_id} are not known; nothing is sent")
        ticker = self._portfolio.tickers.get(signal.product_id)
        if ticker is None or not ticker.is_sane:
            return Refusal("STALE_PRICE", f"there is no usable price of {signal.product_id}; nothing is sent blind")
        fee_rates = self._portfolio.fee_rates
        assert fee_rates is not None, "reconciliation reads the fee rates before anything is decided"
        return _Market(product, ticker, fee_rates)

    def _check_entry(self, signal: Signal, market: _Market) -> Refusal | None:
        rules = self._rules
        entry = EntryCheck(
            symbol=signal.product_id,
            product=market.product,
            side=Side.BUY,
            position_value=self._position_value(signal, market),
            has_open_order=self._portfolio.has_unsettled(signal.product_id),
        )
        refusal = validate_entry(entry, EntryRules(rules.sizing.order_size_min, hodl=rules.hodl, shill=rules.shill))
        atr = self._portfolio.atrs.get(signal.product_id)
        if refusal is None and rules.brackets is not None:
            refusal = refuse_without_atr(atr, rules.brackets)
        if refusal is None and rules.entry_needs_range and atr is None:
            message = f"the range of {signal.product_id} is not known yet; no stop would fit it"
            refusal = Refusal("ATR_UNAVAILABLE", message)
        return refusal

    def _check_quote(self, signal: Signal, market: _Market) -> Refusal | None:
        """Judge the gates of a passive quote; any other entry has none of them."""
        if signal.trigger is not Trigger.PASSIVE_BUY:
            return None
        return self._gates.closed(signal.product_id, market.ticker)

    def _validated(self, intent: OrderIntent, market: _Market, available: Decimal) -> OrderIntent | Refusal:
        """Judge the finished order once more as the venue will see it; the last gate before it becomes durable."""
        order = OrderCheck(
            product=market.product,
            side=intent.side,
            size=intent.size_base,
            price=intent.limit_price,
            available=available,
            fee_rate=market.fee_rates.taker,
            position_value=ZERO,
            kind=intent.kind,
        )
        # The notional of whole increments may fall a little short of what was granted; the bot's own minimum was judged
        # on the grant, so here the venue's minimum binds.
        rules = ValidationRules(minimum=market.product.quote_size_min, cap=self._rules.limits.position_quote_max)
        verdict = validate_order(order, rules)
        if not verdict.is_valid:
            return Refusal(verdict.code, verdict.error_message)
        return self._check_target(intent, market) or intent

    def _check_target(self, intent: OrderIntent, market: _Market) -> Refusal | None:
        """Refuse what could not earn its fees even at its target, both sides paid as a taker (R23)."""
        assert intent.limit_price is not None
        rate = market.fee_rates.taker
        gain = EXACT.add(Decimal(1), self._rules.exits.profit_pct(intent.trigger))
        proceeds = EXACT.multiply(entry_cost_per_unit(intent.limit_price, rate), gain)
        target = price_of_proceeds(proceeds, Decimal(1), rate)
        return check_target(intent.limit_price, target, market.product.price_increment, (rate, rate))

    def _position_value(self, signal: Signal, market: _Market) -> Decimal:
        position = self._portfolio.position(signal.product_id)
        return ZERO if position is None else EXACT.multiply(position.size, market.ticker.price)

    def _available(self, signal: Signal, balances: Sequence[Balance]) -> Decimal:
        quote = quote_of(signal.product_id)
        available = next((balance.available for balance in balances if balance.currency == quote), ZERO)
        # An order of unknown outcome may not show in the venue's balance yet; it counts as filled (S3).
        return EXACT.subtract(available, self._portfolio.open_buys_quote())

    def _terms(self, signal: Signal, market: _Market, balances: Sequence[Balance]) -> _Terms | Refusal:
        """Return how the entry executes, and what it may pay at worst."""
        ticker, tick = market.ticker, market.product.price_increment
        if signal.trigger is Trigger.PASSIVE_BUY:
            quote = buy_quote(ticker, tick, self._gates.bias(ticker, balances))
            if quote is None:
                return Refusal(Code.ORDER_BUILD_FAILED, f"no price above zero is left below an ask of {ticker.ask}")
            return _Terms(OrderKind.LIMIT_GTC_POST_ONLY, quote)
        worst = EXACT.multiply(ticker.ask, EXACT.add(Decimal(1), self._rules.entry_slippage_rate))
        return _Terms(OrderKind.LIMIT_IOC, Price(ceil_to(worst, tick)))

    def _intent(self, signal: Signal, grant: Grant, market: _Market, terms: _Terms) -> OrderIntent | Refusal:
        # The limit is what the entry may pay at worst, so the size is reckoned with it: price x size <= granted.
        limit_price = terms.limit_price
        size_base = signal.size_base or base_size_for(grant.granted, limit_price, market.product)
        if size_base <= ZERO:
            return Refusal(Code.ORDER_BUILD_FAILED, f"{grant.granted} buys less than one increment at {limit_price}")
        return OrderIntent(
            client_order_id=derive_client_order_id(signal.trigger, signal.product_id, signal.signal_id),
            product_id=signal.product_id,
            side=Side.BUY,
            kind=terms.kind,
            size_base=size_base,
            limit_price=limit_price,
            trigger=signal.trigger,
            note=signal.note,
            created_at=self._clock.now(),
            signal_id=signal.signal_id,
            requested_quote=grant.requested,
            granted_quote=grant.granted,
            snapshot_hash=signal.snapshot_hash,
        )


def _asked_quote(signal: Signal, terms: _Terms) -> Decimal | None:
    """Return the quote amount asked for; of an exact size what it costs at worst, rounded up to the cent."""
    if signal.size_base is None:
        return signal.quote_size
    return ceil_to(EXACT.multiply(signal.size_base, terms.limit_price), CENT)


def _all_or_nothing(signal: Signal, sized: Grant | Refusal, available: Decimal) -> Grant | Refusal:
    """Refuse to buy less than a person asked for: the person is told, and asks for less or not."""
    if signal.size_base is None or isinstance(sized, Refusal) or sized.granted == sized.requested:
        return sized
    message = (
        f"{show_amount(sized.requested)} and its fee are needed, {show_amount(available)} are available; ask for less"
    )
    return Refusal(Code.INSUFFICIENT_QUOTE, message)
