"""Lots that the owner names, and what is refused."""

from decimal import Decimal

import pytest

from bottrader.domain.errors import SelectionInvalid
from bottrader.domain.lots import Execution, LotMethod, LotQueue, NamedPart, Selection, allocate
from bottrader.domain.money import Size
from bottrader.domain.orders import Side
from tests.unit.domain.examples import ETH, execution


def named(*parts: tuple[str, str, str]) -> Selection:
    """Each part as sell, buy, size."""
    return Selection(tuple(NamedPart(sell, buy, Size(Decimal(size))) for sell, buy, size in parts))


def rows(ledger: list[Execution], selection: Selection) -> list[tuple[str, str | None, str]]:
    found = allocate(ledger, LotMethod.SPECIFIC, selection).allocations
    return [(row.sell_execution_id, row.buy_execution_id, str(row.size)) for row in found]


# 1.0 each at 100, 130, 110; 1.5 sold, then 1.0, then a buy again.
LEDGER = [
    execution(Side.BUY, "a", "1", "100", minute=0),
    execution(Side.BUY, "b", "1", "130", minute=1),
    execution(Side.BUY, "c", "1", "110", fee="0.10", minute=2),
    execution(Side.SELL, "s", "1.5", "120", fee="0.30", minute=3),
    execution(Side.SELL, "t", "1", "120", minute=4),
    execution(Side.BUY, "d", "1", "90", minute=5),
    execution(Side.BUY, "x", "9", "9", minute=0, product_id=ETH),
    execution(Side.BUY, "o", "9", "9", minute=0, account="other"),
]


def test_named_lots_come_first_and_in_the_order_named_and_the_oldest_cover_the_rest() -> None:
    selection = named(("s", "c", "0.75"), ("s", "b", "0.25"), ("t", "c", "0.25"))
    assert rows(LEDGER, selection) == [
        ("s", "c", "0.75"),
        ("s", "b", "0.25"),
        ("s", "a", "0.5"),
        ("t", "c", "0.25"),
        ("t", "a", "0.5"),
        ("t", "b", "0.25"),
    ]


def test_a_row_of_a_named_lot_has_the_amounts_of_any_other() -> None:
    """0.5 of c: 0.5 x 120 - 0.10 - (0.5 x 110 + 0.05) = 4.85; a: 120 - 0.20 - 100 = 19.80."""
    result = allocate(LEDGER, LotMethod.SPECIFIC, named(("s", "c", "0.5")))
    assert [row.pnl for row in result.allocations[:2]] == [Decimal("4.85"), Decimal("19.80")]
    assert [lot.execution_id for lot in result.open_lots] == ["c", "d", "o", "x"]


def test_a_named_lot_that_is_used_up_serves_no_other_sell() -> None:
    assert rows(LEDGER, named(("s", "a", "1"), ("s", "b", "0.5"))) == [
        ("s", "a", "1"),
        ("s", "b", "0.5"),
        ("t", "b", "0.5"),
        ("t", "c", "0.5"),
    ]


def test_naming_nothing_is_first_in_first_out() -> None:
    assert allocate(LEDGER, LotMethod.SPECIFIC, named()) == allocate(LEDGER)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([("s", "d", "1")], "sell s names buy d, which is not a buy of the same product and account before it"),
        ([("s", "nowhere", "1")], "sell s names buy nowhere, which is not"),
        ([("s", "x", "1")], "sell s names buy x, which is not"),
        ([("s", "o", "1")], "sell s names buy o, which is not"),
        ([("t", "s", "1")], "sell t names buy s, which is not"),
        ([("s", "b", "1.00000001")], "sell s names 1.00000001 of buy b, of which 1 is left"),
        ([("s", "b", "1"), ("t", "b", "0.5")], "sell t names 0.5 of buy b, of which 0 is left"),
        ([("t", "a", "1")], "sell t names 1 of buy a, of which 0 is left"),
        ([("s", "a", "1"), ("s", "b", "0.50000001")], r"sell s is of 1.5 and names 1.50000001; name no more than it"),
        ([("nobody", "a", "1")], "the selection names sells that are not there: nobody$"),
        ([("a", "b", "1"), ("u", "b", "1")], "the selection names sells that are not there: a, u$"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(parts: list[tuple[str, str, str]], reason: str) -> None:
    with pytest.raises(SelectionInvalid, match=reason):
        allocate(LEDGER, LotMethod.SPECIFIC, named(*parts))


@pytest.mark.parametrize("size", ["0", "-1"])
def test_a_part_has_a_size(size: str) -> None:
    with pytest.raises(SelectionInvalid, match=f"a named part is above zero, was {size} of buy a for sell s"):
        named(("s", "a", size))


def test_a_pair_is_named_once() -> None:
    with pytest.raises(SelectionInvalid, match="sell s names buy a twice; name it once, with the whole size"):
        named(("s", "a", "0.1"), ("t", "a", "0.1"), ("s", "a", "0.2"))


@pytest.mark.parametrize("method", [LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO])
def test_other_methods_take_no_names(method: LotMethod) -> None:
    with pytest.raises(SelectionInvalid, match=f"can be named with the method specific, not with {method}"):
        LotQueue(method, named())


def test_a_refused_sell_consumes_nothing() -> None:
    queue = LotQueue(LotMethod.SPECIFIC, named(("s", "a", "1"), ("s", "d", "0.5")))
    for entry in LEDGER[:3]:
        queue.apply(entry)
    before = queue.open_lots()
    with pytest.raises(SelectionInvalid):
        queue.apply(LEDGER[3])
    assert queue.open_lots() == before


def test_a_sell_of_nothing_can_name_nothing() -> None:
    ledger = [LEDGER[0], execution(Side.SELL, "z", "0", "1", minute=9)]
    with pytest.raises(SelectionInvalid, match="sell z is of 0 and names 1"):
        allocate(ledger, LotMethod.SPECIFIC, named(("z", "a", "1")))
