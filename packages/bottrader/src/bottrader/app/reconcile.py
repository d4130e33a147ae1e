"""Compare everything we believe with the exchange, at start, after each reconnect and from time to time.

Start-up is recovery: there is no other start path, and nothing trades before the first reconciliation has finished. It
adds missing facts and settles open orders; it never edits a fact, and a second run right after changes nothing (B277).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bottrader.app.correct_books import BooksCorrector
from bottrader.app.portfolio import Portfolio
from bottrader.app.record_fills import FillRecorder
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.world import World
from bottrader.domain.adoption import is_adopted
from bottrader.domain.cash import CashRoute, opened_at
from bottrader.domain.corrections import Correction
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import ProductId, quote_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.reconciliation import Books, Difference, compare_books, figures_of, ledger_books
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
    corrections: tuple[Correction, ...] = ()
    """What was found to differ and has changed since the last run, with what was done about it."""


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
        self._corrector = BooksCorrector(world, portfolio)

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
        corrections: list[Correction] = []
        for product_id in self._portfolio.product_ids:
            async with lock(product_id):
                await self._portfolio.adopt_orders(product_id)
                corrections += await self._settle(product_id)
        corrections += await self._take_missed_fills(lock)
        for product_id in self._portfolio.product_ids:
            async with lock(product_id):
                await self._portfolio.refresh(product_id, self._clock.now())
        corrections += await self._corrector.take_foreign_orders()
        differences, balances, noted = await self._judge()
        # Nothing is waited for from here on: whoever takes the result sees the positions that these balances go with.
        open_orders_count = len(self._portfolio.unsettled_orders())
        result = Reconciliation(
            self._clock.now(), open_orders_count, tuple(differences), tuple(balances), (*corrections, *noted)
        )
        for difference in differences:
            self._log.alarm("books_differ", what=difference.what, ours=difference.ours, theirs=difference.theirs)
        self._log.info(
            "reconciled",
            open_orders=result.open_orders_count,
            differences=[str(d) for d in result.differences],
            corrections_count=len(result.corrections),
        )
        return result

    async def _refresh_rules(self) -> None:
        products = await self._exchange.products(self._portfolio.product_ids)
        self._portfolio.products = {product.product_id: product for product in products}
        self._portfolio.fee_rates = await self._exchange.fee_rates()

    async def _open_books(self) -> None:
        """Record what the account held before our first trade; without it cash could never be proven.

        Of movements that a person imported before, it is the rest: the totals are the account's either way.
        """
        recorded = await self._store.cash_movements()
        if any(movement.ingest_via is not CashRoute.FILE for movement in recorded):
            return
        at = self._clock.now()
        booked = {figure.currency: figure.ours for figure in figures_of(await our_books(self._store), NOTHING)}
        held = {balance.currency: balance.total for balance in await self._exchange.balances()}
        rests = {
            currency: EXACT.subtract(held.get(currency, ZERO), booked.get(currency, ZERO))
            for currency in sorted(held.keys() | booked.keys())
            if currency
        }
        # An account without anything has an opening too, or the first deposit would pass for it.
        opening = {currency: rest for currency, rest in rests.items() if rest} or {
            quote_of(product_id): ZERO for product_id in self._portfolio.product_ids
        }
        movements = [
            CashMovement(f"opening-{currency}", CashKind.OPENING_BALANCE, currency, amount, at)
            for currency, amount in opening.items()
        ]
        await self._store.record_cash(movements)
        self._log.info("books_opened", at=at, balances={m.currency: m.amount for m in movements})

    async def _settle(self, product_id: ProductId) -> list[Correction]:
        corrections: list[Correction] = []
        for order in self._portfolio.open_orders(product_id):
            try:
                corrections += self._corrector.of_order(order, await self._settler.settle(order))
            except (ExchangeUnreachable, ExchangeRefused) as error:
                self._log.alarm("order_not_settled", order_id=order.intent.client_order_id, cause=str(error))
        return await self._corrector.record(corrections)

    async def _take_missed_fills(self, lock: ProductLock) -> list[Correction]:
        executions = await self._store.executions()
        movements = await self._store.cash_movements()
        newest = max(
            # An adoption says nothing of how far the venue has been asked.
            (each.executed_at for each in executions if not is_adopted(each.execution_id)),
            default=opened_at(movements) or datetime.fromtimestamp(0, tz=UTC),
        )
        fills = await self._exchange.fills_since(newest - FILLS_OVERLAP)
        # Of products that are not traded here a fill is somebody else's; it is recorded and shown all the same (E1).
        traded = frozenset(self._portfolio.product_ids)
        missed = list(await self._store.record_fills([fill for fill in fills if fill.product_id not in traded]))
        for product_id in self._portfolio.product_ids:
            # Positions are rebuilt from what is stored: two at once could leave the older one standing.
            async with lock(product_id):
                missed += await self._recorder.record([fill for fill in fills if fill.product_id == product_id])
        return await self._corrector.record([self._corrector.of_fill(fill) for fill in missed])

    async def _judge(self) -> tuple[list[Difference], Sequence[Balance], list[Correction]]:
        """Compare the books, take in the cash that explains a difference, and record what is left or equal again."""
        corrections: list[Correction] = []
        differences, balances = await self._compare()
        if differences:
            corrections += await self._corrector.take_cash(differences)
            if corrections:
                differences, balances = await self._compare()
        if not balances:
            return [], (), corrections
        noted = await self._corrector.judge_balances(differences)
        if noted:
            # Recording took its time; these balances may be older than the positions by now.
            differences, balances = await self._look()
        return differences, balances, [*corrections, *noted]

    async def _compare(self) -> tuple[list[Difference], Sequence[Balance]]:
        """Return where the books differ for good, and from what balances: they lag fills, and other products trade on
        meanwhile."""
        differences: list[Difference] = []
        balances: Sequence[Balance] = ()
        for round_number in range(COMPARE_ROUNDS):
            if round_number > 0:
                await self._clock.sleep(COMPARE_PAUSE_S)
            differences, balances = await self._look()
            if not differences:
                break
        return differences, balances

    async def _look(self) -> tuple[list[Difference], Sequence[Balance]]:
        # An order that rests changes no total before it fills; any other may have done so already.
        if self._portfolio.unsettled_orders():
            return [], ()
        ours = await our_books(self._store)
        balances = await self._exchange.balances()
        return compare_books(ours, exchange_books(balances, ours)), balances


NOTHING = Books({}, {}, ZERO)


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
