"""The leaderboard in Postgres."""

from bottrader.adapters.postgres.pool import Database
from bottrader.domain.selection import Leaderboard, Standing

# Two writers take turns, or each would delete what it saw and insert beside the other's rows.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('leaderboard', 0))"
DELETE = "DELETE FROM active_symbols"
INSERT = """
    INSERT INTO active_symbols (symbol, trades_count, win_rate, pnl_mean, profit_factor, score, is_eligible,
        computed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
LEADERBOARD = 'SELECT * FROM active_symbols ORDER BY score DESC, symbol COLLATE "C"'


class PostgresLeaderboard:
    """The leaderboard of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_leaderboard(self, board: Leaderboard) -> None:
        rows = [
            (s.product_id, s.trades_count, s.win_rate, s.pnl_mean, s.profit_factor, s.score, s.is_eligible)
            for s in board.standings
        ]
        async with self._database.transaction("recording the leaderboard") as connection:
            await connection.execute(LOCK)
            await connection.execute(DELETE)
            await connection.executemany(INSERT, [(*row, board.computed_at) for row in rows])

    async def leaderboard(self) -> Leaderboard | None:
        rows = await self._database.fetch("reading the leaderboard", LEADERBOARD)
        if not rows:
            return None
        standings = (
            Standing(
                product_id=row["symbol"],
                trades_count=row["trades_count"],
                win_rate=row["win_rate"],
                pnl_mean=row["pnl_mean"],
                profit_factor=row["profit_factor"],
                score=row["score"],
                is_eligible=row["is_eligible"],
            )
            for row in rows
        )
        return Leaderboard(rows[0]["computed_at"], tuple(standings))
