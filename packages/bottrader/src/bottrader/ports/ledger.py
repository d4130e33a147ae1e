"""The books as the store keeps them: cash, trade records, allocations, and what reports read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from bottrader.domain.adoption import Adoption
from bottrader.domain.cash import CashMovement
from bottrader.domain.corrections import Correction
from bottrader.domain.lots import Allocation, Execution, LotMethod
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, VenueOrder, VenueOrderId
from bottrader.domain.reconciliation import Books, ledger_books
from bottrader.domain.selection import Leaderboard


class OrderSource(StrEnum):
    """Of the sources of a trade record, those of orders that the bot did not decide."""

    MANUAL = "manual"
    """Placed by somebody else at the exchange."""
    RECONCILED = "reconciled"
    """It bears an id of the bot's making and the books do not know it."""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """Something that a person has to look at; key: `issue` and `subject`."""

    issue: str
    symbol: ProductId | None
    subject: str
    detail: str
    severity: str
    """`low`, `medium`, `high` or `critical`."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One row of `trade_records`: an order with what became of it.

    `ingest_via` says how it arrived: `intent` for the bot's own, `direct` for a row that a person inserted,
    `reconciled` for an order found at the exchange. The last two tell of the last correction by a reconciliation; None
    without one.
    """

    order_id: ClientOrderId
    symbol: ProductId
    side: str
    size: Size
    price: Price | None
    status: str
    order_time: datetime
    filled_at: datetime | None
    parent_id: ClientOrderId | None
    trigger: str
    notes: str
    source: str
    filled_size: Size
    filled_value: Money
    fees: Money
    ingest_via: str = "intent"
    last_reconciled_at: datetime | None = None
    last_reconciled_via: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """Everything a report is made from, as of one moment; each part as the query of its name returns it."""

    executions: Sequence[Execution] = ()
    cash_movements: Sequence[CashMovement] = ()
    allocations: Sequence[Allocation] = ()
    trade_records: Sequence[TradeRecord] = ()
    signals_count: int = 0

    @property
    def books(self) -> Books:
        """What these facts imply: movements, then every execution."""
        return ledger_books([(movement.currency, movement.amount) for movement in self.cash_movements], self.executions)


@dataclass(frozen=True, slots=True)
class AllocationVersion:
    """One complete set of allocations, and the method that sells met buys by."""

    number: int
    method: LotMethod


@dataclass(frozen=True, slots=True)
class AllocationState:
    """What the active version holds of one product: `rows_count` rows, at the positions from 0 on.

    `run` numbers the run that left them so, 0 before the first. Every run that writes has a number of its own, so two
    equal states mean that nobody wrote in between.
    """

    version: AllocationVersion
    rows_count: int
    run: int


@dataclass(frozen=True, slots=True)
class StoredAllocations:
    """The rows of one product in the active version, from position 0 to the first that is missing."""

    state: AllocationState
    rows: Sequence[Allocation]


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """`rows` for the place of all that the active version holds of a product from `position` on.

    They follow from `executions_count` executions and from the rows before, which are those of `expected`.
    """

    product_id: ProductId
    expected: AllocationState
    position: int
    rows: Sequence[Allocation]
    executions_count: int
    at: datetime

    @property
    def mode(self) -> str:
        """Whether rows are only added, or some that are there change too."""
        return "incremental" if self.position == self.expected.rows_count else "symbol"


class VersionStatus(StrEnum):
    BUILDING = "building"
    COMPLETE = "complete"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version of the allocations and what it holds now; `pnl` in quote currency, of matched sells."""

    version: AllocationVersion
    status: VersionStatus
    is_active: bool
    created_at: datetime
    allocations_count: int
    unmatched_count: int
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What came of matching everything anew; `pnl` in quote currency, of matched sells."""

    version: AllocationVersion
    executions_count: int
    allocations_count: int
    unmatched_count: int
    pnl: Decimal


class VersionStore(Protocol):
    """The allocations as a whole, in versions of which one is active."""

    async def rebuild_allocations(self, method: LotMethod, at: datetime) -> RebuildResult:
        """Match all executions anew into a new version, and make it the active one; the old ones stay.

        Readers see the version before until the new one is complete. What is recorded and allocated meanwhile is in the
        new version too. The run is logged; a failed one with its cause, and then nothing else has changed. Unmatched
        sells are put in the review queue once.

        Raises:
            VersionRefused: when another rebuild is under way.
            InvariantBroken: when the executions contradict themselves.
        """
        ...

    async def allocation_versions(self) -> Sequence[VersionSummary]:
        """Return all versions that ever were, oldest first."""
        ...

    async def drop_version(self, number: int) -> int:
        """Delete the rows of a version and return how many there were; its number is not used again.

        Raises:
            VersionRefused: when it is the active one, or there is none of this number.
        """
        ...


class LedgerStore(VersionStore, Protocol):
    """Cash, allocations and what reports read."""

    async def claim_venue(self, venue: str) -> None:
        """Bind this database to one venue account for ever; raises `LedgerMismatch` when it holds another's books."""
        ...

    async def record_cash(self, movements: Iterable[CashMovement]) -> int:
        """Append movements not known yet, in one transaction, and return how many were new. Key: transaction id; the
        same id with other content raises `InvariantBroken`, and so does a kind that follows from another fact."""
        ...

    async def cash_movements(self) -> Sequence[CashMovement]:
        """Return all movements by time, those of adoptions and of trades that are not the bot's included. Such trades
        from before the books were opened are in the opening balance and left out."""
        ...

    async def queue_review(self, items: Iterable[ReviewItem]) -> int:
        """Put items in the review queue that were never in it, in one transaction; return how many were new."""
        ...

    async def review_items(self) -> Sequence[ReviewItem]:
        """Return what nobody has resolved or dismissed yet, oldest first."""
        ...

    async def record_corrections(self, corrections: Sequence[Correction]) -> int:
        """Append those that say something else than the last one of their kind and subject, in one transaction, and
        return how many did. The record of an order that one is about shows when it was reconciled."""
        ...

    async def corrections(self) -> Sequence[Correction]:
        """Return all of them, oldest first."""
        ...

    async def unclaimed_orders(self) -> Sequence[VenueOrderId]:
        """Return the venue's ids of orders that we have fills of, that are not ours, and whose trade record is missing
        or lacks some of them."""
        ...

    async def record_foreign_order(self, order: VenueOrder, source: OrderSource, at: datetime) -> bool:
        """Show an order that is not the bot's in the trade records, computed from its recorded fills; its cash shows
        at once. Key: the venue's order id. False, and nothing is written, when nothing changes, and while an open
        intent of ours has its client order id: then it is ours, and its venue id is about to be known.

        It is never an execution, so never a position of the bot (F51)."""
        ...

    async def record_adoption(self, adoption: Adoption) -> bool:
        """Append it; its execution and its movements show at once. Key: its order id; False when it is known (then
        nothing is written)."""
        ...

    async def active_version(self) -> AllocationVersion:
        """Return the version that every reader sees."""
        ...

    async def replace_allocations(self, product_id: ProductId, allocations: Sequence[Allocation], at: datetime) -> None:
        """Replace the allocations of one product in the active version and log the run, in one transaction; readers see
        the old rows or the new ones. Unmatched sells are put in the review queue once."""
        ...

    async def allocation_state(self, product_id: ProductId) -> AllocationState:
        """Return what the active version holds of one product, without its rows."""
        ...

    async def stored_allocations(self, product_id: ProductId) -> StoredAllocations:
        """Return what the active version holds of one product, by position and as of one moment."""
        ...

    async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
        """Write a run and log it, in one transaction; readers see the rows before or the rows after. Unmatched sells
        are put in the review queue once. Runs over one product take turns.

        Returns what the active version holds then, or None, with nothing written, when it is not what the run expects:
        another version is active, or another run wrote. A run that is refused (`InvariantBroken`) leaves its log."""
        ...

    async def allocations(self, since: datetime | None = None) -> Sequence[Allocation]:
        """Return the rows of the active version, by sell time; with `since` only those of sell orders that sold
        something then or later, each such order whole, since half of one has another P&L."""
        ...

    async def record_leaderboard(self, board: Leaderboard) -> None:
        """Put this leaderboard in the place of the one before, in one transaction; readers see one or the other. One
        without a product leaves none."""
        ...

    async def leaderboard(self) -> Leaderboard | None:
        """Return the leaderboard as recorded, None when no product is on it."""
        ...

    async def trade_records(self) -> Sequence[TradeRecord]:
        """Return all orders, oldest first."""
        ...

    async def signals_count(self) -> int: ...
