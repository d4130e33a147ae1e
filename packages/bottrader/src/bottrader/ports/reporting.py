"""What periodic reports are made from, where they are sent, and what is remembered of the sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from bottrader.domain.market import ProductId
from bottrader.domain.money import Price
from bottrader.domain.orders import ClientOrderId
from bottrader.domain.report_schedule import ReportPeriod
from bottrader.domain.signals import Signal
from bottrader.ports.ledger import AllocationVersion, LedgerSnapshot
from bottrader.ports.links import StrategyLink


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What the store itself adds up over a window: a second way to the totals that a report computes.

    Allocations are those of the active version whose sell order was completed in the window, each order whole;
    executions are those in the window.
    """

    allocations_count: int
    realized_pnl: Decimal
    unmatched_count: int
    unmatched_proceeds: Decimal
    executions_count: int
    fees: Decimal


@dataclass(frozen=True, slots=True)
class PlacedBracket:
    """A bracket as it was sent: target and stop in quote per base, around what `parent_ids` bought."""

    order_id: ClientOrderId
    product_id: ProductId
    target: Price
    stop: Price
    parent_ids: tuple[ClientOrderId, ...]
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """The newest run of the allocation; `symbol` is None of one over all products, `error` empty unless it failed."""

    symbol: ProductId | None
    mode: str
    status: str
    at: datetime
    allocations_count: int
    error: str


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything a periodic report is made from, as of one moment. `ledger` and `links` are whole, since what was sold
    in the window was bought before it; `signals` and `brackets` are those of the window, oldest first."""

    ledger: LedgerSnapshot
    links: Sequence[StrategyLink]
    signals: Sequence[Signal]
    brackets: Sequence[PlacedBracket]
    version: AllocationVersion
    totals: LedgerTotals
    newest_run: LoggedRun | None
    reviews_count: int
    """How many items of the review queue wait."""


class ReportOutcome(StrEnum):
    """What became of one step of sending a report."""

    STARTED = "started"
    """About to be sent; when nothing follows, nobody knows whether it was."""
    SENT = "sent"
    """The mail server took responsibility for it."""
    FILED = "filed"
    """Written to the data folder only, because no mail is set up."""
    REFUSED = "refused"
    """The mail server said no for good, so sending it again would change nothing."""
    UNREACHABLE = "unreachable"
    """It certainly did not leave."""
    UNKNOWN = "unknown"
    """It may have left: the connection ended before the answer."""
    FAILED = "failed"
    """It could not be made."""

    @property
    def is_final(self) -> bool:
        return self in {ReportOutcome.SENT, ReportOutcome.FILED, ReportOutcome.REFUSED}


@dataclass(frozen=True, slots=True)
class ReportDelivery:
    """One step of sending the report of one period; `message_id` is the same in all of them."""

    period: ReportPeriod
    outcome: ReportOutcome
    at: datetime
    message_id: str
    detail: str = ""


class ReportStore(Protocol):
    """What reports read, and the log of what was sent. Raises `StoreUnreachable` when the database does not answer."""

    async def report_facts(self, since: datetime, until: datetime) -> ReportFacts:
        """Return what a report over `[since, until)` needs: what is committed meanwhile is in none of it."""
        ...

    async def record_report_delivery(self, delivery: ReportDelivery) -> bool:
        """Append one step. Key: kind and end of the period; after a final outcome nothing is written and False
        returned, so that a period is settled once, whoever tries."""
        ...

    async def report_deliveries(self, period: ReportPeriod) -> Sequence[ReportDelivery]:
        """Return all steps of this period, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along; `media_type` such as `text/csv`."""

    name: str
    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in plain text and HTML. `message_id` (with its angle brackets) is the same however often it is sent, so
    that a reader can tell a repeated mail from a second one."""

    message_id: str
    subject: str
    text: str
    html: str
    sent_at: datetime
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class MailReceipt:
    """How it went: SENT, REFUSED, UNREACHABLE or UNKNOWN. `refused_recipients` did not get what the others did."""

    outcome: ReportOutcome
    detail: str = ""
    refused_recipients: tuple[str, ...] = ()


class Mailer(Protocol):
    """Sends a mail once to the configured recipients."""

    async def send(self, mail: Mail) -> MailReceipt:
        """Send it and return what is known; never raises for what the server or the network did, and never waits
        longer than its time limit. Key: `message_id`, which only a reader can tell repeats by. UNKNOWN means that the
        text was handed over and no answer came: it may have been delivered."""
        ...
