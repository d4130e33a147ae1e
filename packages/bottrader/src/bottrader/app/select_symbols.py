"""Which products may be entered right now, and how they stand: lists by hand, filter by results, leaderboard.

The filter reads the closed trades of its window, at most once an hour of venue time. When they cannot be read the last
good list holds, visibly stale; after a day of that nothing is entered any more, and neither before the first reading,
so that it never fails open (R29, R30). The spread is judged anew on each entry, by the newest price.

Nothing here stands before a sell.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.app.portfolio import Portfolio
from bottrader.app.world import World
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.performance import Trade, known_pnls, trades_of
from bottrader.domain.selection import (
    Leaderboard,
    SelectionRules,
    Standing,
    excluded_by_results,
    is_profitable,
    leaderboard,
    spread_of,
    trades_since,
)
from bottrader.domain.validation import Refusal

FILTER_INTERVAL = timedelta(hours=1)
# A list that is older than this says too little about the present to buy by.
FILTER_AGE_MAX = timedelta(hours=24)
LEADERBOARD_INTERVAL = timedelta(hours=6)
LEADERBOARD_WINDOW = timedelta(hours=24)
PROFITABLE_WINDOW = timedelta(days=7)

EXCLUDED = "SYMBOL_EXCLUDED"
STALE = "SELECTION_STALE"


@dataclass(frozen=True, slots=True)
class _Results:
    """What the closed trades said at `computed_at`: who is excluded for them and why, and who gained in a week."""

    computed_at: datetime
    excluded: Mapping[ProductId, str]
    profitable: frozenset[ProductId]


class SymbolSelector:
    """Answers whether a product may be entered; keeps the filter and the leaderboard up to date."""

    def __init__(self, world: World, portfolio: Portfolio, rules: SelectionRules) -> None:
        self._store = world.store
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._rules = rules
        self._results: _Results | None = None
        self._board: Leaderboard | None = None
        self._is_board_read = False
        # Products decide beside each other; one reading serves them all.
        self._reading = asyncio.Lock()
        self.fault: str | None = None
        """Why the newest attempt to read the closed trades failed; None after one that did not."""

    async def check(self, product_id: ProductId) -> Refusal | None:
        """Return why this product is not entered now, or None; reads the closed trades when the last reading is old."""
        reason = self._rules.by_hand.exclusion(product_id)
        if reason is not None:
            return Refusal(EXCLUDED, f"{product_id} is not entered: {reason}")
        if not self._rules.by_results.is_enabled:
            return None
        await self._refresh_when_due()
        results = self._fresh_results()
        if results is None:
            return Refusal(STALE, f"nothing is entered, because {self._staleness()}")
        reason = results.excluded.get(product_id) or self._spread_fault(product_id)
        return None if reason is None else Refusal(EXCLUDED, f"{product_id} is not entered: {reason}")

    async def follow_reconciliation(self) -> None:
        """Bring the filter and the leaderboard up to date where they are due; what cannot be read stays as it was."""
        await self._refresh_when_due()
        try:
            await self._rank_when_due()
        except StoreUnreachable as error:
            self._log.alarm("leaderboard_not_computed", cause=str(error))

    def standing(self, product_id: ProductId) -> Standing | None:
        """Return the product's place on the leaderboard, None when it sold nothing in the day before it was made."""
        standings = () if self._board is None else self._board.standings
        return next((each for each in standings if each.product_id == product_id), None)

    def leaderboard_age(self) -> timedelta | None:
        """Return how old the leaderboard is in venue time, None as long as there is none."""
        return None if self._board is None else self._clock.now() - self._board.computed_at

    async def is_profitable(self, product_id: ProductId) -> bool:
        """Tell whether the product gained over the last seven days with two trades or more; unknown is no (B245)."""
        await self._refresh_when_due()
        results = self._fresh_results()
        return results is not None and product_id in results.profitable

    def health_fault(self) -> str | None:
        """Return in words what a person should know of the filter, None when it is as it should be."""
        return self._staleness() if self.fault is not None and self._rules.by_results.is_enabled else None

    def _spread_fault(self, product_id: ProductId) -> str | None:
        ticker = self._portfolio.tickers.get(product_id)
        if ticker is None or not ticker.is_sane:
            # Without a usable price nothing is entered anyway; that has a refusal of its own.
            return None
        spreads = {product_id: spread_of(ticker.bid, ticker.ask)}
        return excluded_by_results((), spreads, self._rules.by_results).get(product_id)

    def _fresh_results(self) -> _Results | None:
        results = self._results
        if results is None or self._clock.now() - results.computed_at > FILTER_AGE_MAX:
            return None
        return results

    def _staleness(self) -> str:
        cause = "" if self.fault is None else f": {self.fault}"
        if self._results is None:
            return f"the symbol filter was never computed{cause}"
        return f"the symbol filter is stale, of {self._results.computed_at:%Y-%m-%d %H:%M} UTC{cause}"

    async def _refresh_when_due(self) -> None:
        async with self._reading:
            now = self._clock.now()
            if self._results is not None and now - self._results.computed_at < FILTER_INTERVAL:
                return
            try:
                self._results = await self._read_results(now)
            except StoreUnreachable as error:
                if self.fault is None:
                    self._log.alarm("symbol_filter_stale", cause=str(error))
                self.fault = str(error)
                return
            if self.fault is not None:
                self._log.info("symbol_filter_back", at=now)
            self.fault = None

    async def _read_results(self, now: datetime) -> _Results:
        lookback = timedelta(days=self._rules.by_results.lookback_days)
        trades = trades_of(await self._store.allocations(now - max(lookback, PROFITABLE_WINDOW)))
        excluded = excluded_by_results(trades_since(trades, now - lookback), {}, self._rules.by_results)
        return _Results(now, excluded, _profitable(trades_since(trades, now - PROFITABLE_WINDOW)))

    async def _rank_when_due(self) -> None:
        if not self._is_board_read:
            # A restart goes on with the board of the life before.
            self._board = await self._store.leaderboard()
            self._is_board_read = True
        age, now = self.leaderboard_age(), self._clock.now()
        if age is not None and age < LEADERBOARD_INTERVAL:
            return
        trades = trades_of(await self._store.allocations(now - LEADERBOARD_WINDOW))
        board = Leaderboard(now, tuple(leaderboard(trades)))
        await self._store.record_leaderboard(board)
        self._board = board
        eligible = [standing.product_id for standing in board.standings if standing.is_eligible]
        self._log.info("leaderboard_computed", at=now, eligible=eligible)


def _profitable(trades: Sequence[Trade]) -> frozenset[ProductId]:
    groups: dict[ProductId, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(ProductId(trade.product_id), []).append(trade)
    return frozenset(product_id for product_id, group in groups.items() if is_profitable(known_pnls(group)))
