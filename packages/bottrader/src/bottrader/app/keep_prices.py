"""Keep the price of each product that may be acted on: streamed, plausible, or asked for where the stream fails.

A tick that cannot be judged, or that stands alone far from the last one, is not acted on; the venue is asked for a
second opinion at once (F30). A price that the stream does not renew is asked for too, so that a stop is judged although
no tick comes.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from bottrader.app.portfolio import Portfolio
from bottrader.app.world import World
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import ProductId, Ticker
from bottrader.domain.price_guard import Belief, weigh_price


class Trust(Enum):
    """What becomes of a streamed tick."""

    BELIEVED = auto()
    """It is the product's price from now on."""
    IN_DOUBT = auto()
    """It needs a second opinion: ask for a quote."""
    IGNORED = auto()
    """It is older than one that came before, or another of a run of unusable ones."""


class PriceKeeper:
    """Puts believed prices into the portfolio, and no others."""

    def __init__(self, world: World, portfolio: Portfolio, jump_rate_max: Decimal) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._jump_rate_max = jump_rate_max
        self._beliefs = dict.fromkeys(portfolio.product_ids, Belief())
        self._streamed_at: dict[ProductId, datetime] = {}
        self._unusable: set[ProductId] = set()

    def is_doubted(self, product_id: ProductId) -> bool:
        """Tell whether a jump of this product's price waits for its confirmation."""
        return self._beliefs[product_id].doubted is not None

    def take(self, ticker: Ticker) -> Trust:
        """Weigh one streamed tick."""
        product_id = ticker.product_id
        newest = self._streamed_at.get(product_id)
        if newest is not None and ticker.at < newest:
            return Trust.IGNORED
        self._streamed_at[product_id] = ticker.at
        if not ticker.is_sane:
            return self._take_unusable(ticker)
        if self._weigh(ticker, is_requested=False):
            return Trust.BELIEVED
        return Trust.IN_DOUBT

    async def request(self, product_id: ProductId) -> bool:
        """Ask the venue for a quote and weigh it; True when it is believed. No answer leaves everything as it is."""
        try:
            (quote,) = await self._exchange.tickers([product_id])
        except AdapterError as error:
            self._log.info("price_not_answered", product_id=product_id, cause=str(error))
            return False
        belief = self._beliefs[product_id]
        seen = next(
            (known for known in (belief.doubted, belief.believed) if known and _is_no_news(quote, known)), quote
        )
        # A quote is dated by its last trade, which may be old in a quiet market; its bid and ask are of this moment.
        return self._weigh(replace(seen, at=max(seen.at, self._clock.now())), is_requested=True)

    def _weigh(self, ticker: Ticker, *, is_requested: bool) -> bool:
        product_id = ticker.product_id
        before = self._beliefs[product_id]
        after_ = self._beliefs[product_id] = weigh_price(before, ticker, self._jump_rate_max, is_requested=is_requested)
        if after_.believed is ticker:
            self._portfolio.tickers[product_id] = ticker
            self._unusable.discard(product_id)
            return True
        if before.believed is not None and before.doubted is None and after_.doubted is not None:
            self._log.alarm(
                "price_doubted",
                product_id=product_id,
                believed=before.believed.mark,
                doubted=ticker.price,
                at=ticker.at,
            )
        return False

    def _take_unusable(self, ticker: Ticker) -> Trust:
        # Told once per run of bad prices: an alarm on every tick is an alarm nobody reads.
        if ticker.product_id in self._unusable:
            return Trust.IGNORED
        self._unusable.add(ticker.product_id)
        self._log.alarm(
            "price_unusable",
            product_id=ticker.product_id,
            reason=f"price {ticker.price}, bid {ticker.bid}, ask {ticker.ask} cannot be judged",
        )
        return Trust.IN_DOUBT


def _is_no_news(quote: Ticker, known: Ticker) -> bool:
    """Tell whether a quote shows what a tick has told already.

    Its last trade may still be another one: a print of our own, at the price that we paid. A position is not to be
    judged by that, or a market that stands still would be worth more after our own buy.
    """
    return quote.bid == known.bid and quote.ask == known.ask and quote.at <= known.at
