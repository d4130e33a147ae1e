"""First in, first out: rows computed by hand, an independent matching, and what is conserved."""

from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import pytest

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation, Execution, LotMethod, LotQueue, LotResult, OpenLot, allocate
from bottrader.domain.money import Money
from bottrader.domain.orders import Side
from tests.fixtures.ledgers import total
from tests.unit.domain.examples import BTC, ETH, at, execution

pytestmark = pytest.mark.component("fifo_engine")


def buy(name: str, size: str, price: str, *, fee: str = "0", minute: float = 0, sequence: int = 0) -> Execution:
    return execution(Side.BUY, name, size, price, fee=fee, minute=minute, sequence=sequence)


def sell(name: str, size: str, price: str, *, fee: str = "0", minute: float = 60, sequence: int = 0) -> Execution:
    return execution(Side.SELL, name, size, price, fee=fee, minute=minute, sequence=sequence)


def pnls(result: LotResult) -> list[Decimal | None]:
    return [row.pnl for row in result.allocations]


def lots(result: LotResult) -> list[tuple[str, Decimal]]:
    return [(lot.execution_id, lot.size) for lot in result.open_lots]


def test_the_worked_example_of_the_module() -> None:
    """18.68 and 4.31, together 22.99; the second lot keeps 0.5 with a fee of 0.33."""
    result = allocate(
        [
            buy("b1", "1.0", "100", fee="0.60"),
            buy("b2", "1.0", "110", fee="0.66", minute=1),
            sell("s1", "1.5", "120", fee="1.08"),
        ]
    )
    first, second = result.allocations
    assert (first.pnl, second.pnl) == (Decimal("18.68"), Decimal("4.31"))
    assert (first.cost_basis, second.cost_basis) == (Decimal("100.60"), Decimal("55.33"))
    assert (first.sell_fee, second.sell_fee) == (Decimal("0.72"), Decimal("0.36"))
    assert (first.net_proceeds, second.net_proceeds) == (Decimal("119.28"), Decimal("59.64"))
    (lot,) = result.open_lots
    assert (lot.size, lot.fee, lot.cost) == (Decimal("0.5"), Decimal("0.33"), Decimal("55.33"))


@pytest.mark.parametrize(
    ("ledger", "expected", "left"),
    [
        pytest.param([buy("b", "1.0", "100"), sell("s", "1.0", "110")], ["10"], [], id="B175"),
        pytest.param(
            [buy("b", "0.5", "100"), buy("c", "0.5", "105", minute=1), sell("s", "1.0", "110")],
            ["5", "2.5"],
            [],
            id="B176",
        ),
        pytest.param([buy("b", "1.0", "100"), sell("s", "0.5", "110")], ["5"], [("b", "0.5")], id="B177"),
        pytest.param(
            [buy("b", "0.5", "40000"), buy("c", "0.5", "41000", minute=1), sell("s", "0.6", "42000")],
            ["1000", "100"],
            [("c", "0.4")],
            id="B178",
        ),
        pytest.param([buy("b", "0.001", "40000"), sell("s", "0.001", "42000")], ["2"], [], id="B179"),
        pytest.param([buy("b", "0.001", "40000"), sell("s", "0.001", "38000")], ["-2"], [], id="B180"),
        pytest.param(
            [buy("b", "0.001", "40000", fee="0.40"), sell("s", "0.001", "42000", fee="0.42")], ["1.18"], [], id="B181"
        ),
        pytest.param([buy("b", "0.1", "40000"), sell("s", "0.1", "42000")], ["200"], [], id="B182"),
        pytest.param([buy("b", "0.01", "2500"), sell("s", "0.01", "2400")], ["-1"], [], id="B184"),
        pytest.param([buy("b", "0.001", "50000"), sell("s", "0.001", "30000")], ["-20"], [], id="B185"),
        pytest.param([buy("b", "1.0", "40000"), sell("s", "0.5", "42000")], ["1000"], [("b", "0.5")], id="B187"),
        pytest.param([buy("b", "1", "40000"), sell("s", "0", "42000")], [], [("b", "1")], id="B188"),
        pytest.param([sell("s", "0.001", "42000")], [None], [], id="B189"),
        pytest.param([buy("b", "0.4", "100"), sell("s", "1.0", "110")], ["4", None], [], id="B190"),
        pytest.param(
            [sell("s", "1", "100", minute=0), buy("b", "1", "90", minute=60)], [None], [("b", "1")], id="B191"
        ),
        pytest.param([sell("a", "1", "110", minute=0), buy("b", "1", "100")], ["10"], [], id="B192 no sequence"),
        pytest.param(
            [sell("a", "1", "110", minute=0, sequence=1), buy("b", "1", "100", sequence=2)],
            [None],
            [("b", "1")],
            id="B192 sell first",
        ),
        pytest.param(
            [buy("b", "0.001", "40000", fee="0.40"), sell("s", "0.001", "40000", fee="0.40")], ["-0.80"], [], id="B216"
        ),
        pytest.param(
            [buy("b", "0.001", "42000", fee="0.42"), sell("s", "0.001", "40000", fee="0.40")], ["-2.82"], [], id="B215"
        ),
        pytest.param(
            [buy("b", "1", "1"), buy("c", "0", "5", minute=1), sell("s", "1", "2")], ["1"], [], id="a buy of nothing"
        ),
        pytest.param([], [], [], id="nothing happened"),
    ],
)
def test_a_ledger_gives_these_rows(
    ledger: list[Execution], expected: list[str | None], left: list[tuple[str, str]]
) -> None:
    result = allocate(ledger)
    assert pnls(result) == [None if pnl is None else Decimal(pnl) for pnl in expected]
    assert lots(result) == [(name, Decimal(size)) for name, size in left]


def test_a_row_names_both_orders_and_all_its_amounts() -> None:
    """B181, B183."""
    bought = execution(Side.BUY, "e1", "0.001", "40000", fee="0.40", minute=0, order="buy-123")
    sold = execution(Side.SELL, "e2", "0.001", "42000", fee="0.42", minute=1440, order="sell-456")
    assert allocate([bought, sold]).allocations == (
        Allocation(
            product_id=BTC,
            sell_order_id=sold.order_id,
            buy_order_id=bought.order_id,
            size=bought.size,
            buy_price=bought.price,
            sell_price=sold.price,
            buy_fee=bought.fee,
            sell_fee=sold.fee,
            cost_basis=_money("40.40"),
            proceeds=_money("42.00"),
            net_proceeds=_money("41.58"),
            pnl=_money("1.18"),
            buy_time=at(0),
            sell_time=at(1440),
            sell_execution_id="e2",
            buy_execution_id="e1",
        ),
    )


def _money(text: str) -> Money:
    return Money(Decimal(text))


def test_an_unmatched_sell_has_neither_basis_nor_profit() -> None:
    """B189, B190, R5."""
    matched, unmatched = allocate([buy("b", "0.4", "100"), sell("s", "1.0", "110", fee="0.10")]).allocations
    assert (matched.size, unmatched.size) == (Decimal("0.4"), Decimal("0.6"))
    assert (unmatched.product_id, unmatched.sell_execution_id, unmatched.sell_price) == (BTC, "s", Decimal(110))
    for value in (
        unmatched.buy_order_id,
        unmatched.buy_execution_id,
        unmatched.buy_price,
        unmatched.buy_fee,
        unmatched.buy_time,
        unmatched.cost_basis,
        unmatched.pnl,
    ):
        assert value is None
    assert (unmatched.proceeds, unmatched.net_proceeds) == (Decimal(66), Decimal("65.94"))
    assert matched.sell_fee + unmatched.sell_fee == Decimal("0.10")


def test_a_late_buy_before_an_unmatched_sell_resolves_it_and_changes_no_other_product() -> None:
    """B203, R1."""
    other = [
        execution(Side.BUY, "x", "1", "5", product_id=ETH),
        execution(Side.SELL, "y", "1", "6", minute=1, product_id=ETH),
    ]
    before = allocate([sell("s", "1", "110"), *other])
    after_ = allocate([sell("s", "1", "110"), *other, buy("b", "1", "100", minute=59)])
    assert pnls(before) == [None, 1]
    assert pnls(after_) == [10, 1]
    assert before.allocations[1] == after_.allocations[1]


def test_a_hundred_lots_are_consumed_by_one_sell() -> None:
    """B194: sum of 0.01 x (45000 - 40000 - 10 i) = 5000 - 49.50 x 10 = 4505."""
    ledger = [buy(f"b{i:03}", "0.01", str(40000 + 10 * i), minute=i) for i in range(100)]
    result = allocate([*ledger, sell("s", "1.0", "45000", minute=200)])
    assert len(result.allocations) == 100
    assert result.open_lots == ()
    assert total([row.pnl for row in result.allocations if row.pnl is not None]) == 4505
    assert [row.buy_execution_id for row in result.allocations] == [f"b{i:03}" for i in range(100)]


@pytest.mark.parametrize(
    ("fee", "sizes", "shares"),
    [
        pytest.param("0.10", ["1", "1", "1"], ["0.03333333", "0.03333333", "0.03333334"], id="B196"),
        pytest.param("0.00000001", ["2", "2", "3"], ["0", "0", "0.00000001"], id="B197"),
        pytest.param("0.0000000011", ["1", "1", "1"], ["0.0000000003", "0.0000000004", "0.0000000004"], id="fine fee"),
        pytest.param("0.1000000000", ["1", "1", "1"], ["0.03333333", "0.03333333", "0.03333334"], id="long spelling"),
        pytest.param("0", ["1", "2"], ["0", "0"], id="no fee"),
        pytest.param("3", ["1", "2"], ["1", "2"], id="whole units"),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_a_fee_is_shared_without_losing_a_digit(fee: str, sizes: list[str], shares: list[str], side: Side) -> None:
    whole = str(sum(Decimal(size) for size in sizes))
    if side is Side.SELL:
        ledger = [buy(f"b{n}", size, "1", minute=n) for n, size in enumerate(sizes)] + [sell("s", whole, "2", fee=fee)]
        found: list[Decimal | None] = [row.sell_fee for row in allocate(ledger).allocations]
    else:
        parts = [sell(f"s{n}", size, "2", minute=60 + n) for n, size in enumerate(sizes)]
        found = [row.buy_fee for row in allocate([buy("b", whole, "1", fee=fee), *parts]).allocations]
    assert found == [Decimal(share) for share in shares]


def test_an_order_of_two_fills_is_not_averaged() -> None:
    """B198, R87."""
    ledger = [
        execution(Side.BUY, "f1", "0.5", "100.00", order="o"),
        execution(Side.BUY, "f2", "0.5", "100.01", order="o"),
    ]
    assert total([lot.cost for lot in allocate(ledger).open_lots]) == Fraction("100.005")


def test_net_proceeds_may_be_negative() -> None:
    """B199."""
    (row,) = allocate([buy("b", "1", "0.40"), sell("s", "1", "0.50", fee="0.60")]).allocations
    assert (row.net_proceeds, row.pnl) == (Decimal("-0.10"), Decimal("-0.50"))


def test_a_sale_of_one_satoshi_has_its_own_row() -> None:
    """B202, R82."""
    (row,) = allocate([buy("b", "1", "40000"), sell("s", "0.00000001", "42000")]).allocations
    assert (row.size, row.pnl) == (Decimal("0.00000001"), Decimal("0.00002"))


def test_inventory_is_computed_from_what_was_bought_and_sold() -> None:
    """B204, R3."""
    queue = LotQueue()
    found = []
    for entry in (buy("b", "1.0", "1"), sell("s", "0.4", "1", minute=1), sell("t", "0.6", "1", minute=2)):
        queue.apply(entry)
        found.append(total([lot.size for lot in queue.open_lots()]))
    assert found == [1, Fraction("0.6"), 0]


def test_the_replay_of_the_fourth_of_december() -> None:
    """B208, R4: no phantom October lots, seven rows, a loss of 0.406517."""
    trades = [
        ("226.27", "0.1373", "226.25", "0.1357"),
        ("229.28", "0.1359", "229.28", "0.1360"),
        ("243.13", "0.1273", "243.13", "0.1278"),
        ("269.60", "0.1228", "269.60", "0.1221"),
    ]
    ledger = []
    for number, (bought, paid, sold, got) in enumerate(trades):
        ledger.append(buy(f"b{number}", bought, paid, minute=2 * number))
        ledger.append(sell(f"s{number}", sold, got, minute=2 * number + 1))
    result = allocate(ledger)
    assert len(result.allocations) == 7
    per_sell = [
        total([row.pnl for row in rows if row.pnl is not None])
        for _, rows in groupby(result.allocations, key=lambda row: row.sell_order_id)
    ]
    assert per_sell == [Fraction(text) for text in ("-0.362000", "0.022900", "0.121393", "-0.188810")]
    assert sum(per_sell) == Fraction("-0.406517")
    assert [(lot.size, lot.price) for lot in result.open_lots] == [(Decimal("0.02"), Decimal("0.1228"))]


def test_the_same_execution_twice_stops_the_bot() -> None:
    with pytest.raises(InvariantBroken, match="once and in order: b of BTC-USD does not follow b of BTC-USD"):
        allocate([buy("b", "1", "1"), buy("b", "1", "1")])


@pytest.mark.parametrize(
    "late",
    [
        buy("b", "1", "1", minute=4),
        buy("b", "1", "1", minute=5, sequence=0),
        execution(Side.BUY, "z", "1", "1", minute=9, product_id=ETH),
    ],
    ids=["earlier", "lower sequence", "another product"],
)
def test_a_queue_refuses_what_does_not_follow(late: Execution) -> None:
    queue = LotQueue()
    queue.apply(buy("a", "1", "1", minute=5, sequence=1))
    with pytest.raises(InvariantBroken, match="does not follow a of BTC-USD"):
        queue.apply(late)


def test_an_open_lot_costs_its_price_and_what_is_left_of_its_fee() -> None:
    bought = buy("b", "0.3", "3.33")
    lot = OpenLot(BTC, bought.order_id, "b", bought.price, bought.size, bought.fee, at(0))
    assert lot.cost == Decimal("0.999")


def test_a_row_tells_when_it_was_bought_and_sold() -> None:
    """B186: bought at 10:00, sold at 14:00 of the same day; 0.001 x (41000 - 40000) = 1."""
    (row,) = allocate([buy("b", "0.001", "40000", minute=600), sell("s", "0.001", "41000", minute=840)]).allocations
    assert row.buy_time is not None
    assert (row.sell_time - row.buy_time).total_seconds() == 14_400
    assert row.pnl == 1


def test_lots_of_one_account_serve_no_sell_of_another() -> None:
    bought = execution(Side.BUY, "b", "1", "100", account="one")
    sold = execution(Side.SELL, "s", "1", "110", minute=1, account="two")
    result = allocate([bought, sold])
    assert [(row.account, row.pnl) for row in result.allocations] == [("two", None)]
    assert [(lot.account, lot.execution_id) for lot in result.open_lots] == [("one", "b")]


def test_a_queue_holds_one_account() -> None:
    queue = LotQueue()
    queue.apply(execution(Side.BUY, "a", "1", "1", account="one"))
    with pytest.raises(InvariantBroken, match="z of BTC-USD two does not follow a of BTC-USD one"):
        queue.apply(execution(Side.BUY, "z", "1", "1", minute=9, account="two"))


def test_products_come_before_accounts_and_accounts_before_times() -> None:
    ledger = [
        execution(Side.SELL, f"{product}{account}", "1", "1", minute=minute, product_id=product, account=account)
        for minute, (product, account) in enumerate([(ETH, "a"), (BTC, "b"), (ETH, ""), (BTC, "a")])
    ]
    rows = allocate(ledger).allocations
    assert [(row.product_id, row.account) for row in rows] == [(BTC, "a"), (BTC, "b"), (ETH, ""), (ETH, "a")]


def test_rows_and_lots_are_spelled_in_one_way() -> None:
    """1.0 at 100.00 with fee 0.60; 0.50 sold at 120.0 with fee 0.30: proceeds 60, basis 50.30, P&L 9.40."""
    result = allocate([buy("b", "1.0", "100.00", fee="0.60"), sell("s", "0.50", "120.0", fee="0.30")])
    (row,), (lot,) = result.allocations, result.open_lots
    assert [str(amount) for amount in (row.size, row.buy_price, row.sell_price, row.buy_fee, row.sell_fee)] == [
        "0.5",
        "100",
        "120",
        "0.3",
        "0.3",
    ]
    amounts = (row.cost_basis, row.proceeds, row.net_proceeds, row.pnl)
    assert [str(amount) for amount in amounts] == ["50.3", "60", "59.7", "9.4"]
    assert [str(amount) for amount in (lot.size, lot.price, lot.fee)] == ["0.5", "100", "0.3"]
    (unmatched,) = allocate([sell("s", "0.50", "120.0", fee="0.30")]).allocations
    assert str(unmatched.size) == "0.5"
    unmatched_amounts = (unmatched.sell_price, unmatched.sell_fee, unmatched.proceeds, unmatched.net_proceeds)
    assert [str(amount) for amount in unmatched_amounts] == ["120", "0.3", "60", "59.7"]


@pytest.mark.parametrize("method", LotMethod)
def test_a_lot_consumed_by_a_thousand_sells_gives_each_its_share(method: LotMethod) -> None:
    """P15: 1000 units at 7 with fee 1; each sell of one unit takes 0.001 of it and earns 8 - 7.001 = 0.999."""
    sells = [sell(f"s{number:04}", "1", "8", minute=60 + number) for number in range(1000)]
    result = allocate([buy("b", "1000", "7", fee="1"), *sells], method)
    assert {row.pnl for row in result.allocations} == {Decimal("0.999")}
    assert (len(result.allocations), result.open_lots) == (1000, ())


@pytest.mark.parametrize("method", LotMethod)
def test_a_sell_over_a_thousand_lots_has_a_row_of_each(method: LotMethod) -> None:
    """P15: single units at 1, 2, .. 1000; 1000.5 sold at 1000: gain 0 + 1 + .. + 999, and half a unit is unmatched."""
    buys = [buy(f"b{number:04}", "1", str(number), minute=number / 100) for number in range(1, 1001)]
    result = allocate([*buys, sell("s", "1000.5", "1000", fee="0.10")], method)
    assert (
        total(row.pnl for row in result.allocations if row.pnl is not None)
        + total(row.sell_fee for row in result.allocations[:-1])
        == 999 * 500
    )
    assert (result.allocations[-1].size, result.allocations[-1].pnl) == (Decimal("0.5"), None)
    assert total(row.sell_fee for row in result.allocations) == Fraction("0.1")
    order = [row.buy_execution_id for row in result.allocations[:-1]]
    names = [entry.execution_id for entry in buys]
    assert order == (names if method in {LotMethod.FIFO, LotMethod.SPECIFIC} else names[::-1])
