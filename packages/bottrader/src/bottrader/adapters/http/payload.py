"""A signal as JSON, both ways: what the sender writes is what the listener reads.

Amounts and prices are text, times ISO 8601 with an offset. Fields that are missing are refused, never filled in: an
absent amount stays absent, so that the size belonging to the trigger applies (B38).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from bottrader.domain.errors import AmountInvalid, BotTraderError
from bottrader.domain.market import ProductId
from bottrader.domain.money import Size, parse_amount, parse_price
from bottrader.domain.signals import Action, Breakdown, Component, Signal, SignalId, Trigger

ORIGIN = "SIGHOOK"
# More than anything that is traded has, and far less than a database holds.
DIGITS_MAX = 200
MANUAL_ORIGIN = "MANUAL"
"""A person, by `bottrader order`."""

_Word = TypeVar("_Word", bound=StrEnum)


class PayloadInvalid(BotTraderError):
    """The request is answered with 400 and `code`; nothing is stored."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _said(**terms: object) -> msgspec.Meta:
    """Return what the API's description says of a field; the decoder does not judge by it, `to_signal` does."""
    return msgspec.Meta(extra_json_schema=terms)


Moment = Annotated[datetime, _said(format="date-time")]


class TriggerPayload(msgspec.Struct, forbid_unknown_fields=True):
    trigger: Annotated[str, _said(enum=[*Trigger])]
    trigger_note: str = ""


class ComponentPayload(msgspec.Struct, forbid_unknown_fields=True):
    """One indicator of the score; amounts are text."""

    indicator: str
    side: str
    weight: str
    contribution: str
    decision: bool | None = None
    value: str | None = None
    threshold: str | None = None


class BreakdownPayload(msgspec.Struct, forbid_unknown_fields=True):
    """Why the sender decided so."""

    reason: str
    components: list[ComponentPayload] = []
    last_side: str | None = None
    cooldown_until: datetime | None = None


class SignalPayload(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /webhook`; `timestamp` is the signal's birth in milliseconds since 1970."""

    uuid: Annotated[str, _said(format="uuid")]
    action: Annotated[str, _said(enum=[*Action])]
    pair: Annotated[str, _said(examples=["BTC-USD"])]
    timestamp: int
    origin: Annotated[str, _said(const=ORIGIN)]
    trigger: TriggerPayload
    price: Annotated[str, _said(pattern=r"^[0-9]{1,9}(\.[0-9]{1,8})?$")]
    candle_opened_at: Moment
    born_at: Moment
    expires_at: Moment
    snapshot_id: str
    score: dict[str, str] = {}
    quote_size: str | None = None
    breakdown: BreakdownPayload | None = None
    size_base: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(SignalPayload)
# JSON has no other way to write the character; after an odd backslash more it is text.
_NUL = b"\\u0000"
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def encode_signal(signal: Signal) -> bytes:
    """Return the JSON body that carries `signal`, the same bytes at every attempt: a retry must be known as one."""
    return _ENCODER.encode(
        SignalPayload(
            uuid=signal.signal_id,
            action=signal.action,
            pair=signal.product_id,
            timestamp=round(signal.born_at.timestamp() * 1000),
            origin=MANUAL_ORIGIN if signal.trigger is Trigger.MANUAL else ORIGIN,
            trigger=TriggerPayload(signal.trigger, signal.note),
            price=_text(signal.price),
            candle_opened_at=signal.candle_opened_at,
            born_at=signal.born_at,
            expires_at=signal.expires_at,
            snapshot_id=signal.snapshot_hash,
            score={name: _text(score) for name, score in signal.scores.items()},
            quote_size=_text_or_none(signal.quote_size),
            breakdown=None if signal.breakdown is None else _breakdown_payload(signal.breakdown),
            size_base=_text_or_none(signal.size_base),
        )
    )


def read_json(body: bytes) -> dict[str, object]:
    """Return the JSON object in `body`; raises `PayloadInvalid` INVALID_JSON_FORMAT for anything else (B256)."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PayloadInvalid("INVALID_JSON_FORMAT", f"the body is not JSON: {error}") from None
    if not isinstance(decoded, dict):
        raise PayloadInvalid("INVALID_JSON_FORMAT", f"the body is a JSON object, was {type(decoded).__name__}")
    return decoded


def read_payload(body: bytes) -> SignalPayload | PayloadInvalid:
    """Return the fields of a signal, or what is wrong with them: that is told only to who has signed.

    Raises `PayloadInvalid` for what is no JSON object, which anybody may be told. A good body is decoded once.
    """
    try:
        payload = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _fault_of(read_json(body)) or PayloadInvalid("INVALID_JSON_FORMAT", f"the body is not a signal: {error}")
    if _NUL in body and _ESCAPED_NUL.search(body):
        return PayloadInvalid("INVALID_JSON_FORMAT", "a text holds the character \\u0000, which no database stores")
    return payload


def decode_signal(body: bytes) -> Signal:
    """Return the signal in `body`.

    Raises:
        PayloadInvalid: MISSING_UUID, MISSING_ACTION, FORBIDDEN for an unknown origin, else INVALID_JSON_FORMAT with the
            field at fault (B256-B258, B263).
    """
    return to_signal(read_payload(body))


def to_signal(payload: SignalPayload | PayloadInvalid) -> Signal:
    """Return the signal that was read; raises what is wrong with it, like `decode_signal`."""
    if isinstance(payload, PayloadInvalid):
        raise payload
    fault = _fault_of({"uuid": payload.uuid, "action": payload.action})
    if fault is not None:
        raise fault
    try:
        return _signal(payload)
    except (AmountInvalid, ValueError) as error:
        raise PayloadInvalid("INVALID_JSON_FORMAT", f"the body is not a signal: {error}") from None


def _fault_of(fields: Mapping[str, object]) -> PayloadInvalid | None:
    if not fields.get("uuid"):
        return PayloadInvalid("MISSING_UUID", "the field uuid is missing: send the signal's own id")
    if not fields.get("action"):
        return PayloadInvalid("MISSING_ACTION", "the field action is missing: send buy or sell")
    return None


def _signal(payload: SignalPayload) -> Signal:
    if payload.origin not in (ORIGIN, MANUAL_ORIGIN):
        raise PayloadInvalid("FORBIDDEN", f"origin {payload.origin[:40]!r} is not known here")
    for at in (payload.candle_opened_at, payload.born_at, payload.expires_at):
        _check_moment(at)
    trigger = _word(Trigger, "trigger", payload.trigger.trigger)
    if payload.size_base is not None and trigger is not Trigger.MANUAL:
        raise ValueError("size_base goes with the trigger MANUAL only; others send quote_size or leave it out")
    return Signal(
        signal_id=SignalId(_uuid(payload.uuid)),
        product_id=ProductId(payload.pair),
        action=_word(Action, "action", payload.action),
        trigger=trigger,
        note=payload.trigger.trigger_note,
        price=parse_price(_amount(payload.price)),
        candle_opened_at=payload.candle_opened_at,
        born_at=payload.born_at,
        expires_at=payload.expires_at,
        snapshot_hash=payload.snapshot_id,
        scores={name: _amount(score) for name, score in payload.score.items()},
        quote_size=None if payload.quote_size is None else _above_zero("quote_size", payload.quote_size),
        breakdown=None if payload.breakdown is None else _breakdown(payload.breakdown),
        size_base=None if payload.size_base is None else Size(_above_zero("size_base", payload.size_base)),
    )


def _breakdown_payload(breakdown: Breakdown) -> BreakdownPayload:
    return BreakdownPayload(
        reason=breakdown.reason,
        components=[
            ComponentPayload(
                indicator=component.indicator,
                side=component.side,
                weight=_text(component.weight),
                contribution=_text(component.contribution),
                decision=component.decision,
                value=_text_or_none(component.value),
                threshold=_text_or_none(component.threshold),
            )
            for component in breakdown.components
        ],
        last_side=breakdown.last_side,
        cooldown_until=breakdown.cooldown_until,
    )


def _breakdown(payload: BreakdownPayload) -> Breakdown:
    if payload.cooldown_until is not None:
        _check_moment(payload.cooldown_until)
    return Breakdown(
        reason=payload.reason,
        components=tuple(
            Component(
                indicator=component.indicator,
                side=_word(Action, "side", component.side),
                decision=component.decision,
                value=_amount_or_none(component.value),
                threshold=_amount_or_none(component.threshold),
                weight=_amount(component.weight),
                contribution=_amount(component.contribution),
            )
            for component in payload.components
        ),
        last_side=None if payload.last_side is None else _word(Action, "last_side", payload.last_side),
        cooldown_until=payload.cooldown_until,
    )


def _check_moment(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("times carry an offset, such as 2026-01-01T00:00:00Z")
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValueError("times lie within the years 1 to 9999, by UTC") from None


def _uuid(text: str) -> str:
    parsed = UUID(text)
    if str(parsed) != text:
        raise ValueError(f"uuid is written in lower case with dashes, was {text[:40]!r}")
    return text


def _word(words: type[_Word], field: str, text: str) -> _Word:
    try:
        return words(text)
    except ValueError:
        raise ValueError(f"{field} is one of {', '.join(words)}, was {text[:40]!r}") from None


def _above_zero(field: str, text: str) -> Decimal:
    amount = _amount(text)
    if amount <= 0:
        raise ValueError(f"{field} is above zero, was {text[:40]!r}")
    return amount


def _amount(text: str) -> Decimal:
    """Return the amount in `text`; raises for one whose digits no column holds, or that would be zero in it."""
    amount = parse_amount(text)
    if len(text) > DIGITS_MAX or abs(amount.adjusted()) > DIGITS_MAX:
        raise ValueError(f"an amount has at most {DIGITS_MAX} digits, was {text[:40]!r}")
    return amount


def _amount_or_none(text: str | None) -> Decimal | None:
    return None if text is None else _amount(text)


def _text_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else _text(amount)


def _text(amount: Decimal) -> str:
    # Never an exponent: 1E-8 is a number to us and a mystery to the next reader.
    return format(amount, "f")
