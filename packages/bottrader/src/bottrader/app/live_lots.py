"""The lots of one product, followed fill by fill, and its allocations in the store, in step with them.

A fill that comes last in ledger order is applied to the lots as they are, and the rows it makes are added in one small
transaction: the work does not grow with what was traded before. Everything else begins anew from the facts: a fill that
comes late, one that the venue took back or corrected (F29), and a start. The rows that come of it are compared with
those that are there, and only what follows the first difference is written; rows of earlier sells do not change.

The store tells which run wrote last. When that was not ours, or another version became the active one (`bottrader lots
rebuild`), nothing is written before its rows are read and compared, and its method is the one followed from there on.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.lots import Allocation, Execution, LedgerKey, LotMethod, OpenLot, ledger_key
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import ClientOrderId, Fill, FillKind
from bottrader.domain.performance import realized_pnl
from bottrader.domain.positions import LotBook
from bottrader.ports import AllocationRun, AllocationState, Store

# Others write seldom, so meeting them this often in a row means that something is wrong with the database.
ATTEMPTS_MAX = 5


class LiveLots:
    """One product's lots and allocations; whoever calls it holds the product's lock."""

    def __init__(self, store: Store, product_id: ProductId) -> None:
        self._store = store
        self._product_id = product_id
        self._priced_lots: tuple[OpenLot, ...] | None = None
        self._entry_price: Decimal | None = None
        self.revision = 0
        """Counts what changed the allocations, so that what is made of them can be kept."""
        self._follow((), LotMethod.FIFO)
        # Rows of the store from position 0 on that are known to be equal to ours, and the state they were seen in.
        self._stored: AllocationState | None = None
        self._equal_count = 0

    async def reload(self) -> None:
        """Begin anew from all executions, by the method of the active version."""
        state = await self._store.allocation_state(self._product_id)
        before = self.allocations[: self._equal_count]
        self._follow(await self._store.executions(self._product_id), state.version.method)
        self._equal_count = _equal_count(before, self.allocations)
        if state != self._stored:
            self._stored = None

    async def take(self, fills: Sequence[Fill]) -> None:
        """Take in fills that were recorded, some of which may be known or not be ours."""
        if any(fill.kind is not FillKind.FILL for fill in fills):
            await self.reload()
            return
        of_orders = await self._store.executions_of({fill.venue_order_id for fill in fills})
        new = [
            each for each in of_orders if each.product_id == self._product_id and each.execution_id not in self._known
        ]
        new.sort(key=ledger_key)
        if new and self._last_key is not None and ledger_key(new[0]) < self._last_key:
            await self.reload()
            return
        for execution in new:
            self._apply(execution)

    async def save(self, at: datetime) -> None:
        """Bring the active version of the store in step; nothing is written when it is.

        Raises `StoreUnreachable`, also when the outcome is unknown (the next run finds out), and `InvariantBroken`.
        """
        for _ in range(ATTEMPTS_MAX):
            stored = self._stored or await self._compare()
            if self._equal_count == len(self.allocations) == stored.rows_count:
                return
            run = AllocationRun(
                self._product_id,
                stored,
                self._equal_count,
                self.allocations[self._equal_count :],
                len(self._known),
                at,
            )
            # Whatever comes of it, what the store holds is not known before it has answered.
            self._stored = None
            self._stored = await self._store.write_allocations(run)
            if self._stored is not None:
                self._equal_count = len(self.allocations)
                return
        raise StoreUnreachable(
            f"the allocations of {self._product_id} were changed by others {ATTEMPTS_MAX} times in a row while they"
            " were written"
        )

    @property
    def is_stored(self) -> bool:
        """Tell whether the store is known to hold our rows and no others."""
        return self._stored is not None and self._equal_count == len(self.allocations) == self._stored.rows_count

    @property
    def entry_price(self) -> Decimal | None:
        """Quote currency per unit of base, fees left out, to 28 digits; None when nothing is held."""
        # Asked on every tick, and the lots are the same object until the next execution.
        if self._priced_lots is not self.book.open_lots:
            self._priced_lots, self._entry_price = self.book.open_lots, self.book.entry_price
        return self._entry_price

    async def _compare(self) -> AllocationState:
        """Read the store's rows, follow its method, and return its state."""
        stored = await self._store.stored_allocations(self._product_id)
        if stored.state.version.method is not self._method:
            self._follow(await self._store.executions(self._product_id), stored.state.version.method)
        self._equal_count = _equal_count(stored.rows, self.allocations)
        self._stored = stored.state
        return stored.state

    def _follow(self, executions: Iterable[Execution], method: LotMethod) -> None:
        self._method = method
        self.revision += 1
        self.book = LotBook(self._product_id, method)
        self.allocations: list[Allocation] = []
        self.filled: dict[ClientOrderId, Decimal] = {}
        """Size by order."""
        self.realized = ZERO
        self._known: set[str] = set()
        self._last_key: LedgerKey | None = None
        for execution in sorted(executions, key=ledger_key):
            self._apply(execution)

    def _apply(self, execution: Execution) -> None:
        made = self.book.apply(execution)
        self.allocations += made
        self.revision += len(made)
        self.realized = EXACT.add(self.realized, realized_pnl(made))
        self.filled[execution.order_id] = EXACT.add(self.filled.get(execution.order_id, ZERO), execution.size)
        self._known.add(execution.execution_id)
        self._last_key = ledger_key(execution)


def _equal_count(before: Sequence[Allocation], after: Sequence[Allocation]) -> int:
    """Return how many rows from the first on are the same."""
    return next(
        (count for count, (old, new) in enumerate(zip(before, after, strict=False)) if old != new),
        min(len(before), len(after)),
    )
