"""How large an order is, and what an entry may pay."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, SettingsGroup
from bottrader.domain.sizing import SizingRules


class SizingSettings(SettingsGroup):
    """Sizes of orders and prices of entries."""

    order_size_roc: Amount = Field(Decimal(15), gt=0, description="size of a momentum entry")
    order_size_signal: Amount = Field(Decimal(15), gt=0, description="size of an entry by signal or score")
    order_size_webhook: Amount = Field(Decimal(15), gt=0, description="size of an entry by an outside sender")
    order_size_passive: Amount = Field(Decimal(32), gt=0, description="size of a passive quote")
    order_size_fiat: Amount = Field(Decimal(35), gt=0, description="size of a manual order")
    min_order_amount_fiat: Amount = Field(Decimal(10), gt=0, description="smallest entry")
    min_sell_value: Amount = Field(Decimal("1.01"), ge=0, description="smallest value that is sold; less is dust")
    entry_slippage_pct: Amount = Field(Decimal("0.002"), ge=0, lt=1, description="an entry pays at most ask x (1 + it)")
    entry_needs_range: bool = Field(
        True, description="buy only what has 15 candles; false suits a simulated market that is moved by hand"
    )

    def sizing_rules(self) -> SizingRules:
        return SizingRules(
            order_size_roc=self.order_size_roc,
            order_size_signal=self.order_size_signal,
            order_size_webhook=self.order_size_webhook,
            order_size_passive=self.order_size_passive,
            order_size_fiat=self.order_size_fiat,
            order_size_min=self.min_order_amount_fiat,
        )
