"""The rules one process trades by, gathered from configuration once at start."""

from dataclasses import dataclass, field
from decimal import Decimal

from bottrader.domain.brackets import BracketRules
from bottrader.domain.exits import ExitRules
from bottrader.domain.passive import PassiveRules
from bottrader.domain.risk import RiskLimits
from bottrader.domain.selection import SelectionRules
from bottrader.domain.sizing import SizingRules


@dataclass(frozen=True, slots=True)
class TradingRules:
    """Sizes, limits and exits; `entry_slippage_rate` bounds how far above the ask an entry may pay (0.002 is 0.2 %)."""

    sizing: SizingRules
    limits: RiskLimits
    exits: ExitRules
    entry_slippage_rate: Decimal
    hodl: frozenset[str] = frozenset()
    """Base currencies that are never sold."""
    shill: frozenset[str] = frozenset()
    """Base currencies that are never bought."""
    brackets: BracketRules | None = None
    """How positions are bracketed at the venue; None leaves their protection to the monitor."""
    sell_value_min: Decimal = Decimal("1.01")
    """Quote value below which a holding is dust; the venue's own minimum binds where it is higher."""
    selection: SelectionRules = field(default_factory=SelectionRules)
    """Which products are not entered, by their results and by hand."""
    entry_needs_range: bool = True
    """Whether nothing is bought while the average true range is unknown (R33)."""
    passive: PassiveRules = field(default_factory=PassiveRules)
    """How quotes are made and what they bought is left; it binds no other entries."""
