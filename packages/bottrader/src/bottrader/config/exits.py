"""When a position is left."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, SettingsGroup, Triggers
from bottrader.domain.signals import Trigger


class ExitSettings(SettingsGroup):
    """Stops, trails and profits."""

    hard_stop_pct: Amount = Field(Decimal("0.05"), gt=0, lt=1, description="net loss that leaves at the market, always")
    max_loss_pct: Amount = Field(
        Decimal("0.025"), gt=0, lt=1, description="net loss of the soft stop, which sells near the bid"
    )
    soft_stop_market_pct: Amount = Field(
        Decimal("0.03"), gt=0, lt=1, description="net loss from which the soft stop sells at the market"
    )
    min_profit_pct: Amount = Field(Decimal("0.035"), gt=0, lt=1, description="net profit that is taken")
    trailing_stop_enabled: bool = Field(False, description="let profits run behind a trailing stop instead")
    trailing_activation_pct: Amount = Field(Decimal("0.035"), gt=0, lt=1, description="net profit that starts a trail")
    trailing_stop_atr_mult: Amount = Field(Decimal(2), gt=0, description="distance of the trail in ATRs")
    trailing_min_distance_pct: Amount = Field(Decimal("0.01"), gt=0, lt=1, description="smallest trail distance")
    trailing_max_distance_pct: Amount = Field(Decimal("0.02"), gt=0, lt=1, description="largest trail distance")
    signal_exit_enabled: bool = Field(True, description="let a sell signal end a position that has gained")
    signal_exit_min_profit_pct: Amount = Field(
        Decimal("0.01"), ge=0, lt=1, description="net profit a signal exit takes"
    )
    min_hold_seconds: int = Field(60, ge=0, description="seconds a position is held before a signal exit")
    max_hold_minutes: int = Field(0, ge=0, description="minutes after which a position is sold; 0: never")
    peak_tracking_enabled: bool = Field(False, description="let momentum positions run until they fall from their peak")
    peak_tracking_triggers: Triggers = Field(
        frozenset({Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE, Trigger.ROC}),
        description="triggers whose positions are tracked, separated by commas",
    )
    peak_tracking_min_profit_pct: Amount = Field(
        Decimal("0.06"), gt=0, lt=1, description="net profit that starts the tracking, for good"
    )
    peak_tracking_drawdown_pct: Amount = Field(
        Decimal("0.05"), gt=0, lt=1, description="fall of the smoothed price from its peak that sells"
    )
    peak_tracking_smoothing_mins: int = Field(5, ge=0, description="minutes the price is smoothed over")
    peak_tracking_max_hold_mins: int = Field(
        1440, ge=0, description="minutes after which a tracked position is sold; 0: never"
    )
