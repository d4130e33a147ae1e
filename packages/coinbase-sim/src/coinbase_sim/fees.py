"""Fee tiers by the volume of the last 30 days, brought up to date at each full hour of venue time (coinbase.md §14).

The tier in force is a function of the fills and the hour alone: it counts the fills from 30 days before the hour's
beginning up to, and without, that beginning. So a restored exchange charges what the saved one would have charged.
An order keeps the rates of the tier at its placement.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from coinbase_sim.amounts import EXACT, ONE, ZERO
from coinbase_sim.model import Fill, TradeType

_WINDOW = timedelta(days=30)
USD_CURRENCIES = frozenset({"USD", "USDC"})
"""Quote currencies whose volume counts, at par; that of other pairs does not."""


@dataclass(frozen=True, slots=True)
class FeeTier:
    """A step of the fee schedule: rates per quote unit from a 30-day volume of `usd_from` to below `usd_to`."""

    name: str
    usd_from: Decimal
    usd_to: Decimal | None
    """None: without end."""
    maker_rate: Decimal
    taker_rate: Decimal

    def __post_init__(self) -> None:
        if not ZERO <= self.maker_rate <= self.taker_rate < ONE:
            raise ValueError(
                "fee rates satisfy 0 <= maker <= taker < 1, because a hold covers the taker fee; "
                f"were maker {self.maker_rate} and taker {self.taker_rate}"
            )


def _tier(name: str, bounds: tuple[int, int | None], maker: str, taker: str) -> FeeTier:
    low, high = bounds
    return FeeTier(name, Decimal(low), None if high is None else Decimal(high), Decimal(maker), Decimal(taker))


def example_tiers() -> tuple[FeeTier, ...]:
    """Return a schedule in the venue's style, for `SimulatorOptions.fee_tiers`; it is no statement of today's rates."""
    return (
        _tier("Example 1", (0, 10_000), "0.006", "0.012"),
        _tier("Example 2", (10_000, 50_000), "0.004", "0.008"),
        _tier("Example 3", (50_000, 100_000), "0.0025", "0.005"),
        _tier("Example 4", (100_000, 1_000_000), "0.0015", "0.0025"),
        _tier("Example 5", (1_000_000, None), "0.001", "0.002"),
    )


def check_tiers(tiers: Sequence[FeeTier]) -> None:
    """Raise ValueError unless the tiers cover every volume from zero, in rising order and without a gap."""
    if not tiers or tiers[0].usd_from != ZERO or tiers[-1].usd_to is not None:
        raise ValueError("fee tiers begin at a volume of zero, and the last one has no end")
    for lower, upper in pairwise(tiers):
        if lower.usd_to != upper.usd_from or upper.usd_from <= lower.usd_from:
            raise ValueError(f"a fee tier begins where the one before ends; {upper.name} does not follow {lower.name}")


class FeeMeter:
    """Measures the 30-day volume and tells the tier; asked with times that never go back."""

    def __init__(self, tiers: Sequence[FeeTier], fills: Sequence[Fill], usd_products: Collection[str]) -> None:
        check_tiers(tiers)
        self._tiers = tiers
        self._fills = fills
        self._usd_products = usd_products
        self._hour: datetime | None = None
        self._begin = self._end = 0
        self._volume = self._fees = ZERO
        self._tier = tiers[0]

    def tier(self, now: datetime) -> FeeTier:
        """Return the tier in force at `now`."""
        if len(self._tiers) > 1:
            self._update(now)
        return self._tier

    def volume(self, now: datetime) -> Decimal:
        """Return the USD volume of the 30 days before the present hour."""
        self._update(now)
        return self._volume

    def fees(self, now: datetime) -> Decimal:
        """Return the fees on that volume."""
        self._update(now)
        return self._fees

    def _update(self, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour == self._hour:
            return
        self._hour = hour
        while self._end < len(self._fills) and self._fills[self._end].at < hour:
            self._count(self._fills[self._end], ONE)
            self._end += 1
        while self._begin < self._end and self._fills[self._begin].at < hour - _WINDOW:
            self._count(self._fills[self._begin], Decimal(-1))
            self._begin += 1
        # A volume below zero, after reversals, is of the first tier.
        reached = [tier for tier in self._tiers if tier.usd_from <= self._volume]
        self._tier = reached[-1] if reached else self._tiers[0]

    def _count(self, fill: Fill, sign: Decimal) -> None:
        """Count a fill into the window (`sign` 1) or out of it (-1); a reversal counts the other way round."""
        if fill.product_id not in self._usd_products:
            return
        if fill.trade_type is TradeType.REVERSAL:
            sign = sign.copy_negate()
        value = EXACT.multiply(fill.price, fill.size)
        self._volume = EXACT.add(self._volume, EXACT.multiply(sign, value))
        self._fees = EXACT.add(self._fees, EXACT.multiply(sign, fill.commission))
