"""What the account of a simulated exchange starts with, and the terms it trades on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from coinbase_sim.amounts import ZERO
from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.fees import FeeTier, check_tiers


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The account and its terms; fee rates are per quote unit traded."""

    balances: Mapping[str, Decimal]
    """Amounts available at the start, by currency; the products' other currencies start at zero."""
    maker_fee_rate: Decimal = Decimal("0.004")
    taker_fee_rate: Decimal = Decimal("0.008")
    name: str = "coinbase-sim"
    """Goes into every order and trade id: give each exchange of its own history a name of its own."""
    fee_tiers: tuple[FeeTier, ...] = ()
    """Rates by 30-day volume, see `fees.example_tiers`; empty keeps the two rates above whatever the volume."""
    duplicate_ids: DuplicateIds = DuplicateIds.EXISTING
    """What a known client order id means."""
    open_orders_max: int = 500
    """Open orders per product (coinbase.md §14)."""

    def __post_init__(self) -> None:
        check_tiers(self.tiers)
        for currency, amount in self.balances.items():
            if not amount.is_finite() or amount < ZERO:
                raise ValueError(f"a balance is finite and not negative; was {amount} {currency}")

    @property
    def tiers(self) -> tuple[FeeTier, ...]:
        """The fee tiers in force: those given, or one tier of the fixed rates."""
        return self.fee_tiers or (FeeTier("Simulated", ZERO, None, self.maker_fee_rate, self.taker_fee_rate),)
