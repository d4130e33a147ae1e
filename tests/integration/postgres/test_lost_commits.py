"""A commit whose acknowledgement is lost on a wire that is really cut: one row, and the answer of the first try."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.cash import CashKind, CashMovement
from bottrader.domain.corrections import Correction, CorrectionKind
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.orders import OrderState
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import OutcomeKind, SignalOutcome
from bottrader.ports import Acceptance, Delivery, DeliveryReport, ReviewItem
from tests.fixtures.cutting_proxy import COMMIT, Cut, CuttingProxy, cutting_proxy
from tests.fixtures.facts import at, make_adoption, make_fill, make_inbound, make_intent, make_signal, ordered, step


@dataclass
class Wire:
    """A store whose every byte passes the proxy."""

    store: PostgresStore
    proxy: CuttingProxy


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    async with cutting_proxy(database_url) as (proxy, url), open_store(url) as store:
        yield Wire(store, proxy)


async def everything(sql: Connection) -> dict[str, int]:
    tables = await sql.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    return {row["name"]: await sql.fetchval(f"SELECT count(*) FROM {row['name']}") for row in tables}  # noqa: S608 - a name from the catalogue


SIGNAL = make_signal()
INTENT = make_intent()
OUTCOME = SignalOutcome(SIGNAL.signal_id, OutcomeKind.REFUSED, "TOO_LATE", "it was", at(200))
DEPOSIT = CashMovement("d-1", CashKind.DEPOSIT, "USD", Decimal("500.25"), at(0))
CORRECTION = Correction(CorrectionKind.BALANCE, "cash USD", "1", "2", "alarm raised", at(0))
ITEM = ReviewItem("unknown_cash", None, "x-1", "Reward 1 USD", "medium", at(0))

BY_ITSELF = {
    "an accepted signal": b"request-digest",
    "a delivery": b"acknowledged",
    "an outcome": b"TOO_LATE",
    "an adoption": b"MANUAL-BTC",
}
"""Writes of one statement, which commits by itself, and what is in the message that carries it out."""

Write = Callable[[PostgresStore], Awaitable[object]]


async def nothing(store: PostgresStore) -> None:
    """For a write that needs nothing before it."""


async def with_signal(store: PostgresStore) -> None:
    await store.record_signal(SIGNAL)


async def with_intent(store: PostgresStore) -> None:
    await store.record_intent(INTENT, 0, None)


async def with_accepted_order(store: PostgresStore) -> None:
    await with_intent(store)
    await store.record_transition(step(INTENT, OrderState.SENT, 121))
    await store.record_transition(step(INTENT, OrderState.ACCEPTED, 122, "venue-1"))


async def with_accepted_signal(store: PostgresStore) -> None:
    await store.accept_signal(make_inbound(SIGNAL))


WRITES: dict[str, tuple[Callable[[PostgresStore], Awaitable[None]], Write, object, dict[str, int]]] = {
    "a signal": (nothing, lambda s: s.record_signal(SIGNAL), True, {"signals": 1, "signal_outbox": 1}),
    "an accepted signal": (
        nothing,
        lambda s: s.accept_signal(make_inbound(SIGNAL)),
        Acceptance.ACCEPTED,
        {"inbound_signals": 1, "inbound_requests": 1},
    ),
    "a delivery": (
        with_signal,
        lambda s: s.close_delivery(SIGNAL.signal_id, DeliveryReport(Delivery.ACKNOWLEDGED, "200"), at(130)),
        None,
        {"signal_outbox": 1},
    ),
    "an outcome": (with_accepted_signal, lambda s: s.record_outcome(OUTCOME), True, {"signal_outcomes": 1}),
    "an intent": (
        with_accepted_signal,
        lambda s: s.record_intent(make_intent(signal_id=SIGNAL.signal_id), 0, ordered(SIGNAL)),
        True,
        {
            "order_intents": 1,
            "order_transitions": 1,
            "trade_records": 1,
            "trade_strategy_link": 1,
            "signal_outcomes": 1,
        },
    ),
    "a transition": (
        with_intent,
        lambda s: s.record_transition(step(INTENT, OrderState.SENT, 121)),
        True,
        {"order_transitions": 2},
    ),
    "fills": (with_accepted_order, lambda s: s.record_fills([make_fill()]), [make_fill()], {"fills": 1}),
    "cash": (nothing, lambda s: s.record_cash([DEPOSIT]), 1, {"cash_transactions": 1}),
    "an adoption": (nothing, lambda s: s.record_adoption(make_adoption()), True, {"adoptions": 1}),
    "a correction": (nothing, lambda s: s.record_corrections([CORRECTION]), 1, {"reconciliation_corrections": 1}),
    "a thing to review": (nothing, lambda s: s.queue_review([ITEM]), 1, {"manual_review_queue": 1}),
    "the kill switch": (
        nothing,
        lambda s: s.record_kill_switch(KillSwitch(True, "fear", "cli", at(0))),
        True,
        {"kill_switch": 1},
    ),
    "the venue": (nothing, lambda s: s.claim_venue("sim"), None, {"venue_identity": 1}),
}


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("name", list(WRITES))
async def test_a_write_whose_commit_was_cut_is_repeated_and_is_one_row(
    wire: Wire, sql: Connection, name: str, cut: Cut
) -> None:
    """F42, R86: whether the first try was committed or not, the caller hears what it would have heard."""
    prepare, write, answer, expected = WRITES[name]
    await prepare(wire.store)
    wire.proxy.arm(cut, at=BY_ITSELF.get(name, COMMIT))
    assert await write(wire.store) == answer
    assert wire.proxy.cuts_count == 1
    rows = await everything(sql)
    assert {table: rows[table] for table in expected} == expected


async def test_a_commit_that_is_cut_again_and_again_is_told_as_unknown(wire: Wire, sql: Connection) -> None:
    """F42: three tries, then the caller has to decide; what was written is one row at most."""
    wire.proxy.arm(Cut.AFTER, times=3)
    with pytest.raises(StoreUnreachable):
        await wire.store.record_cash([DEPOSIT])
    assert wire.proxy.cuts_count == 3
    assert await sql.fetchval("SELECT count(*) FROM cash_transactions") == 1


async def test_another_replay_of_a_request_is_still_a_replay(wire: Wire) -> None:
    """F45, B259: the repeat inside the store does not open the door to one from outside."""
    wire.proxy.arm(Cut.AFTER, at=b"request-digest")
    assert await wire.store.accept_signal(make_inbound(SIGNAL)) is Acceptance.ACCEPTED
    assert await wire.store.accept_signal(make_inbound(SIGNAL)) is Acceptance.REPLAYED
    for cut in Cut:
        wire.proxy.arm(cut, at=b"request-digest")
        later = replace(make_inbound(SIGNAL), received_at=at(500))
        assert await wire.store.accept_signal(later) is Acceptance.REPLAYED
    wire.proxy.arm(Cut.AFTER, at=b"again-digest")
    assert await wire.store.accept_signal(make_inbound(SIGNAL, request="again")) is Acceptance.DUPLICATE
    wire.proxy.arm(Cut.AFTER, at=b"third-digest")
    changed = make_inbound(SIGNAL, body="other", request="third")
    assert await wire.store.accept_signal(changed) is Acceptance.CONFLICT
    assert wire.proxy.cuts_count == 5


async def test_an_intent_that_somebody_else_made_is_not_taken_for_our_own(wire: Wire) -> None:
    """F42, S1: the commit is cut before the server sees it, and the order was known all along."""
    await wire.store.record_intent(INTENT, 0, None)
    wire.proxy.arm(Cut.BEFORE)
    assert not await wire.store.record_intent(INTENT, 7, None)
