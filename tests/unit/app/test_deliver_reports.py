"""Reports at their times on a clock that is moved by hand: each period once, whatever happens in between."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.deliver_reports import ReportDesk, ReportSources
from bottrader.app.tasks import Pulse
from bottrader.domain.errors import InvariantBroken, StoreUnreachable
from bottrader.domain.report_schedule import ReportKind, ReportPeriod, ReportSchedule
from bottrader.ports import CashKind, CashMovement, Mail, MailReceipt, ReportDelivery, ReportOutcome
from tests.fixtures.coinbase_wire import FixedEntropy

SCHEDULE = ReportSchedule(ZoneInfo("UTC"), (time(2), time(14)), time(9))
# A Wednesday; the last Monday's report is not due, since the books were opened after it.
OPENED = datetime(2026, 1, 14, 0, 0, tzinfo=UTC)
FIRST = datetime(2026, 1, 14, 2, 0, tzinfo=UTC)
SENT, UNKNOWN, UNREACHABLE = ReportOutcome.SENT, ReportOutcome.UNKNOWN, ReportOutcome.UNREACHABLE


class Mailbox:
    """A mailer that answers as told, and SENT when nothing was told."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answers: list[MailReceipt | Exception] = []

    async def send(self, mail: Mail) -> MailReceipt:
        self.mails.append(mail)
        answer = self.answers.pop(0) if self.answers else MailReceipt(SENT)
        if isinstance(answer, Exception):
            raise answer
        return answer


class House:
    """A store, a mailbox and a clock that outlive the desk, as a database and a mail server outlive a process."""

    def __init__(self, *, has_mail: bool = True, schedule: ReportSchedule = SCHEDULE) -> None:
        self.schedule = schedule
        self.store: MemoryStore = MemoryStore()
        self.clock = ManualClock(FIRST - timedelta(minutes=1))
        self.mailbox = Mailbox()
        self.events = RecentEvents()
        self.made: list[ReportPeriod] = []
        self.faults: list[Exception] = []
        self.mailer: Mailbox | None = self.mailbox if has_mail else None
        self.desk = self.new_desk()

    def new_desk(self) -> ReportDesk:
        sources = ReportSources(self.make, lambda period: f"<{period.kind}-{period.until:%d%H}@x>", self.mailer)
        self.desk = ReportDesk(self.schedule, sources, self.store, self.clock, FixedEntropy(), self.events)
        return self.desk

    async def make(self, period: ReportPeriod) -> Mail:
        self.made.append(period)
        if self.faults:
            raise self.faults.pop(0)
        return Mail(f"<{period.kind}-{period.until:%d%H}@x>", "subject", "text", "<p>html</p>", self.clock.wall())

    async def open_books(self, at: datetime = OPENED) -> None:
        await self.store.record_cash([CashMovement("one", CashKind.OPENING_BALANCE, "USD", Decimal(1000), at)])

    async def look_at(self, at: datetime) -> None:
        self.clock.advance(at - self.clock.now())
        await self.desk.look()

    def outcomes(self) -> list[ReportOutcome]:
        return [step.outcome for step in self.store.report_log]


@pytest.fixture
async def house() -> House:
    found = House()
    await found.open_books()
    return found


async def test_a_report_is_sent_when_it_is_due_and_once(house: House) -> None:
    await house.desk.look()
    assert house.mailbox.mails == []
    for minutes in (0, 1, 30, 600):
        await house.look_at(FIRST + timedelta(minutes=minutes))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>"]
    assert house.outcomes() == [ReportOutcome.STARTED, SENT]
    assert house.made == [ReportPeriod(ReportKind.DAILY, FIRST - timedelta(days=1), FIRST)]


async def test_a_restart_sends_nothing_twice(house: House) -> None:
    await house.look_at(FIRST)
    house.new_desk()
    await house.look_at(FIRST + timedelta(minutes=5))
    assert len(house.mailbox.mails) == 1


async def test_the_next_period_is_sent_at_its_time(house: House) -> None:
    await house.look_at(FIRST)
    await house.look_at(FIRST + timedelta(hours=12))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>", "<daily-1414@x>"]


async def test_both_kinds_have_their_own_periods(house: House) -> None:
    await house.look_at(datetime(2026, 1, 19, 9, 0, tzinfo=UTC))
    assert sorted(mail.message_id for mail in house.mailbox.mails) == ["<daily-1902@x>", "<weekly-1909@x>"]


async def test_a_missed_period_is_caught_up_the_newest_one_only(house: House) -> None:
    """Nobody ran for three days; what comes late is told as late."""
    await house.look_at(FIRST + timedelta(days=3, hours=1))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1702@x>"]
    assert house.events.counts["report_late"] == 1


async def test_a_report_in_time_is_not_told_as_late(house: House) -> None:
    await house.look_at(FIRST + timedelta(minutes=15))
    assert house.events.counts["report_late"] == 0


async def test_what_ended_before_the_books_were_opened_is_not_reported() -> None:
    house = House()
    await house.look_at(FIRST + timedelta(hours=1))
    await house.open_books(FIRST + timedelta(hours=1))
    house.new_desk()
    await house.look_at(FIRST + timedelta(hours=2))
    assert house.made == []


async def test_an_unknown_outcome_is_sent_again_under_the_same_message_id(house: House) -> None:
    house.mailbox.answers = [MailReceipt(UNKNOWN, "connection lost")]
    await house.look_at(FIRST)
    await house.look_at(FIRST + timedelta(minutes=1))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>"] * 2
    assert house.outcomes() == [ReportOutcome.STARTED, UNKNOWN, ReportOutcome.STARTED, SENT]


async def test_a_process_that_dies_while_sending_leaves_an_unknown_outcome_that_the_next_one_settles(
    house: House,
) -> None:
    class Killed(BaseException):
        pass

    class Deadly(Mailbox):
        async def send(self, mail: Mail) -> MailReceipt:
            raise Killed

    house.mailer = Deadly()
    house.new_desk()
    with pytest.raises(Killed):
        await house.look_at(FIRST)
    assert house.outcomes() == [ReportOutcome.STARTED]
    house.mailer = house.mailbox
    house.new_desk()
    await house.look_at(FIRST + timedelta(seconds=10))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>"]


async def test_failures_are_tried_again_later_each_time_and_told(house: House) -> None:
    """D12: after 1, 2, 4 … minutes, at most an hour."""
    house.mailbox.answers = [MailReceipt(UNREACHABLE, "no answer")] * 9
    await house.look_at(FIRST)
    tried = [FIRST]
    while len(house.mailbox.mails) < 10:
        before = len(house.mailbox.mails)
        await house.look_at(house.clock.now() + timedelta(seconds=30))
        if len(house.mailbox.mails) > before:
            tried.append(house.clock.now())
    waits = [int((later - earlier).total_seconds() / 60) for earlier, later in pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert house.events.counts["report_put_off"] == 9
    assert house.outcomes()[-1] is SENT


async def test_after_a_success_patience_is_new(house: House) -> None:
    house.mailbox.answers = [MailReceipt(UNREACHABLE), MailReceipt(UNREACHABLE), MailReceipt(SENT)]
    for minutes in (0, 1, 3):
        await house.look_at(FIRST + timedelta(minutes=minutes))
    house.mailbox.answers = [MailReceipt(UNREACHABLE)]
    second = FIRST + timedelta(hours=12)
    await house.look_at(second)
    await house.look_at(second + timedelta(minutes=1))
    assert len(house.mailbox.mails) == 5


async def test_a_report_that_cannot_be_sent_gives_way_to_the_next_one(house: House) -> None:
    house.mailbox.answers = [MailReceipt(UNREACHABLE)]
    await house.look_at(FIRST)
    await house.look_at(FIRST + timedelta(hours=12))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>", "<daily-1414@x>"]


async def test_what_the_server_refuses_for_good_is_not_sent_again(house: House) -> None:
    house.mailbox.answers = [MailReceipt(ReportOutcome.REFUSED, "550 no such user", ("a@x",))]
    for minutes in (0, 1, 600):
        await house.look_at(FIRST + timedelta(minutes=minutes))
    assert len(house.mailbox.mails) == 1
    assert house.events.counts["report_not_sent"] == 1


async def test_a_recipient_who_was_left_out_is_told(house: House) -> None:
    house.mailbox.answers = [MailReceipt(SENT, "550", ("b@x",))]
    await house.look_at(FIRST)
    (told,) = (event for event in house.events.newest if event.event == "report_not_sent")
    assert told.is_alarm
    assert told.fields["refused"] == ["b@x"]
    assert house.outcomes()[-1] is SENT


async def test_without_mail_the_files_are_all_there_is() -> None:
    house = House(has_mail=False)
    await house.open_books()
    for minutes in (0, 5):
        await house.look_at(FIRST + timedelta(minutes=minutes))
    assert len(house.made) == 1
    assert house.outcomes() == [ReportOutcome.FILED]


@pytest.mark.parametrize("fault", [InvariantBroken("the books contradict themselves"), OSError("disk full")])
async def test_a_report_that_cannot_be_made_is_told_and_tried_again(house: House, fault: Exception) -> None:
    """D12, E6: never hidden, and never the end of the process that trades."""
    house.faults = [fault]
    await house.look_at(FIRST)
    assert house.outcomes() == [ReportOutcome.FAILED]
    assert house.store.report_log[0].detail == str(fault)
    assert house.events.newest[-1].fields["cause"] == str(fault)
    await house.look_at(FIRST + timedelta(minutes=1))
    assert house.outcomes()[-1] is SENT


class Forgetful(MemoryStore):
    """A store that loses its database for the next so many steps."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: Callable[[ReportDelivery], bool] = lambda _: False

    async def record_report_delivery(self, delivery: ReportDelivery) -> bool:
        if self.refuses(delivery):
            raise StoreUnreachable("the database does not answer")
        return await super().record_report_delivery(delivery)


async def test_a_success_that_could_not_be_recorded_is_recorded_later_and_not_sent_again() -> None:
    house = House()
    house.store = store = Forgetful()
    await house.open_books()
    house.new_desk()
    store.refuses = lambda step: step.outcome is SENT
    await house.look_at(FIRST)
    await house.look_at(FIRST + timedelta(minutes=1))
    store.refuses = lambda _: False
    await house.look_at(FIRST + timedelta(hours=1))
    await house.look_at(FIRST + timedelta(hours=2))
    assert len(house.mailbox.mails) == 1
    assert house.outcomes() == [ReportOutcome.STARTED, SENT]


async def test_nothing_is_sent_that_could_not_be_recorded_first() -> None:
    house = House()
    house.store = store = Forgetful()
    await house.open_books()
    house.new_desk()
    store.refuses = lambda _: True
    await house.look_at(FIRST)
    assert house.mailbox.mails == []


async def test_of_two_desks_the_second_finds_the_period_settled(house: House) -> None:
    """While it made its report, another process sent it."""

    class Racing(House):
        async def make(self, period: ReportPeriod) -> Mail:
            mail = await super().make(period)
            step = ReportDelivery(period, SENT, self.clock.now(), mail.message_id)
            await self.store.record_report_delivery(step)
            return mail

    racing = Racing()
    await racing.open_books()
    await racing.look_at(FIRST)
    assert racing.mailbox.mails == []
    assert racing.outcomes() == [SENT]


async def test_the_desk_works_for_as_long_as_it_holds_the_lease() -> None:
    house = House(schedule=ReportSchedule(ZoneInfo("UTC"), (time(2), time(3)), time(9)))
    await house.open_books()
    async with house.store.lease("reporter") as lease:

        class Ending:
            token = 1

            async def is_held(self) -> bool:
                return await lease.is_held() and house.clock.now() < FIRST + timedelta(hours=2)

            async def cut(self) -> None:
                await lease.cut()

        await house.desk.run(Ending(), Pulse(house.clock, 900))
    assert [mail.message_id for mail in house.mailbox.mails] == ["<daily-1402@x>", "<daily-1403@x>"]
    # It looks at least every minute, and at the very moment a report is due.
    assert max(house.clock.slept_s) <= 60
    assert house.store.report_log[0].at == FIRST


async def test_the_age_of_a_kind_counts_from_the_newest_period_that_is_settled(house: House) -> None:
    """Daily until 02:00 of the 14th; weekly until 09:00 of the 12th, which is before the books: 41 h earlier."""
    house.clock.advance(timedelta(seconds=30))
    assert house.desk.ages_s() == {"daily": 30, "weekly": 30}
    await house.look_at(FIRST)
    assert house.desk.ages_s() == {"daily": 0, "weekly": 41 * 3600}
    house.faults.append(OSError("disk full"))
    await house.look_at(FIRST + timedelta(hours=12))
    assert house.desk.ages_s()["daily"] == 12 * 3600
    await house.look_at(FIRST + timedelta(hours=13))
    assert house.desk.ages_s()["daily"] == 3600


async def test_a_kind_that_is_never_made_has_no_age() -> None:
    assert House(schedule=ReportSchedule(ZoneInfo("UTC"), (), time(9))).desk.ages_s().keys() == {"weekly"}
