"""The ports that acting use cases work with, handed on together."""

from dataclasses import dataclass, field

from bottrader.app.tally import Tally
from bottrader.ports import Clock, EventLog, Exchange, Store


@dataclass(frozen=True, slots=True)
class World:
    """The outside of one trading process."""

    store: Store
    exchange: Exchange
    clock: Clock
    log: EventLog
    tally: Tally = field(default_factory=Tally)
