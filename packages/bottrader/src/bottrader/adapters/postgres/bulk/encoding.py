"""Allocation rows as a binary COPY: each byte the server receives is written here once.

The format is that of `reading`. Amounts are written in their one spelling (`money.canonical`): as many decimals as
needed, so that the rows are the same bytes whichever way they were computed.
"""

from typing import Any

import numpy as np

from bottrader.adapters.postgres.bulk.compiling import jit
from bottrader.adapters.postgres.bulk.matching import (
    BUY,
    BUY_FEE,
    FEE,
    NO_BUY,
    PRICE,
    SELL,
    SELL_FEE,
    SIZE_TAKEN,
)
from bottrader.adapters.postgres.bulk.target import COLUMNS
from bottrader.adapters.postgres.bulk.wide import (
    HALF,
    HALF_BITS,
    ZERO,
    add,
    divide,
    is_negative,
    multiply,
    negate,
    scale,
)

Array = Any
"""A `numpy` array."""

Int = Any
"""A whole number of 64 bits with a sign."""

TRAILER = b"\xff\xff"
CHUNK_BYTES = 1 << 20
NUMERIC_BYTES_MAX = 8 + 2 * 11
ROW_BYTES_MAX = 2 + 4 * len(COLUMNS) + 4 + 4 + 8 + 9 * NUMERIC_BYTES_MAX + 2 * 8
"""Without the product's name and the ids."""

GROUPS_MAX = 12
GROUP_RADIX = np.uint64(10_000)
FOUR_GROUPS = np.uint64(10**16)
POWERS_OF_TEN = np.array([10**power for power in range(19)], np.uint64)
SUM_WORDS = 4
"""The sum of P&L as words of 32 bits, the highest with a sign: it cannot overflow below 2**31 rows."""


@jit
def put_16(target: Array, at: Int, value: Int) -> Int:
    target[at] = (value >> 8) & 0xFF
    target[at + 1] = value & 0xFF
    return at + 2


@jit
def put_32(target: Array, at: Int, value: Int) -> Int:
    return put_16(target, put_16(target, at, (value >> 16) & 0xFFFF), value & 0xFFFF)


@jit
def put_64(target: Array, at: Int, value: Int) -> Int:
    return put_32(target, put_32(target, at, (value >> 32) & 0xFFFFFFFF), value & 0xFFFFFFFF)


@jit
def put_text(target: Array, at: Int, texts: Array, start: Int, length: Int) -> Int:
    at = put_32(target, at, length)
    for index in range(length):
        target[at + index] = texts[start + index]
    return at + length


@jit
def put_nothing(target: Array, at: Int) -> Int:
    return put_32(target, at, -1)


@jit
def put_time(target: Array, at: Int, time: Int) -> Int:
    return put_64(target, put_32(target, at, 8), time)


@jit
def split_groups(high: Any, low: Any, groups: Array) -> Int:
    """Write the digits of a number to the base of 10,000, the last first, and return how many there are."""
    count = 0
    while high != ZERO:
        upper = high // FOUR_GROUPS
        low, rest = divide(high - upper * FOUR_GROUPS, low, FOUR_GROUPS)
        high = upper
        for _ in range(4):
            groups[count] = rest % GROUP_RADIX
            rest //= GROUP_RADIX
            count += 1
    while low != ZERO:
        groups[count] = low % GROUP_RADIX
        low //= GROUP_RADIX
        count += 1
    return count


@jit
def put_numeric(target: Array, at: Int, amount: tuple[Any, Any], decimals: Int, groups: Array) -> Int:
    """Write `amount` x 10**-decimals, `amount` being a high and a low word with a sign."""
    high, low = amount
    negative = is_negative(high)
    if negative:
        high, low = negate(high, low)
    padding = -decimals % 4
    if padding:
        high, low = scale(high, low, POWERS_OF_TEN[padding])
        decimals += padding
    count = split_groups(high, low, groups)
    if count == 0:
        return put_64(target, put_32(target, at, 8), 0)
    skipped = 0
    while groups[skipped] == 0:
        skipped += 1
    shown = decimals - 4 * skipped
    last = groups[skipped]
    while last % 10 == 0:
        last //= 10
        shown -= 1
    digits = count - skipped
    at = put_32(target, at, 8 + 2 * digits)
    at = put_16(target, at, digits)
    at = put_16(target, at, count - 1 - decimals // 4)
    at = put_16(target, at, 0x4000 if negative else 0)
    at = put_16(target, at, max(shown, 0))
    for index in range(count - 1, skipped - 1, -1):
        at = put_16(target, at, groups[index])
    return at


@jit
def widen(value: Int) -> tuple[Any, Any]:
    """Return a whole number of 64 bits with a sign as two words."""
    if value < 0:
        return negate(ZERO, np.uint64(-value))
    return ZERO, np.uint64(value)


@jit
def encode(
    target: Array,
    rows: tuple[Array, Array],
    span: tuple[Int, Int],
    columns: tuple[Array, ...],
    terms: tuple[Any, ...],
) -> tuple[Int, Int]:
    """Write the rows of `span` as far as there is room; return the next row and the bytes written.

    `columns` are numbers, powers, times, lengths, offsets and ids of the executions, and a place to add up P&L.
    `terms`: version, run, the product's name, its scales (of prices, sizes and money), and the most bytes that a row
    may take.
    """
    links, amounts = rows
    groups = np.empty(GROUPS_MAX, np.int64)
    at = 0
    first, last = span
    for row in range(first, last):
        if at + terms[4] > len(target):
            return row, at
        pair = (links[row, SELL], links[row, BUY])
        at = put_names(target, at, (row, pair), columns, terms)
        at = put_terms(target, at, (pair, amounts[row]), columns, (terms[3], groups))
        at = put_money(target, at, (pair, amounts[row]), columns, (terms[3], groups))
    return last, at


@jit
def put_names(target: Array, at: Int, row: Any, columns: Any, terms: Any) -> Int:
    """Write version, product, position, run and the ids; order ids come first, each stands behind its execution's."""
    number, pair = row
    _, _, _, lengths, offsets, ids, _ = columns
    version, batch, product, _, _ = terms
    at = put_16(target, at, len(COLUMNS))
    at = put_32(target, put_32(target, at, 4), version)
    at = put_text(target, at, product, 0, len(product))
    at = put_32(target, put_32(target, at, 4), number)
    at = put_64(target, put_32(target, at, 8), batch)
    for column in (1, 0):
        for execution in pair:
            if execution == NO_BUY:
                at = put_nothing(target, at)
            else:
                start = offsets[execution] + (lengths[execution, 0] if column == 1 else 0)
                at = put_text(target, at, ids, start, lengths[execution, column])
    return at


@jit
def put_terms(target: Array, at: Int, row: Any, columns: Any, scales: Any) -> Int:
    """Write size, both prices and both fees."""
    (sell, buy), amounts = row
    numbers, powers, _, _, _, _, _ = columns
    (price_decimals, size_decimals, _), groups = scales
    at = put_numeric(target, at, widen(amounts[SIZE_TAKEN]), size_decimals, groups)
    if buy == NO_BUY:
        at = put_nothing(target, at)
    else:
        at = put_numeric(target, at, widen(numbers[buy, PRICE]), price_decimals, groups)
    at = put_numeric(target, at, widen(numbers[sell, PRICE]), price_decimals, groups)
    if buy == NO_BUY:
        at = put_nothing(target, at)
    else:
        at = put_numeric(target, at, widen(amounts[BUY_FEE]), -powers[buy, FEE], groups)
    return put_numeric(target, at, widen(amounts[SELL_FEE]), -powers[sell, FEE], groups)


@jit
def put_money(target: Array, at: Int, row: Any, columns: Any, scales: Any) -> Int:
    """Write cost basis, proceeds, net proceeds, P&L and both times."""
    (sell, buy), amounts = row
    numbers, powers, times, _, _, _, sums = columns
    (price_decimals, size_decimals, decimals), groups = scales
    factor = POWERS_OF_TEN[decimals - price_decimals - size_decimals]
    proceeds = product_of(amounts[SIZE_TAKEN], numbers[sell, PRICE], factor)
    sell_fee = product_of(amounts[SELL_FEE], np.int64(1), POWERS_OF_TEN[decimals + powers[sell, FEE]])
    net = subtract(proceeds, sell_fee)
    if buy == NO_BUY:
        at = put_nothing(target, at)
        at = put_numeric(target, at, proceeds, decimals, groups)
        at = put_numeric(target, at, net, decimals, groups)
        at = put_nothing(target, put_nothing(target, at))
    else:
        buy_fee = product_of(amounts[BUY_FEE], np.int64(1), POWERS_OF_TEN[decimals + powers[buy, FEE]])
        bought = product_of(amounts[SIZE_TAKEN], numbers[buy, PRICE], factor)
        cost = add(bought[0], bought[1], buy_fee[0], buy_fee[1])
        pnl = subtract(net, cost)
        for amount in (cost, proceeds, net, pnl):
            at = put_numeric(target, at, amount, decimals, groups)
        at = put_time(target, at, times[buy])
        add_up(sums, pnl)
    return put_time(target, at, times[sell])


@jit
def product_of(value: Int, other: Int, factor: Any) -> tuple[Any, Any]:
    """Return a whole number with a sign times one without and a factor, as two words."""
    high, low = multiply(np.uint64(abs(value)), np.uint64(other))
    high, low = scale(high, low, factor)
    if value < 0:
        return negate(high, low)
    return high, low


@jit
def subtract(amount: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    high, low = negate(other[0], other[1])
    return add(amount[0], amount[1], high, low)


@jit
def add_up(sums: Array, amount: tuple[Any, Any]) -> None:
    """Add a number to a sum in `SUM_WORDS`."""
    high, low = np.int64(amount[0]), amount[1]
    sums[0] += np.int64(low & HALF)
    sums[1] += np.int64(low >> HALF_BITS)
    sums[2] += high & 0xFFFFFFFF
    sums[3] += high >> 32
