"""Executions out of a binary COPY: no object is made per value.

The format (PostgreSQL manual, COPY, "Binary Format"): a header of 19 bytes and an extension; each row a count of fields
in 16 bits, each field its length in 32 bits and its bytes; a count of -1 at the end; all most significant byte first. A
numeric is the number of its digits, the weight of the first, sign, decimals shown, then digits to the base of 10,000
(`numeric_send`). A time is microseconds since 2000 (`timestamptz_send`).

A number becomes a whole number and a power of ten without zeros at its end: 0.10 and 0.1 are both 1 and -1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bottrader.adapters.postgres.bulk.compiling import jit

QUERY = """
    SELECT product_id::text, side = 'sell', executed_at, sequence, price::numeric, size::numeric, fee::numeric,
        execution_id, order_id
    FROM executions {where}
    ORDER BY product_id COLLATE "C", executed_at, sequence, side = 'sell', execution_id COLLATE "C" """
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
FIELDS = 9
ROW_BYTES_MIN = 2 + FIELDS * 4
CHUNK_BYTES = 1 << 20

WIDE = np.int16(32_767)
"""The power of ten of a number that has more digits than 64 bits hold, or is too far from 1."""

POWER_FAR = 64

NO_FAULT, ENDED, ABSENT, NOT_FINITE, OTHER_SHAPE = range(5)
RADIX = 10_000
UPPER_MAX, DIGIT_MAX = divmod(2**63 - 1, RADIX)
NUMERIC_NEGATIVE = 0x4000

Bytes = Any
"""A `numpy` array of `uint8`."""

Int = Any
"""A whole number of 64 bits with a sign."""


@jit
def take_16(source: Bytes, at: Int) -> Int:
    """Return 16 bits with a sign."""
    value = (np.int64(source[at]) << 8) | np.int64(source[at + 1])
    return value - 65_536 if value >= 32_768 else value


@jit
def take_32(source: Bytes, at: Int) -> Int:
    """Return 32 bits with a sign."""
    return (take_16(source, at) << 16) | (take_16(source, at + 2) & 0xFFFF)


@jit
def take_64(source: Bytes, at: Int) -> Int:
    """Return 64 bits with a sign."""
    return (take_32(source, at) << 32) | (take_32(source, at + 4) & 0xFFFFFFFF)


@jit
def take_numeric(source: Bytes, at: Int) -> tuple[Int, Int, bool]:
    """Return whole number, power of ten (`WIDE` when there are too many digits) and whether it is finite."""
    digits, weight, sign = take_16(source, at), take_16(source, at + 2), take_16(source, at + 4)
    if sign not in (0, NUMERIC_NEGATIVE):
        return np.int64(0), np.int64(0), False
    value = np.int64(0)
    for number in range(digits):
        digit = take_16(source, at + 8 + 2 * number)
        if value > UPPER_MAX or (value == UPPER_MAX and digit > DIGIT_MAX):
            return np.int64(0), np.int64(WIDE), True
        value = value * RADIX + digit
    power = 4 * (weight - digits + 1)
    if value == 0:
        return np.int64(0), np.int64(0), True
    while value % 10 == 0:
        value //= 10
        power += 1
    if abs(power) > POWER_FAR:
        return np.int64(0), np.int64(WIDE), True
    return (-value if sign == NUMERIC_NEGATIVE else value), power, True


@jit
def is_same(source: Bytes, at: Int, other: Bytes, length: Int) -> bool:
    # The compiler knows no generators.
    for index in range(length):  # noqa: SIM110
        if source[at + index] != other[index]:
            return False
    return True


@jit
def find_row_end(source: Bytes, at: Int) -> tuple[Int, Int]:
    """Return where the row at `at` ends, or -1 while it is not all there, and what is wrong with it."""
    end = len(source)
    if at + 2 > end:
        return -1, NO_FAULT
    fields = take_16(source, at)
    if fields == -1:
        return -1, ENDED
    if fields != FIELDS:
        return -1, OTHER_SHAPE
    at += 2
    for _ in range(fields):
        if at + 4 > end:
            return -1, NO_FAULT
        length = take_32(source, at)
        if length < 0:
            return -1, ABSENT
        at += 4 + length
    return (at, NO_FAULT) if at <= end else (-1, NO_FAULT)


@jit
def read_rows(source: Bytes, product: Bytes, columns: Sequence[Any]) -> tuple[Int, Int, Int, int]:
    """Read all whole rows of `source`; return their count, the bytes they took, the bytes of their ids, and a fault.

    `product` is the name of the last product and, in its last byte, how long that is. The columns: where the name of a
    product begins that is not the last one's (else -1), whether it is a sell, time, sequence, three times number and
    power, the lengths of both ids, and the bytes of all ids.
    """
    begins, sells, times, sequences, numbers, powers, lengths, ids = columns
    rows, row_start, used = 0, 0, 0
    while True:
        row_end, fault = find_row_end(source, row_start)
        if row_end < 0:
            return rows, row_start, used, fault
        length, at = take_32(source, row_start + 2), row_start + 6
        begins[rows] = -1
        if length != product[-1] or not is_same(source, at, product, length):
            begins[rows] = at
            product[-1] = length
            product[:length] = source[at : at + length]
        at += length
        sells[rows] = source[at + 4] != 0
        times[rows] = take_64(source, at + 9)
        sequences[rows] = take_64(source, at + 21)
        at += 29
        for column in range(3):
            number, power, is_finite = take_numeric(source, at + 4)
            if not is_finite:
                return rows, row_start, used, NOT_FINITE
            numbers[rows, column] = number
            powers[rows, column] = power
            at += 4 + take_32(source, at)
        for column in range(2):
            length = take_32(source, at)
            at += 4
            lengths[rows, column] = length
            ids[used : used + length] = source[at : at + length]
            used += length
            at += length
        rows += 1
        row_start = row_end
