"""What a passive quote is judged by: the book, the newest candles, the product's own results and the inventory.

Results come from the portfolio's closed trades, which are those of the active matching; they are reckoned anew each
time, so a leaderboard can never be too old here.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from bottrader.app.portfolio import Portfolio
from bottrader.app.trading_rules import TradingRules
from bottrader.domain.market import Granularity, ProductId, Ticker, base_of
from bottrader.domain.money import EXACT, ZERO, exact
from bottrader.domain.passive import PassiveStanding, QuoteView, closed_gate, inventory_bias
from bottrader.domain.performance import known_pnls
from bottrader.domain.selection import excluded_by_results, is_profitable, leaderboard, trades_since
from bottrader.domain.validation import Refusal
from bottrader.ports import Balance, Clock

PROFITABLE_WINDOW = timedelta(days=7)
ACTIVE_WINDOW = timedelta(days=1)
VOLUME_WINDOW = timedelta(days=1)


class PassiveGates:
    """Judges whether a product may be quoted now; asks nobody."""

    def __init__(self, clock: Clock, portfolio: Portfolio, rules: TradingRules) -> None:
        self._clock = clock
        self._portfolio = portfolio
        self._rules = rules

    def closed(self, product_id: ProductId, ticker: Ticker | None) -> Refusal | None:
        """Return the first gate that is closed; `ticker` is the book as it would be without a quote of ours."""
        product, fee_rates = self._portfolio.products.get(product_id), self._portfolio.fee_rates
        if product is None or fee_rates is None:
            return Refusal("PRECISION_ERROR", f"the increments or fees of {product_id} are not known")
        view = QuoteView(
            is_no_buy=base_of(product_id) in self._rules.shill,
            standing=self.standing_of(product_id),
            ticker=ticker,
            candles=self._portfolio.recent_candles(product_id),
            tick=product.price_increment,
            maker_rate=fee_rates.maker,
        )
        return closed_gate(view, self._rules.passive)

    def standing_of(self, product_id: ProductId) -> PassiveStanding:
        """Return what the product's own closed trades say of it; no trade leaves everything but exclusion unknown."""
        now = self._clock.now()
        trades = [trade for trade in self._portfolio.closed_trades() if trade.product_id == product_id]
        week = known_pnls(trades_since(trades, now - PROFITABLE_WINDOW))
        ranked = leaderboard(trades_since(trades, now - ACTIVE_WINDOW))
        filter_rules, by_hand = self._rules.selection.by_results, self._rules.selection.by_hand
        filtered = trades_since(trades, now - timedelta(days=filter_rules.lookback_days))
        by_results = excluded_by_results(filtered, {}, filter_rules)
        return PassiveStanding(
            is_profitable=is_profitable(week) if week else None,
            quote_volume=self._quote_volume(product_id),
            exclusion=by_hand.exclusion(product_id) or by_results.get(product_id),
            is_active=ranked[0].is_eligible if ranked else None,
        )

    def bias(self, ticker: Ticker, balances: Iterable[Balance]) -> Decimal:
        """Return how far these balances shift the quotes of a product with a sane book, in price units."""
        product = self._portfolio.products[ticker.product_id]
        held = {balance.currency: balance.total for balance in balances}
        with exact():
            mid, spread = (ticker.bid + ticker.ask) * _HALF, ticker.ask - ticker.bid
            base_held = held.get(product.base_currency, ZERO) * mid
        return inventory_bias(held.get(product.quote_currency, ZERO), base_held, spread, self._rules.passive)

    def _quote_volume(self, product_id: ProductId) -> Decimal | None:
        """Return volume x close of the candles of the last day as far as they were seen, None without any."""
        start = self._clock.now() - VOLUME_WINDOW - Granularity.FIVE_MINUTE.span
        candles = [each for each in self._portfolio.recent_candles(product_id) if each.opened_at > start]
        if not candles:
            return None
        total = ZERO
        for candle in candles:
            total = EXACT.add(total, EXACT.multiply(candle.volume, candle.close))
        return total


_HALF = Decimal("0.5")
