"""Give every difference to the exchange that a reconciliation finds a name, and do what can be done about it.

What is missing is taken in as a fact: fills, trades that somebody else made (F51), movements of cash. What cannot be
explained raises an alarm and stays; nothing is ever traded because of it (F52). Each is recorded as a correction once
per change, so a second look at the same state writes nothing (B277, R86).
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bottrader.app.portfolio import Portfolio
from bottrader.app.record_fills import Settled
from bottrader.app.world import World
from bottrader.domain.cash import CashMovement, CashRoute, opened_at, without_twins
from bottrader.domain.corrections import Correction, CorrectionKind, is_standing, newest
from bottrader.domain.errors import AdapterError
from bottrader.domain.orders import Fill, OpenOrder, VenueOrder, trigger_of
from bottrader.domain.reconciliation import Difference
from bottrader.ports import OrderSource, ReviewItem, VenueMovement

# A movement is dated by its beginning; a bank takes days, and holds a deposit for weeks at most.
CASH_WINDOW = timedelta(days=30)


class BooksCorrector:
    """Names differences and records what became of them."""

    def __init__(self, world: World, portfolio: Portfolio) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._standing: dict[str, Correction] | None = None

    async def record(self, corrections: Sequence[Correction]) -> list[Correction]:
        """Record these and return them."""
        if corrections:
            await self._store.record_corrections(corrections)
        return list(corrections)

    def of_order(self, before: OpenOrder, settled: Settled) -> list[Correction]:
        """Return what asking about one order has shown that the books did not know."""
        corrections = [self.of_fill(fill) for fill in settled.fills]
        order_id = before.intent.client_order_id
        present = next((o.state for o in self._portfolio.open_orders() if o.intent.client_order_id == order_id), None)
        state = settled.ended or present
        if state is not None and state is not before.state:
            corrections.append(self._correction(CorrectionKind.ORDER, order_id, before.state, state, "recorded"))
        return corrections

    def of_fill(self, fill: Fill) -> Correction:
        """Return the correction of a fill that was not recorded."""
        theirs = f"{fill.side} {fill.size:f} {fill.product_id} at {fill.price:f}, fee {fill.fee:f}"
        return self._correction(CorrectionKind.FILL, fill.fill_id, "not recorded", theirs, "recorded")

    async def take_foreign_orders(self) -> list[Correction]:
        """Show the trades that are not the bot's, from fills that are recorded already; return what changed."""
        corrections: list[Correction] = []
        if self._portfolio.unsettled_orders():
            # While the venue's id of an order of ours is not known, its fills look like somebody else's.
            return corrections
        for venue_order_id in await self._store.unclaimed_orders():
            try:
                order = await self._exchange.get_order(venue_order_id)
            except AdapterError as error:
                self._log.alarm("foreign_order_not_asked", venue_order_id=venue_order_id, cause=str(error))
                continue
            if order is None:
                self._log.alarm("foreign_order_unknown", venue_order_id=venue_order_id)
                continue
            is_manual = trigger_of(order.client_order_id) is None
            source = OrderSource.MANUAL if is_manual else OrderSource.RECONCILED
            if await self._store.record_foreign_order(order, source, self._clock.now()):
                corrections.append(self._of_foreign_order(order, source))
        return await self.record(corrections)

    def _of_foreign_order(self, order: VenueOrder, source: OrderSource) -> Correction:
        theirs = f"{order.side} {order.filled_size:f} {order.product_id} for {order.filled_value:f}, {order.state}"
        action = f"shown as {source}"
        if source is OrderSource.MANUAL:
            self._log.info("foreign_order_filled", venue_order_id=order.venue_order_id, what=theirs)
            kind = CorrectionKind.FOREIGN_ORDER
        else:
            self._log.alarm("lost_order_filled", venue_order_id=order.venue_order_id, what=theirs)
            kind = CorrectionKind.LOST_ORDER
        return self._correction(kind, order.venue_order_id, "not in the books", theirs, action)

    async def take_cash(self, differences: Iterable[Difference]) -> list[Correction]:
        """Ask the exchange what came and went of these currencies without an order, take in what the books lack, and
        return it. A question that fails explains nothing: the differences stand."""
        recorded = await self._store.cash_movements()
        opened = opened_at(recorded)
        currencies = {each.currency for each in differences if each.currency}
        if opened is None or not currencies:
            return []
        since = max(opened, self._clock.now() - CASH_WINDOW)
        try:
            listed = await self._exchange.movements_since(since, currencies)
        except AdapterError as error:
            self._log.alarm("cash_not_asked", currencies=sorted(currencies), cause=str(error))
            return []
        # What moved before the books were opened is in the opening balance.
        later = [each for each in listed if each.at > opened]
        known = {movement.transaction_id: movement for movement in recorded}
        doubtful = [each for each in later if _movement(each) is None]
        arriving = [movement for movement in map(_movement, later) if movement is not None]
        doubtful += [e for e in later if e.transaction_id in known and known[e.transaction_id] != _movement(e)]
        new, _ = without_twins(arriving, recorded)
        await self._store.record_cash(new)
        corrections = [self._of_cash(movement) for movement in new]
        return await self.record([*corrections, *await self._queue(doubtful)])

    def _of_cash(self, movement: CashMovement) -> Correction:
        theirs = f"{movement.kind} {movement.amount:f} {movement.currency}"
        self._log.info("cash_recorded", transaction_id=movement.transaction_id, what=theirs)
        return self._correction(CorrectionKind.CASH, movement.transaction_id, "not recorded", theirs, "recorded")

    async def _queue(self, doubtful: Sequence[VenueMovement]) -> list[Correction]:
        """Put movements that nobody may guess at before a person; return those that are news."""
        now = self._clock.now()
        corrections = []
        for each in doubtful:
            detail = f"{each.word} {each.amount:f} {each.currency} at {each.at.isoformat()}"
            item = ReviewItem("unknown_cash", None, each.transaction_id, detail, "medium", now)
            if await self._store.queue_review([item]):
                self._log.alarm("cash_to_review", transaction_id=each.transaction_id, what=detail)
                subject = each.transaction_id
                corrections.append(
                    self._correction(CorrectionKind.UNKNOWN_CASH, subject, "not recorded", detail, "put up for review")
                )
        return corrections

    async def judge_balances(self, differences: Sequence[Difference]) -> list[Correction]:
        """Record which totals differ now and which are equal again; return what changed. Waits for nothing when
        nothing did."""
        if self._standing is None:
            last = newest(await self._store.corrections()).values()
            self._standing = {each.subject: each for each in last if is_standing(each)}
        found = {
            each.what: self._correction(
                CorrectionKind.BALANCE, each.what, f"{each.ours:f}", f"{each.theirs:f}", "alarm raised, nothing traded"
            )
            for each in differences
        }
        news = [
            each
            for subject, each in found.items()
            if subject not in self._standing or self._standing[subject].terms != each.terms
        ]
        news += [
            self._correction(CorrectionKind.BALANCE, subject, each.theirs, each.theirs, "equal again")
            for subject, each in self._standing.items()
            if subject not in found
        ]
        self._standing = found
        return await self.record(news)

    def _correction(self, kind: CorrectionKind, subject: str, ours: str, theirs: str, action: str) -> Correction:
        return Correction(kind, subject, str(ours), str(theirs), action, self._clock.now())


def _movement(listed: VenueMovement) -> CashMovement | None:
    if listed.kind is None:
        return None
    return CashMovement(listed.transaction_id, listed.kind, listed.currency, listed.amount, listed.at, CashRoute.API)
