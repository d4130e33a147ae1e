"""How often each use case waits for the database: exact counts, which are equal on every machine.

Every figure is written down from what the use case has to do; a warm connection has its statements prepared. Handing a
connection back to the pool costs nothing, because no session is left changed, and a transaction two (begin and commit).
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace

import pytest

from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.orders import OrderState
from bottrader.domain.signals import OutcomeKind, SignalOutcome
from tests.fixtures.facts import BTC, at, make_allocation, make_fill, make_inbound, make_intent, make_signal, step
from tests.performance.measuring import Wire, counted, tell

TRANSACTION = 2


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    async with counted(database_url) as opened:
        yield opened


@pytest.fixture
async def warm(wire: Wire) -> AsyncIterator[PostgresStore]:
    """A store on one connection whose statements have all been used once."""
    async with open_store(wire.url) as store:
        # Twice: rows are replaced from the second time on, and a statement is prepared when it first runs.
        for number in (0, 1):
            await _trade(store, number)
        yield store


async def _trade(store: PostgresStore, number: int) -> None:
    """Lead one signal through every use case that is counted."""
    for work in _use_cases(store, number).values():
        await work()


def _use_cases(store: PostgresStore, number: int) -> dict[str, Callable[[], Coroutine[object, object, object]]]:
    signal = make_signal(number)
    intent = make_intent(f"order-{number}", signal.signal_id)
    outcome = SignalOutcome(signal.signal_id, OutcomeKind.ORDERED, "SUCCESS", "an order was recorded", at(120))
    venue_id = f"venue-{number}"
    fills = [make_fill(f"{number}-{part}", venue_id, "0.00015580") for part in range(3)]
    rows = [replace(make_allocation(f"sell-{number}-{row}", 600 + row), product_id=BTC) for row in range(10)]
    inbound = make_inbound(signal, f"body-{number}", f"request-{number}")
    return {
        "accept_signal": lambda: store.accept_signal(inbound),
        "accept_signal (retried)": lambda: store.accept_signal(
            make_inbound(signal, f"body-{number}", f"retry-{number}")
        ),
        "record_intent": lambda: store.record_intent(intent, 0, outcome),
        "record_transition": lambda: store.record_transition(step(intent, OrderState.SENT, 121)),
        "record_transition (accepted)": lambda: store.record_transition(
            step(intent, OrderState.ACCEPTED, 122, venue_id)
        ),
        "record_fills (3 fills)": lambda: store.record_fills(fills),
        "record_fills (known)": lambda: store.record_fills(fills),
        "replace_allocations (10 rows)": lambda: store.replace_allocations(BTC, rows, at(900)),
    }


EXPECTED = {
    # One statement for all that came together, which is its own transaction.
    "accept_signal": 1,
    # And the question which body it had the first time.
    "accept_signal (retried)": 2,
    # The leases, the intent, its first step, its record, its link, the signal's outcome.
    "record_intent": TRANSACTION + 6,
    # The lock, the last step, the new one, the record.
    "record_transition": TRANSACTION + 4,
    # And whether the venue's id belongs to another order.
    "record_transition (accepted)": TRANSACTION + 5,
    # The lock, which are known, all new ones at once, whether the order has amendments, whose it is, its record.
    "record_fills (3 fills)": TRANSACTION + 6,
    # The lock, and that all are known.
    "record_fills (known)": TRANSACTION + 2,
    # The lock, the state of the product, the log of the run, the removal, all rows at once.
    "replace_allocations (10 rows)": TRANSACTION + 5,
}


@pytest.mark.parametrize("use_case", EXPECTED)
async def test_a_use_case_waits_for_the_database_so_often(wire: Wire, warm: PostgresStore, use_case: str) -> None:
    found = 0
    for name, work in _use_cases(warm, 2).items():
        round_trips = await wire.count(work())
        if name == use_case:
            found = round_trips

    tell(f"{use_case}:", f"{found} round trips", ratio=found)
    assert found == EXPECTED[use_case]
