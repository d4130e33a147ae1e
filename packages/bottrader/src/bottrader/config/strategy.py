"""Which strategy trades, and with which parameters."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from bottrader.config.fields import Amount, Pairing, SettingsGroup

# The settings that are parameters of a strategy, by the strategy's own names for them.
_SETTING_OF: dict[str, dict[str, str]] = {
    "passive_market_making": {
        "rules.spread_min_pct": "min_spread_pct",
        "rules.edge_buffer_pct": "edge_buffer_pct",
        "rules.ignore_fees": "passive_ignore_fees_for_spread",
        "rules.lifetime_s": "max_lifetime",
        "rules.bias_factor": "inventory_bias_factor",
        "rules.quote_volume_min": "min_quote_volume",
        "rules.needs_history": "passive_needs_history",
        "maker_rate": "maker_fee",
    },
    "roc_momentum": {
        **{name: name for name in ("roc_window", "rsi_window", "atr_window", "rsi_buy_min", "rsi_buy_max")},
        "roc_buy_threshold_pct": "roc_5min_buy_threshold",
        "roc_sell_threshold_pct": "roc_5min_sell_threshold",
        "cooldown_candles": "cooldown_bars",
    },
    "score_matrix": {
        **{f"indicators.{name}": name for name in ("roc_window", "rsi_window", "atr_window")},
        "rules.buy_target": "score_buy_target",
        "rules.sell_target": "score_sell_target",
        "rules.indicators_min": "min_indicators_required",
        "rules.flip_hysteresis": "flip_hysteresis_pct",
        "rules.cooldown_candles": "cooldown_bars",
        "rules.allow_buys_on_red_day": "allow_buys_on_red_day",
        "rules.roc_buy_threshold_pct": "roc_5min_buy_threshold",
        "rules.roc_sell_threshold_pct": "roc_5min_sell_threshold",
        "rules.momentum_rsi_min": "rsi_buy_min",
        "rules.momentum_rsi_max": "rsi_buy_max",
    },
}


class StrategySettings(SettingsGroup):
    """The strategy and its parameters."""

    strategy: str = Field(
        "roc_momentum",
        description="roc_momentum, score_matrix, passive_market_making, or one that another package offers",
    )
    strategy_parameters: Pairing = Field(
        default_factory=dict, description="any further parameters of the strategy: name=value, separated by commas"
    )
    roc_window: int = Field(5, gt=0, description="candles over which the rate of change is taken")
    roc_5min_buy_threshold: Amount = Field(Decimal(10), gt=0, description="rate of change in percent that buys")
    roc_5min_sell_threshold: Amount = Field(
        Decimal(10), gt=0, description="fall in percent that sells, a positive magnitude"
    )
    rsi_window: int = Field(14, gt=0, description="candles of the relative strength index")
    rsi_buy_min: Amount = Field(Decimal(45), ge=0, le=100, description="lowest RSI at which momentum buys")
    rsi_buy_max: Amount = Field(Decimal(55), ge=0, le=100, description="highest RSI at which momentum buys")
    atr_window: int = Field(14, gt=0, description="candles of the average true range")
    cooldown_bars: int = Field(7, ge=0, description="candles after a decision in which no other follows")
    score_buy_target: Amount = Field(Decimal("5.5"), gt=0, description="score that buys, of 12.2")
    score_sell_target: Amount = Field(Decimal("5.5"), gt=0, description="score that sells, of 12.2")
    min_indicators_required: int = Field(3, gt=0, description="indicators of a side that have to fire for a signal")
    flip_hysteresis_pct: Amount = Field(
        Decimal("0.10"), ge=0, description="how much more than its target a score needs to turn the last side"
    )
    allow_buys_on_red_day: bool = Field(True, description="let the score matrix buy below the price of 24 hours ago")

    def strategy_values(self) -> dict[str, Any]:
        """Return the parameters of the chosen strategy by name: those with a setting of their own, then the others."""
        named = {parameter: getattr(self, setting) for parameter, setting in _SETTING_OF.get(self.strategy, {}).items()}
        return named | self.strategy_parameters
