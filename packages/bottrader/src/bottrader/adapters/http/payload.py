"""A signal as JSON, both ways: what the sender writes is what the listener reads.

Amounts and prices are text, times ISO 8601 with an offset. Fields that are missing are refused, never filled in: an
absent amount stays absent, so that the size belonging to the trigger applies (B38).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import msgspec

from bottrader.domain.errors import AmountInvalid, BotTraderError
from bottrader.domain.market import ProductId
from bottrader.domain.money import parse_amount, parse_price
from bottrader.domain.signals import Action, Signal, SignalId, Trigger

ORIGIN = "SIGHOOK"

_Word = TypeVar("_Word", bound=StrEnum)


class PayloadInvalid(BotTraderError):
    """The request is answered with 400 and `code`; nothing is stored."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TriggerPayload(msgspec.Struct, forbid_unknown_fields=True):
    trigger: str
    trigger_note: str = ""


class SignalPayload(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /webhook`; `timestamp` is the signal's birth in milliseconds since 1970."""

    uuid: str
    action: str
    pair: str
    timestamp: int
    origin: str
    trigger: TriggerPayload
    price: str
    candle_opened_at: datetime
    born_at: datetime
    expires_at: datetime
    snapshot_id: str
    score: dict[str, str] = {}
    quote_size: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(SignalPayload)


def encode_signal(signal: Signal) -> bytes:
    """Return the JSON body that carries `signal`, the same bytes at every attempt: a retry must be known as one."""
    return _ENCODER.encode(
        SignalPayload(
            uuid=signal.signal_id,
            action=signal.action,
            pair=signal.product_id,
            timestamp=round(signal.born_at.timestamp() * 1000),
            origin=ORIGIN,
            trigger=TriggerPayload(signal.trigger, signal.note),
            price=_text(signal.price),
            candle_opened_at=signal.candle_opened_at,
            born_at=signal.born_at,
            expires_at=signal.expires_at,
            snapshot_id=signal.snapshot_hash,
            score={name: _text(score) for name, score in signal.scores.items()},
            quote_size=None if signal.quote_size is None else _text(signal.quote_size),
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


def decode_signal(body: bytes) -> Signal:
    """Return the signal in `body`.

    Raises:
        PayloadInvalid: MISSING_UUID, MISSING_ACTION, FORBIDDEN for an unknown origin, else INVALID_JSON_FORMAT with the
            field at fault (B256-B258, B263).
    """
    fields = read_json(body)
    if not fields.get("uuid"):
        raise PayloadInvalid("MISSING_UUID", "the field uuid is missing: send the signal's own id")
    if not fields.get("action"):
        raise PayloadInvalid("MISSING_ACTION", "the field action is missing: send buy or sell")
    try:
        payload = _DECODER.decode(body)
        return _signal(payload)
    except (msgspec.ValidationError, AmountInvalid, ValueError) as error:
        raise PayloadInvalid("INVALID_JSON_FORMAT", f"the body is not a signal: {error}") from None


def _signal(payload: SignalPayload) -> Signal:
    if payload.origin != ORIGIN:
        raise PayloadInvalid("FORBIDDEN", f"origin {payload.origin[:40]!r} is not known here")
    times = (payload.candle_opened_at, payload.born_at, payload.expires_at)
    if any(at.tzinfo is None for at in times):
        raise ValueError("times carry an offset, such as 2026-01-01T00:00:00Z")
    return Signal(
        signal_id=SignalId(_uuid(payload.uuid)),
        product_id=ProductId(payload.pair),
        action=_word(Action, "action", payload.action),
        trigger=_word(Trigger, "trigger", payload.trigger.trigger),
        note=payload.trigger.trigger_note,
        price=parse_price(payload.price),
        candle_opened_at=payload.candle_opened_at,
        born_at=payload.born_at,
        expires_at=payload.expires_at,
        snapshot_hash=payload.snapshot_id,
        scores={name: parse_amount(score) for name, score in payload.score.items()},
        quote_size=None if payload.quote_size is None else _above_zero(payload.quote_size),
    )


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


def _above_zero(text: str) -> Decimal:
    amount = parse_amount(text)
    if amount <= 0:
        raise ValueError(f"quote_size is above zero, was {text[:40]!r}")
    return amount


def _text(amount: Decimal) -> str:
    # Never an exponent: 1E-8 is a number to us and a mystery to the next reader.
    return format(amount, "f")
