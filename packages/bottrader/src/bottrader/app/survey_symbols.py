"""For a person: each pair with what keeps it from being entered, and how it stands on the leaderboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.domain.market import ProductId
from bottrader.domain.performance import trades_of
from bottrader.domain.selection import SelectionRules, Standing, excluded_by_results, trades_since
from bottrader.ports import Store


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """One pair: `exclusion` says why it is not entered, None when it is; `standing` None without a place."""

    product_id: ProductId
    exclusion: str | None
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class SymbolSurvey:
    """All pairs, by results as of `as_of` and standings of `ranked_at`; None for what there is nothing of."""

    rows: tuple[SymbolRow, ...]
    as_of: datetime | None
    ranked_at: datetime | None


async def survey_symbols(
    store: Store, rules: SelectionRules, product_ids: Sequence[ProductId], now: datetime | None
) -> SymbolSurvey:
    """Return how these pairs stand at `now`, in venue time; None takes the time of the newest sell, for books whose
    market has stopped. Spreads are not judged: nobody follows the prices here."""
    lookback = timedelta(days=rules.by_results.lookback_days)
    trades = trades_of(await store.allocations(None if now is None else now - lookback))
    as_of = now or max((trade.closed_at for trade in trades), default=None)
    if as_of is not None:
        trades = trades_since(trades, as_of - lookback)
    excluded = excluded_by_results(trades, {}, rules.by_results)
    board = await store.leaderboard()
    standings = {} if board is None else {standing.product_id: standing for standing in board.standings}
    rows = (
        SymbolRow(each, rules.by_hand.exclusion(each) or excluded.get(each), standings.get(each))
        for each in product_ids
    )
    return SymbolSurvey(tuple(rows), as_of, None if board is None else board.computed_at)
