"""What periodic reports read from the store in memory, and the log of what was sent."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import OrderIntent, OrderKind
from bottrader.domain.report_schedule import ReportPeriod
from bottrader.domain.round_trips import closed_within
from bottrader.ports import AllocationRun, LedgerSnapshot, LedgerTotals, LoggedRun, PlacedBracket, ReportDelivery


class MemoryReports:
    """The log of reports in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.report_log: list[ReportDelivery] = []

    async def record_report_delivery(self, delivery: ReportDelivery) -> bool:
        if any(step.outcome.is_final for step in self._steps_of(delivery.period)):
            return False
        self.report_log.append(delivery)
        return True

    async def report_deliveries(self, period: ReportPeriod) -> Sequence[ReportDelivery]:
        return self._steps_of(period)

    def _steps_of(self, period: ReportPeriod) -> list[ReportDelivery]:
        key = (period.kind, period.until)
        return [step for step in self.report_log if (step.period.kind, step.period.until) == key]


def logged_run(run: AllocationRun) -> LoggedRun:
    """Return what the log keeps of a run."""
    return LoggedRun(run.product_id, "symbol", "completed", run.at, len(run.rows), "")


def brackets_within(intents: Iterable[OrderIntent], since: datetime, until: datetime) -> list[PlacedBracket]:
    return [
        PlacedBracket(
            order_id=intent.client_order_id,
            product_id=intent.product_id,
            target=intent.limit_price,
            stop=intent.stop_price,
            parent_ids=intent.parent_ids,
            placed_at=intent.created_at,
        )
        for intent in sorted(intents, key=lambda intent: (intent.created_at, intent.client_order_id))
        if intent.kind is OrderKind.BRACKET_GTC
        and intent.limit_price is not None
        and intent.stop_price is not None
        and since <= intent.created_at < until
    ]


def totals_within(ledger: LedgerSnapshot, since: datetime, until: datetime) -> LedgerTotals:
    rows = closed_within(ledger.allocations, since, until)
    unmatched = [row for row in rows if row.pnl is None]
    executed = [execution for execution in ledger.executions if since <= execution.executed_at < until]
    return LedgerTotals(
        allocations_count=len(rows) - len(unmatched),
        realized_pnl=_sum(row.pnl for row in rows if row.pnl is not None),
        unmatched_count=len(unmatched),
        unmatched_proceeds=_sum(row.net_proceeds for row in unmatched),
        executions_count=len(executed),
        fees=_sum(execution.fee for execution in executed),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
