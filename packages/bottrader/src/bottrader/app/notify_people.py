"""What people are told of: trades, starts and ends, and every alarm, without being flooded.

It listens where the log does, so whoever decides something tells it once. An alarm of one kind and product is told at
most every five minutes; those in between are counted and told with the next one.
"""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.money import ZERO
from bottrader.domain.orders import Side
from bottrader.ports import Clock, Notifier, Severity

ALARM_PAUSE_S = 300.0
TEXT_LENGTH_MAX = 1000
# Outcomes that matter without being alarms, by what their title says.
TOLD = {
    "starting": "BotTrader is starting",
    "ready": "BotTrader is ready to trade",
    "stopped": "BotTrader has stopped",
    "kill_switch_off": "The kill switch is off",
}
FAILURES = frozenset({"ended", "lease_lost", "kill_switch_on", "books_differ"})


@dataclass(slots=True)
class _Held:
    """What is remembered of alarms of one kind."""

    told_s: float
    held_back: int = 0


class NotifyingLog:
    """An `EventLog` that passes on what a person wants to know at once."""

    def __init__(self, notifier: Notifier, clock: Clock) -> None:
        self._notifier = notifier
        self._clock = clock
        self._alarms: dict[tuple[str, str], _Held] = {}

    def info(self, event: str, **fields: object) -> None:
        if event == "order_ended":
            self._tell_trade(fields)
        elif event in TOLD:
            self._notifier.notify(Severity.INFO, TOLD[event], _text(fields))

    def alarm(self, event: str, **fields: object) -> None:
        now_s = self._clock.monotonic_s()
        kind = (event, str(fields.get("product_id", "")))
        held = self._alarms.get(kind)
        if held is not None and now_s - held.told_s < ALARM_PAUSE_S:
            held.held_back += 1
            return
        if held is not None and held.held_back:
            fields["more_of_it_before"] = held.held_back
        self._alarms[kind] = _Held(now_s)
        severity = Severity.FAILURE if event in FAILURES else Severity.WARNING
        self._notifier.notify(severity, f"BotTrader alarm: {event.replace('_', ' ')}", _text(fields))

    def _tell_trade(self, fields: dict[str, object]) -> None:
        size, value = fields.get("filled_size"), fields.get("filled_value")
        if not isinstance(size, Decimal) or size <= ZERO:
            return
        verb = "Bought" if fields.get("side") == Side.BUY else "Sold"
        text = _text({name: fields.get(name) for name in ("trigger", "order_id")})
        self._notifier.notify(
            Severity.INFO, f"{verb} {_shown(size)} {fields.get('product_id')} for {_shown(value)}", text
        )


def _text(fields: dict[str, object]) -> str:
    lines = (f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in fields.items() if value is not None)
    return "\n".join(lines)[:TEXT_LENGTH_MAX]


def _shown(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
