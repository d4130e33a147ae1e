"""Which of the pairs are entered: what the owner excludes, and what their results do."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, Coins, PairSet, SettingsGroup
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.selection import FilterRules, ManualLists, SelectionRules


class SelectionSettings(SettingsGroup):
    """Pairs that are not entered; none of it keeps a position from being sold."""

    permanent_exclusions: Coins = Field(frozenset(), description="coins that are never entered, separated by commas")
    excluded_symbols: Coins = Field(frozenset(), description="another name of the setting before; set one of the two")
    coin_whitelist: Coins = Field(
        frozenset(), description="the only coins that are entered, separated by commas; none: all"
    )
    currency_pairs_ignored: PairSet = Field(
        frozenset(), description="pairs that are never entered, separated by commas"
    )
    dynamic_filter_enabled: bool = Field(True, description="enter no pair while its results are bad")
    dynamic_filter_lookback_days: int = Field(30, ge=1, description="days whose closed trades are judged")
    dynamic_filter_min_trades: int = Field(5, ge=1, description="closed trades from which on a pair is judged")
    dynamic_filter_min_win_rate: Amount = Field(
        Decimal("0.30"), ge=0, le=1, description="share of won trades below which a pair is not entered"
    )
    dynamic_filter_min_avg_pnl: Amount = Field(
        Decimal(-5), description="mean P&L of a trade below which a pair is not entered"
    )
    dynamic_filter_min_total_pnl: Amount = Field(
        Decimal(-50), description="total P&L below which a pair is not entered"
    )
    dynamic_filter_max_spread_pct: Amount = Field(
        Decimal("0.02"), ge=0, le=1, description="spread as a share of the ask above which a pair is not entered"
    )

    def selection_rules(self) -> SelectionRules:
        """Return which pairs are entered; raises `ConfigInvalid` when one list stands under both its names (B249)."""
        if self.permanent_exclusions and self.excluded_symbols:
            raise ConfigInvalid(
                "BOTTRADER_EXCLUDED_SYMBOLS and BOTTRADER_PERMANENT_EXCLUSIONS are two names of one list and both are"
                " set; put all coins into BOTTRADER_PERMANENT_EXCLUSIONS and unset the other"
            )
        by_results = FilterRules(
            is_enabled=self.dynamic_filter_enabled,
            lookback_days=self.dynamic_filter_lookback_days,
            trades_min=self.dynamic_filter_min_trades,
            win_rate_min=self.dynamic_filter_min_win_rate,
            pnl_mean_min=self.dynamic_filter_min_avg_pnl,
            pnl_total_min=self.dynamic_filter_min_total_pnl,
            spread_max=self.dynamic_filter_max_spread_pct,
        )
        by_hand = ManualLists(
            self.permanent_exclusions | self.excluded_symbols, self.currency_pairs_ignored, self.coin_whitelist
        )
        return SelectionRules(by_results, by_hand)
