"""What the check of the lots says of rows made by hand, and of an exchange that answers, differs or is silent."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.app.check_lots import AT_THE_EXCHANGE, LotsCheck, check_lots
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.lot_checks import Check, Finding, PlacedRow
from bottrader.domain.lots import Execution, LotMethod, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.ports import AllocationVersion, Balance, CashKind, CashMovement
from bottrader.ports.audit import LotsAudit
from tests.fixtures.facts import BTC, ETH, NOON, at
from tests.fixtures.trading_house import FEES

ETH_BTC = ProductId("ETH-BTC")


def execution(name: str, side: Side, size: str, price: str = "100", seconds: float = 0, **more: ProductId) -> Execution:
    return Execution(
        execution_id=name,
        order_id=ClientOrderId(f"order-{name}"),
        product_id=more.get("product_id", BTC),
        side=side,
        price=Price(Decimal(price)),
        size=Size(Decimal(size)),
        fee=Money(Decimal("0.3")),
        executed_at=at(seconds),
        sequence=0,
    )


TRADES = (
    execution("b1", Side.BUY, "1", "100", 0),
    execution("b2", Side.BUY, "1", "110", 1),
    execution("s1", Side.SELL, "1.5", "120", 2),
    execution("s2", Side.SELL, "2", "130", 3),
)
"""By hand: s1 takes all of b1 and half of b2; s2 the other half, and 1.5 that nobody bought."""


def audit_of(executions: Sequence[Execution] = TRADES, **changes: object) -> LotsAudit:
    """Return what the store holds when everything is right."""
    rows = [PlacedRow(position, row) for position, row in enumerate(allocate(executions).allocations)]
    audit = LotsAudit(
        AllocationVersion(1, LotMethod.FIFO), True, executions, (), rows, frozenset({"order-s2/s2"}), list(rows)
    )
    return replace(audit, **changes)  # type: ignore[arg-type]


class Auditor:
    def __init__(self, audit: LotsAudit) -> None:
        self.audit = audit

    async def audit_lots(self) -> LotsAudit:
        return self.audit


class Holding(MemoryExchange):
    """An exchange with balances of the test's choice, or none that answers."""

    def __init__(self, balances: dict[str, str] | None) -> None:
        super().__init__(ManualClock(NOON), (), {}, FEES)
        self.held = balances

    async def balances(self) -> list[Balance]:
        if self.held is None:
            raise ExchangeUnreachable("no answer within 10 s")
        return [Balance(currency, Decimal(total), Decimal(0)) for currency, total in self.held.items()]


async def check(audit: LotsAudit, exchange: Holding | None = None) -> LotsCheck:
    return await check_lots(Auditor(audit), exchange, "left out by the test")


async def findings(audit: LotsAudit) -> dict[str, Sequence[Finding]]:
    return {each.name: each.findings for each in (await check(audit)).checks if each.findings}


def changed(audit: LotsAudit, position: int, **changes: object) -> LotsAudit:
    rows = list(audit.rows)
    rows[position] = replace(rows[position], row=replace(rows[position].row, **changes))  # type: ignore[arg-type]
    return replace(audit, rows=rows)


async def test_right_rows_hold_and_are_counted() -> None:
    result = await check(audit_of())
    assert result.holds
    assert {each.name: each.count for each in result.checks} == {
        "the active version is complete": 1,
        "positions are contiguous from 0": 4,
        "rows agree with their executions": 4,
        "amounts of a row follow from its sizes, prices and fees": 4,
        "each sell is allocated whole, matched or not": 2,
        "no buy is sold more than once": 2,
        "fee shares add up to the fee": 4,
        "money is conserved": 1,
        "nothing is sold before it was bought, in ledger order": 4,
        "each unmatched sell above dust is queued for review": 1,
        "rows equal the plain computation": 4,
        "rows equal the database's own computation": 4,
        AT_THE_EXCHANGE: 0,
    }


async def test_a_difference_is_told_with_symbol_position_expected_and_found() -> None:
    """By hand: position 1 is the half of b2 that s1 took; 0.25 of it leaves 0.25 of s1 nowhere."""
    found = await findings(changed(audit_of(), 1, size=Size(Decimal("0.25"))))
    assert found["each sell is allocated whole, matched or not"] == [
        Finding("BTC-USD", 0, "sell s1: size 1.5", "1.25 in 2 rows")
    ]
    assert found["rows equal the plain computation"] == [Finding("BTC-USD", 1, "size 0.5", "size 0.25")]
    amounts = found["amounts of a row follow from its sizes, prices and fees"]
    assert Finding("BTC-USD", 1, "proceeds 30", "60") in amounts


async def test_a_buy_that_is_sold_twice_is_found() -> None:
    """By hand: all of b1 and half of b2 are sold by s1; a second row of b1 makes 2 of 1."""
    audit = audit_of()
    found = await findings(replace(audit, rows=[*audit.rows, replace(audit.rows[0], position=4)]))
    assert found["no buy is sold more than once"] == [Finding("BTC-USD", 0, "buy b1: at most size 1", "2 in 2 rows")]


async def test_rows_that_come_in_another_order_than_their_sells_are_found() -> None:
    audit = audit_of()
    rows = [replace(row, position=position) for position, row in enumerate([audit.rows[2], audit.rows[0]])]
    (finding,) = (await findings(replace(audit, rows=rows)))["nothing is sold before it was bought, in ledger order"][
        :1
    ]
    assert (finding.position, finding.expected) == (1, "rows by sell")


async def test_a_younger_buy_that_goes_first_is_found() -> None:
    """P5: s1 takes half of b2 before all of b1."""
    audit = audit_of()
    rows = [replace(row, position=position) for position, row in enumerate([audit.rows[1], audit.rows[0]])]
    found = (await findings(replace(audit, rows=rows)))["nothing is sold before it was bought, in ledger order"]
    assert [(each.position, each.expected) for each in found] == [(1, "the oldest buy first")]


async def test_a_row_of_a_sell_that_there_never_was_is_found() -> None:
    found = await findings(changed(audit_of(), 0, sell_execution_id="invented"))
    assert {"rows agree with their executions", "each sell is allocated whole, matched or not"} <= found.keys()


async def test_a_row_too_few_and_one_too_many_are_told() -> None:
    audit = audit_of()
    fewer = await findings(replace(audit, rows=audit.rows[:-1]))
    assert fewer["rows equal the plain computation"] == [
        Finding("BTC-USD", 3, "sell_execution_id s2, buy_execution_id nothing, size 1.5", "no row")
    ]
    more = await findings(replace(audit, rows=[*audit.rows, replace(audit.rows[-1], position=4)]))
    assert more["rows equal the database's own computation"] == [
        Finding("BTC-USD", 4, "no row", "sell_execution_id s2, buy_execution_id nothing, size 1.5")
    ]


async def test_rows_of_a_product_that_was_never_traded_are_found() -> None:
    found = await findings(changed(audit_of(), 0, product_id=ETH))
    assert {"rows agree with their executions", "money is conserved"} <= found.keys()


async def test_a_buy_after_its_sell_is_found_although_it_has_the_same_time() -> None:
    """P5: at one moment buys come first, unless the exchange's sequence says otherwise."""
    sell, buy = execution("s", Side.SELL, "1"), replace(execution("b", Side.BUY, "1"), sequence=2)
    audit = audit_of([replace(sell, sequence=1), buy], queued=frozenset({"order-s/s"}))
    assert await findings(audit) == {}
    matched = allocate([replace(buy, sequence=0), replace(sell, sequence=1)]).allocations
    rows = [PlacedRow(0, matched[0])]
    found = await findings(replace(audit, rows=rows, by_sql=rows))
    assert found.keys() == {"nothing is sold before it was bought, in ledger order", "rows equal the plain computation"}


async def test_an_unmatched_sell_that_nobody_was_told_of_is_found() -> None:
    """R5"""
    found = await findings(audit_of(queued=frozenset()))
    assert found == {
        "each unmatched sell above dust is queued for review": [
            Finding("BTC-USD", 3, "order-s2/s2 in the review queue", "nothing")
        ]
    }


async def test_nobody_has_to_be_told_of_dust() -> None:
    """R82: an overdraft of 0.000009 BTC, where dust ends at 0.00001."""
    assert await findings(audit_of([execution("s", Side.SELL, "0.000009")], queued=frozenset())) == {}
    assert await findings(audit_of([execution("s", Side.SELL, "0.00001")], queued=frozenset())) != {}


async def test_a_version_that_is_not_complete_is_found() -> None:
    found = await findings(audit_of(is_complete=False))
    assert found == {
        "the active version is complete": [Finding("all", None, "version 1 complete", "still being built")]
    }


async def test_routes_that_cannot_tell_are_left_out_and_say_why() -> None:
    lifo = allocate(TRADES, LotMethod.LIFO).allocations
    rows = [PlacedRow(position, row) for position, row in enumerate(lifo)]
    result = await check(audit_of(version=AllocationVersion(2, LotMethod.LIFO), rows=rows, by_sql=None))
    assert result.holds
    (left_out,) = [each for each in result.checks if "own computation" in each.name]
    assert left_out.left_out == "SQL computes first in, first out only, not lifo"


def at_exchange(result: LotsCheck) -> Check:
    return next(each for each in result.checks if each.name == AT_THE_EXCHANGE)


@pytest.mark.parametrize(("held", "is_equal"), [("2", True), ("2.00000001", False), ("0", False)])
async def test_open_lots_are_held_against_the_exchange(held: str, is_equal: bool) -> None:
    """3.5 deposited; bought 2, sold 3.5 of which 1.5 without a lot: 3.5 + 0 open - 1.5 = 2."""
    deposit = CashMovement("d", CashKind.DEPOSIT, "BTC", Decimal("3.5"), NOON)
    result = await check(audit_of(movements=[deposit]), Holding({"BTC": held, "USD": "7"}))
    assert result.holds == is_equal
    if not is_equal:
        assert at_exchange(result).findings == [Finding("BTC", None, f"the exchange's {Decimal(held):f}", "2")]


async def test_a_coin_that_pays_for_another_counts_with_what_was_paid() -> None:
    """1 BTC bought; 2 ETH bought for 0.1 BTC each with a fee of 0.3 BTC leave 0.5 BTC."""
    trades = [
        execution("b1", Side.BUY, "1"),
        execution("e1", Side.BUY, "2", "0.1", 1, product_id=ETH_BTC),
    ]
    result = await check(audit_of(trades, queued=frozenset()), Holding({"BTC": "0.5", "ETH": "2"}))
    assert result.holds
    assert at_exchange(result).count == 2


async def test_an_exchange_that_does_not_answer_is_not_compared_and_not_equal() -> None:
    result = await check(audit_of(), Holding(None))
    assert not result.holds
    assert at_exchange(result).left_out == "not compared: no answer within 10 s"
    assert [each for each in result.checks if each.findings] == []


async def test_without_an_exchange_the_comparison_is_left_out() -> None:
    result = await check(audit_of())
    assert result.holds
    assert at_exchange(result).left_out == "left out by the test"


async def test_an_exponent_is_no_difference_and_a_zero_at_the_end_is_one() -> None:
    """The driver reads 40000 as 4E+4."""
    for read, holds in (("4E+4", True), ("40000.0", False)):
        trades = (execution("b1", Side.BUY, "1", "40000", 0), execution("s1", Side.SELL, "1", "40000", 1))
        made = audit_of(trades, queued=frozenset())
        rows = [replace(each, row=replace(each.row, buy_price=Price(Decimal(read)))) for each in made.rows]
        result = await check_lots(Auditor(replace(made, rows=rows)), None, "not asked")
        (amounts,) = [check for check in result.checks if check.name.startswith("amounts of a row")]
        assert (not amounts.findings) is holds
