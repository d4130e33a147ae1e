"""What stops entries: positions, exposure, losses, rates and prices that cannot be true."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, SettingsGroup
from bottrader.domain.risk import RiskLimits


class RiskSettings(SettingsGroup):
    """Limits that stop entries."""

    max_value_to_buy: Amount = Field(Decimal(250), gt=0, description="largest position in one pair")
    max_exposure: Amount = Field(Decimal(1000), gt=0, description="largest sum of all positions")
    max_position_equity_pct: Amount = Field(
        Decimal("0.25"), gt=0, le=1, description="largest position in one pair as a share of equity"
    )
    max_exposure_equity_pct: Amount = Field(
        Decimal("0.80"), gt=0, le=1, description="largest sum of all positions as a share of equity"
    )
    max_daily_loss: Amount = Field(
        Decimal(50), gt=0, description="loss of a UTC day, realized and unrealized, that stops entries"
    )
    daily_loss_flattens: bool = Field(False, description="sell everything when the day's loss is reached")
    max_losses_in_row: int = Field(5, ge=0, description="losing trades in a row after which entries rest; 0: never")
    cool_off_s: int = Field(3600, ge=0, description="seconds entries rest after a losing run")
    max_orders_per_minute: int = Field(30, gt=0, description="orders within a minute after which entries wait")
    max_refusals_per_minute: int = Field(
        5, gt=0, description="refusals by the exchange within a minute after which entries wait"
    )
    max_price_age_s: int = Field(60, gt=0, description="seconds after which a price is too old to act on")
    price_jump_max_pct: Amount = Field(
        Decimal("0.1"), gt=0, lt=1, description="a price that jumps further waits for a second one that agrees"
    )

    def risk_limits(self) -> RiskLimits:
        return RiskLimits(
            position_quote_max=self.max_value_to_buy,
            exposure_quote_max=self.max_exposure,
            price_age_s_max=self.max_price_age_s,
            position_equity_pct_max=self.max_position_equity_pct,
            exposure_equity_pct_max=self.max_exposure_equity_pct,
            daily_loss_quote_max=self.max_daily_loss,
            daily_loss_flattens=self.daily_loss_flattens,
            losses_in_row_max=self.max_losses_in_row,
            cool_off_s=self.cool_off_s,
            orders_per_minute_max=self.max_orders_per_minute,
            refusals_per_minute_max=self.max_refusals_per_minute,
        )
