"""An import is all of a file or nothing, once, and beside what is known by other ways."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.import_cash import CashImport, CashImporter
from bottrader.domain.cash import CashKind, CashMovement, CashRoute
from tests.fixtures.facts import BTC, NOON, at

HEAD = "transaction_id,normalized_type,amount,currency,timestamp\n"


def line(key: str, kind: str = "deposit", amount: str = "10", currency: str = "USD", seconds: float = 60) -> str:
    return f"{key},{kind},{amount},{currency},{(NOON + timedelta(seconds=seconds)).isoformat()}\n"


async def opened() -> MemoryStore:
    store = MemoryStore()
    await store.record_cash([CashMovement("o", CashKind.OPENING_BALANCE, "USD", Decimal(100), at(0))])
    return store


async def take(store: MemoryStore, *lines: str, currencies: tuple[str, ...] = ()) -> CashImport:
    found = await CashImporter(store, [BTC]).run(HEAD + "".join(lines), currencies, at(1000))
    assert isinstance(found, CashImport), found
    return found


async def test_each_entry_is_counted_for_what_became_of_it() -> None:
    """E2"""
    store = await opened()
    await store.record_cash([CashMovement("api-1", CashKind.DEPOSIT, "USD", Decimal(7), at(60), CashRoute.API)])
    lines = (
        line("early", seconds=-1),
        line("same-moment", seconds=0),
        line("new"),
        line("twin", amount="7"),
        line("gift", "gift"),
        line("trade", "buy"),
    )
    found = await take(store, *lines)
    assert [movement.transaction_id for movement in found.new] == ["new"]
    assert (found.before_opening_count, found.twins_count, found.known_count) == (2, 1, 0)
    assert (found.queued_count, found.queued_before_count, found.trades_count) == (1, 0, 1)
    before = (await store.cash_movements(), await store.review_items())
    again = await take(store, *lines)
    assert (again.new, again.known_count, again.twins_count) == ((), 1, 1)
    assert (again.queued_count, again.queued_before_count) == (0, 1)
    assert (await store.cash_movements(), await store.review_items()) == before


async def test_books_that_are_not_open_take_everything() -> None:
    store = MemoryStore()
    found = await take(store, line("early", seconds=-1), line("new"))
    assert (len(found.new), found.opened_at) == (2, None)


@pytest.mark.parametrize(("currency", "is_known"), [("USD", True), ("EUR", True), ("BTC", True), ("ADA", False)])
async def test_a_currency_is_known_by_the_pairs_or_by_being_money(currency: str, is_known: bool) -> None:
    found = await CashImporter(MemoryStore(), [BTC]).run(HEAD + line("a", currency=currency), (), at(0))
    assert isinstance(found, CashImport) is is_known
    assert len((await take(MemoryStore(), line("a", currency=currency), currencies=("ADA",))).new) == 1


async def test_a_currency_of_the_books_is_known() -> None:
    store = await opened()
    await store.record_cash([CashMovement("x", CashKind.DEPOSIT, "ADA", Decimal(1), at(5))])
    assert len((await take(store, line("a", currency="ADA"))).new) == 1


async def test_a_known_transaction_with_other_content_is_a_problem_of_its_line() -> None:
    """E2: beside the file's own problems, in the order of its lines; nothing is written."""
    store = await opened()
    await take(store, line("a"), line("b"))
    before = await store.cash_movements()
    text = HEAD + line("new") + line("b", amount="11") + line("c", amount="0") + line("a", "withdrawal")
    found = await CashImporter(store, [BTC]).run(text, (), at(1000))
    assert isinstance(found, tuple)
    assert [problem.line for problem in found] == [3, 4, 5]
    assert "transaction b is recorded with other content: deposit of 10 USD at 2026-01-11T12:01:00" in found[0].reason
    assert (await store.cash_movements(), await store.review_items()) == (before, [])
