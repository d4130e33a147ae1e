"""Inbound signals, committed together when they come together.

A commit waits for the disk, and that wait is the same for one signal as for fifty. Whoever comes while a batch is being
written waits and is in the next one, so a single sender waits for nobody and a flood costs one commit per batch.
Nobody is answered before the commit of his own signal.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from bottrader.adapters.postgres.pool import Database
from bottrader.adapters.postgres.signal_rows import signal_values
from bottrader.domain.errors import InvariantBroken, StoreUnreachable
from bottrader.ports import Acceptance, InboundSignal

BATCH_MAX = 100

# One statement, so one round trip and one commit: a request that was seen before stores no signal, and of two signals
# with one id the earlier stands. The arrays are what their casts say, one element for each signal.
ACCEPT = """
    WITH arrived AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[],
            $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::text[], $11::jsonb[], $12::numeric[],
            $13::jsonb[], $14::numeric[], $15::text[], $16::text[], $17::text[], $18::timestamptz[])
        WITH ORDINALITY AS a (signal_id, product_id, action, trigger, note, price, candle_opened_at, born_at,
            expires_at, snapshot_hash, scores, quote_size, breakdown, size_base, sender, body_digest, request_digest,
            received_at, number)),
    requests AS (
        INSERT INTO inbound_requests (request_digest, sender, received_at)
        SELECT request_digest, sender, received_at FROM arrived ORDER BY number
        ON CONFLICT (request_digest) DO NOTHING RETURNING request_digest),
    stored AS (
        INSERT INTO inbound_signals (signal_id, product_id, action, trigger, note, price, candle_opened_at, born_at,
            expires_at, snapshot_hash, scores, quote_size, breakdown, size_base, sender, body_digest, request_digest,
            received_at)
        SELECT signal_id, product_id, action, trigger, note, price, candle_opened_at, born_at, expires_at,
            snapshot_hash, scores, quote_size, breakdown, size_base, sender, body_digest, request_digest, received_at
        FROM arrived JOIN requests USING (request_digest) ORDER BY number
        ON CONFLICT (signal_id) DO NOTHING RETURNING signal_id)
    SELECT requests.request_digest IS NOT NULL AS is_new_request, stored.signal_id IS NOT NULL AS is_stored
    FROM arrived LEFT JOIN requests USING (request_digest) LEFT JOIN stored USING (signal_id) ORDER BY number"""
EARLIER_TRY = """
    SELECT s.request_digest, s.body_digest FROM inbound_requests r, inbound_signals s
    WHERE r.request_digest = $1 AND s.signal_id = $2 AND r.received_at = $3"""
BODY_OF_INBOUND = "SELECT body_digest FROM inbound_signals WHERE signal_id = $1"


class _Arrival:
    """A signal on its way into the database; `woken` is done once it has been in a batch, or is to write one."""

    __slots__ = ("inbound", "result", "woken")

    def __init__(self, inbound: InboundSignal) -> None:
        self.inbound = inbound
        self.result: Acceptance | Exception | None = None
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)


class InboundGate:
    """Takes signals in, batch by batch. Who comes first writes for all who have come; then the next who waits does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._arrivals: deque[_Arrival] = deque()
        self._is_writing = False

    async def accept(self, inbound: InboundSignal) -> Acceptance:
        """Keep the promise of `SignalStore.accept_signal`."""
        arrival = _Arrival(inbound)
        self._arrivals.append(arrival)
        try:
            while arrival.result is None:
                if self._is_writing:
                    await arrival.woken
                    arrival.woken = asyncio.get_running_loop().create_future()
                else:
                    await self._write_next()
        finally:
            # Who gave up waiting has no signal stored, unless it was on its way already.
            if arrival.result is None and arrival in self._arrivals:
                self._arrivals.remove(arrival)
            self._call_next()
        if isinstance(arrival.result, Exception):
            raise arrival.result
        assert arrival.result is not None, "the batch of an arrival was written"
        return arrival.result

    async def _write_next(self) -> None:
        self._is_writing = True
        try:
            await self._write(self._next_batch())
        finally:
            self._is_writing = False

    def _call_next(self) -> None:
        """Have the oldest of those that wait write, so that nobody waits for somebody who has left."""
        if self._arrivals and not self._is_writing:
            self._arrivals[0].wake()

    def _next_batch(self) -> list[_Arrival]:
        """Take the oldest arrivals, none of which has a signal or a request in common with another one."""
        batch: list[_Arrival] = []
        later: list[_Arrival] = []
        seen: set[str] = set()
        while self._arrivals and len(batch) < BATCH_MAX:
            arrival = self._arrivals.popleft()
            keys = {arrival.inbound.signal.signal_id, arrival.inbound.request_digest}
            (later if keys & seen else batch).append(arrival)
            seen |= keys
        self._arrivals.extendleft(reversed(later))
        return batch

    async def _write(self, batch: list[_Arrival]) -> None:
        try:
            await self._store(batch)
        except InvariantBroken as error:
            if len(batch) == 1:
                batch[0].result = error
                return
            # The database refused somebody's signal and with it the batch: alone each gets the answer that is its own.
            for arrival in batch:
                await self._write([arrival])
        except StoreUnreachable as error:
            for arrival in batch:
                arrival.result = arrival.result or error
        finally:
            # Cancelled on the way, nobody knows whether it was committed, and the sender of each has to ask again.
            for arrival in batch:
                if arrival.result is None:
                    arrival.result = StoreUnreachable("the commit of the signal was not awaited; send it again")
                arrival.wake()

    async def _store(self, batch: Sequence[_Arrival]) -> None:
        columns = zip(*(_values(arrival.inbound) for arrival in batch), strict=True)
        rows, is_repeat = await self._database.write_at_once("accepting signals", ACCEPT, *map(list, columns))
        for arrival, row in zip(batch, rows, strict=True):
            if is_repeat and not row["is_new_request"]:
                arrival.result = await self._recall(arrival.inbound)
            elif not row["is_new_request"]:
                arrival.result = Acceptance.REPLAYED
            elif row["is_stored"]:
                arrival.result = Acceptance.ACCEPTED
            else:
                arrival.result = await self._compare(arrival.inbound)

    async def _recall(self, inbound: InboundSignal) -> Acceptance:
        """Return what an earlier try of this very call would have answered, had its commit been heard of (F42).

        The moment of arrival tells that try from an earlier request with the same bytes, which makes this one a replay.
        """
        keys = (inbound.request_digest, inbound.signal.signal_id, inbound.received_at)
        earlier = await self._database.fetchrow("recalling a signal", EARLIER_TRY, *keys)
        if earlier is None:
            return Acceptance.REPLAYED
        if earlier["request_digest"] == inbound.request_digest:
            return Acceptance.ACCEPTED
        is_same = earlier["body_digest"] == inbound.body_digest
        return Acceptance.DUPLICATE if is_same else Acceptance.CONFLICT

    async def _compare(self, inbound: InboundSignal) -> Acceptance:
        known = await self._database.fetchval("comparing a signal", BODY_OF_INBOUND, inbound.signal.signal_id)
        return Acceptance.DUPLICATE if known == inbound.body_digest else Acceptance.CONFLICT


def _values(inbound: InboundSignal) -> tuple[object, ...]:
    arrival = (inbound.sender, inbound.body_digest, inbound.request_digest, inbound.received_at)
    return *signal_values(inbound.signal), *arrival
