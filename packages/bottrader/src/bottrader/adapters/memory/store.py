"""The store in memory: the same promises as Postgres within one process, for tests of the use cases.

Every method runs without awaiting anything in between, so each is one transaction: nothing of it shows before it ends,
and a refusal leaves everything as it was.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from bottrader.adapters.memory.books import Ledger, refuse_changed_fill, row_of
from bottrader.adapters.memory.links import link_of
from bottrader.adapters.memory.reports import MemoryReports, brackets_within, logged_run, totals_within
from bottrader.adapters.memory.safety import MemorySafety
from bottrader.adapters.memory.signals import MemorySignals
from bottrader.adapters.memory.truth import MemoryTruth, review_of_unmatched
from bottrader.adapters.memory.versions import MemoryVersions
from bottrader.domain.adoption import Adoption
from bottrader.domain.dust import is_dust
from bottrader.domain.errors import InvariantBroken, LedgerMismatch
from bottrader.domain.lots import Allocation, Execution
from bottrader.domain.market import ProductId
from bottrader.domain.orders import (
    ClientOrderId,
    Fill,
    OpenOrder,
    OrderIntent,
    OrderState,
    OrderTransition,
    VenueOrderId,
    check_transition,
)
from bottrader.domain.selection import Leaderboard
from bottrader.domain.signals import SignalId, SignalOutcome
from bottrader.ports import (
    AllocationRun,
    AllocationState,
    Lease,
    LedgerSnapshot,
    LoggedRun,
    ReportFacts,
    SignalHistory,
    StoredAllocations,
    StrategyLink,
    TradeRecord,
    TrailState,
)


class MemoryOrders(MemorySignals):
    """The `OrderStore` in memory; it shares the signals' outcomes, as the tables of a database do."""

    def __init__(self) -> None:
        super().__init__()
        self._books = Ledger()
        self._tokens: dict[str, int] = {}
        self._trails: dict[ProductId, TrailState] = {}
        self._links: dict[ClientOrderId, StrategyLink] = {}

    async def record_intent(self, intent: OrderIntent, fencing_token: int, outcome: SignalOutcome | None) -> bool:
        held = self._tokens.values()
        if fencing_token not in held and any(token > fencing_token for token in held):
            raise InvariantBroken(f"lease {fencing_token} was taken over by another process; this one must stop")
        if intent.client_order_id in self._books.intents:
            return False
        if intent.signal_id is not None and any(
            intent.signal_id == other.signal_id for other in self._books.intents.values()
        ):
            raise InvariantBroken(f"signal {intent.signal_id} has an order already")
        if outcome is not None and outcome.signal_id in self._outcomes:
            raise InvariantBroken(f"signal {outcome.signal_id} has an outcome already")
        self._books.add_intent(intent)
        self._links[intent.client_order_id] = self._link(intent)
        if outcome is not None:
            self._outcomes[outcome.signal_id] = outcome
        return True

    async def strategy_links(self) -> Sequence[StrategyLink]:
        oldest_first = sorted(
            self._books.intents.values(), key=lambda intent: (intent.created_at, intent.client_order_id)
        )
        return [self._links[intent.client_order_id] for intent in oldest_first]

    async def record_transition(self, transition: OrderTransition) -> bool:
        order_id = transition.client_order_id
        if order_id not in self._books.intents:
            raise InvariantBroken(f"order {order_id} has no intent, so it cannot become {transition.state}")
        last = self._books.steps[order_id][-1]
        if last.state is transition.state:
            return False
        check_transition(last.state, transition.state)
        self._refuse_second_identity(transition)
        self._books.steps[order_id].append(transition)
        return True

    async def open_orders(self) -> Sequence[OpenOrder]:
        return [
            OpenOrder(
                intent, self._books.state_of(order_id), self._books.venue_id_of(order_id), self._sent_at(order_id)
            )
            for order_id, intent in sorted(
                self._books.intents.items(), key=lambda item: (item[1].created_at, item[1].client_order_id)
            )
            if not self._books.state_of(order_id).is_terminal
        ]

    async def record_fills(self, fills: Iterable[Fill]) -> Sequence[Fill]:
        new: dict[str, Fill] = {}
        for fill in fills:
            known = self._books.fills.get(fill.fill_id) or new.setdefault(fill.fill_id, fill)
            refuse_changed_fill(known, fill)
        self._books.fills.update(new)
        return list(new.values())

    async def executions(self, product_id: ProductId | None = None) -> Sequence[Execution]:
        return [row for row in self._books.executions() if product_id in {None, row.product_id}]

    async def executions_of(self, venue_order_ids: Collection[VenueOrderId]) -> Sequence[Execution]:
        owners = {self._books.order_of_venue_id(venue_order_id) for venue_order_id in venue_order_ids}
        return [row for row in self._books.executions() if row.order_id in owners]

    async def trail_of(self, product_id: ProductId) -> TrailState | None:
        return self._trails.get(product_id)

    async def save_trail(self, trail: TrailState) -> None:
        if not 0 < trail.stop <= trail.high:
            raise InvariantBroken(f"a trailing stop is above zero and not above its high, was {trail}")
        self._trails[trail.product_id] = trail

    async def clear_trail(self, product_id: ProductId) -> None:
        self._trails.pop(product_id, None)

    def _link(self, intent: OrderIntent) -> StrategyLink:
        """Return the link of an order; an exit without a signal of its own has the scores of the entry it ends."""
        parent = None if intent.parent_id is None else self._links.get(intent.parent_id)
        inbound = None if intent.signal_id is None else self._inbound.get(intent.signal_id)
        signal = None if inbound is None else inbound.signal
        candidates = (
            intent.snapshot_hash,
            None if signal is None else signal.snapshot_hash,
            *(period.content_hash for period in self.activations if period.role == "webhook" and not period.until),
            None if parent is None else parent.snapshot_id,
        )
        return link_of(intent, next(filter(None, candidates), None), signal, parent)

    def _sent_at(self, order_id: ClientOrderId) -> datetime | None:
        sent = [step.at for step in self._books.steps[order_id] if step.state is OrderState.SENT]
        return sent[-1] if sent else None

    def _refuse_second_identity(self, transition: OrderTransition) -> None:
        order_id, venue_id = transition.client_order_id, transition.venue_order_id
        if venue_id is None:
            return
        own = self._books.venue_id_of(order_id)
        owner = self._books.order_of_venue_id(venue_id)
        if own not in {None, venue_id} or owner not in {None, order_id}:
            raise InvariantBroken(
                f"order {order_id} cannot be venue order {venue_id}: it is {own}, and that one is of order {owner}"
            )


class MemoryStore(MemoryTruth, MemoryOrders, MemoryVersions, MemoryReports, MemorySafety):
    """Keeps the contract of `ports.Store` in one process."""

    def __init__(self) -> None:
        super().__init__()
        self._venue: str | None = None
        self.runs: list[AllocationRun] = []
        self._runs_of: dict[ProductId, int] = {}
        self._board: Leaderboard | None = None
        self._newest_run: LoggedRun | None = None
        self._locks: dict[str, asyncio.Lock] = {}

    async def claim_venue(self, venue: str) -> None:
        self._venue = self._venue or venue
        if self._venue != venue:
            raise LedgerMismatch(
                f"this database holds the books of {self._venue}, not of {venue}; use another database or data folder"
            )

    async def record_adoption(self, adoption: Adoption) -> bool:
        is_new = adoption.order_id not in self._books.adoptions
        self._books.adoptions.setdefault(adoption.order_id, adoption)
        return is_new

    async def replace_allocations(self, product_id: ProductId, allocations: Sequence[Allocation], at: datetime) -> None:
        await self.write_allocations(
            AllocationRun(product_id, await self.allocation_state(product_id), 0, allocations, 0, at)
        )

    async def allocation_state(self, product_id: ProductId) -> AllocationState:
        rows = self._allocations.get(product_id, ())
        return AllocationState(await self.active_version(), len(rows), self._runs_of.get(product_id, 0))

    async def stored_allocations(self, product_id: ProductId) -> StoredAllocations:
        return StoredAllocations(await self.allocation_state(product_id), list(self._allocations.get(product_id, ())))

    async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
        product_id = run.product_id
        if any(row.product_id != product_id for row in run.rows):
            raise InvariantBroken(f"allocations of {product_id} contain rows of another product")
        if await self.allocation_state(product_id) != run.expected:
            return None
        self._allocations[product_id] = (*self._allocations.get(product_id, ())[: run.position], *run.rows)
        self.runs.append(run)
        self._newest_run = logged_run(run)
        self._runs_of[product_id] = len(self.runs)
        for row in run.rows:
            if row.buy_order_id is None and not is_dust(row):
                await self.queue_review([review_of_unmatched(row, run.at)])
        return await self.allocation_state(product_id)

    async def allocations(self, since: datetime | None = None) -> Sequence[Allocation]:
        rows = [row for product_id in sorted(self._allocations) for row in self._allocations[product_id]]
        if since is not None:
            late = {row.sell_order_id for row in rows if row.sell_time >= since}
            rows = [row for row in rows if row.sell_order_id in late]
        return sorted(rows, key=lambda row: row.sell_time)

    async def record_leaderboard(self, board: Leaderboard) -> None:
        self._board = board if board.standings else None

    async def leaderboard(self) -> Leaderboard | None:
        return self._board

    async def trade_records(self) -> Sequence[TradeRecord]:
        rows = [self._marked(row_of(self._books, order_id)) for order_id in self._books.intents]
        rows += self._foreign.values()
        return sorted(rows, key=lambda row: (row.order_time, row.order_id))

    async def snapshot(self) -> LedgerSnapshot:
        # None of these gives way to another task, so nothing happens between them.
        return LedgerSnapshot(
            await self.executions(),
            await self.cash_movements(),
            await self.allocations(),
            await self.trade_records(),
            await self.signals_count(),
        )

    async def report_facts(self, since: datetime, until: datetime) -> ReportFacts:
        born = sorted((each.signal for each in self._inbound.values()), key=lambda each: (each.born_at, each.signal_id))
        ledger = await self.snapshot()
        return ReportFacts(
            ledger=ledger,
            links=await self.strategy_links(),
            signals=[signal for signal in born if since <= signal.born_at < until],
            brackets=brackets_within(self._books.intents.values(), since, until),
            version=await self.active_version(),
            totals=totals_within(ledger, since, until),
            newest_run=self._newest_run,
            reviews_count=len(self._review),
        )

    @asynccontextmanager
    async def lease(self, role: str) -> AsyncIterator[Lease]:
        async with self._locks.setdefault(role, asyncio.Lock()):
            # One sequence for all roles, so that a token names its role.
            token = max(self._tokens.values(), default=0) + 1
            self._tokens[role] = token
            held = MemoryLease(token)
            try:
                yield held
            finally:
                held.lose()

    async def signal_history(self, signal_id: SignalId) -> SignalHistory | None:
        inbound = self._inbound.get(signal_id)
        signal = self._signals.get(signal_id)
        if signal is None and inbound is not None:
            signal = inbound.signal
        if signal is None:
            return None
        order_id = next((i.client_order_id for i in self._books.intents.values() if i.signal_id == signal_id), None)
        return SignalHistory(
            signal=signal,
            delivery=self.deliveries[signal_id][0] if signal_id in self.deliveries else None,
            accepted_at=None if inbound is None else inbound.received_at,
            outcome=self._outcomes.get(signal_id),
            order=None if order_id is None else row_of(self._books, order_id),
        )

    async def ping(self) -> None:
        return


class MemoryLease:
    """A lease of a `MemoryStore`; `lose` ends it early, as a broken connection would."""

    def __init__(self, token: int) -> None:
        self._token = token
        self._cut = asyncio.Event()

    @property
    def token(self) -> int:
        return self._token

    async def is_held(self) -> bool:
        return not self._cut.is_set()

    async def cut(self) -> None:
        await self._cut.wait()

    def lose(self) -> None:
        self._cut.set()
