"""Many at once, and connections that break in the middle."""

import asyncio
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.errors import InvariantBroken, StoreUnreachable
from bottrader.domain.orders import OrderState
from bottrader.ports import Acceptance, Delivery, DeliveryReport
from tests.fixtures.facts import at, make_fill, make_inbound, make_intent, make_signal, step
from tests.fixtures.lock_sessions import END_ADVISORY_HOLDERS, END_WAITING

OTHERS_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""

WAITS_FOR_A_LOCK = """
    SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def test_two_writers_lose_nothing(store: PostgresStore, database_url: str) -> None:
    """B272, R40"""
    async with open_store(database_url) as other:

        async def write(writer: PostgresStore, first: int) -> None:
            for number in range(first, first + 200):
                assert await writer.record_signal(make_signal(number))

        await asyncio.gather(write(store, 0), write(other, 200))
    assert await store.undelivered_signals(1000) == [make_signal(number) for number in range(400)]


async def test_many_more_writes_than_connections_all_arrive(store: PostgresStore) -> None:
    """B273, B262, R61, F43: 100 at once over a pool of 8, then the same 100 signed anew."""
    for attempt, expected in (("first", Acceptance.ACCEPTED), ("second", Acceptance.DUPLICATE)):
        calls = [
            store.accept_signal(make_inbound(make_signal(number), request=f"{attempt}-{number}"))
            for number in range(100)
        ]
        assert set(await asyncio.gather(*calls)) == {expected}
    assert await store.signals_count() == 100


async def test_the_same_request_ten_times_at_once_is_accepted_once(store: PostgresStore) -> None:
    answers = await asyncio.gather(*[store.accept_signal(make_inbound(make_signal())) for _ in range(10)])
    assert sorted(answers) == [Acceptance.ACCEPTED, *[Acceptance.REPLAYED] * 9]


async def test_two_bodies_at_once_give_one_acceptance_and_one_conflict(store: PostgresStore) -> None:
    one = make_inbound(make_signal(), body="one", request="r1")
    two = make_inbound(make_signal(), body="two", request="r2")
    answers = await asyncio.gather(store.accept_signal(one), store.accept_signal(two))
    assert sorted(answers) == [Acceptance.ACCEPTED, Acceptance.CONFLICT]


async def test_a_snapshot_does_not_see_what_is_committed_meanwhile(store: PostgresStore, sql: Connection) -> None:
    """E6: a fill and a deposit arrive after the executions were read and before the cash is."""
    await store.record_intent(make_intent(), 0, None)
    await store.record_transition(step(make_intent(), OrderState.SENT, 121))
    await store.record_transition(step(make_intent(), OrderState.ACCEPTED, 122, "venue-1"))
    async with sql.transaction():
        await sql.execute("LOCK TABLE cash_transactions IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(store.snapshot())
        while not await sql.fetchval(WAITS_FOR_A_LOCK):
            pass
        await store.record_fills([make_fill()])
        await sql.execute(
            "INSERT INTO cash_transactions VALUES ('gift', 'deposit', 'USD', 5, $1)", make_fill().traded_at
        )
    before, after = await reading, await store.snapshot()
    assert [row.filled_size for row in before.trade_records] == [0]
    assert (list(before.executions), list(before.cash_movements)) == ([], [])
    assert [row.filled_size for row in after.trade_records] == [make_fill().size]
    assert (len(after.executions), len(after.cash_movements)) == (1, 1)


async def test_ten_intents_at_once_for_one_signal_make_one_order(store: PostgresStore) -> None:
    """S1"""
    signal_id = make_signal().signal_id
    intents = [make_intent(f"try-{number}", signal_id) for number in range(10)]
    answers = await asyncio.gather(
        *[store.record_intent(intent, 0, None) for intent in intents], return_exceptions=True
    )
    assert sum(answer is True for answer in answers) == 1
    assert sum(isinstance(answer, InvariantBroken) for answer in answers) == 9
    assert len(await store.open_orders()) == 1


async def test_rival_endings_at_once_give_one_ending(store: PostgresStore) -> None:
    """S4"""
    intent = make_intent()
    await store.record_intent(intent, 0, None)
    await store.record_transition(step(intent, OrderState.SENT, 121))
    endings = [OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED]
    answers = await asyncio.gather(
        *[store.record_transition(step(intent, state, 122)) for state in endings], return_exceptions=True
    )
    assert sum(answer is True for answer in answers) == 1
    assert sum(isinstance(answer, InvariantBroken) for answer in answers) == 3


async def test_fills_and_the_news_whose_they_are_may_race(store: PostgresStore) -> None:
    """Whatever commits first, the record is computed from both."""
    for number in range(10):
        intent, venue_id = make_intent(f"o{number}"), f"venue-{number}"
        await store.record_intent(intent, 0, None)
        await store.record_transition(step(intent, OrderState.SENT, 121))
        fills = [make_fill(f"{number}00{part}", venue_id, "0.0001") for part in range(1, 4)]
        await asyncio.gather(
            store.record_fills(fills[:2]),
            store.record_transition(step(intent, OrderState.FILLED, 122, venue_id)),
            store.record_fills(fills[1:]),
        )
    assert {row.filled_size for row in await store.trade_records()} == {Decimal("0.0003")}
    assert len(await store.executions()) == 30


async def test_every_write_repeated_after_a_lost_acknowledgement_changes_nothing(
    store: PostgresStore, database_url: str, sql: Connection
) -> None:
    """F42"""
    intent, signal = make_intent(), make_signal()
    accepted = step(intent, OrderState.ACCEPTED, 122, "venue-1")

    async def write_everything(writer: PostgresStore) -> None:
        await writer.record_signal(signal)
        await writer.accept_signal(make_inbound(signal))
        await writer.record_intent(intent, 0, None)
        if (await writer.open_orders())[0].state is OrderState.PLANNED:
            await writer.record_transition(step(intent, OrderState.SENT, 121))
        await writer.record_transition(accepted)
        await writer.record_fills([make_fill()])
        await writer.close_delivery(signal.signal_id, DeliveryReport(Delivery.ACKNOWLEDGED, "200"), at(130))
        await writer.claim_venue("sim")

    async def everything() -> list[object]:
        tables = await sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return [await sql.fetch(f"TABLE {row['tablename']}") for row in tables]

    await write_everything(store)
    before = await everything()
    async with open_store(database_url) as restarted:
        await write_everything(restarted)
    assert await everything() == before


async def test_a_store_whose_sessions_were_ended_works_again(store: PostgresStore, sql: Connection) -> None:
    """F41"""
    await store.ping()
    await sql.execute(OTHERS_SESSIONS)
    async with asyncio.timeout(10):
        while not await _answers(store):
            pass
    await store.claim_venue("sim")


async def _answers(store: PostgresStore) -> bool:
    try:
        await store.ping()
    except StoreUnreachable:
        return False
    return True


async def test_a_signal_cut_off_before_its_commit_is_accepted_when_it_is_repeated(
    store: PostgresStore, sql: Connection
) -> None:
    """B271, F41: the request's digest goes with the rest, so the repeat is no replay."""
    async with sql.transaction():
        await sql.execute("LOCK TABLE inbound_signals IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(store.accept_signal(make_inbound(make_signal())))
        async with asyncio.timeout(10):
            # Each of its tries, or the last would wait for the table until the server gives it up.
            while not waiting.done():
                await sql.fetchval(END_WAITING)
        with pytest.raises(StoreUnreachable):
            await waiting
    assert await store.accept_signal(make_inbound(make_signal())) is Acceptance.ACCEPTED


async def test_a_lease_is_lost_with_its_connection(store: PostgresStore, database_url: str, sql: Connection) -> None:
    """D6: the old holder sees it, and a new one takes over."""
    async with store.lease("webhook") as old:
        assert await old.is_held()
        told = asyncio.create_task(old.cut())
        await sql.execute(OTHERS_SESSIONS)
        async with asyncio.timeout(10):
            await told
        assert not await old.is_held()
        async with open_store(database_url) as standby, standby.lease("webhook") as new:
            assert new.token > old.token
            assert await new.is_held()
            with pytest.raises(InvariantBroken, match="taken over"):
                await store.record_intent(make_intent(), old.token, None)


async def test_whoever_ends_the_holders_of_a_lease_leaves_those_of_other_databases_alone(
    store: PostgresStore, own_database_url: str, sql: Connection
) -> None:
    """The tests of another worker hold leases on the same server."""
    async with (
        open_store(own_database_url) as others,
        others.lease("webhook") as theirs,
        store.lease("webhook") as ours,
    ):
        await sql.execute(END_ADVISORY_HOLDERS)
        assert not await ours.is_held()
        assert await theirs.is_held()


async def test_a_lease_whose_token_was_overtaken_is_not_held(store: PostgresStore, sql: Connection) -> None:
    async with store.lease("webhook") as lease:
        await sql.execute("UPDATE leases SET token = token + 1")
        assert not await lease.is_held()


async def test_a_new_holder_waits_for_an_intent_in_flight(store: PostgresStore, sql: Connection) -> None:
    """Else it would reconcile without the intent that commits a moment later."""
    async with store.lease("webhook") as lease:
        assert lease.token
    async with sql.transaction():
        await sql.execute("SELECT token FROM leases FOR SHARE")
        taking = asyncio.create_task(_take(store))
        done, _ = await asyncio.wait({taking}, timeout=0.3)
        assert not done
    async with asyncio.timeout(10):
        assert await taking > lease.token


async def _take(store: PostgresStore) -> int:
    async with store.lease("webhook") as lease:
        return lease.token
