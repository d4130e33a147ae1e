"""What the use cases need from the world outside, as contracts; adapters keep them, and one suite tests every adapter.

Each method says what is promised, what every outcome means, its idempotency key, and what happens when the system
behind it is down. An adapter translates every vendor exception into an `AdapterError`; nothing else escapes.
"""

from bottrader.domain.cash import CashKind, CashMovement
from bottrader.ports.delivery import Delivery, DeliveryReport, SignalSender
from bottrader.ports.exchange import Balance, Exchange, KeyPermissions, VenueMovement
from bottrader.ports.kill_file import KillFile
from bottrader.ports.ledger import (
    AllocationRun,
    AllocationState,
    AllocationVersion,
    LedgerSnapshot,
    LedgerStore,
    OrderSource,
    RebuildResult,
    ReviewItem,
    StoredAllocations,
    TradeRecord,
    VersionStatus,
    VersionStore,
    VersionSummary,
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
    StrategyLink,
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
    "AllocationState",
    "AllocationVersion",
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
    "MarketEvent",
    "MarketFeed",
    "OrderSource",
    "OrderStore",
    "OrderUpdate",
    "PeakState",
    "RebuildResult",
    "ReviewItem",
    "SafetyStore",
    "SignalHistory",
    "SignalSender",
    "SignalStore",
    "Store",
    "StoredAllocations",
    "StrategyLink",
    "StreamLive",
    "StreamLost",
    "TradeRecord",
    "TrailState",
    "UserEvent",
    "UserFeed",
    "VenueMovement",
    "VersionStatus",
    "VersionStore",
    "VersionSummary",
]
