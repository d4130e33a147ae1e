"""The compiled route: executions as columns, rows as bytes, and the domain for what does not fit."""

from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from bottrader.adapters.postgres.bulk import encoding, matching, plain, reading
from bottrader.adapters.postgres.bulk.columns import ColumnReader, Columns, Scales, fit, refuse_disorder
from bottrader.adapters.postgres.bulk.target import COLUMNS, TABLE, Outcome, Target
from bottrader.adapters.postgres.connection import Connection
from bottrader.domain.lots import LotMethod
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, canonical

METHODS = {LotMethod.FIFO, LotMethod.LIFO}
"""What the kernel knows; the other methods go through the domain."""

Array = Any
"""A `numpy` array."""


async def write(
    connection: Connection, target: Target, products: Sequence[ProductId] | None = None
) -> dict[ProductId, Outcome]:
    """Write the allocations of these products, or of all, inside the transaction that is open."""
    columns = await load(connection, products)
    refuse_disorder(columns)
    outcomes: dict[ProductId, Outcome] = {}
    too_wide: list[ProductId] = []
    # One COPY for all products: what comes next is made while the server stores what came before.
    await write_stream(connection, _pieces(columns, target, outcomes, too_wide))
    return outcomes | await plain.write(connection, target, too_wide)


async def _pieces(
    columns: Columns, target: Target, outcomes: dict[ProductId, Outcome], too_wide: list[ProductId]
) -> AsyncIterator[bytes]:
    """Yield the binary COPY of the rows of all products; note what came of each, and which do not fit."""
    yield reading.HEADER
    for number, name in enumerate(columns.products):
        product_id = ProductId(name.decode())
        scales = fit(columns, number)
        if scales is None:
            too_wide.append(product_id)
            continue
        rows, outcome = match(columns, number, target.method)
        stream = Stream(columns, number, scales, rows, target)
        for piece in stream.encoded():
            yield piece
        outcomes[product_id] = outcome.earning(stream.pnl())
    yield encoding.TRAILER


async def write_stream(connection: Connection, pieces: AsyncIterator[bytes]) -> None:
    """Have the server read the rows while they are made."""
    await connection.copy_to_table(TABLE, source=pieces, columns=COLUMNS, format="binary")


async def load(connection: Connection, products: Sequence[ProductId] | None) -> Columns:
    """Return the executions of these products, or of all, in ledger order."""
    reader = ColumnReader()

    async def feed(piece: bytes) -> None:
        reader.feed(piece)

    where = "" if products is None else "WHERE product_id = ANY($1::text[])"
    args = () if products is None else (list(products),)
    await connection.copy_from_query(reading.QUERY.format(where=where), *args, output=feed, format="binary")
    return reader.finish()


def match(columns: Columns, product: int, method: LotMethod) -> tuple[tuple[Array, Array], Outcome]:
    """Return the rows of one product, whose numbers fit, and their counts."""
    first, last = columns.starts[product : product + 2]
    # A row uses up a buy or a sell, so there are never more rows than executions.
    links, amounts = np.empty((last - first, 2), np.int32), np.empty((last - first, 3), np.int64)
    newest_first = method is LotMethod.LIFO
    made = matching.match(columns.sells, columns.numbers, (first, last), newest_first, (links, amounts))
    unmatched = int(np.count_nonzero(links[:made, matching.BUY] == matching.NO_BUY))
    return (links[:made], amounts[:made]), Outcome(last - first, made, unmatched, Decimal(0))


class Stream:
    """One product's rows as bytes of a binary COPY, made piece by piece; sums up their P&L."""

    def __init__(
        self, columns: Columns, product: int, scales: Scales, rows: tuple[Array, Array], target: Target
    ) -> None:
        self._rows = rows
        self._sums = np.zeros(encoding.SUM_WORDS, np.int64)
        self._money_decimals = scales.money
        of = columns
        self._columns = (of.numbers, of.powers, of.times, of.lengths, of.offsets, of.ids, self._sums)
        name = np.frombuffer(of.products[product], np.uint8)
        span = slice(*of.starts[product : product + 2])
        ids_max = 2 * int(of.lengths[span].sum(axis=1).max())
        self._row_bytes_max = encoding.ROW_BYTES_MAX + len(name) + ids_max
        decimals = (scales.price, scales.size, scales.money)
        self._terms = (target.version, target.batch, name, decimals, self._row_bytes_max)

    def encoded(self) -> Iterator[bytes]:
        """Yield the rows in pieces of about `encoding.CHUNK_BYTES`."""
        room = np.empty(encoding.CHUNK_BYTES + self._row_bytes_max, np.uint8)
        row, end = 0, len(self._rows[0])
        while row < end:
            row, used = encoding.encode(room, self._rows, (row, end), self._columns, self._terms)
            yield room[:used].tobytes()

    def pnl(self) -> Decimal:
        """Return the sum of P&L of the rows made so far."""
        total = sum(int(word) << (32 * index) for index, word in enumerate(self._sums))
        return canonical(Decimal(total).scaleb(-self._money_decimals, EXACT))
