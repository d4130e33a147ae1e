"""What the knobs of the control interface take: one shape per path, for requests and for scripts alike."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.wire.dialect import Dialect
from coinbase_sim.wire.limits import RateLimits

POSITIVE = r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,18})?$"
"""An amount above zero, as text."""

Amount = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,15}(\.[0-9]{1,18})?$")]
PositiveAmount = Annotated[str, msgspec.Meta(pattern=POSITIVE)]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A knob without a setting."""


class StepBody(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class PriceBody(msgspec.Struct, forbid_unknown_fields=True):
    product_id: str
    price: PositiveAmount
    size: Amount = "1"


class BookBody(msgspec.Struct, forbid_unknown_fields=True):
    """A print, and the ladder that it leaves: pairs of price and size, best first."""

    product_id: str
    price: PositiveAmount
    bids: Annotated[list[tuple[PositiveAmount, PositiveAmount]], msgspec.Meta(max_length=50_000)]
    asks: Annotated[list[tuple[PositiveAmount, PositiveAmount]], msgspec.Meta(max_length=50_000)]
    size: Amount = "1"


class FillBody(msgspec.Struct, forbid_unknown_fields=True):
    """A fill of a resting order at its own price; without an id of the newest one."""

    order_id: str = ""
    share: PositiveAmount = "1"


class SettleBody(msgspec.Struct, forbid_unknown_fields=True):
    order_id: str = ""
    """Without one: every order for which something waits."""


class DisconnectBody(msgspec.Struct, forbid_unknown_fields=True):
    channel: str | None = None
    """None: every socket."""
    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] | None = None
    """None resets the connections; a code closes them with a handshake."""


class ProductBody(msgspec.Struct, forbid_unknown_fields=True):
    """The gates of a product (coinbase.md §5); those left out are open."""

    product_id: str
    status: Literal["online", "offline", "delisted"] = "online"
    is_disabled: bool = False
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False


class BalanceBody(msgspec.Struct, forbid_unknown_fields=True):
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,10}$")]
    available: Amount


class CashBody(msgspec.Struct, forbid_unknown_fields=True):
    """A deposit, or with a sign a withdrawal, that is listed under `/v2/accounts/{id}/transactions`."""

    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,10}$")]
    amount: Annotated[str, msgspec.Meta(pattern=r"^-?(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,18})?$")]
    type: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,40}$")] = ""
    """Coinbase's word for it; without one `fiat_deposit` or `fiat_withdrawal`."""


class RulesBody(msgspec.Struct, forbid_unknown_fields=True):
    """The increments and minimums of a product (F13, F14); those left out stay as they are."""

    product_id: str
    base_increment: Amount | None = None
    price_increment: Amount | None = None
    base_min_size: Amount | None = None
    quote_min_size: Amount | None = None


class ReversalBody(msgspec.Struct, forbid_unknown_fields=True):
    trade_id: str = ""
    """Without one: the newest fill."""


class CorrectionBody(msgspec.Struct, forbid_unknown_fields=True):
    price: Amount
    commission: Amount
    trade_id: str = ""
    """Without one: the newest fill."""


class ClockBody(msgspec.Struct, forbid_unknown_fields=True):
    skew_s: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class KeyBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the API key may do; those left out are as they are at the start."""

    can_view: bool = True
    can_trade: bool = True
    can_transfer: bool = False
    revoked: bool = False


class DuplicatesBody(msgspec.Struct, forbid_unknown_fields=True):
    meaning: DuplicateIds


class QuietBody(msgspec.Struct, forbid_unknown_fields=True):
    close_after_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    """None: quiet sockets stay open."""


BODIES: Mapping[str, type[msgspec.Struct]] = {
    "/step": StepBody,
    "/pause": Nothing,
    "/resume": Nothing,
    "/price": PriceBody,
    "/book": BookBody,
    "/fill": FillBody,
    "/settle": SettleBody,
    "/product": ProductBody,
    "/balance": BalanceBody,
    "/cash": CashBody,
    "/rules": RulesBody,
    "/reversal": ReversalBody,
    "/correction": CorrectionBody,
    "/clock": ClockBody,
    "/key": KeyBody,
    "/duplicates": DuplicatesBody,
    "/dialect": Dialect,
    "/limits": RateLimits,
    "/quiet": QuietBody,
    "/heartbeat": Nothing,
    "/disconnect": DisconnectBody,
}
"""Every knob by its path below `/control`."""
