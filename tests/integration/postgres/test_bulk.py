"""The compiled route gives the rows of the domain, to the byte, and leaves to the domain what does not fit."""

import faulthandler
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.adapters.postgres.bulk import compiled, matching, plain, wide
from bottrader.adapters.postgres.bulk.columns import refuse_disorder
from bottrader.adapters.postgres.bulk.target import COLUMNS, TABLE, Target
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution, LotMethod, allocate
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.domain.performance import realized_pnl
from tests.fixtures.copy_streams import columns_of, rows_by_kernel
from tests.fixtures.facts import BTC, ETH, NOON, at
from tests.fixtures.large_ledger import fill_ledger
from tests.fixtures.lot_oracle import books_of
from tests.fixtures.venue_trades import drawn_orders
from tests.fixtures.worked_trades import TWO_BUYS_AND_A_SELL, Worked, store_trades

METHODS = [LotMethod.FIFO, LotMethod.LIFO]
INT64_MAX = 2**63 - 1

DUMP = f"""SELECT {", ".join(COLUMNS[1:3] + COLUMNS[4:])}, notes FROM {TABLE} WHERE allocation_version = {{version}}
    ORDER BY symbol COLLATE "C", position"""  # noqa: S608 - names of this module
# First in, first out as one statement: each buy and each sell owns an interval of the units bought or matched.
BY_SQL = """
    WITH ordered AS (
        SELECT *, row_number() OVER w AS n,
            sum(size) FILTER (WHERE side = 'buy') OVER w AS bought,
            sum(size) FILTER (WHERE side = 'sell') OVER w AS sold
        FROM executions
        WINDOW w AS (PARTITION BY product_id
                     ORDER BY executed_at, sequence, side = 'sell', execution_id COLLATE "C" ROWS UNBOUNDED PRECEDING)),
    excess AS (
        SELECT *, greatest(0, max(coalesce(sold, 0) - coalesce(bought, 0)) OVER (
            PARTITION BY product_id ORDER BY n ROWS UNBOUNDED PRECEDING)) AS unmatched_so_far FROM ordered),
    sells AS (
        SELECT *, sold - unmatched_so_far AS upper, sold - size - lag(unmatched_so_far, 1, 0) OVER (
            PARTITION BY product_id ORDER BY n) AS lower FROM excess),
    buys AS (SELECT *, bought - size AS lower, bought AS upper FROM ordered WHERE side = 'buy')
    SELECT s.execution_id AS sell, b.execution_id AS buy, least(s.upper, b.upper) - greatest(s.lower, b.lower) AS size
    FROM sells s JOIN buys b ON b.product_id = s.product_id AND b.lower < s.upper AND s.lower < b.upper
    WHERE s.side = 'sell'
    UNION ALL
    SELECT execution_id, NULL, size - (upper - lower) FROM sells WHERE side = 'sell' AND size > upper - lower"""


def make_execution(number: int, side: str, size: object, price: object = 1, fee: object = 0) -> Execution:
    return Execution(
        f"trade-{number}",
        ClientOrderId(f"order-{number // 2}"),
        BTC,
        Side(side),
        Price(Decimal(str(price))),
        Size(Decimal(str(size))),
        Money(Decimal(str(fee))),
        NOON + timedelta(microseconds=number),
        number,
    )


def _amounts(most: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.builds(lambda n, e: Decimal(n).scaleb(-e), st.integers(1, most), st.integers(0, places))


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Compile with more time than a test has; on a busy machine it takes a minute, and then it is on the disk."""
    faulthandler.cancel_dump_traceback_later()
    assert rows_by_kernel([make_execution(1, "sell", 1)]) is not None


executions = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell"]),
        _amounts(10**9, 8),
        _amounts(10**8, 8),
        st.one_of(st.just(Decimal(0)), _amounts(10**9, 12), _amounts(10**9, 12).map(lambda fee: -fee)),
    ),
    max_size=25,
).map(lambda rows: [make_execution(number, *row) for number, row in enumerate(rows)])


@given(executions, st.sampled_from(METHODS))
def test_the_kernel_gives_the_rows_of_the_domain(ledger: list[Execution], method: LotMethod) -> None:
    """P14 by a decoder of our own: every field, spelled in the one way; rebates are fees below zero."""
    made = rows_by_kernel(ledger, method)
    assert made is not None
    expected = list(allocate(ledger, method).allocations)
    assert made.allocations == expected
    assert [str(row) for row in made.allocations] == [str(row) for row in expected]
    assert made.positions == list(range(len(expected)))
    assert made.pnl == realized_pnl(expected)


@given(executions)
def test_the_kernel_agrees_with_an_oracle_that_shares_nothing_with_it(ledger: list[Execution]) -> None:
    made = rows_by_kernel(ledger)
    assert made is not None
    rows = [
        (r.sell_execution_id, r.buy_execution_id, r.size, r.proceeds, r.sell_fee, r.buy_fee, r.cost_basis, r.pnl)
        for r in made.allocations
    ]
    assert rows == [
        (r.sell_id, r.buy_id, r.size, r.proceeds, r.sell_fee, r.buy_fee, r.cost_basis, r.pnl)
        for r in books_of(ledger).rows
    ]


@given(executions, st.integers(1, 200))
def test_the_pieces_in_which_the_server_sends_change_nothing(ledger: list[Execution], piece_bytes: int) -> None:
    whole, pieces = columns_of(ledger, 10**9), columns_of(ledger, piece_bytes)
    assert bytes(whole.ids) == bytes(pieces.ids)
    assert (whole.numbers == pieces.numbers).all()
    assert whole.starts == pieces.starts


@pytest.mark.parametrize(
    ("size", "price", "fee", "fits"),
    [
        ("92233720368.54775807", "1.5", "0", True),
        ("92233720368.54775808", "1.5", "0", False),
        ("0.5", "92233720368.54775807", "0", True),
        ("0.5", "92233720368.54775808", "0", False),
        ("0.5", "1", "92233720368.54775807", True),
        ("0.5", "1", "92233720368.54775808", False),
        ("0.5", "1", "-92233720368.54775807", True),
        ("0.5", "1", "-92233720368.54775808", False),
        # Amounts have 8 decimals: 2 x 2**62 x 92,233,720,368 x 10**8 is below 2**126, and with one more past it.
        (str(2**62), "92233720368", "0", True),
        (str(2**62), "92233720369", "0", False),
        # Amounts have as many decimals as the fee, in groups of four: 16, or 20, and no word holds ten to the 20th.
        ("1", "1", "0.0000000000000001", True),
        ("1", "1", "0.00000000000000001", False),
        ("1E-64", "1E+3", "0", False),
        ("1E+19", "1E-3", "0", False),
        ("1E+100", "1E-100", "0", False),
    ],
)
def test_what_fits_is_exact_and_what_does_not_is_left_to_the_domain(
    size: str, price: str, fee: str, fits: bool
) -> None:
    """P11: at each limit and one past it."""
    ledger = [make_execution(1, "buy", size, price, fee), make_execution(2, "sell", size, price, fee)]
    made = rows_by_kernel(ledger)
    assert (made is not None) is fits
    if made is not None:
        expected = list(allocate(ledger).allocations)
        assert made.allocations == expected
        assert made.pnl == realized_pnl(expected)


def test_a_fee_is_split_exactly_at_the_limits_of_64_bits() -> None:
    """Against Python's integers: 100,000 triples of every width, rounded down for rebates as well."""
    chance = random.Random(7)
    for _ in range(100_000):
        size = chance.getrandbits(chance.randint(1, 63)) or 1
        taken = min(size, chance.getrandbits(chance.randint(1, 63)))
        fee = chance.getrandbits(chance.randint(1, 63)) * chance.choice((1, -1))
        assert int(matching.fee_of(fee, taken, size)) == fee * taken // size


def test_words_multiply_and_divide_like_whole_numbers() -> None:
    """Knuth's algorithm against Python's integers, with divisors and digits at the edges of its estimates."""
    chance = random.Random(8)
    edges = [0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 2**32, 2**64 - 1]

    def word() -> int:
        return chance.choice([*edges, chance.getrandbits(64), chance.getrandbits(chance.randint(1, 64))])

    for _ in range(50_000):
        a, b = word(), word()
        high, low = wide.multiply(np.uint64(a), np.uint64(b))
        assert (int(high) << 64) + int(low) == a * b
        divisor = max(word(), 1)
        upper = word() % divisor
        quotient, rest = wide.divide(np.uint64(upper), np.uint64(a), np.uint64(divisor))
        assert divmod((upper << 64) + a, divisor) == (int(quotient), int(rest))


def test_executions_that_come_twice_or_out_of_order_are_refused_by_name() -> None:
    """P11: with the id."""
    ledger = [make_execution(number, "buy", 1) for number in range(3)]
    twice = columns_of([*ledger, ledger[1]])
    with pytest.raises(InvariantBroken, match="trade-1 does not follow trade-1"):
        refuse_disorder(twice)
    same = [
        replace(each, executed_at=NOON, sequence=0, execution_id=name) for each, name in zip(ledger, "bca", strict=True)
    ]
    refuse_disorder(columns_of(same))
    columns = columns_of(same)
    columns.ids.setflags(write=True)
    columns.ids[0] = ord("z")
    with pytest.raises(InvariantBroken, match="b does not follow z"):
        refuse_disorder(columns)


@pytest.mark.parametrize("method", METHODS)
async def test_both_routes_and_row_wise_insertion_leave_the_same_bytes(
    store: PostgresStore, sql: Connection, method: LotMethod
) -> None:
    """P6, P14, R7: of many products, several fills an order, equal times, oversold; and again after the table is
    emptied."""
    await store_trades(store, drawn_orders(3, 150, (BTC, ETH)))
    batch = await _run(sql)
    outcomes = await compiled.write(sql, Target(2, batch, method))
    assert await plain.write(sql, Target(3, batch, method)) == outcomes
    by_kernel = await _dump(sql, 2)
    assert by_kernel == await _dump(sql, 3)
    assert sum(outcome.unmatched for outcome in outcomes.values()) > 0

    await sql.execute("INSERT INTO allocation_versions VALUES (4, $1, 'complete')", method.value)
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 4")
    for product_id in (BTC, ETH):
        rows = allocate(await store.executions(product_id), method).allocations
        await store.replace_allocations(product_id, rows, at(900))
    assert by_kernel == await _dump(sql, 4)

    await sql.execute(f"TRUNCATE {TABLE}")
    await compiled.write(sql, Target(5, batch, method))
    assert by_kernel == await _dump(sql, 5)


async def test_a_product_that_does_not_fit_takes_the_plain_route_beside_the_others(
    store: PostgresStore, sql: Connection
) -> None:
    """P11: a fee of 30 decimals; the other product's rows come from the kernel, in the same version."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    odd = [
        Worked("11", "buy", "3", "7", "0.000000000000000000000000000001", 0, ETH).order(),
        Worked("12", "sell", "1", "8", "0", 1, ETH).order(),
    ]
    await store_trades(store, odd)
    batch = await _run(sql)
    assert await compiled.write(sql, Target(2, batch, LotMethod.FIFO)) == await plain.write(
        sql, Target(3, batch, LotMethod.FIFO)
    )
    assert await _dump(sql, 2) == await _dump(sql, 3)


async def test_the_database_matches_by_windows_and_intervals_to_the_same_lots(
    store: PostgresStore, sql: Connection
) -> None:
    """The third route: SQL alone, which shares neither the loop nor the scaling."""
    await fill_ledger(sql, 3_000, 3)
    batch = await _run(sql)
    outcomes = await compiled.write(sql, Target(2, batch, LotMethod.FIFO))
    kernel = await sql.fetch(
        f"SELECT sell_execution_id AS sell, buy_execution_id AS buy, allocated_size AS size FROM {TABLE}"  # noqa: S608 - the name of this module
    )
    assert _sorted(kernel) == _sorted(await sql.fetch(BY_SQL))
    assert sum(outcome.allocations for outcome in outcomes.values()) == len(kernel) > 2_500
    assert sum(outcome.executions for outcome in outcomes.values()) == 3_000


def test_the_kernel_means_the_same_without_its_compiler() -> None:
    """Nothing in it relies on what the compiler makes of a type; this run is also the one that coverage sees."""
    check = """
import numpy
numpy.seterr(over="ignore")
from bottrader.adapters.postgres.bulk.matching import match
assert not hasattr(match, "py_func")
from bottrader.domain.lots import LotMethod, allocate
from tests.fixtures.copy_streams import rows_by_kernel
from tests.integration.postgres.test_bulk import make_execution
sides = ("buy", "buy", "sell")
ledger = [make_execution(n, sides[n % 3], (n * 7919 % 997 + 1) / 1024, n + 2**40, n / 64) for n in range(40)]
ledger += [make_execution(99, "sell", 2**20, 2**40, -(2**30))]
for method in (LotMethod.FIFO, LotMethod.LIFO):
    assert rows_by_kernel(ledger, method).allocations == list(allocate(ledger, method).allocations)
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", check], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def _run(sql: Connection) -> int:
    """Register a run that the rows can belong to."""
    return int(
        await sql.fetchval(
            """INSERT INTO fifo_computation_log (allocation_version, mode, status, computed_at, allocations, unmatched)
            VALUES (1, 'full', 'running', now(), 0, 0) RETURNING batch_id"""
        )
    )


async def _dump(sql: Connection, version: int) -> bytes:
    pieces: list[bytes] = []

    async def keep(piece: bytes) -> None:
        pieces.append(piece)

    await sql.copy_from_query(DUMP.format(version=version), output=keep, format="text")
    dump = b"".join(pieces)
    assert dump
    return dump


def _sorted(rows: Sequence[object]) -> list[tuple[str, str, Fraction]]:
    return sorted((row["sell"], row["buy"] or "", Fraction(row["size"])) for row in rows)  # type: ignore[index]
