"""Which products may be entered: exclusions by hand, exclusions by results, and the leaderboard.

Problem: some products lose with every trade, and a list kept by hand is forgotten (R57). The filter reads the closed
trades of a window and takes a product out while its results are bad; when they recover, it is back by itself.

Filter, over the trades of the last `lookback_days`: with at least `trades_min` trades a product is excluded when its
win rate, its mean P&L or its total P&L lies below the minimum; any product is while its spread is above the maximum.

Leaderboard, over the trades of a day: score = mean P&L x (1 + min(profit factor, 10) / 10) x sqrt(n). Without a loss
there is no profit factor; that counts as 10 and as passing, because a missing figure once made every all-winning
product ineligible.

Worked example (B240): P&L of 2, -1, 3: n = 3, mean 4/3, profit factor 5, score = 4/3 x 1.5 x 1.7321 = 3.4641.

A trade without a known P&L counts nowhere: it makes a product neither good nor bad (R78).
"""

import decimal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import ProductId, base_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.performance import Trade, known_pnls, profit_factor, win_rate


@dataclass(frozen=True, slots=True)
class FilterRules:
    """Thresholds of the dynamic filter; P&L in quote currency, rates and spreads as fractions.

    Raises:
        ConfigInvalid: naming every threshold that is out of range.
    """

    is_enabled: bool = True
    lookback_days: int = 30
    trades_min: int = 5
    win_rate_min: Decimal = Decimal("0.30")
    pnl_mean_min: Decimal = Decimal(-5)
    pnl_total_min: Decimal = Decimal(-50)
    spread_max: Decimal = Decimal("0.02")

    def __post_init__(self) -> None:
        faults = [
            f"{name} is at least 1, was {value}"
            for name, value in (("lookback_days", self.lookback_days), ("trades_min", self.trades_min))
            if value < 1
        ]
        faults += [
            f"{name} is a fraction between 0 and 1, was {value}"
            for name, value in (("win_rate_min", self.win_rate_min), ("spread_max", self.spread_max))
            if not (value.is_finite() and ZERO <= value <= _ONE)
        ]
        faults += [
            f"{name} is an amount, was {value}"
            for name, value in (("pnl_mean_min", self.pnl_mean_min), ("pnl_total_min", self.pnl_total_min))
            if not value.is_finite()
        ]
        if faults:
            raise ConfigInvalid("; ".join(faults))


@dataclass(frozen=True, slots=True)
class ManualLists:
    """What the owner decided by hand: coins never entered, pairs never entered, and, unless empty, the only coins
    that are."""

    excluded_coins: frozenset[str] = frozenset()
    ignored_pairs: frozenset[ProductId] = frozenset()
    only_coins: frozenset[str] = frozenset()

    def exclusion(self, product_id: ProductId) -> str | None:
        """Return why this product is not entered, None when no list speaks against it."""
        coin = base_of(product_id)
        if coin in self.excluded_coins:
            return f"{coin} is excluded for good"
        if product_id in self.ignored_pairs:
            return f"the pair {product_id} is ignored"
        if self.only_coins and coin not in self.only_coins:
            return f"{coin} is not among the coins to trade"
        return None


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """Everything that keeps a product from being entered."""

    by_results: FilterRules = field(default_factory=FilterRules)
    by_hand: ManualLists = field(default_factory=ManualLists)


@dataclass(frozen=True, slots=True)
class Standing:
    """One product on the leaderboard; P&L in quote currency, `profit_factor` None when nothing was lost."""

    product_id: ProductId
    trades_count: int
    win_rate: Decimal | None
    pnl_mean: Decimal
    profit_factor: Decimal | None
    score: Decimal
    is_eligible: bool


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The standings of the day before `computed_at`, the best score first."""

    computed_at: datetime
    standings: tuple[Standing, ...]


def excluded_by_results(
    trades: Iterable[Trade], spreads: Mapping[ProductId, Decimal], rules: FilterRules
) -> dict[ProductId, str]:
    """Return the products the dynamic filter takes out, each with its reason; nothing when it is switched off.

    `trades` are those of the window, `spreads` the present (ask - bid) / ask of each product with a usable book.
    """
    if not rules.is_enabled:
        return {}
    excluded = {
        product_id: f"its spread of {spread:.4f} is above {rules.spread_max}"
        for product_id, spread in spreads.items()
        if spread > rules.spread_max
    }
    for product_id, pnls in _pnls_by_product(trades).items():
        reason = _bad_results(pnls, rules) if len(pnls) >= rules.trades_min else None
        if reason is not None:
            excluded[product_id] = f"{reason} over {len(pnls)} trades in {rules.lookback_days} days"
    return excluded


def spread_of(bid: Decimal, ask: Decimal) -> Decimal:
    """Return (ask - bid) / ask, the spread as a fraction of what a buyer pays."""
    return _RATIO.divide(EXACT.subtract(ask, bid), ask)


def leaderboard(trades: Iterable[Trade]) -> list[Standing]:
    """Return every product with a known P&L, the best score first, then by name (B240-B243)."""
    standings = [_standing(product_id, pnls) for product_id, pnls in _pnls_by_product(trades).items()]
    return sorted(standings, key=lambda standing: (-standing.score, standing.product_id))


def trades_since(trades: Iterable[Trade], start: datetime) -> list[Trade]:
    """Return the trades closed at or after `start`."""
    return [trade for trade in trades if trade.closed_at >= start]


def is_profitable(pnls: list[Decimal], trades_min: int = 2) -> bool:
    """Tell whether there were enough trades with a known P&L, and they gained; unknown ones make nothing profitable
    (B245)."""
    return len(pnls) >= trades_min and _sum(pnls) > ZERO


TRADES_MIN = 3
WIN_RATE_MIN = Decimal("0.35")
PROFIT_FACTOR_MIN = Decimal("1.30")
PROFIT_FACTOR_MAX = Decimal(10)
"""More counts as this much: a product that lost almost nothing once is not ten times better than others."""

_ONE = Decimal(1)
_RATIO = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


def _pnls_by_product(trades: Iterable[Trade]) -> dict[ProductId, list[Decimal]]:
    groups: dict[ProductId, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(ProductId(trade.product_id), []).append(trade)
    return {product_id: pnls for product_id, group in groups.items() if (pnls := known_pnls(group))}


def _bad_results(pnls: list[Decimal], rules: FilterRules) -> str | None:
    rate = win_rate(pnls)
    if rate is not None and rate < rules.win_rate_min:
        return f"its win rate of {rate:.4f} is below {rules.win_rate_min}"
    # Compared by multiplication: a rounded mean could lie on either side of its threshold.
    total = _sum(pnls)
    if total < EXACT.multiply(rules.pnl_mean_min, Decimal(len(pnls))):
        return f"its mean P&L of {_mean(pnls):.4f} is below {rules.pnl_mean_min}"
    if total < rules.pnl_total_min:
        return f"its total P&L of {total} is below {rules.pnl_total_min}"
    return None


def _standing(product_id: ProductId, pnls: list[Decimal]) -> Standing:
    count, mean = len(pnls), _mean(pnls)
    rate, factor = win_rate(pnls), profit_factor(pnls)
    counted = PROFIT_FACTOR_MAX if factor is None else min(factor, PROFIT_FACTOR_MAX)
    weight = _RATIO.add(_ONE, _RATIO.divide(counted, PROFIT_FACTOR_MAX))
    score = _RATIO.multiply(_RATIO.multiply(mean, weight), _RATIO.sqrt(Decimal(count)))
    is_eligible = (
        count >= TRADES_MIN
        and rate is not None
        and rate >= WIN_RATE_MIN
        and mean > ZERO
        and counted >= PROFIT_FACTOR_MIN
    )
    return Standing(product_id, count, rate, mean, factor, score, is_eligible)


def _mean(pnls: list[Decimal]) -> Decimal:
    return _RATIO.divide(_sum(pnls), Decimal(len(pnls)))


def _sum(pnls: list[Decimal]) -> Decimal:
    total = ZERO
    for pnl in pnls:
        total = EXACT.add(total, pnl)
    return total
