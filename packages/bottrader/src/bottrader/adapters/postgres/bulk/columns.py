"""Executions as columns of whole numbers, all of one product at the same powers of ten, and the checks on them."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bottrader.adapters.postgres.bulk import matching, reading
from bottrader.domain.errors import InvariantBroken

Array = Any
"""A `numpy` array."""

PRICE, SIZE, FEE = range(3)
"""The columns of `Columns.numbers` and `Columns.powers`."""

FEE_POWER_MAX = -8
"""Fee shares are whole multiples of 1e-8, or of the fee's own last digit where that is finer."""

GROUP = 4
"""Decimal digits in one digit of a numeric."""

INT64_MAX = 2**63 - 1
MONEY_BOUND = 2**126
POWER_MAX = 18
"""The largest power of ten that 64 bits hold."""

PRODUCT_BYTES_MAX = 127

FAULTS = {
    reading.ABSENT: "has a field without a value",
    reading.NOT_FINITE: "has an amount that is not finite",
    reading.OTHER_SHAPE: "is not a row of the query",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Executions in ledger order. `numbers` and `powers` have price, size and fee; `lengths` has the bytes of execution
    id and order id, which stand behind each other in `ids` from `offsets` on; `starts` begins each of `products`, and
    its last is the number of rows."""

    products: list[bytes]
    starts: list[int]
    sells: Array
    times: Array
    sequences: Array
    numbers: Array
    powers: Array
    lengths: Array
    offsets: Array
    ids: Array

    def __len__(self) -> int:
        return len(self.sells)

    def execution_id(self, row: int) -> str:
        start = int(self.offsets[row])
        return bytes(self.ids[start : start + int(self.lengths[row, 0])]).decode()


@dataclass(frozen=True, slots=True)
class Scales:
    """How many decimals the whole numbers of one product have: of prices, of sizes, of products of the two."""

    price: int
    size: int
    money: int


class ColumnReader:
    """Takes the pieces of a binary COPY and keeps what they say; memory grows by about 60 bytes a row and its ids."""

    _KEPT: ClassVar[dict[str, type]] = {
        "sells": np.bool_,
        "times": np.int64,
        "sequences": np.int64,
        "numbers": np.int64,
        "powers": np.int16,
        "lengths": np.int32,
        "ids": np.uint8,
    }

    def __init__(self) -> None:
        self._pending = bytearray()
        self._is_started = False
        self._rows = 0
        self._products: list[bytes] = []
        self._starts: list[int] = []
        self._product = np.zeros(PRODUCT_BYTES_MAX + 1, np.uint8)
        self._kept = {name: bytearray() for name in self._KEPT}

    def feed(self, piece: bytes) -> None:
        """Take in a piece; raises `InvariantBroken` when a row is not as the schema promises."""
        self._pending += piece
        if len(self._pending) >= reading.CHUNK_BYTES:
            self._read()

    def finish(self) -> Columns:
        """Return all rows."""
        self._read()
        of: dict[str, Array] = {name: np.frombuffer(self._kept[name], kind) for name, kind in self._KEPT.items()}
        lengths = of["lengths"].reshape(-1, 2)
        offsets = np.zeros(self._rows + 1, np.int64)
        np.cumsum(lengths.sum(axis=1), out=offsets[1:])
        return Columns(
            products=self._products,
            starts=[*self._starts, self._rows],
            sells=of["sells"],
            times=of["times"],
            sequences=of["sequences"],
            numbers=of["numbers"].reshape(-1, 3),
            powers=of["powers"].reshape(-1, 3),
            lengths=lengths,
            offsets=offsets,
            ids=of["ids"],
        )

    def _read(self) -> None:
        if not self._is_started:
            if len(self._pending) < len(reading.HEADER):
                return
            assert self._pending.startswith(reading.HEADER)
            del self._pending[: len(reading.HEADER)]
            self._is_started = True
        piece = bytes(self._pending)
        source = np.frombuffer(piece, np.uint8)
        room = len(source) // reading.ROW_BYTES_MIN + 1
        begins = np.empty(room, np.int64)
        shapes = {"numbers": (room, 3), "powers": (room, 3), "lengths": (room, 2), "ids": len(source)}
        made = {name: np.empty(shapes.get(name, room), kind) for name, kind in self._KEPT.items()}
        rows, used, id_bytes, fault = reading.read_rows(source, self._product, (begins, *made.values()))
        if fault in FAULTS:
            raise InvariantBroken(f"execution {self._rows + rows + 1} in ledger order {FAULTS[fault]}")
        for row in np.flatnonzero(begins[:rows] >= 0).tolist():
            name_at = int(begins[row])
            length = int.from_bytes(piece[name_at - 4 : name_at])
            self._products.append(piece[name_at : name_at + length])
            self._starts.append(self._rows + row)
        for name, array in made.items():
            self._kept[name] += array[: id_bytes if name == "ids" else rows].tobytes()
        self._rows += rows
        del self._pending[:used]


def refuse_disorder(columns: Columns) -> None:
    """Raise `InvariantBroken` unless each execution comes once, and after the one before it.

    The database sorts; this notices when its order is not the one that the domain means.
    """
    keys = (columns.times, columns.sequences, columns.sells, columns.lengths, columns.offsets, columns.ids)
    row = matching.first_out_of_order(keys, np.array(columns.starts, np.int64))
    if row >= 0:
        raise InvariantBroken(
            f"executions are matched once and in order: {columns.execution_id(row)} does not follow"
            f" {columns.execution_id(row - 1)}"
        )


def fit(columns: Columns, product: int) -> Scales | None:
    """Bring the numbers of one product to common powers of ten, in place; None when that does not fit.

    What does not fit goes through the domain, which has no limits: a number of more than 63 bits, or amounts of quote
    that could need more than 126. Each fee keeps a power of its own, that of its quantum.
    """
    rows = slice(columns.starts[product], columns.starts[product + 1])
    numbers, powers = columns.numbers[rows], columns.powers[rows]
    if (powers == reading.WIDE).any():
        return None
    price, size = (max(0, -int(powers[:, column].min())) for column in (PRICE, SIZE))
    fee_powers = np.minimum(powers[:, FEE], FEE_POWER_MAX)
    # A whole number of groups, so that the encoder need not shift it.
    money = -(-max(price + size, -int(fee_powers.min())) // GROUP) * GROUP
    # More decimals than the domain takes are its to refuse, with the id.
    if max(price, size, money - price - size, money + FEE_POWER_MAX) > POWER_MAX:
        return None
    shifts = (powers[:, PRICE] + price, powers[:, SIZE] + size, powers[:, FEE] - fee_powers)
    largest = [_largest(numbers[:, column], shifts[column]) for column in (PRICE, SIZE, FEE)]
    # A P&L is the difference of two amounts, each a product and a fee.
    traded = largest[PRICE] * largest[SIZE] * 10 ** (money - price - size)
    if max(largest) > INT64_MAX or 2 * (traded + largest[FEE] * 10 ** (money + FEE_POWER_MAX)) >= MONEY_BOUND:
        return None
    for column in (PRICE, SIZE, FEE):
        for shift in np.unique(shifts[column]).tolist():
            numbers[shifts[column] == shift, column] *= 10**shift if shift <= POWER_MAX else 0
    powers[:, FEE] = fee_powers
    return Scales(price, size, money)


def _largest(numbers: Array, shifts: Array) -> int:
    """Return the largest magnitude that these numbers have after their shifts, whatever its width."""
    distinct: list[int] = np.unique(shifts).tolist()
    return int(max(int(np.abs(numbers[shifts == shift]).max()) * 10**shift for shift in distinct))
