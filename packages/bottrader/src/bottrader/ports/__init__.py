"""What the use cases need from the world outside, as contracts; adapters keep them, and one suite tests every adapter.

Each method says what is promised, what every outcome means, its idempotency key, and what happens when the system
behind it is down. An adapter translates every vendor exception into an `AdapterError`; nothing else escapes.
"""

from bottrader.ports.delivery import Delivery, DeliveryReport, SignalSender
from bottrader.ports.exchange import Balance, Exchange, KeyPermissions
from bottrader.ports.kill_file import KillFile
from bottrader.ports.ledger import AllocationVersion, CashKind, CashMovement, LedgerSnapshot, LedgerStore, TradeRecord
from bottrader.ports.links import StrategyLink
from bottrader.ports.reporting import (
    AllocationRun,
    Attachment,
    LedgerTotals,
    Mail,
    Mailer,
    MailReceipt,
    PlacedBracket,
    ReportDelivery,
    ReportFacts,
    ReportOutcome,
    ReportStore,
)
from bottrader.ports.store import (
    Acceptance,
    InboundSignal,
    Lease,
    OrderStore,
    PeakState,
    SafetyStore,
    SignalHistory,
    SignalStore,
    Store,
    TrailState,
)
from bottrader.ports.streams import (
    CandleUpdate,
    Heartbeat,
    MarketEvent,
    MarketFeed,
    OrderUpdate,
    StreamLive,
    StreamLost,
    UserEvent,
    UserFeed,
)
from bottrader.ports.time import Clock, Entropy, EventLog

__all__ = [
    "Acceptance",
    "AllocationRun",
    "AllocationVersion",
    "Attachment",
    "Balance",
    "CandleUpdate",
    "CashKind",
    "CashMovement",
    "Clock",
    "Delivery",
    "DeliveryReport",
    "Entropy",
    "EventLog",
    "Exchange",
    "Heartbeat",
    "InboundSignal",
    "KeyPermissions",
    "KillFile",
    "Lease",
    "LedgerSnapshot",
    "LedgerStore",
    "LedgerTotals",
    "Mail",
    "MailReceipt",
    "Mailer",
    "MarketEvent",
    "MarketFeed",
    "OrderStore",
    "OrderUpdate",
    "PeakState",
    "PlacedBracket",
    "ReportDelivery",
    "ReportFacts",
    "ReportOutcome",
    "ReportStore",
    "SafetyStore",
    "SignalHistory",
    "SignalSender",
    "SignalStore",
    "Store",
    "StrategyLink",
    "StreamLive",
    "StreamLost",
    "TradeRecord",
    "TrailState",
    "UserEvent",
    "UserFeed",
]
