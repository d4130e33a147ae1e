"""Compare everything we believe with the exchange, at start, after each reconnect and from time to time.

Start-up is recovery: there is no other start path, and nothing trades before the first reconciliation has finished. It
adds missing facts and settles open orders; it never edits a fact, and a second run right after changes nothing (B277).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bottrader.app.portfolio import Portfolio
from bottrader.app.record_fills import FillRecorder
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.world import World
from bottrader.domain.adoption import is_adopted
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.money import ZERO
from bottrader.domain.reconciliation import Books, Difference, compare_books, ledger_books
from bottrader.ports import Balance, CashKind, CashMovement, Store

# Fills are asked for from this long before the newest one we have: late ones carry old times (F28).
FILLS_OVERLAP = timedelta(hours=1)
# Lookups of an open order at start, and the pause between them: a venue that has just answered a restart lists young
# orders within seconds.
SETTLE_ROUNDS = 3
SETTLE_PAUSE_S = 0.5
# The books differ when they do so this often in a row, with this pause between: balances may lag fills by seconds.
COMPARE_ROUNDS = 3
COMPARE_PAUSE_S = 1.0

ProductLock = Callable[[ProductId], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one run found: orders still to be settled, and where the books differ from the exchange's."""

    at: datetime
    open_orders_count: int
    differences: tuple[Difference, ...]
    balances: tuple[Balance, ...] = ()
    """What the venue held when the books were compared; none when they could not be, for an order being unsettled."""


class Reconciler:
    """Brings our books in line with the exchange's facts."""

    def __init__(self, world: World, portfolio: Portfolio, settler: OrderSettler, recorder: FillRecorder) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._settler = settler
        self._recorder = recorder

    async def start(self, lock: ProductLock) -> Reconciliation:
        """Reconcile for the first time; raises `ExchangeUnreachable`, `ExchangeRefused` or `StoreUnreachable` when
        that is impossible, since a bot that cannot see its orders must not trade."""
        await self._open_books()
        await self._portfolio.load()
        for round_number in range(SETTLE_ROUNDS):
            if round_number > 0:
                await self._clock.sleep(SETTLE_PAUSE_S)
            result = await self.run(lock)
            if result.open_orders_count == 0:
                break
        return result

    async def run(self, lock: ProductLock) -> Reconciliation:
        """Refresh rules and fees, settle open orders, take in missed fills, rebuild allocations, compare the books."""
        await self._refresh_rules()
        for product_id in self._portfolio.product_ids:
            async with lock(product_id):
                await self._portfolio.adopt_orders(product_id)
                await self._settle(product_id)
        await self._take_missed_fills(lock)
        for product_id in self._portfolio.product_ids:
            async with lock(product_id):
                await self._portfolio.refresh(product_id, self._clock.now())
        differences, balances = await self._compare()
        # Nothing is waited for from here on: whoever takes the result sees the positions that these balances go with.
        result = Reconciliation(
            self._clock.now(), len(self._portfolio.unsettled_orders()), tuple(differences), tuple(balances)
        )
        self._log.info(
            "reconciled", open_orders=result.open_orders_count, differences=[str(d) for d in result.differences]
        )
        return result

    async def _refresh_rules(self) -> None:
        products = await self._exchange.products(self._portfolio.product_ids)
        self._portfolio.products = {product.product_id: product for product in products}
        self._portfolio.fee_rates = await self._exchange.fee_rates()

    async def _open_books(self) -> None:
        """Record what the account held before our first trade; without it cash could never be proven."""
        if await self._store.cash_movements():
            return
        at = self._clock.now()
        movements = [
            CashMovement(f"opening-{balance.currency}", CashKind.OPENING_BALANCE, balance.currency, balance.total, at)
            for balance in await self._exchange.balances()
            if balance.total > ZERO
        ]
        await self._store.record_cash(movements)
        self._log.info("books_opened", at=at, balances={m.currency: m.amount for m in movements})

    async def _settle(self, product_id: ProductId) -> None:
        for order in self._portfolio.open_orders(product_id):
            try:
                await self._settler.settle(order)
            except (ExchangeUnreachable, ExchangeRefused) as error:
                self._log.alarm("order_not_settled", order_id=order.intent.client_order_id, cause=str(error))

    async def _take_missed_fills(self, lock: ProductLock) -> None:
        executions = await self._store.executions()
        movements = await self._store.cash_movements()
        newest = max(
            # An adoption says nothing of how far the venue has been asked.
            (each.executed_at for each in executions if not is_adopted(each.execution_id)),
            default=min((movement.at for movement in movements), default=datetime.fromtimestamp(0, tz=UTC)),
        )
        fills = await self._exchange.fills_since(newest - FILLS_OVERLAP)
        for product_id in self._portfolio.product_ids:
            # Positions are rebuilt from what is stored: two at once could leave the older one standing.
            async with lock(product_id):
                await self._recorder.record([fill for fill in fills if fill.product_id == product_id])

    async def _compare(self) -> tuple[list[Difference], Sequence[Balance]]:
        """Return where the books differ for good, and from what balances: they lag fills, and other products trade on
        meanwhile."""
        differences: list[Difference] = []
        balances: Sequence[Balance] = ()
        for round_number in range(COMPARE_ROUNDS):
            if round_number > 0:
                await self._clock.sleep(COMPARE_PAUSE_S)
            # An order that rests changes no total before it fills; any other may have done so already.
            if self._portfolio.unsettled_orders():
                return [], ()
            ours = await our_books(self._store)
            balances = await self._exchange.balances()
            differences = compare_books(ours, exchange_books(balances, ours))
            if not differences:
                return [], balances
        for difference in differences:
            self._log.alarm("books_differ", what=difference.what, ours=difference.ours, theirs=difference.theirs)
        return differences, balances


async def our_books(store: Store) -> Books:
    """Return the books that follow from our facts alone: movements, then every recorded execution."""
    movements, executions = await asyncio.gather(store.cash_movements(), store.executions())
    return ledger_books([(movement.currency, movement.amount) for movement in movements], executions)


def exchange_books(balances: Sequence[Balance], ours: Books) -> Books:
    """Return the exchange's balances in the shape of ours; it reports no fee total, so that figure is taken over."""
    totals = {balance.currency: balance.total for balance in balances}
    cash = {currency: totals.get(currency, ZERO) for currency in ours.cash}
    holdings = {currency: total for currency, total in totals.items() if currency not in ours.cash}
    return Books(cash, holdings, ours.fees)
