"""Whole numbers of 128 bits as two words of 64, high and low, for the compiled kernels.

A size times a price needs up to 126 bits, and a fee times a size as many before it is divided; 64 are too few for most
rows of an ordinary ledger, and a float has 53. Negative numbers are kept in two's complement. Everything here wraps
around like the machine does; that no result is too wide is checked before, in `columns`.
"""

from typing import Any

import numpy as np

from bottrader.adapters.postgres.bulk.compiling import jit

Word = Any
"""An unsigned whole number of 64 bits: `numpy.uint64`."""

ZERO = np.uint64(0)
ONE = np.uint64(1)
HALF_BITS = np.uint64(32)
WORD_BITS = np.uint64(64)
HALF = np.uint64(0xFFFFFFFF)
RADIX = np.uint64(1 << 32)
TOP = np.uint64(63)


@jit
def multiply(a: Word, b: Word) -> tuple[Word, Word]:
    """Return the product of two words: schoolbook multiplication of their halves."""
    a_high, a_low, b_high, b_low = a >> HALF_BITS, a & HALF, b >> HALF_BITS, b & HALF
    low = a_low * b_low
    middle = a_high * b_low + (low >> HALF_BITS)
    middle_2 = a_low * b_high + (middle & HALF)
    high = a_high * b_high + (middle >> HALF_BITS) + (middle_2 >> HALF_BITS)
    return high, (middle_2 << HALF_BITS) | (low & HALF)


@jit
def scale(high: Word, low: Word, factor: Word) -> tuple[Word, Word]:
    """Return a number that is not negative times a word."""
    carried, scaled = multiply(low, factor)
    return high * factor + carried, scaled


@jit
def add(high: Word, low: Word, other_high: Word, other_low: Word) -> tuple[Word, Word]:
    total = low + other_low
    carry = ONE if total < low else ZERO
    return high + other_high + carry, total


@jit
def negate(high: Word, low: Word) -> tuple[Word, Word]:
    return add(~high, ~low, ZERO, ONE)


@jit
def is_negative(high: Word) -> bool:
    return bool((high >> TOP) == ONE)


@jit
def divide(high: Word, low: Word, divisor: Word) -> tuple[Word, Word]:
    """Return quotient and remainder, both one word; `high` is below `divisor`.

    Knuth's algorithm D with two digits of 32 bits (The Art of Computer Programming, volume 2, 4.3.1): the divisor is
    shifted until its top bit is set, then each estimated digit is at most two too large.
    """
    if high == ZERO:
        quotient = low // divisor
        return quotient, low - quotient * divisor
    shift = ZERO
    while (divisor << shift) >> TOP == ZERO:
        shift += ONE
    shifted = divisor << shift
    if shift > ZERO:
        high = (high << shift) | (low >> (WORD_BITS - shift))
        low <<= shift
    upper, rest = _digit(high, low >> HALF_BITS, shifted)
    lower, rest = _digit(rest, low & HALF, shifted)
    return (upper << HALF_BITS) | lower, rest >> shift


@jit
def _digit(high: Word, next_half: Word, divisor: Word) -> tuple[Word, Word]:
    """Return one digit of 32 bits of the quotient, and what remains above the halves to come."""
    first, second = divisor >> HALF_BITS, divisor & HALF
    digit = high // first
    rest = high - digit * first
    while digit >= RADIX or digit * second > ((rest << HALF_BITS) | next_half):
        digit -= ONE
        rest += first
        if rest >= RADIX:
            break
    return digit, ((high << HALF_BITS) | next_half) - digit * divisor
