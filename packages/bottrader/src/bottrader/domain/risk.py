"""The limits that hold whatever a signal says: exposure, loss of the day, losing runs, rates, prices, a kill switch.

They bind orders that increase exposure; leaving a position is always possible. An order whose outcome is unknown may be
live, so it counts as filled in full (S3): the worst case is what is limited. Quote amounts throughout.

    equity      all quote currency of the account + what our positions are worth
    day's P&L   realized since 00:00 UTC by first-in-first-out + unrealized of all open positions now, entry fees
                included; a position that was under water yesterday still counts, and no restart forgets anything,
                since both follow from facts
    losing run  the newest closed trades that each lost; entries rest for `cool_off_s` after the last of them

A limit may be reached but not passed; only a loss that reaches its limit stops entries.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.validation import Refusal, show_amount

RATE_WINDOW = timedelta(seconds=60)
"""Over what stretch of venue time orders and refusals are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Quote amounts for one position, all together and a day's loss, shares of equity, counts, and ages in seconds.

    `losses_in_row_max` 0 switches the breaker off. `daily_loss_flattens` sells everything once the day's loss is
    reached.

    Raises:
        ConfigInvalid: naming every limit that is out of range.
    """

    exposure_quote_max: Decimal
    position_quote_max: Decimal = Decimal(250)
    price_age_s_max: int = 60
    position_equity_pct_max: Decimal = Decimal("0.25")
    exposure_equity_pct_max: Decimal = Decimal("0.80")
    daily_loss_quote_max: Decimal = Decimal(50)
    daily_loss_flattens: bool = False
    losses_in_row_max: int = 5
    cool_off_s: int = 3600
    orders_per_minute_max: int = 30
    refusals_per_minute_max: int = 5

    def __post_init__(self) -> None:
        amounts = ("exposure_quote_max", "position_quote_max", "daily_loss_quote_max")
        shares = ("position_equity_pct_max", "exposure_equity_pct_max")
        counts = ("price_age_s_max", "orders_per_minute_max", "refusals_per_minute_max")
        least = ("losses_in_row_max", "cool_off_s")
        faults = [f"{name} is above 0, was {value}" for name, value in _named(self, amounts) if not _is_positive(value)]
        faults += [
            f"{name} is above 0 and at most 1, was {value}"
            for name, value in _named(self, shares)
            if not (_is_positive(value) and value <= 1)
        ]
        faults += [f"{name} is at least 1, was {value}" for name, value in _named(self, counts) if value < 1]
        faults += [f"{name} is at least 0, was {value}" for name, value in _named(self, least) if value < 0]
        if faults:
            raise ConfigInvalid("; ".join(faults))


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """The newest throw of the switch that stops entries; `flattens` asks to sell everything as well."""

    is_on: bool
    reason: str
    source: str
    at: datetime
    flattens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """What is known when an entry is judged.

    `position_quote` is held of this product, `open_order_quote` the worst case of its open and unknown buys,
    `exposure_quote` the cost of all positions plus the worst case of other products' open buys. `day_pnl_quote` and
    `equity_quote` are None when a position has no usable price to value it by. `losses` and `last_loss_at` are those of
    the losing run.
    """

    entry_quote: Decimal
    position_quote: Decimal
    open_order_quote: Decimal
    exposure_quote: Decimal
    equity_quote: Decimal | None
    day_pnl_quote: Decimal | None
    price_age_s: float
    now: datetime
    losses: int = 0
    last_loss_at: datetime | None = None
    orders_last_minute: int = 0
    refusals_last_minute: int = 0


def check_kill_switch(switch: KillSwitch | None) -> Refusal | None:
    """Return why nothing may be bought while the switch is on, or None."""
    if switch is None or not switch.is_on:
        return None
    return Refusal(
        "KILL_SWITCH", f"the kill switch is on since {switch.at.isoformat()} ({switch.source}): {switch.reason}"
    )


def check_risk(view: RiskView, limits: RiskLimits) -> Refusal | None:
    """Return the first limit an entry would break, or None."""
    # Written so that an age that is not a number refuses too.
    if not view.price_age_s <= limits.price_age_s_max:
        message = f"the price is {view.price_age_s:.0f} s old, at most {limits.price_age_s_max} s are allowed"
        return Refusal("STALE_PRICE", message)
    return (
        _check_rates(view, limits)
        or _check_losses(view, limits)
        or _check_position(view, limits)
        or _check_exposure(view, limits)
    )


def is_daily_loss_reached(day_pnl_quote: Decimal | None, limits: RiskLimits) -> bool:
    """Tell whether the day has lost as much as it may; an unknown figure reaches nothing."""
    return day_pnl_quote is not None and day_pnl_quote <= EXACT.minus(limits.daily_loss_quote_max)


def losing_run(pnls: Iterable[tuple[datetime, Decimal]]) -> tuple[int, datetime | None]:
    """Return how many of the newest trades lost in a row and when the last of them closed.

    `pnls` are closing times and P&L of trades, oldest first; a trade that lost nothing ends the run.
    """
    losses, last = 0, None
    for closed_at, pnl in pnls:
        losses, last = (losses + 1, closed_at) if pnl < ZERO else (0, None)
    return losses, last


def _check_rates(view: RiskView, limits: RiskLimits) -> Refusal | None:
    if view.orders_last_minute >= limits.orders_per_minute_max:
        sent, most = view.orders_last_minute, limits.orders_per_minute_max
        return Refusal("ORDER_RATE", f"{sent} orders went out within a minute, at most {most} are allowed")
    if view.refusals_last_minute >= limits.refusals_per_minute_max:
        refused = view.refusals_last_minute
        return Refusal("REFUSAL_RATE", f"the exchange refused {refused} orders within a minute; entries wait")
    return None


def _check_losses(view: RiskView, limits: RiskLimits) -> Refusal | None:
    if view.day_pnl_quote is None:
        return Refusal("STALE_PRICE", "a position has no usable price, so the day's loss cannot be reckoned")
    if is_daily_loss_reached(view.day_pnl_quote, limits):
        lost, most = show_amount(EXACT.minus(view.day_pnl_quote)), show_amount(limits.daily_loss_quote_max)
        return Refusal("DAILY_LOSS_LIMIT", f"{lost} are lost today, the limit is {most}; entries wait for 00:00 UTC")
    if 0 < limits.losses_in_row_max <= view.losses and view.last_loss_at is not None:
        until = view.last_loss_at + timedelta(seconds=limits.cool_off_s)
        if view.now < until:
            return Refusal("LOSING_RUN", f"the last {view.losses} trades lost; entries rest until {until.isoformat()}")
    return None


def _check_position(view: RiskView, limits: RiskLimits) -> Refusal | None:
    position = EXACT.add(view.position_quote, EXACT.add(view.entry_quote, view.open_order_quote))
    if position > limits.position_quote_max:
        return _passed("POSITION_LIMIT", "the position", position, limits.position_quote_max)
    return _check_share("POSITION_LIMIT", "the position", position, (view, limits.position_equity_pct_max))


def _check_exposure(view: RiskView, limits: RiskLimits) -> Refusal | None:
    exposure = EXACT.add(view.exposure_quote, EXACT.add(view.entry_quote, view.open_order_quote))
    if exposure > limits.exposure_quote_max:
        return _passed("EXPOSURE_LIMIT", "all positions together", exposure, limits.exposure_quote_max)
    return _check_share("EXPOSURE_LIMIT", "all positions together", exposure, (view, limits.exposure_equity_pct_max))


def _check_share(code: str, what: str, amount: Decimal, bound: tuple[RiskView, Decimal]) -> Refusal | None:
    view, share = bound
    if view.equity_quote is None:
        return Refusal("STALE_PRICE", "a position has no usable price, so the equity cannot be reckoned")
    most = EXACT.multiply(view.equity_quote, share)
    return _passed(code, what, amount, most, f", {_percent(share)} of equity") if amount > most else None


def _passed(code: str, what: str, amount: Decimal, most: Decimal, why: str = "") -> Refusal:
    return Refusal(code, f"{what} could reach {show_amount(amount)}, above the limit of {show_amount(most)}{why}")


def _percent(share: Decimal) -> str:
    return f"{EXACT.normalize(EXACT.multiply(share, Decimal(100))):f} %"


def _named(limits: RiskLimits, names: tuple[str, ...]) -> list[tuple[str, Decimal]]:
    return [(name, getattr(limits, name)) for name in names]


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > ZERO
