"""How the bot reaches people, and how it shows somebody outside that it lives."""

from enum import StrEnum
from typing import Protocol


class Severity(StrEnum):
    """How much a notification matters."""

    INFO = "info"
    """Something happened as it should: a trade, a start."""
    WARNING = "warning"
    """A person should look at it."""
    FAILURE = "failure"
    """The bot does not trade any more, or may not."""


class Notifier(Protocol):
    """Tells people. Trading never waits for it: nothing that becomes of a notification reaches the caller."""

    def notify(self, severity: Severity, title: str, text: str) -> None:
        """Take a notification to be sent later; never blocks and never raises. When too many wait, it is dropped."""
        ...


class Pinger(Protocol):
    """A dead man's switch somewhere else, which raises an alarm when it hears nothing for a while."""

    async def ping(self) -> bool:
        """Tell it that all is well; False when it did not take it. Never raises for what the network did."""
        ...
