"""Trades that the venue took back or corrected: what stands of them, whatever order the rows came in."""

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.amendments import StandingTrade, standing_trades, venue_sequence
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution, allocate
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Fill, FillKind, Side, VenueOrderId
from tests.unit.domain.examples import BTC, ETH, at

D = Decimal


def fill(trade_id: str, size: str, price: str, fee: str, *, minute: float = 0, side: Side = Side.BUY) -> Fill:
    order = VenueOrderId(f"order-{side}")
    return Fill(trade_id, order, BTC, side, Price(D(price)), Size(D(size)), Money(D(fee)), at(minute))


def amendment(kind: FillKind, row: Fill, entry_id: str, *, minute: float, trade_id: str | None = None) -> Fill:
    """Return an amending row with the terms of `row`; its trade id is new unless given."""
    return replace(row, kind=kind, entry_id=entry_id, trade_id=trade_id or f"t-{entry_id}", traded_at=at(minute))


def reversal(row: Fill, entry_id: str, *, minute: float = 10, trade_id: str | None = None) -> Fill:
    return amendment(FillKind.REVERSAL, row, entry_id, minute=minute, trade_id=trade_id)


def correction(
    row: Fill, entry_id: str, price: str, fee: str, *, minute: float = 10, trade_id: str | None = None
) -> Fill:
    terms = replace(row, price=Price(D(price)), fee=Money(D(fee)))
    return amendment(FillKind.CORRECTION, terms, entry_id, minute=minute, trade_id=trade_id)


A = fill("a", "1.0", "100", "0.60")
B = fill("b", "0.5", "101", "0.30", minute=1)


def shown(fills: list[Fill]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Return trade id, size, price and fee of what stands."""
    trades = sorted(standing_trades(fills), key=lambda trade: trade.executed.trade_id)
    return [(trade.executed.trade_id, trade.terms.size, trade.terms.price, trade.terms.fee) for trade in trades]


def test_without_amendments_every_fill_stands_as_it_is() -> None:
    assert standing_trades([B, A]) == [StandingTrade(A, A), StandingTrade(B, B)]


def test_a_fill_that_was_taken_back_does_not_stand() -> None:
    """F29"""
    assert shown([A, B, reversal(A, "1")]) == [("b", D("0.5"), D(101), D("0.30"))]


def test_a_corrected_fill_stands_at_its_right_terms_under_its_old_id_and_time() -> None:
    """F29"""
    (trade,) = standing_trades([A, reversal(A, "1"), correction(A, "2", "99", "0.59")])
    assert (trade.executed, trade.terms.price, trade.terms.fee) == (A, D(99), D("0.59"))
    assert trade.executed.traded_at == at(0)


def test_the_worked_example_holds_in_every_order_of_arrival() -> None:
    """F29, E3"""
    rows = [A, B, reversal(A, "1"), correction(A, "2", "99", "0.59"), reversal(B, "3", minute=11)]
    for arrival in itertools.permutations(rows):
        assert shown(list(arrival)) == [("a", D("1.0"), D(99), D("0.59"))]


def test_an_amendment_dated_before_the_row_it_amends_waits_for_it() -> None:
    """F29: the second reversal is dated first and takes back the correction, which is dated last."""
    corrected = correction(A, "2", "99", "0.59", minute=20)
    assert shown([A, reversal(A, "1", minute=10), corrected, reversal(corrected, "3", minute=5)]) == []


@pytest.mark.parametrize(
    ("trade_id", "sequence"),
    [("17", 17), ("0", 0), ("9" * 18, 10**18 - 1), ("9" * 19, 0), ("t-17", 0), ("", 0), ("²", 0)],
)
def test_a_trade_id_orders_by_its_number_when_it_is_one_that_fits(trade_id: str, sequence: int) -> None:
    assert venue_sequence(trade_id) == sequence


def test_a_correction_can_be_corrected_and_taken_back() -> None:
    """F29"""
    first = correction(A, "2", "99", "0.59")
    rows = [A, reversal(A, "1"), first, reversal(first, "3", minute=20)]
    assert shown(rows) == []
    again = correction(A, "4", "98", "0.58", minute=20)
    assert shown([*rows, again]) == [("a", D("1.0"), D(98), D("0.58"))]


@pytest.mark.parametrize(
    "other",
    [
        replace(A, price=Price(D("100.01"))),
        replace(A, size=Size(D("0.9"))),
        replace(A, fee=Money(D("0.61"))),
        replace(A, side=Side.SELL),
        replace(A, product_id=ETH),
        replace(A, venue_order_id=VenueOrderId("another")),
    ],
    ids=["price", "size", "fee", "side", "product", "order"],
)
def test_a_reversal_takes_back_only_what_has_its_terms(other: Fill) -> None:
    """F29, D8: what it means is not guessed, not even from the trade id; the books differ and a person is told."""
    assert shown([A, reversal(other, "1", trade_id="a")]) == [("a", D("1.0"), D(100), D("0.60"))]


def test_a_correction_without_a_reversal_waits_for_it() -> None:
    """F29: counted beside its fill it would hold the coins twice."""
    right = correction(A, "2", "99", "0.59")
    assert shown([A, right]) == [("a", D("1.0"), D(100), D("0.60"))]
    assert shown([right]) == []
    assert shown([reversal(A, "1"), right]) == []
    assert shown([reversal(A, "1"), right, A]) == [("a", D("1.0"), D(99), D("0.59"))]


@pytest.mark.parametrize("change", [{"product_id": ETH}, {"side": Side.SELL}])
def test_a_correction_takes_only_a_place_of_its_side_and_product(change: dict[str, object]) -> None:
    other = replace(correction(A, "2", "99", "0.59"), **change)  # type: ignore[arg-type]
    assert shown([A, reversal(A, "1"), other]) == []


def test_rows_that_are_dated_before_what_they_amend_count_all_the_same() -> None:
    """F28, F29"""
    early = correction(A, "2", "99", "0.59", minute=-9)
    assert shown([early, reversal(A, "1", minute=-8), A]) == [("a", D("1.0"), D(99), D("0.59"))]


def test_of_fills_with_equal_terms_the_named_one_is_taken_back_else_the_oldest() -> None:
    """Trade ids of amendments may repeat that of the fill; nothing promises it."""
    twin = replace(A, trade_id="twin", traded_at=at(2))
    assert [trade.executed for trade in standing_trades([twin, A, reversal(A, "1")])] == [twin]
    assert [trade.executed for trade in standing_trades([twin, A, reversal(A, "1", trade_id="twin")])] == [A]


def test_a_correction_takes_the_place_it_names_then_one_of_its_size_then_the_newest() -> None:
    third = fill("c", "0.5", "102", "0.31", minute=2)
    busts = [
        reversal(A, "1", minute=10, trade_id="a"),
        reversal(B, "2", minute=11, trade_id="b"),
        reversal(third, "3", minute=12, trade_id="c"),
    ]

    def placed(row: Fill) -> list[str]:
        return [trade.executed.trade_id for trade in standing_trades([A, B, third, *busts, row])]

    half = correction(B, "9", "90", "0.20", minute=13)
    assert placed(replace(half, trade_id="b")) == ["b"]
    assert placed(half) == ["c"]
    assert placed(replace(half, size=Size(D("1.0")))) == ["a"]
    assert placed(replace(half, size=Size(D("0.7")))) == ["c"]


def test_one_correction_fills_one_place() -> None:
    rows = [A, reversal(A, "1"), correction(A, "2", "99", "0.59"), correction(A, "3", "98", "0.58", minute=11)]
    assert shown(rows) == [("a", D("1.0"), D(99), D("0.59"))]


def test_a_correction_that_changes_nothing_changes_nothing() -> None:
    assert shown([A, reversal(A, "1"), correction(A, "2", "100", "0.60")]) == [("a", D("1.0"), D(100), D("0.60"))]


def test_a_synthetic_row_counts_as_nothing() -> None:
    """F29: nobody says what it stands for."""
    assert shown([A, amendment(FillKind.SYNTHETIC, B, "1", minute=5)]) == [("a", D("1.0"), D(100), D("0.60"))]


def test_an_amendment_without_an_entry_id_and_a_fill_with_one_are_contradictions() -> None:
    with pytest.raises(InvariantBroken, match="entry id"):
        replace(A, kind=FillKind.REVERSAL)
    with pytest.raises(InvariantBroken, match="entry id"):
        replace(A, entry_id="1")


def test_the_key_of_an_amendment_differs_from_that_of_its_fill_and_of_the_other_kinds() -> None:
    """Coinbase, List Fills: trade ids are unique for FILL only."""
    rows = [A, reversal(A, "1", trade_id="a"), correction(A, "2", "99", "0.59", trade_id="a")]
    assert [row.fill_id for row in rows] == ["a", "reversal:1", "correction:2"]


def matched(fills: list[Fill]) -> list[tuple[str | None, Decimal, Decimal, Decimal | None]]:
    """Return buy, size, net proceeds and P&L of every row that the standing trades make."""
    executions = [
        Execution(
            trade.executed.trade_id,
            ClientOrderId(trade.executed.venue_order_id),
            BTC,
            trade.terms.side,
            trade.terms.price,
            trade.terms.size,
            trade.terms.fee,
            trade.executed.traded_at,
            0,
        )
        for trade in standing_trades(fills)
    ]
    rows = allocate(executions).allocations
    return [(row.buy_execution_id, row.size, row.net_proceeds, row.pnl) for row in rows]


FIRST = fill("first", "1.0", "100", "0.60")
SECOND = fill("second", "1.0", "110", "0.66", minute=1)
SELL = fill("sell", "1.5", "120", "1.08", minute=2, side=Side.SELL)


def test_a_corrected_buy_changes_only_the_row_that_took_it() -> None:
    """F29, E6. By hand: 119.28 - (99 + 0.59) = 19.69; the second row stays 59.64 - (55 + 0.33) = 4.31."""
    before = [("first", D("1.0"), D("119.28"), D("18.68")), ("second", D("0.5"), D("59.64"), D("4.31"))]
    assert matched([FIRST, SECOND, SELL]) == before
    amended = [FIRST, SECOND, SELL, reversal(FIRST, "1"), correction(FIRST, "2", "99", "0.59")]
    assert matched(amended) == [("first", D("1.0"), D("119.28"), D("19.69")), before[1]]


def test_a_buy_that_is_taken_back_after_its_sale_leaves_the_sell_without_it() -> None:
    """F29, R5. The sell takes all of the second buy: 119.28 - 110.66 = 8.62; half a coin has no buy: 60 - 0.36."""
    assert matched([FIRST, SECOND, SELL, reversal(FIRST, "1")]) == [
        ("second", D("1.0"), D("119.28"), D("8.62")),
        (None, D("0.5"), D("59.64"), None),
    ]


def test_a_sell_that_is_taken_back_leaves_its_buys_open() -> None:
    """F29"""
    assert matched([FIRST, SECOND, SELL, reversal(SELL, "1")]) == []


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fill], dict[str, Fill]]:
    """Return rows of one order and, kept along by trade id, the row whose terms each trade ends with."""
    rows = [fill(f"t{n}", draw(st.sampled_from(["1", "2"])), str(100 + n), "1", minute=n) for n in range(3)]
    ending = {row.trade_id: row for row in rows}
    for number in range(draw(st.integers(0, 5))):
        if not ending:
            break
        trade_id = draw(st.sampled_from(sorted(ending)))
        minute = 10 + number
        shared = trade_id if draw(st.booleans()) else None
        rows.append(reversal(ending[trade_id], f"r{number}", minute=minute, trade_id=shared))
        if draw(st.booleans()):
            # A price of its own, so that no two rows have equal terms and the history has one meaning.
            right = correction(
                ending[trade_id], f"s{number}", str(200 + number), "2", minute=minute + 0.5, trade_id=shared
            )
            rows.append(right)
            ending[trade_id] = right
        else:
            del ending[trade_id]
    return draw(st.permutations(rows)), ending


@given(histories())
@settings(deadline=None, max_examples=60)
def test_what_stands_is_what_the_history_ended_with(history: tuple[list[Fill], dict[str, Fill]]) -> None:
    """F29, E3: against a history that was kept along, in any order of arrival."""
    rows, ending = history
    assert {trade.executed.trade_id: trade.terms for trade in standing_trades(rows)} == ending


@given(st.lists(st.sampled_from([A, replace(A, trade_id="twin"), B]), unique=True), st.data())
@settings(deadline=None, max_examples=60)
def test_any_rows_give_the_same_in_any_order(fills: list[Fill], data: st.DataObject) -> None:
    """E3: also rows that fit nothing, or fit several."""
    kinds = data.draw(st.lists(st.sampled_from([FillKind.REVERSAL, FillKind.CORRECTION]), max_size=5))
    rows = [
        *fills,
        *(
            amendment(kind, data.draw(st.sampled_from([A, B])), f"e{number}", minute=data.draw(st.integers(0, 2)))
            for number, kind in enumerate(kinds)
        ),
    ]
    assert standing_trades(data.draw(st.permutations(rows))) == standing_trades(rows)
