"""Sells meet buys in the columns of one product: two pointers, no running sums, each execution visited once.

The rule is that of `domain.lots`, first in, first out, or last in, first out: the open buys are a queue, or a stack.
"""

from typing import Any

import numpy as np

from bottrader.adapters.postgres.bulk.compiling import jit
from bottrader.adapters.postgres.bulk.wide import ZERO, divide, multiply

Array = Any
"""A `numpy` array."""

Int = Any
"""A whole number of 64 bits with a sign."""

PRICE, SIZE, FEE = range(3)
NO_BUY = -1
SELL, BUY = range(2)
SIZE_TAKEN, BUY_FEE, SELL_FEE = range(3)
BUY_ROW, LEFT, ASSIGNED = range(3)
LOT_FIELDS = 3


@jit
def first_out_of_order(keys: tuple[Array, ...], starts: Array) -> Int:
    """Return the first row that does not come after the row before it within its product, -1 when all do."""
    times, sequences, sells, lengths, offsets, ids = keys
    for product in range(len(starts) - 1):
        for row in range(starts[product] + 1, starts[product + 1]):
            if times[row] != times[row - 1]:
                follows = times[row] > times[row - 1]
            elif sequences[row] != sequences[row - 1]:
                follows = sequences[row] > sequences[row - 1]
            elif sells[row] != sells[row - 1]:
                follows = sells[row]
            else:
                follows = is_less(ids, offsets[row - 1], lengths[row - 1, 0], offsets[row], lengths[row, 0])
            if not follows:
                return row
    return -1


@jit
def is_less(texts: Array, at: Int, length: Int, other_at: Int, other_length: Int) -> bool:
    """Tell whether one text comes before another, byte by byte."""
    for index in range(min(length, other_length)):
        if texts[at + index] != texts[other_at + index]:
            return bool(texts[at + index] < texts[other_at + index])
    return bool(length < other_length)


@jit
def fee_of(fee: Int, taken: Int, size: Int) -> Int:
    """Return fee x taken / size, rounded down towards minus infinity; `taken` is at most `size`, which is above 0."""
    if taken == size or fee == 0:
        return fee
    high, low = multiply(np.uint64(abs(fee)), np.uint64(taken))
    quotient, rest = divide(high, low, np.uint64(size))
    if fee > 0:
        return np.int64(quotient)
    return -np.int64(quotient) - (0 if rest == ZERO else 1)


@jit
def match(sells: Array, numbers: Array, span: tuple[Int, Int], newest_first: bool, rows: tuple[Array, Array]) -> Int:
    """Match the executions of one product, rows `span` of the columns; return how many rows there are.

    `rows` are filled: sell and buy as row numbers of the columns (the buy `NO_BUY` for what has none), and size, buy
    fee and sell fee as whole numbers at the scales of their columns.
    """
    links, amounts = rows
    first, last = span
    lots = np.empty((last - first, LOT_FIELDS), np.int64)
    oldest, newest, made = 0, 0, 0
    for number in range(first, last):
        size = numbers[number, SIZE]
        if size > 0 and not sells[number]:
            lots[newest, BUY_ROW], lots[newest, LEFT], lots[newest, ASSIGNED] = number, size, 0
            newest += 1
        sold, sell_fee = np.int64(0), np.int64(0)
        while sells[number] and sold < size:
            buy, taken, buy_fee = np.int64(NO_BUY), size - sold, np.int64(0)
            if oldest < newest:
                lot = newest - 1 if newest_first else oldest
                buy = lots[lot, BUY_ROW]
                taken, buy_fee = take(lots, lot, taken, numbers)
                if lots[lot, LEFT] == 0 and newest_first:
                    newest -= 1
                elif lots[lot, LEFT] == 0:
                    oldest += 1
            sold += taken
            assigned = fee_of(numbers[number, FEE], sold, size)
            links[made, SELL], links[made, BUY] = number, buy
            amounts[made, SIZE_TAKEN], amounts[made, BUY_FEE] = taken, buy_fee
            amounts[made, SELL_FEE] = assigned - sell_fee
            sell_fee = assigned
            made += 1
    return made


@jit
def take(lots: Array, lot: Int, wanted: Int, numbers: Array) -> tuple[Int, Int]:
    """Consume a lot as far as wanted; return the size taken and its share of the buy's fee."""
    buy = lots[lot, BUY_ROW]
    taken = min(wanted, lots[lot, LEFT])
    lots[lot, LEFT] -= taken
    assigned = fee_of(numbers[buy, FEE], numbers[buy, SIZE] - lots[lot, LEFT], numbers[buy, SIZE])
    share = assigned - lots[lot, ASSIGNED]
    lots[lot, ASSIGNED] = assigned
    return taken, share
