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
    {"fault": "F16", "nth": 2}                                             a fault by its name in the catalogue
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from coinbase_sim.actions import ANSWERS_TO, ON_REQUESTS, ON_STREAMS, ON_SUBSCRIPTIONS, TICKS, TIMED, Action
from coinbase_sim.knob_bodies import BODIES, PositiveAmount
from coinbase_sim.wire.bodies import BodyUnreadable, decoded


class FaultInvalid(ValueError):
    """A fault script that makes no sense; the text says what is wrong and what would be right."""


class Tick(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A print on a market that is moved by hand."""

    price: PositiveAmount
    size: PositiveAmount = "1"
    product_id: str = "BTC-USD"


class Control(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A knob of the control interface and what it is turned to."""

    path: str
    body: dict[str, Any] = {}

    def setting(self) -> msgspec.Struct:
        """The body in the knob's own shape; raises `FaultInvalid`."""
        if self.path not in BODIES:
            raise FaultInvalid(f"there is no knob {self.path!r}; there are {', '.join(BODIES)}")
        try:
            return msgspec.convert(self.body, BODIES[self.path])
        except msgspec.ValidationError as invalid:
            raise FaultInvalid(f"the knob {self.path} cannot be turned so: {invalid}") from None


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One scripted fault.

    `on` is `METHOD /path` below the REST prefix (concrete, or the template), `METHOD *`, `* *`, `ws CHANNEL` or
    `subscribe CHANNEL`.
    """

    on: str
    do: Action
    nth: Annotated[int, msgspec.Meta(ge=1)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    """Wall-clock seconds, for the faults that wait; what waits for 0 seconds waits until `POST /control/settle`."""
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
    control: Control | None = None
    """For `control_first` only: this knob is turned before the request is carried out."""


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
        self.now_s = clock
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
        now_s = self.now_s()
        due = [one.fault for one in self._scripted if one.fault.on in names and one.meet(now_s)]
        return due[0] if due else None


def parse_faults(body: bytes) -> list[Fault]:
    """One fault, or a list of them, from JSON; raises `FaultInvalid`.

    A fault is spelt out (`{"on": …, "do": …}`) or named, with changes (`{"fault": "F2", "nth": 3}`).
    """
    try:
        parsed = decoded(body)
    except BodyUnreadable as invalid:
        raise FaultInvalid(f"not a fault script: {invalid}") from None
    rows = parsed if isinstance(parsed, list) else [parsed]
    return [fault for row in rows for fault in _read(row)]


def _read(row: object) -> Sequence[Fault]:
    if isinstance(row, dict) and isinstance(row.get("fault"), str):
        changes = {name: value for name, value in row.items() if name != "fault"}
        return named(row["fault"], **changes)
    try:
        return [msgspec.convert(row, Fault)]
    except msgspec.ValidationError as invalid:
        raise FaultInvalid(f"not a fault script: {invalid}") from None


class _Random(msgspec.Struct, forbid_unknown_fields=True):
    rates: Annotated[dict[str, Annotated[float, msgspec.Meta(gt=0, le=1)]], msgspec.Meta(min_length=1)]
    seed: int = 0


def parse_random(body: bytes) -> list[Fault]:
    """The faults of `{"seed": 7, "rates": {"F2": 0.05, "F24": 0.01}}`; raises `FaultInvalid`."""
    try:
        asked = decoded(body, _Random)
    except BodyUnreadable as invalid:
        raise FaultInvalid(f'random faults are like {{"seed": 7, "rates": {{"F2": 0.05}}}}: {invalid}') from None
    return at_random(asked.seed, asked.rates)


def at_random(seed: int, rates: Mapping[str, float]) -> list[Fault]:
    """The named faults, each spoiling its matches for good with a probability of its own, all from one seed."""
    faults: list[Fault] = []
    for name, rate in rates.items():
        # A seed of its own for each, or all of them would come at the same matches.
        for place, fault in enumerate(named(name, times=0, rate=rate)):
            own = int.from_bytes(sha256(f"{seed} {name} {place}".encode()).digest()[:6], "big")
            faults.append(msgspec.structs.replace(fault, seed=own, lasts_s=0.0))
    return faults


def named(name: str, **changes: Any) -> list[Fault]:
    """The faults that a name of the catalogue stands for, with other terms (`nth`, `times`, `seconds`, `on`, …).

    `product_id` is put wherever the named faults name a product.
    """
    from coinbase_sim.catalogue import CATALOGUE  # noqa: PLC0415 - it is made of this module's faults

    if name not in CATALOGUE:
        raise FaultInvalid(f"there is no fault {name!r}; there are {', '.join(CATALOGUE)}")
    product_id = changes.pop("product_id", None)
    faults = []
    for fault in CATALOGUE[name].faults:
        spelt = msgspec.to_builtins(fault) | changes
        if product_id is not None:
            for place in (spelt.get("tick"), spelt.get("control", {}).get("body")):
                if place is not None and "product_id" in place:
                    place["product_id"] = product_id
        try:
            faults.append(msgspec.convert(spelt, Fault))
        except msgspec.ValidationError as invalid:
            raise FaultInvalid(f"{name} cannot be changed so: {invalid}") from None
    return faults


def _check(fault: Fault) -> None:
    kind, _, target = fault.on.partition(" ")
    if kind in {"ws", "subscribe"}:
        is_named = bool(target)
        fits = fault.do in (ON_STREAMS if kind == "ws" else ON_SUBSCRIPTIONS)
    else:
        is_named = kind in {"GET", "POST", "*"} and (target == "*" or (kind != "*" and target.startswith("/")))
        fits = fault.do in ON_REQUESTS
    if not is_named:
        raise FaultInvalid(f"'on' must be like 'POST /orders', '* *', 'ws user' or 'subscribe user', not {fault.on!r}")
    if not fits:
        raise FaultInvalid(
            f"{fault.do.value} does not go with {fault.on!r}: 'ws CHANNEL' takes {_listed(ON_STREAMS)};"
            f" 'subscribe CHANNEL' {_listed(ON_SUBSCRIPTIONS)}; requests take {_listed(ON_REQUESTS)}"
        )
    _check_terms(fault)


def _check_terms(fault: Fault) -> None:
    if fault.seconds and fault.do not in TIMED:
        raise FaultInvalid(f"'seconds' goes with {_listed(TIMED)} only, not with {fault.do.value}")
    if fault.do in TICKS and fault.on != "ws ticker":
        raise FaultInvalid(f"{fault.do.value} spoils a ticker, so 'on' must be 'ws ticker', not {fault.on!r}")
    if fault.on != ANSWERS_TO.get(fault.do, fault.on):
        raise FaultInvalid(f"{fault.do.value} is an answer to {ANSWERS_TO[fault.do]!r}, not to {fault.on!r}")
    if bool(fault.code) != (fault.do is Action.NOT_SUCCESS):
        raise FaultInvalid("'code' goes with not_success, which needs it: the venue's failure reason")
    if (fault.tick is not None) != (fault.do is Action.TICK_FIRST):
        raise FaultInvalid('\'tick\' goes with tick_first, which needs it, like {"price": "38000"}')
    if (fault.control is not None) != (fault.do is Action.CONTROL_FIRST):
        raise FaultInvalid('\'control\' goes with control_first, which needs it, like {"path": "/fill", "body": {}}')
    if fault.control is not None:
        fault.control.setting()


def _listed(actions: frozenset[Action]) -> str:
    return ", ".join(sorted(actions))
