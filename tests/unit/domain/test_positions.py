"""What is held, kept up to date execution by execution."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution, LotMethod, allocate, ledger_key
from bottrader.domain.money import Size
from bottrader.domain.orders import Side, derive_client_order_id
from bottrader.domain.positions import LotBook
from bottrader.domain.signals import Trigger
from tests.fixtures.ledgers import executions
from tests.unit.domain.examples import BTC, ETH, at, execution, position


def book_of(*entries: Execution) -> LotBook:
    book = LotBook(BTC)
    for entry in entries:
        book.apply(entry)
    return book


def test_an_empty_book_holds_nothing() -> None:
    book = LotBook(BTC)
    assert book.position() is None
    assert book.size == 0
    assert book.open_lots == ()


def test_a_position_is_the_sum_of_its_open_lots() -> None:
    book = book_of(
        execution(Side.BUY, "b1", "1.0", "100", fee="0.60", minute=0, order="o1"),
        execution(Side.BUY, "b2", "1.0", "110", fee="0.66", minute=1, order="o2"),
        execution(Side.SELL, "s1", "0.5", "120", fee="0.36", minute=2),
    )
    held = book.position()
    assert held is not None
    assert (held.product_id, held.size, book.size) == (BTC, Decimal("1.5"), Decimal("1.5"))
    # 0.5 x 100 + 0.30 and 1.0 x 110 + 0.66.
    assert held.cost == Decimal("160.96")
    assert (held.opened_at, held.anchor_order_id, held.parent_ids) == (at(0), "o1", ("o1", "o2"))
    assert [lot.execution_id for lot in book.open_lots] == ["b1", "b2"]


def test_the_anchor_is_the_oldest_buy_that_is_still_open() -> None:
    book = book_of(
        execution(Side.BUY, "b1", "1.0", "100", minute=0, order="o1"),
        execution(Side.BUY, "b2", "1.0", "110", minute=1, order="o2"),
        execution(Side.SELL, "s1", "1.0", "120", minute=2),
    )
    held = book.position()
    assert held is not None
    assert (held.opened_at, held.anchor_order_id, held.parent_ids) == (at(1), "o2", ("o2",))


def test_an_order_of_several_fills_is_one_parent() -> None:
    held = book_of(*(execution(Side.BUY, f"f{n}", "0.5", "100", minute=n, order="o1") for n in range(3))).position()
    assert held is not None
    assert held.parent_ids == ("o1",)


def test_a_position_knows_why_it_was_opened() -> None:
    """B53: the trigger is read from the id of the oldest buy; an order that is not ours has none."""
    ours = derive_client_order_id(Trigger.ROC_MOMO, BTC, "signal")
    for order, trigger in ((ours, "ROC_MOMO"), ("buy-999", None)):
        held = book_of(execution(Side.BUY, "b", "1", "1", order=order)).position()
        assert held is not None
        assert held.trigger == trigger


def test_a_position_that_was_sold_is_gone_and_the_next_one_starts_anew() -> None:
    book = book_of(
        execution(Side.BUY, "b1", "1.0", "100", fee="1", minute=0),
        execution(Side.SELL, "s1", "1.0", "120", minute=1),
    )
    assert book.position() is None
    book.apply(execution(Side.BUY, "b2", "2.0", "90", fee="1", minute=2))
    held = book.position()
    assert held is not None
    assert (held.size, held.cost, held.opened_at) == (Decimal(2), Decimal(181), at(2))


def test_the_cost_per_unit_is_rounded_for_display_only() -> None:
    assert position("3", "100").cost_per_unit == Decimal("33.33333333333333333333333333")


@pytest.mark.parametrize("size", ["0", "-1"])
def test_a_position_has_a_size(size: str) -> None:
    with pytest.raises(InvariantBroken, match="size above zero"):
        replace(position("1", "1"), size=Size(Decimal(size)))


def test_a_book_takes_executions_of_its_own_product_only() -> None:
    with pytest.raises(InvariantBroken, match="lots of BTC-USD were given an execution of ETH-USD"):
        LotBook(BTC).apply(execution(Side.BUY, "b", "1", "1", product_id=ETH))


def test_a_book_takes_each_execution_once_and_in_order() -> None:
    first = execution(Side.BUY, "b", "1", "1", minute=5)
    book = book_of(first)
    for entry in (first, execution(Side.BUY, "a", "1", "1", minute=4)):
        with pytest.raises(InvariantBroken, match="does not follow"):
            book.apply(entry)
    assert book.size == 1


@given(executions(products=1))
@settings(deadline=None, max_examples=25)
def test_a_book_and_a_full_run_agree_after_every_execution(ledger: list[Execution]) -> None:
    """B206, P7, R8: incremental equals full."""
    ordered = sorted(ledger, key=ledger_key)
    book = LotBook(BTC)
    rows = []
    for count, entry in enumerate(ordered, 1):
        rows += book.apply(entry)
        full = allocate(ordered[:count])
        assert tuple(rows) == full.allocations
        assert book.open_lots == full.open_lots
        held = book.position()
        assert (held is None) == (not full.open_lots)
        if held is not None:
            assert held.size == book.size == sum(lot.size for lot in full.open_lots)


@pytest.mark.parametrize(("method", "left"), [(LotMethod.FIFO, "c"), (LotMethod.LIFO, "a"), (LotMethod.HIFO, "c")])
def test_a_book_consumes_lots_by_its_method(method: LotMethod, left: str) -> None:
    book = LotBook(BTC, method)
    for entry in (
        execution(Side.BUY, "a", "1", "120"),
        execution(Side.BUY, "c", "1", "100", minute=1),
        execution(Side.SELL, "s", "1", "130", minute=2),
    ):
        book.apply(entry)
    assert [lot.execution_id for lot in book.open_lots] == [left]
