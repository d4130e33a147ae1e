"""Peak tracking: ride a momentum position, remember the top of its smoothed price, leave when that has fallen too far.

The smoothed price is the mean of the samples of the last `peak_smoothing_s` seconds and the current price. A sample is
kept at most every thirtieth of that window, so that a busy market weighs no more than a quiet one and a handful of
numbers is all that a restart has to bring back. Without smoothing it is the current price.

Tracking starts once the net return has reached `peak_activation_pct` and stays on (R67): from then on `high` is the
highest smoothed price. It is rounded up at the 28th digit, which can only let an exit come sooner.

Beside it stands the testing guide's own rule on the rate of change (ROC): leave when the ROC turns negative or has lost
30 % of its peak (B133-B139).
"""

import decimal
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.domain.money import EXACT, ZERO, Price

SAMPLES_MAX = 30
"""Samples kept within one window of smoothing."""
ROC_DROP_MAX = Decimal("0.30")
"""Share of its peak that the rate of change may lose."""


@dataclass(frozen=True, slots=True)
class PriceSample:
    """A price that counts towards the smoothed one, with its venue time."""

    at: datetime
    price: Price


@dataclass(frozen=True, slots=True)
class Peak:
    """What is remembered of a tracked position; `high` is None until tracking has started."""

    high: Price | None
    samples: tuple[PriceSample, ...] = ()


def follow_peak(peak: Peak, now: PriceSample, smoothing_s: int, *, is_reached: bool) -> Peak:
    """Take in a price; `is_reached` tells whether the net return is high enough to start tracking."""
    kept = _within(peak.samples, now.at, smoothing_s)
    high = peak.high
    if high is not None or is_reached:
        mean = Price(_UP.divide(_total(kept, now.price), Decimal(len(kept) + 1)))
        high = mean if high is None else max(high, mean)
    if smoothing_s > 0 and (not kept or now.at - kept[-1].at >= timedelta(seconds=smoothing_s) / SAMPLES_MAX):
        kept = (*kept, now)
    return peak if (high, kept) == (peak.high, peak.samples) else Peak(high, kept)


def has_drawn_down(peak: Peak, now: PriceSample, smoothing_s: int, drawdown_pct: Decimal) -> bool:
    """Tell whether the smoothed price is at or below high x (1 - drawdown); never before tracking has started.

    Both sides are multiplied by the number of samples, so that no quotient is rounded. `peak` may hold `now` already.
    """
    if peak.high is None:
        return False
    kept = _within(peak.samples, now.at, smoothing_s)
    if kept and kept[-1] == now:
        kept = kept[:-1]
    floor = EXACT.multiply(peak.high, EXACT.subtract(Decimal(1), drawdown_pct))
    return _total(kept, now.price) <= EXACT.multiply(floor, Decimal(len(kept) + 1))


@dataclass(frozen=True, slots=True)
class RocPeak:
    """The highest price and rate of change (in percent) since a position was opened."""

    price: Decimal
    roc: Decimal


def raise_roc_peak(peak: RocPeak, price: Decimal, roc: Decimal) -> RocPeak:
    """Return the peak after a new price and rate of change; neither ever falls (B134, B135)."""
    return RocPeak(max(peak.price, price), max(peak.roc, roc))


def has_roc_turned(peak: RocPeak, roc: Decimal) -> bool:
    """Tell whether momentum is over: the rate is negative, or has lost at least 30 % of its peak (B136-B139)."""
    if roc < ZERO:
        return True
    if peak.roc <= ZERO:
        return False
    return EXACT.subtract(peak.roc, roc) >= EXACT.multiply(peak.roc, ROC_DROP_MAX)


_UP = decimal.Context(prec=28, rounding=decimal.ROUND_CEILING)


def _within(samples: tuple[PriceSample, ...], at: datetime, smoothing_s: int) -> tuple[PriceSample, ...]:
    start = at - timedelta(seconds=smoothing_s)
    if not samples or samples[0].at > start:
        return samples
    return tuple(sample for sample in samples if sample.at > start)


def _total(samples: tuple[PriceSample, ...], price: Price) -> Decimal:
    total: Decimal = price
    for sample in samples:
        total = EXACT.add(total, sample.price)
    return total
