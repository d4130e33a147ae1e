"""Reports at set times: each period once, however often the process starts, and never at the cost of trading.

Every step is a row before the next is taken. `started` is committed before anything is sent, so a process that dies
while sending leaves a period whose outcome is unknown; it is sent again under the same message id, by which a reader
can tell the second mail from another report. After a final outcome (sent, filed, refused) nothing is sent any more.

A failure is told and tried again, later each time. A period that was missed while nobody ran is caught up at the next
start, the newest one of its kind only: the older ones are contained in it or past interest. What ended before the
books were opened is nobody's report.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.app.tasks import Pulse
from bottrader.domain.errors import BotTraderError
from bottrader.domain.report_schedule import ReportKind, ReportPeriod, ReportSchedule
from bottrader.ports import (
    Clock,
    Entropy,
    EventLog,
    Lease,
    Mail,
    Mailer,
    ReportDelivery,
    ReportOutcome,
    Store,
)

LOOK_S_MAX = 60.0
"""How often it is looked whether a report is due, in real time: venue time may run faster."""
RETRY_FIRST = timedelta(minutes=1)
RETRY_LAST = timedelta(hours=1)
LATE_AFTER = timedelta(minutes=15)
"""A report made so long after it was due is told as late (R9, R27)."""


@dataclass(frozen=True, slots=True)
class ReportSources:
    """Where reports come from and go to.

    `make` writes the files of a period and returns its mail, under the message id that `message_id` gives the period;
    it raises `BotTraderError` or `OSError`. `mailer` is None when no mail is set up.
    """

    make: Callable[[ReportPeriod], Awaitable[Mail]]
    message_id: Callable[[ReportPeriod], str]
    mailer: Mailer | None


@dataclass(slots=True)
class _Patience:
    """What is remembered of one kind between two looks; all of it can be lost, since the store knows the rest."""

    settled_until: datetime | None = None
    failures_count: int = 0
    next_try_at: datetime | None = None
    unrecorded: ReportDelivery | None = None
    """An outcome that the store did not take; sending anything before it does would forget that it was sent."""


class ReportDesk:
    """Makes and sends what is due."""

    def __init__(
        self,
        schedule: ReportSchedule,
        sources: ReportSources,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        log: EventLog,
    ) -> None:
        self._schedule = schedule
        self._sources = sources
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._patience = {kind: _Patience() for kind in ReportKind}
        self._began_at = clock.now()

    def ages_s(self) -> dict[str, float]:
        """Return seconds of venue time since the end of the newest period that needs nothing more, by kind.

        Since the start where none is known yet; kinds that are never made are left out.
        """
        now = self._clock.now()
        return {
            kind: (now - (patience.settled_until or self._began_at)).total_seconds()
            for kind, patience in self._patience.items()
            if self._schedule.latest(kind, now) is not None
        }

    async def run(self, lease: Lease, pulse: Pulse) -> None:
        """Deliver what falls due for as long as `lease` is held: two desks would send everything twice."""
        while await lease.is_held():
            pulse.beat()
            await self.look()
            await pulse.sleep(self._pause_s())

    async def look(self) -> None:
        """Deliver what is due now and not waiting for its next try; never raises for what can be tried again."""
        for kind in ReportKind:
            patience, now = self._patience[kind], self._clock.now()
            if patience.next_try_at is not None and now < patience.next_try_at:
                continue
            try:
                await self._look_at(kind, patience, now)
            except (BotTraderError, OSError) as error:
                # Also a contradiction in the books: it is told, and whether to trade on is not for reports to say.
                self._put_off(kind, str(error))

    async def _look_at(self, kind: ReportKind, patience: _Patience, now: datetime) -> None:
        if patience.unrecorded is not None:
            await self._store.record_report_delivery(patience.unrecorded)
            self._settle(patience, patience.unrecorded)
        period = self._schedule.latest(kind, now)
        if period is None or period.until == patience.settled_until:
            return
        steps = await self._store.report_deliveries(period)
        if any(step.outcome.is_final for step in steps) or not await self._books_opened_before(period.until):
            patience.settled_until = period.until
            return
        if now - period.until > LATE_AFTER and not steps:
            self._log.alarm("report_late", kind=kind, due_at=period.until)
        await self._deliver(period, patience)

    async def _books_opened_before(self, moment: datetime) -> bool:
        return any(movement.at <= moment for movement in await self._store.cash_movements())

    async def _deliver(self, period: ReportPeriod, patience: _Patience) -> None:
        try:
            mail = await self._sources.make(period)
        except (BotTraderError, OSError) as error:
            await self._record(period, patience, ReportOutcome.FAILED, str(error))
            self._put_off(period.kind, str(error))
            return
        mailer = self._sources.mailer
        if mailer is None:
            await self._record(period, patience, ReportOutcome.FILED)
            self._log.info("report_filed", kind=period.kind, until=period.until)
            return
        if not await self._record(period, patience, ReportOutcome.STARTED):
            return
        receipt = await mailer.send(mail)
        self._tell(period, receipt.outcome, receipt.detail, receipt.refused_recipients)
        await self._record(period, patience, receipt.outcome, receipt.detail)
        if not receipt.outcome.is_final:
            self._put_off(period.kind, receipt.detail)

    async def _record(
        self, period: ReportPeriod, patience: _Patience, outcome: ReportOutcome, detail: str = ""
    ) -> bool:
        """Append the step; False when the period was settled by somebody else meanwhile."""
        step = ReportDelivery(period, outcome, self._clock.now(), self._sources.message_id(period), detail)
        if outcome.is_final:
            patience.unrecorded = step
        is_new = await self._store.record_report_delivery(step)
        self._settle(patience, step)
        return is_new

    def _settle(self, patience: _Patience, step: ReportDelivery) -> None:
        if step.outcome.is_final:
            patience.unrecorded = None
            patience.settled_until = step.period.until
            patience.failures_count = 0
            patience.next_try_at = None

    def _tell(
        self, period: ReportPeriod, outcome: ReportOutcome, detail: str, refused_recipients: tuple[str, ...]
    ) -> None:
        fields: dict[str, object] = {"kind": period.kind, "until": period.until, "outcome": outcome}
        if outcome is ReportOutcome.SENT and not refused_recipients:
            self._log.info("report_sent", **fields)
        else:
            self._log.alarm("report_not_sent", **fields, detail=detail, refused=list(refused_recipients))

    def _put_off(self, kind: ReportKind, cause: str) -> None:
        """Wait a minute, then twice as long each time, at most an hour; a random part of it less."""
        patience = self._patience[kind]
        longest = min(RETRY_LAST, RETRY_FIRST * 2 ** min(patience.failures_count, 10))
        wait = longest * self._entropy.uniform(0.5, 1.0)
        patience.failures_count += 1
        patience.next_try_at = self._clock.now() + wait
        self._log.alarm("report_put_off", kind=kind, cause=cause, next_try_at=patience.next_try_at)

    def _pause_s(self) -> float:
        now = self._clock.now()
        moments = [self._schedule.next_due(now), *(patience.next_try_at for patience in self._patience.values())]
        ahead = [(moment - now).total_seconds() for moment in moments if moment is not None and moment > now]
        return min([LOOK_S_MAX, *ahead])
