"""A script of faults: what is to go wrong, at which request or message, counted so that a run can be repeated.

A fault waits for the `nth` match of `on` after it was installed, fires once, and stays in the list with its counts.

    {"on": "POST /orders", "nth": 2, "do": "drop_reply"}                   place the second order, never answer
    {"on": "GET /orders/historical/{order_id}", "do": "delay_reply", "seconds": 3}
    {"on": "ws user", "do": "drop_connection"}                             cut instead of sending the next user message
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec


class Action(StrEnum):
    """What a fault does; in all but `DROP_REQUEST` and `HTTP_500_NOT_PLACED` the exchange does what was asked."""

    DROP_REQUEST = "drop_request"
    DROP_REPLY = "drop_reply"
    DELAY_REPLY = "delay_reply"
    HTTP_500_PLACED = "http_500_placed"
    HTTP_500_NOT_PLACED = "http_500_not_placed"
    DROP_CONNECTION = "drop_connection"


class FaultInvalid(ValueError):
    """A fault script that makes no sense; the text says what is wrong and what would be right."""


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One scripted fault. `on` is `METHOD /path` below the REST prefix (concrete, or the template) or `ws CHANNEL`."""

    on: str
    do: Action
    nth: Annotated[int, msgspec.Meta(ge=1)] = 1
    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    """For `delay_reply` only: wall-clock seconds."""


class _Scripted:
    __slots__ = ("fault", "seen")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0

    @property
    def fired(self) -> bool:
        return self.seen >= self.fault.nth

    def meet(self) -> bool:
        """Count one match; true when this is the one to spoil."""
        self.seen += 1
        return self.seen == self.fault.nth


class Faults:
    """The installed faults of one exchange."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._scripted: list[_Scripted] = []
        self._spoils_streams = False
        self.install(faults)

    def install(self, faults: Sequence[Fault]) -> None:
        """Add all of them, or none when one is invalid (`FaultInvalid`)."""
        for fault in faults:
            _check(fault)
        self._scripted.extend(_Scripted(fault) for fault in faults)
        self._spoils_streams = any(_is_for_stream(scripted.fault) for scripted in self._scripted)

    def clear(self) -> None:
        self._scripted.clear()
        self._spoils_streams = False

    def counts(self) -> list[dict[str, Any]]:
        """Each installed fault with how often it has matched and whether it has fired."""
        return [
            msgspec.to_builtins(scripted.fault) | {"seen": scripted.seen, "fired": scripted.fired}
            for scripted in self._scripted
        ]

    def at_request(self, method: str, path: str, template: str) -> Fault | None:
        """The fault that spoils this request, counting it for every fault that it matches."""
        return self._meet({f"{method} {path}", f"{method} {template}"})

    def cuts_stream(self, channel: str) -> bool:
        """Whether this message of a channel is to be replaced by a cut; asked for every message, so it is quick."""
        return self._spoils_streams and self._meet({f"ws {channel}"}) is not None

    def _meet(self, names: set[str]) -> Fault | None:
        due = [scripted.fault for scripted in self._scripted if scripted.fault.on in names and scripted.meet()]
        return due[0] if due else None


def parse_faults(body: bytes) -> list[Fault]:
    """One fault, or a list of them, from JSON; raises `FaultInvalid`."""
    try:
        parsed = msgspec.json.decode(body, type=Fault | list[Fault])
    except (msgspec.DecodeError, UnicodeDecodeError) as invalid:
        raise FaultInvalid(f"not a fault script: {invalid}") from None
    return parsed if isinstance(parsed, list) else [parsed]


def _is_for_stream(fault: Fault) -> bool:
    return fault.on.startswith("ws ")


def _check(fault: Fault) -> None:
    method, _, target = fault.on.partition(" ")
    if method not in {"GET", "POST", "ws"} or not target or (method != "ws" and not target.startswith("/")):
        raise FaultInvalid(f"'on' must be like 'POST /orders' or 'ws user', not {fault.on!r}")
    if _is_for_stream(fault) != (fault.do is Action.DROP_CONNECTION):
        raise FaultInvalid(f"{fault.do.value} does not go with {fault.on!r}: drop_connection is for 'ws CHANNEL' alone")
    if fault.seconds and fault.do is not Action.DELAY_REPLY:
        raise FaultInvalid("'seconds' goes with delay_reply only")
