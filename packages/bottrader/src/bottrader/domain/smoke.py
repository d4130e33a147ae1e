"""Is a bot that was just deployed at work? Ten checks, each a verdict on what was seen of it (B303).

What is seen is read elsewhere and given as values; here it is only judged. A check fails when the bot cannot do its
work (services, database, health, snapshot, logs). It warns where a person has to look: a quiet market trades nothing
for a day, and that is no fault. What could not be seen is never a pass.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.report_schedule import ReportPeriod

SERVICES = ("webhook", "sighook", "reporter")
INSIDE = {"all": SERVICES, "both": ("webhook", "sighook")}
"""Roles that do the work of several services in one process."""
RECENT = timedelta(hours=24)
LOG_AGE_MAX = timedelta(hours=1)
BEAT_AGE_MAX = timedelta(hours=2)
"""The slowest task writes a page every hour; whatever keeps a shorter time is judged by the process itself."""
REPORT_LATE_AFTER = timedelta(hours=1)
DISK_USED_MAX = Decimal("0.80")


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """One check: what was found, and what to do about it unless it passed."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.PASS) != (not self.advice):
            raise ValueError(f"{self.name}: advice goes with every verdict but pass")


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """An answer to `GET /health`; `cause` says why there is none, and everything else is empty then.

    `tasks` gives the seconds since the last beat of each task, None from a bot that does not tell.
    """

    url: str
    is_ok: bool = False
    cause: str = ""
    role: str = ""
    faults: tuple[str, ...] = ()
    venue_time: datetime | None = None
    tasks: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """A service as it was asked for at its own address, and `cause` why it is not up.

    `has_answered`: it runs, so that no lease has to tell. `tasks` as in `HealthSeen`.
    """

    name: str
    where: str
    is_up: bool
    cause: str = ""
    has_answered: bool = False
    tasks: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class BooksSeen:
    """What the database tells about the 24 hours before `as_of`, and of the schema it is at.

    `snapshots` are the active ones by role. `linkable_count` counts the bot's own entries and exits, `linked_count`
    those of them that lead to a strategy. `made` are scheduled reports that came to an end, whatever it was.
    """

    as_of: datetime
    revision: str
    leases: frozenset[str]
    trades_count: int
    sells_unallocated_count: int
    allocation_version: int
    snapshots: Mapping[str, str]
    linkable_count: int
    linked_count: int
    opened_at: datetime | None
    made: frozenset[ReportPeriod]


@dataclass(frozen=True, slots=True)
class BooksUnseen:
    """Why the database could not be read, and what to do."""

    cause: str
    advice: str


Books = BooksSeen | BooksUnseen


@dataclass(frozen=True, slots=True)
class LogSeen:
    """Where the log was looked for, and how old its newest line is; None when there is none.

    `is_named`: somebody said where it is, so it has to be there.
    """

    where: str
    age: timedelta | None
    is_named: bool


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """The share of a disk that is used, 0 to 1; None when it is another machine's, or cannot be read (`cause`)."""

    where: str
    used: Decimal | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a look at a bot brought."""

    health: HealthSeen
    services: tuple[ServiceSeen, ...]
    books: Books
    due: tuple[ReportPeriod, ...]
    """The newest period of each kind that the schedule has had a report due for."""
    log: LogSeen
    disk: DiskSeen


def judge(seen: Seen) -> tuple[SmokeCheck, ...]:
    """Return the ten checks, in the order of the guide."""
    books = seen.books
    return (
        judge_services(seen.health, seen.services, books),
        judge_database(books),
        judge_health(seen.health),
        judge_trades(books),
        judge_allocations(books),
        judge_snapshot(books),
        judge_linkage(books),
        judge_log(seen.log),
        judge_schedules(_tasks_of(seen), books, seen.due),
        judge_disk(seen.disk),
    )


def overall(checks: Iterable[SmokeCheck]) -> Verdict:
    """Return the worst verdict; pass for none."""
    found = {check.verdict for check in checks}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.WARN) if verdict in found), Verdict.PASS)


def judge_services(health: HealthSeen, services: Iterable[ServiceSeen], books: Books) -> SmokeCheck:
    """Judge whether each service runs: it answers well, is part of the webhook's process, or holds its lease."""
    inside = INSIDE.get(health.role, ("webhook",)) if not health.cause else ()
    leases = books.leases if isinstance(books, BooksSeen) else frozenset()
    down, unseen, up = [], [], list(inside)
    for service in services:
        if service.name in inside:
            continue
        if service.is_up or (service.name in leases and not service.has_answered):
            up.append(service.name)
        elif service.name == "sighook" and not (health.cause or service.has_answered) and health.tasks is None:
            # A bot that does not tell of its tasks calls itself a webhook, also when it is all three in one.
            unseen.append(service)
        else:
            down.append(service)
    if down:
        told = "; ".join(f"{each.name} at {each.where}: {each.cause}" for each in down)
        names = " and ".join(each.name for each in down)
        return SmokeCheck("services", Verdict.FAIL, told, f"start {names}; the end of the log says why it stopped")
    if unseen:
        names = ", ".join(f"{each.name} at {each.where}" for each in unseen)
        advice = "say where it answers with --service NAME=URL"
        return SmokeCheck("services", Verdict.WARN, f"not seen: {names}", advice)
    return SmokeCheck("services", Verdict.PASS, f"{', '.join(sorted(up))} running")


def judge_database(books: Books) -> SmokeCheck:
    """Judge whether the database answers, with the schema of this version."""
    if isinstance(books, BooksUnseen):
        return SmokeCheck("database", Verdict.FAIL, books.cause, books.advice)
    return SmokeCheck("database", Verdict.PASS, f"answers, schema {books.revision}")


def judge_health(health: HealthSeen) -> SmokeCheck:
    """Judge what the webhook says of itself."""
    name = "webhook health"
    if health.cause:
        advice = "start the webhook, or say where it answers with --url"
        return SmokeCheck(name, Verdict.FAIL, f"{health.url}: {health.cause}", advice)
    if not health.is_ok:
        found = "; ".join(health.faults) or "not ready"
        return SmokeCheck(name, Verdict.FAIL, found, "mend what it names; what is new in the log says since when")
    return SmokeCheck(name, Verdict.PASS, "healthy")


def judge_trades(books: Books) -> SmokeCheck:
    """Judge whether anything was traded in 24 hours."""
    name = "recent trades"
    if isinstance(books, BooksUnseen):
        return _unread(name)
    if not books.trades_count:
        advice = "nothing to do in a quiet market; otherwise look into the log for why signals were refused"
        return SmokeCheck(name, Verdict.WARN, "none in 24 hours", advice)
    return SmokeCheck(name, Verdict.PASS, f"{books.trades_count} in 24 hours")


def judge_allocations(books: Books) -> SmokeCheck:
    """Judge whether every sell has its allocations in the active version."""
    name = "allocations"
    if isinstance(books, BooksUnseen):
        return _unread(name)
    if books.sells_unallocated_count:
        count = books.sells_unallocated_count
        found = f"{count} {'sell is' if count == 1 else 'sells are'} missing in version {books.allocation_version}"
        return SmokeCheck(name, Verdict.WARN, found, "run `bottrader lots rebuild`, then `bottrader lots check`")
    return SmokeCheck(name, Verdict.PASS, f"every sell is in version {books.allocation_version}")


def judge_snapshot(books: Books) -> SmokeCheck:
    """Judge whether the rules that the bot trades by are on record."""
    name = "active snapshot"
    if isinstance(books, BooksUnseen):
        return _unread(name)
    if "webhook" not in books.snapshots:
        advice = "start the webhook: it activates the snapshot of its rules before it trades"
        return SmokeCheck(name, Verdict.FAIL, "the webhook has none", advice)
    if len(set(books.snapshots.values())) > 1:
        told = ", ".join(f"{role} {books.snapshots[role][:12]}" for role in sorted(books.snapshots))
        advice = "start webhook and sighook with the same settings"
        return SmokeCheck(name, Verdict.WARN, f"they differ: {told}", advice)
    return SmokeCheck(name, Verdict.PASS, books.snapshots["webhook"][:12])


def judge_linkage(books: Books) -> SmokeCheck:
    """Judge whether each trade of the bot leads back to the strategy that wanted it."""
    name = "trade linkage"
    if isinstance(books, BooksUnseen):
        return _unread(name)
    if not books.linkable_count:
        return SmokeCheck(name, Verdict.PASS, "no trade of the bot in 24 hours to be linked")
    found = f"{books.linked_count} of {books.linkable_count} trades linked"
    if books.linked_count < books.linkable_count:
        advice = "`bottrader reconcile` takes in what is missing; if it stays, report it as a fault of the bot"
        return SmokeCheck(name, Verdict.WARN, found, advice)
    return SmokeCheck(name, Verdict.PASS, found)


def judge_log(log: LogSeen) -> SmokeCheck:
    """Judge whether the bot has written a line within the hour."""
    if log.age is None and not log.is_named:
        advice = "say where the log is with --logs FILE or --compose PROJECT"
        return SmokeCheck("logs", Verdict.WARN, f"none found in {log.where}", advice)
    if log.age is None:
        return SmokeCheck("logs", Verdict.FAIL, f"none found at {log.where}", "correct --logs, or start the bot")
    found = f"newest line {_seconds(log.age)} old, {log.where}"
    if log.age >= LOG_AGE_MAX:
        advice = "look whether the process still runs and may write there, and restart it"
        return SmokeCheck("logs", Verdict.FAIL, found, advice)
    return SmokeCheck("logs", Verdict.PASS, found)


def judge_schedules(tasks: Mapping[str, float], books: Books, due: Iterable[ReportPeriod]) -> SmokeCheck:
    """Judge whether what is to happen again and again still does: tasks beat, and reports that came due were made.

    `tasks` gives the seconds since the last beat of each task of every process that tells.
    """
    name = "schedules"
    silent = [task for task, age_s in sorted(tasks.items()) if age_s > BEAT_AGE_MAX.total_seconds()]
    if silent:
        advice = "restart the process, and report what the log says before as a fault of the bot"
        return SmokeCheck(name, Verdict.WARN, f"silent for hours: {', '.join(silent)}", advice)
    if isinstance(books, BooksUnseen):
        return _unread(name)
    late = [period for period in due if _is_late(period, books)]
    if late:
        told = " and ".join(f"{period.kind} report of {period.until:%Y-%m-%d %H:%M} UTC" for period in late)
        return SmokeCheck(name, Verdict.WARN, f"not made: {told}", "start the reporter, or look into its log for why")
    if "reporter" not in books.leases:
        advice = "start the reporter: nobody makes reports now"
        return SmokeCheck(name, Verdict.WARN, "no process holds the lease of the reporter", advice)
    beat = f"{len(tasks)} tasks beat" if tasks else "the reporter holds its lease"
    return SmokeCheck(name, Verdict.PASS, f"{beat}, no report is late")


def judge_disk(disk: DiskSeen) -> SmokeCheck:
    """Judge whether the disk of the data folder has room."""
    if disk.used is None:
        advice = "run `bottrader smoke` on the machine of the bot to see its disk"
        return SmokeCheck("disk", Verdict.WARN, f"{disk.where} cannot be seen: {disk.cause}", advice)
    found = f"{disk.used:.0%} of {disk.where} used"
    if disk.used >= DISK_USED_MAX:
        advice = "make room: old logs and reports first, and `bottrader lots drop` for versions nobody needs"
        return SmokeCheck("disk", Verdict.WARN, found, advice)
    return SmokeCheck("disk", Verdict.PASS, found)


def _tasks_of(seen: Seen) -> dict[str, float]:
    told = {"webhook": seen.health.tasks or {}, **{each.name: each.tasks for each in seen.services if each.tasks}}
    return {f"{task} of {name}": age_s for name, tasks in told.items() for task, age_s in tasks.items()}


def _is_late(period: ReportPeriod, books: BooksSeen) -> bool:
    # What ended before the books were opened is nobody's report.
    if books.opened_at is None or period.until <= books.opened_at:
        return False
    return period not in books.made and books.as_of - period.until >= REPORT_LATE_AFTER


def _unread(name: str) -> SmokeCheck:
    return SmokeCheck(name, Verdict.WARN, "not seen: the database cannot be read", "mend the database first")


def _seconds(age: timedelta) -> str:
    return f"{max(age.total_seconds(), 0):.0f} s"
