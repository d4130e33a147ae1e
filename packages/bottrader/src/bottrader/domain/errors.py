"""The error tree; each docstring says what the bot does when it meets one.

    BotTraderError                never raised itself
    ├─ AmountInvalid              the value is refused where it enters; nothing that used it is stored
    ├─ SelectionInvalid           the lots named for a sell cannot cover it; nothing is allocated
    ├─ StartupRefused             the bot does not start; nothing was sent
    │  ├─ ConfigInvalid           the message names every wrong key, what was expected and the remedy, never a secret
    │  ├─ FileRefused             nothing was written; the message lists the wrong lines of the file and their reasons
    │  ├─ SchemaOutOfDate         the message names both revisions
    │  └─ LedgerMismatch          the database belongs to another venue or session
    ├─ AdapterError               the use case ends; its retry rule applies; resting protection stays on the exchange
    │  ├─ ExchangeUnreachable     entries pause; an order in flight stays Unknown until a lookup settles it
    │  ├─ ExchangeRefused         the venue answered a query with an error; the caller decides, nothing is assumed
    │  ├─ StoreUnreachable        entries pause; readiness turns red; protection continues from memory
    │  └─ WireUnreadable          the message is set aside; that stream resynchronises; alarm
    └─ InvariantBroken            money state contradicts itself: stop, alarm, non-zero exit; the restart reconciles

Expected refusals (below minimum, insufficient balance, duplicate signal) are values, not exceptions.
"""


class BotTraderError(Exception):
    """Every error of the bot's own; never raised itself."""


class AmountInvalid(BotTraderError, ValueError):
    """The value is refused where it enters; nothing that used it is stored."""


class SelectionInvalid(BotTraderError, ValueError):
    """The lots that were named for a sell cannot cover it; nothing is allocated, and the message names the sell."""


class StartupRefused(BotTraderError):
    """The bot does not start; nothing was sent."""


class ConfigInvalid(StartupRefused):
    """The bot does not start; the message names every wrong key and its remedy, never a secret."""


class FileRefused(StartupRefused):
    """A file cannot be used: nothing was written, and the message lists its wrong lines with their reasons."""


class SchemaOutOfDate(StartupRefused):
    """The bot does not start; the message names the revision found and the one needed."""


class LedgerMismatch(StartupRefused):
    """The bot does not start: the database holds the books of another venue or session."""


class AdapterError(BotTraderError):
    """The use case ends and its retry rule applies; resting protection stays on the exchange."""


class ExchangeUnreachable(AdapterError):
    """Entries pause; an order in flight stays Unknown until a lookup settles it."""


class ExchangeRefused(AdapterError):
    """The venue answered a query with an error; the caller decides and assumes nothing."""


class StoreUnreachable(AdapterError):
    """Entries pause and readiness turns red; protection continues from memory."""


class WireUnreadable(AdapterError):
    """The message is set aside, its stream resynchronises, and an alarm is raised."""


class InvariantBroken(BotTraderError):
    """Money state contradicts itself: the bot stops with an alarm, and the restart reconciles."""
