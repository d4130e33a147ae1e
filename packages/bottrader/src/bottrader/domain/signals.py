"""A signal: the wish to trade, with an id that its own content determines.

The id is derived, never drawn: the same candle, strategy snapshot and side give the same id in every run, so a signal
that is born twice (restart, replayed candle, retried delivery) is still one signal.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size

SignalId = NewType("SignalId", str)
"""A UUID in its 36-character text form."""


_NAMESPACE = UUID("6f1d3a52-6c0b-5a53-9b6e-0d2f4b7c9a11")
# Chosen once; changing it would change every signal id and with it every order id.


class Action(StrEnum):
    """What a signal asks for; anything else is refused, never guessed (B258)."""

    BUY = "buy"
    SELL = "sell"


class Trigger(StrEnum):
    """Why an order exists. A closed list: sizing and attribution depend on it (B29-B34)."""

    ROC = "ROC"
    ROC_MOMO = "ROC_MOMO"
    ROC_MOMO_OVERRIDE = "ROC_MOMO_OVERRIDE"
    SIGNAL = "SIGNAL"
    SCORE = "SCORE"
    WEBHOOK = "WEBHOOK"
    HARD_STOP = "HARD_STOP"
    PEAK_DRAWDOWN = "PEAK_DRAWDOWN"
    PEAK_BREAKEVEN = "PEAK_BREAKEVEN"
    SOFT_STOP = "SOFT_STOP"
    TRAILING_STOP = "TRAILING_STOP"
    MAX_HOLD = "MAX_HOLD"
    FLATTEN = "FLATTEN"
    TAKE_PROFIT = "TAKE_PROFIT"
    SIGNAL_EXIT = "SIGNAL_EXIT"
    BRACKET = "BRACKET"
    RSI_OVERSOLD = "RSI_OVERSOLD"
    MACD_CROSS = "MACD_CROSS"
    PASSIVE_BUY = "PASSIVE_BUY"
    PASSIVE_SELL = "PASSIVE_SELL"
    PASSIVE_EXIT = "PASSIVE_EXIT"
    PASSIVE_PROFIT = "PASSIVE_PROFIT"
    PASSIVE_LOSS = "PASSIVE_LOSS"
    MANUAL = "MANUAL"

    @classmethod
    def _missing_(cls, value: object) -> "Trigger | None":
        """Compare in upper case, so that `Trigger("roc_momo")` is `ROC_MOMO` (B29)."""
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Component:
    """What one indicator said and what it added to the score of its side.

    `decision` is None while the indicator is unknown; it then adds nothing (R33). `value` and `threshold` are what was
    compared, None where the indicator has no such figure.
    """

    indicator: str
    side: Action
    decision: bool | None
    value: Decimal | None
    threshold: Decimal | None
    weight: Decimal
    contribution: Decimal


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Why a strategy decided as it did, beyond its figures, so that a person can check it.

    `last_side` and `cooldown_until` are what held when it decided; `reason` is one word for the rule that was decisive.
    """

    reason: str
    components: tuple[Component, ...] = ()
    last_side: Action | None = None
    cooldown_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastSide:
    """The side of the newest accepted signal of a pair.

    `flipped_at` is the opening time of the candle on which the accepted signals turned to this side, `signalled_at`
    that of the newest one.
    """

    side: Action
    flipped_at: datetime
    signalled_at: datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """A decision of a strategy on one closed candle; times are venue time."""

    signal_id: SignalId
    product_id: ProductId
    action: Action
    trigger: Trigger
    note: str
    price: Price
    candle_opened_at: datetime
    born_at: datetime
    expires_at: datetime
    snapshot_hash: str
    scores: dict[str, Decimal] = field(default_factory=dict)
    quote_size: Decimal | None = None
    """Quote amount asked for; `None` lets the trigger decide (B29-B35)."""
    breakdown: Breakdown | None = None
    """Why; None from a sender that does not say."""
    size_base: Size | None = None
    """Exactly how much, in base currency; only a person's order says so (B297)."""


def derive_signal_id(product_id: ProductId, candle_opened_at: datetime, snapshot_hash: str, action: Action) -> SignalId:
    """Return the id of the signal that this candle and strategy give for this side."""
    seed = f"signal|{product_id}|{candle_opened_at.isoformat()}|{snapshot_hash}|{action}"
    return SignalId(str(uuid5(_NAMESPACE, seed)))


class OutcomeKind(StrEnum):
    """The one way an accepted signal ends (E4)."""

    ORDERED = "ordered"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """How a signal ended: `code` is the contract, `message` one sentence for people."""

    signal_id: SignalId
    kind: OutcomeKind
    code: str
    message: str
    decided_at: datetime
