"""The bracket that rests at the exchange around a position."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, SettingsGroup
from bottrader.domain.brackets import BracketRules, FeeSide, StopMode, check_win_rate
from bottrader.domain.market import FeeRates


class BracketSettings(SettingsGroup):
    """Stop and target that rest at the exchange."""

    bracket_enabled: bool = Field(False, description="rest a bracket at the exchange around every position")
    stop_mode: StopMode = Field(StopMode.ATR, description="measure a bracket's stop by atr, or fixed")
    stop_min_pct: Amount = Field(
        Decimal("0.012"), gt=0, lt=1, description="smallest stop distance by ATR, cushions extra"
    )
    atr_multiplier_stop: Amount = Field(Decimal("1.8"), gt=0, description="stop distance in ATRs")
    stop_loss: Amount = Field(
        Decimal("-0.01"), gt=-1, lt=1, description="fixed stop distance; its sign does not matter"
    )
    take_profit: Amount = Field(Decimal("0.025"), gt=0, lt=1, description="target of a bracket, cushions extra")
    roc_sl_multiplier: Amount = Field(Decimal(2), gt=0, description="stop distance of momentum entries times this")
    roc_tp_multiplier: Amount = Field(Decimal(3), gt=0, description="target of momentum entries times this")
    spread_cushion_pct: Amount = Field(
        Decimal("0.0015"), ge=0, lt=1, description="spread to reckon with without a book"
    )
    fee_side: FeeSide = Field(FeeSide.TAKER, description="fee in a bracket's cushion: taker or maker")
    tp_min_ticks: int = Field(3, ge=0, description="ticks that a target keeps from the ask")
    sl_limit_offset_ticks: int = Field(2, ge=0, description="ticks from a stop to its limit")
    spread_to_fee_min: Amount = Field(
        Decimal(2), ge=0, description="spread over fees below which a bracket is doubtful"
    )
    prebracket_sigma_ratio: Amount = Field(
        Decimal(1), gt=0, description="price deviation over target distance above which a bracket is doubtful"
    )
    min_l1_notional_usd: Amount = Field(
        Decimal(250), ge=0, description="value at the best ask below which a bracket is doubtful"
    )
    max_breakeven_win_rate: Amount = Field(
        Decimal("0.60"), gt=0, le=1, description="share of trades that brackets may have to win to break even"
    )
    maker_fee: Amount = Field(Decimal("0.004"), ge=0, lt=1, description="maker fee rate for checks before the start")
    taker_fee: Amount = Field(Decimal("0.008"), ge=0, lt=1, description="taker fee rate for checks before the start")

    def bracket_rules(self) -> BracketRules:
        """Return how positions are bracketed; raises `ConfigInvalid` when that could not pay (B66)."""
        rules = BracketRules(
            stop_mode=self.stop_mode,
            stop_min_pct=self.stop_min_pct,
            atr_multiplier_stop=self.atr_multiplier_stop,
            stop_loss_pct=abs(self.stop_loss),
            take_profit_pct=self.take_profit,
            roc_sl_multiplier=self.roc_sl_multiplier,
            roc_tp_multiplier=self.roc_tp_multiplier,
            spread_cushion_pct=self.spread_cushion_pct,
            fee_side=self.fee_side,
            tp_ticks_min=self.tp_min_ticks,
            sl_limit_offset_ticks=self.sl_limit_offset_ticks,
            spread_to_fee_min=self.spread_to_fee_min,
            sigma_ratio=self.prebracket_sigma_ratio,
            far_notional_min=self.min_l1_notional_usd,
        )
        check_win_rate(rules, FeeRates(self.maker_fee, self.taker_fee), self.max_breakeven_win_rate)
        return rules
