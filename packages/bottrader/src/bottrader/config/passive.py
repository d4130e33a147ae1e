"""How quotes are made, and how what they bought is left."""

from decimal import Decimal

from pydantic import Field

from bottrader.config.fields import Amount, SettingsGroup
from bottrader.domain.passive import PassiveRules


class PassiveSettings(SettingsGroup):
    """Passive market making: what is quoted, and for how long."""

    min_spread_pct: Amount = Field(
        Decimal("0.00025"), ge=0, lt=1, description="smallest spread that is quoted, as a share of the price"
    )
    edge_buffer_pct: Amount = Field(
        Decimal("0.00005"), ge=0, lt=1, description="what the spread leaves at least after two maker fees"
    )
    passive_ignore_fees_for_spread: bool = Field(
        False, description="leave fees and buffer out of the spread that is asked for"
    )
    max_lifetime: int = Field(
        600, gt=0, description="seconds after which a quote is cancelled, and what one bought is sold"
    )
    inventory_bias_factor: Amount = Field(
        Decimal("0.10"), ge=0, le=1, description="share of the spread by which inventory shifts the quotes"
    )
    min_quote_volume: Amount = Field(
        Decimal(1_000_000), ge=0, description="quote volume of the last day below which nothing is quoted"
    )
    passive_needs_history: bool = Field(
        True, description="quote only what was profitable and is active; false lets a new account begin"
    )

    def passive_rules(self) -> PassiveRules:
        return PassiveRules(
            spread_min_pct=self.min_spread_pct,
            edge_buffer_pct=self.edge_buffer_pct,
            ignore_fees=self.passive_ignore_fees_for_spread,
            lifetime_s=self.max_lifetime,
            bias_factor=self.inventory_bias_factor,
            quote_volume_min=self.min_quote_volume,
            needs_history=self.passive_needs_history,
        )
