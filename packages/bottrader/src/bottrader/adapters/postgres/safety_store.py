"""The kill switch, and trails and peaks of open positions, in Postgres."""

from decimal import Decimal

from bottrader.adapters.postgres.connection import Connection, Row
from bottrader.adapters.postgres.pool import Database
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price
from bottrader.domain.peaks import Peak, PriceSample
from bottrader.domain.risk import KillSwitch
from bottrader.ports import PeakState, TrailState

PEAK_OF = """
    SELECT product_id, anchor_order_id, high, sample_times, sample_prices FROM tracked_peaks WHERE product_id = $1"""
SAVE_PEAK = """
    INSERT INTO tracked_peaks (product_id, anchor_order_id, high, sample_times, sample_prices)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (product_id) DO UPDATE SET anchor_order_id = excluded.anchor_order_id, high = excluded.high,
        sample_times = excluded.sample_times, sample_prices = excluded.sample_prices"""
THROW = """
    INSERT INTO kill_switch (is_on, reason, source, at, flattens, request_digest) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (request_digest) DO NOTHING RETURNING throw"""
NEWEST_THROW = "SELECT is_on, reason, source, at, flattens FROM kill_switch ORDER BY throw DESC LIMIT 1"
TRAIL_OF = "SELECT product_id, anchor_order_id, high, stop FROM trailing_stops WHERE product_id = $1"
SAVE_TRAIL = """
    INSERT INTO trailing_stops (product_id, anchor_order_id, high, stop) VALUES ($1, $2, $3, $4)
    ON CONFLICT (product_id) DO UPDATE SET anchor_order_id = excluded.anchor_order_id, high = excluded.high,
        stop = excluded.stop"""
CLEAR_TRAIL = "DELETE FROM trailing_stops WHERE product_id = $1"


class PostgresSafety:
    """The `SafetyStore` of a `Database`, with the peaks of open positions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def trail_of(self, product_id: ProductId) -> TrailState | None:
        row = await self._database.fetchrow("reading a trailing stop", TRAIL_OF, product_id)
        if row is None:
            return None
        return TrailState(row["product_id"], row["anchor_order_id"], row["high"], row["stop"])

    async def save_trail(self, trail: TrailState) -> None:
        values = (trail.product_id, trail.anchor_order_id, trail.high, trail.stop)
        await self._database.execute("saving a trailing stop", SAVE_TRAIL, *values)

    async def clear_trail(self, product_id: ProductId) -> None:
        await self._database.execute("clearing a trailing stop", CLEAR_TRAIL, product_id)

    async def peak_of(self, product_id: ProductId) -> PeakState | None:
        row = await self._database.fetchrow("reading a peak", PEAK_OF, product_id)
        if row is None:
            return None
        high: Decimal | None = row["high"]
        samples = tuple(map(PriceSample, row["sample_times"], row["sample_prices"]))
        peak = Peak(None if high is None else Price(high), samples)
        return PeakState(row["product_id"], row["anchor_order_id"], peak)

    async def save_peak(self, peak: PeakState) -> None:
        times = [sample.at for sample in peak.peak.samples]
        prices = [sample.price for sample in peak.peak.samples]
        values = (peak.product_id, peak.anchor_order_id, peak.peak.high, times, prices)
        await self._database.execute("saving a peak", SAVE_PEAK, *values)

    async def record_kill_switch(self, switch: KillSwitch, request_digest: str | None = None) -> bool:
        values = (switch.is_on, switch.reason, switch.source, switch.at, switch.flattens, request_digest)

        async def work(connection: Connection, *, is_repeat: bool) -> bool:
            # Without a digest a throw has no key but its content.
            if is_repeat and _switch(await connection.fetchrow(NEWEST_THROW)) == switch:
                return True
            return await connection.fetchval(THROW, *values) is not None

        return await self._database.write("throwing the kill switch", work)

    async def kill_switch(self) -> KillSwitch | None:
        return _switch(await self._database.fetchrow("reading the kill switch", NEWEST_THROW))


def _switch(row: Row | None) -> KillSwitch | None:
    return None if row is None else KillSwitch(**row)
