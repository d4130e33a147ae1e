"""A script of faults: what is to go wrong, at which request or message, counted so that a run can be repeated.

A fault waits for the `nth` match of `on` after it was installed, spoils that one and `times - 1` more (0: all that
follow), and stays in the list with its counts. With a `rate` it spoils each match with that probability instead, drawn
from its own `seed`: the same seed and the same requests give the same faults.

    {"on": "POST /orders", "nth": 2, "do": "drop_reply"}                   place the second order, never answer
    {"on": "GET /orders/historical/{order_id}", "do": "delay_reply", "seconds": 3}
    {"on": "* *", "do": "http_429", "lasts_s": 600}                        ten minutes of "too many requests"
    {"on": "POST *", "do": "http_502_placed", "rate": 0.2, "seed": 7, "times": 0}
    {"on": "POST /orders/batch_cancel", "do": "tick_first", "tick": {"price": "39000"}}    the fill wins the race
    {"on": "ws user", "do": "drop_connection"}                             cut instead of sending the next user message
    {"on": "subscribe ticker", "do": "drop_ack"}                           subscribe, and do not say so
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec


class Action(StrEnum):
    """What a fault does."""

    # Requests that are refused or lost: the exchange does not do what was asked.
    DROP_REQUEST = "drop_request"
    HTTP_500_NOT_PLACED = "http_500_not_placed"
    HTTP_502_NOT_PLACED = "http_502_not_placed"
    HTTP_503_NOT_PLACED = "http_503_not_placed"
    HTTP_429 = "http_429"
    HTTP_429_HTML = "http_429_html"
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    NOT_FOUND = "not_found"
    NOT_SUCCESS = "not_success"

    # Requests that are carried out and whose reply is spoiled.
    DROP_REPLY = "drop_reply"
    DELAY_REPLY = "delay_reply"
    HOLD_REPLY = "hold_reply"
    HTTP_500_PLACED = "http_500_placed"
    HTTP_502_PLACED = "http_502_placed"
    HTTP_503_PLACED = "http_503_placed"
    TRUNCATE = "truncate"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_ENUM = "unknown_enum"
    HIDE_ROWS = "hide_rows"
    LOSE_ROW = "lose_row"
    REPEAT_ROW = "repeat_row"
    REVERSE_ROWS = "reverse_rows"

    # Requests before which the market moves.
    TICK_FIRST = "tick_first"

    # Messages of a channel.
    DROP_CONNECTION = "drop_connection"
    STALL = "stall"
    DROP_MESSAGE = "drop_message"
    MUTE = "mute"
    REPEAT_MESSAGE = "repeat_message"
    HOLD_MESSAGE = "hold_message"
    CROSSED_TICK = "crossed_tick"
    ZERO_TICK = "zero_tick"
    NAN_TICK = "nan_tick"
    TENFOLD_TICK = "tenfold_tick"

    # Subscriptions to a channel.
    DROP_ACK = "drop_ack"
    REPLAY = "replay"


NOT_DONE = frozenset(
    {
        Action.DROP_REQUEST,
        Action.HTTP_500_NOT_PLACED,
        Action.HTTP_502_NOT_PLACED,
        Action.HTTP_503_NOT_PLACED,
        Action.HTTP_429,
        Action.HTTP_429_HTML,
        Action.HTTP_401,
        Action.HTTP_403,
        Action.NOT_FOUND,
        Action.NOT_SUCCESS,
    }
)
"""The exchange does not do what was asked; in all other faults of requests it does."""

ROWS = frozenset({Action.HIDE_ROWS, Action.LOSE_ROW, Action.REPEAT_ROW, Action.REVERSE_ROWS})
"""Faults of a listing's page of rows."""

TICKS = frozenset({Action.CROSSED_TICK, Action.ZERO_TICK, Action.NAN_TICK, Action.TENFOLD_TICK})
"""Faults of a ticker's prices."""

_ON_STREAMS = TICKS | {
    Action.DROP_CONNECTION,
    Action.STALL,
    Action.DROP_MESSAGE,
    Action.MUTE,
    Action.REPEAT_MESSAGE,
    Action.HOLD_MESSAGE,
}
_ON_SUBSCRIPTIONS = frozenset({Action.DROP_ACK, Action.REPLAY})


POSITIVE = r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,18})?$"
"""An amount above zero, as text."""


class FaultInvalid(ValueError):
    """A fault script that makes no sense; the text says what is wrong and what would be right."""


class Tick(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A print on a market that is moved by hand."""

    price: Annotated[str, msgspec.Meta(pattern=POSITIVE)]
    size: Annotated[str, msgspec.Meta(pattern=POSITIVE)] = "1"
    product_id: str = "BTC-USD"


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One scripted fault.

    `on` is `METHOD /path` below the REST prefix (concrete, or the template), `METHOD *`, `* *`, `ws CHANNEL` or
    `subscribe CHANNEL`.
    """

    on: str
    do: Action
    nth: Annotated[int, msgspec.Meta(ge=1)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    """For `delay_reply` only: wall-clock seconds."""
    times: Annotated[int, msgspec.Meta(ge=0)] = 1
    """How many matches are spoiled from the `nth` on; 0: all."""
    lasts_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    """When set, every match is spoiled for so many wall-clock seconds from the first one on; `times` does not count."""
    rate: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    """When set, each match from the `nth` on is spoiled with this probability, at most `times` of them."""
    seed: int = 0
    """For `rate` only."""
    code: str = ""
    """For `not_success` only: the venue's failure reason."""
    tick: Tick | None = None
    """For `tick_first` only: the market takes this tick before the request is carried out (F16, F17)."""


class _Scripted:
    __slots__ = ("_begun_at", "_dice", "_spoiled", "fault", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self._spoiled = 0
        self._begun_at: float | None = None
        # Faults must repeat for a seed; nothing here is secret.
        self._dice = random.Random(fault.seed)  # noqa: S311

    @property
    def fired(self) -> bool:
        return self._spoiled > 0

    def meet(self, now_s: float) -> bool:
        """Count one match; true when this is one to spoil."""
        self.seen += 1
        if self.seen < self.fault.nth or not self._is_due(now_s):
            return False
        if self.fault.rate is not None and self._dice.random() >= self.fault.rate:
            return False
        self._begun_at = now_s if self._begun_at is None else self._begun_at
        self._spoiled += 1
        return True

    def _is_due(self, now_s: float) -> bool:
        if self.fault.lasts_s:
            return self._begun_at is None or now_s - self._begun_at < self.fault.lasts_s
        return self.fault.times == 0 or self._spoiled < self.fault.times


class Faults:
    """The installed faults of one exchange; `clock` gives wall-clock seconds."""

    def __init__(self, faults: Sequence[Fault] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._scripted: list[_Scripted] = []
        self._spoils_streams = False
        self._clock = clock
        self.clock_skew_s = 0.0
        """How far the clock by which tokens are judged is ahead of the wall clock (F10)."""
        self._held: list[asyncio.Event] = []
        self.install(faults)

    def install(self, faults: Sequence[Fault]) -> None:
        """Add all of them, or none when one is invalid (`FaultInvalid`)."""
        for fault in faults:
            _check(fault)
        self._scripted.extend(_Scripted(fault) for fault in faults)
        self._spoils_streams = any(scripted.fault.on.startswith("ws ") for scripted in self._scripted)

    def clear(self) -> None:
        """Forget all faults, and let the replies go that are held."""
        self._scripted.clear()
        self._spoils_streams = False
        self.release()

    @property
    def held_count(self) -> int:
        """How many replies wait to be released."""
        return len(self._held)

    async def until_released(self) -> None:
        """Wait as a held reply does: until the next `release`."""
        gate = asyncio.Event()
        self._held.append(gate)
        try:
            await gate.wait()
        finally:
            if gate in self._held:
                self._held.remove(gate)

    def release(self) -> int:
        """Let every reply go that is held, and return how many; those held from now on wait for the next call."""
        released, self._held = self._held, []
        for gate in released:
            gate.set()
        return len(released)

    def counts(self) -> list[dict[str, Any]]:
        """Each installed fault with how often it has matched and whether it has fired."""
        return [
            {"nth": 1} | msgspec.to_builtins(scripted.fault) | {"seen": scripted.seen, "fired": scripted.fired}
            for scripted in self._scripted
        ]

    def at_request(self, method: str, path: str, template: str) -> Fault | None:
        """The fault that spoils this request, counting it for every fault that it matches."""
        return self._meet({f"{method} {path}", f"{method} {template}", f"{method} *", "* *"})

    def at_message(self, channel: str) -> Fault | None:
        """The fault that spoils this message of a channel; asked for every message, so it is quick."""
        return self._meet({f"ws {channel}"}) if self._spoils_streams else None

    def at_subscription(self, channel: str) -> Fault | None:
        """The fault that spoils this subscription."""
        return self._meet({f"subscribe {channel}"})

    def _meet(self, names: set[str]) -> Fault | None:
        now_s = self._clock()
        due = [one.fault for one in self._scripted if one.fault.on in names and one.meet(now_s)]
        return due[0] if due else None


def parse_faults(body: bytes) -> list[Fault]:
    """One fault, or a list of them, from JSON; raises `FaultInvalid`."""
    try:
        parsed = msgspec.json.decode(body, type=Fault | list[Fault])
    except (msgspec.DecodeError, UnicodeDecodeError) as invalid:
        raise FaultInvalid(f"not a fault script: {invalid}") from None
    return parsed if isinstance(parsed, list) else [parsed]


def _check(fault: Fault) -> None:
    kind, _, target = fault.on.partition(" ")
    if kind in {"ws", "subscribe"}:
        is_named = bool(target)
        fits = fault.do in (_ON_STREAMS if kind == "ws" else _ON_SUBSCRIPTIONS)
    else:
        is_named = kind in {"GET", "POST", "*"} and (target == "*" or (kind != "*" and target.startswith("/")))
        fits = fault.do not in _ON_STREAMS | _ON_SUBSCRIPTIONS
    if not is_named:
        raise FaultInvalid(f"'on' must be like 'POST /orders', '* *', 'ws user' or 'subscribe user', not {fault.on!r}")
    if not fits:
        raise FaultInvalid(
            f"{fault.do.value} does not go with {fault.on!r}: 'ws CHANNEL' takes {_listed(_ON_STREAMS)};"
            f" 'subscribe CHANNEL' {_listed(_ON_SUBSCRIPTIONS)}; requests take the others"
        )
    if fault.seconds and fault.do is not Action.DELAY_REPLY:
        raise FaultInvalid("'seconds' goes with delay_reply only")
    if fault.do in TICKS and fault.on != "ws ticker":
        raise FaultInvalid(f"{fault.do.value} spoils a ticker, so 'on' must be 'ws ticker', not {fault.on!r}")
    if bool(fault.code) != (fault.do is Action.NOT_SUCCESS):
        raise FaultInvalid("'code' goes with not_success, which needs it: the venue's failure reason")
    if (fault.tick is not None) != (fault.do is Action.TICK_FIRST):
        raise FaultInvalid('\'tick\' goes with tick_first, which needs it, like {"price": "38000"}')
    if fault.do is Action.NOT_SUCCESS and fault.on != "POST /orders":
        raise FaultInvalid(f"not_success is an answer to 'POST /orders', not to {fault.on!r}")


def _listed(actions: frozenset[Action]) -> str:
    return ", ".join(sorted(actions))
