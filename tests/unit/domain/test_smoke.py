"""The ten checks of a deployment: what each takes for a fault, and what it says is to be done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.domain.smoke import (
    BooksSeen,
    BooksUnseen,
    DiskSeen,
    HealthSeen,
    LogSeen,
    Seen,
    ServiceSeen,
    SmokeCheck,
    Verdict,
    judge,
    overall,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = [
    *("services", "database", "webhook health", "recent trades", "allocations"),
    *("active snapshot", "trade linkage", "logs", "schedules", "disk"),
]
DAILY = ReportPeriod.ending(ReportKind.DAILY, NOW - timedelta(hours=1))
BOOKS = BooksSeen(
    as_of=NOW,
    revision="0014",
    leases=frozenset({"webhook", "reporter"}),
    trades_count=7,
    sells_unallocated_count=0,
    allocation_version=2,
    snapshots={"webhook": "5eed0123456789", "sighook": "5eed0123456789"},
    linkable_count=6,
    linked_count=6,
    opened_at=NOW - timedelta(days=30),
    made=frozenset({DAILY}),
)
HEALTH = HealthSeen("http://bot:5003/health", is_ok=True, role="webhook", tasks={"desk": 0.4})
UP = tuple(
    ServiceSeen(name, f"http://bot/{name}", is_up=True, has_answered=True, tasks={"loop": 0.4})
    for name in ("webhook", "sighook", "reporter")
)
SEEN = Seen(
    health=HEALTH,
    services=UP,
    books=BOOKS,
    due=(DAILY,),
    log=LogSeen("bot.log", timedelta(seconds=12), is_named=True),
    disk=DiskSeen("/data", Decimal("0.79")),
)
UNSEEN = BooksUnseen("the database at db:5432/bot cannot be used", "start the database")


def check(name: str, seen: Seen) -> SmokeCheck:
    return next(each for each in judge(seen) if each.name == name)


def down(*names: str) -> tuple[ServiceSeen, ...]:
    gone = {name: ServiceSeen(name, f"http://bot/{name}", is_up=False, cause="no answer") for name in names}
    return tuple(gone.get(each.name, each) for each in UP)


def silent(name: str, age_s: float) -> tuple[ServiceSeen, ...]:
    return tuple(replace(each, tasks={"pages": age_s}) if each.name == name else each for each in UP)


def test_a_bot_at_work_passes_ten_checks_without_advice() -> None:
    """B303: services, database, health, trades, allocations, snapshot, linkage, logs, schedules, disk."""
    checks = judge(SEEN)
    assert [each.name for each in checks] == NAMES
    assert {each.verdict for each in checks} == {Verdict.PASS}
    assert not any(each.advice for each in checks)
    assert overall(checks) is Verdict.PASS


FAULTS = [
    ("services", Verdict.FAIL, replace(SEEN, services=down("sighook")), "sighook at http://bot/sighook: no answer"),
    ("database", Verdict.FAIL, replace(SEEN, books=UNSEEN), "the database at db:5432/bot cannot be used"),
    (
        "webhook health",
        Verdict.FAIL,
        replace(SEEN, health=replace(HEALTH, is_ok=False, faults=("the market is silent", "no lease"))),
        "the market is silent; no lease",
    ),
    ("webhook health", Verdict.FAIL, replace(SEEN, health=replace(HEALTH, is_ok=False)), "not ready"),
    (
        "webhook health",
        Verdict.FAIL,
        replace(SEEN, health=HealthSeen("http://bot:5003/health", cause="timed out")),
        "http://bot:5003/health: timed out",
    ),
    ("recent trades", Verdict.WARN, replace(SEEN, books=replace(BOOKS, trades_count=0)), "none in 24 hours"),
    (
        "allocations",
        Verdict.WARN,
        replace(SEEN, books=replace(BOOKS, sells_unallocated_count=1)),
        "1 sell is missing in version 2",
    ),
    (
        "allocations",
        Verdict.WARN,
        replace(SEEN, books=replace(BOOKS, sells_unallocated_count=3)),
        "3 sells are missing in version 2",
    ),
    (
        "active snapshot",
        Verdict.FAIL,
        replace(SEEN, books=replace(BOOKS, snapshots={"sighook": "5eed0123456789"})),
        "the webhook has none",
    ),
    (
        "active snapshot",
        Verdict.WARN,
        replace(SEEN, books=replace(BOOKS, snapshots={"webhook": "5eed01234567", "sighook": "0ld"})),
        "they differ: sighook 0ld, webhook 5eed01234567",
    ),
    ("trade linkage", Verdict.WARN, replace(SEEN, books=replace(BOOKS, linked_count=5)), "5 of 6 trades linked"),
    ("logs", Verdict.FAIL, replace(SEEN, log=LogSeen("bot.log", timedelta(hours=1), is_named=False)), "3600 s old"),
    ("logs", Verdict.FAIL, replace(SEEN, log=LogSeen("bot.log", None, is_named=True)), "none found at bot.log"),
    ("logs", Verdict.WARN, replace(SEEN, log=LogSeen("/data", None, is_named=False)), "none found in /data"),
    (
        "schedules",
        Verdict.WARN,
        replace(SEEN, services=silent("reporter", 7200.5)),
        "silent for hours: pages of reporter",
    ),
    (
        "schedules",
        Verdict.WARN,
        replace(SEEN, books=replace(BOOKS, made=frozenset())),
        "not made: daily report of 2026-03-02 11:00 UTC",
    ),
    (
        "schedules",
        Verdict.WARN,
        replace(SEEN, books=replace(BOOKS, leases=frozenset({"webhook"}))),
        "no process holds the lease of the reporter",
    ),
    ("disk", Verdict.WARN, replace(SEEN, disk=DiskSeen("/data", Decimal("0.80"))), "80% of /data used"),
    ("disk", Verdict.WARN, replace(SEEN, disk=DiskSeen("bot", None, "another machine")), "bot cannot be seen"),
]


@pytest.mark.parametrize(("name", "verdict", "seen", "found"), FAULTS, ids=[f"{each[0]}: {each[3]}" for each in FAULTS])
def test_each_check_can_go_wrong_and_says_in_one_sentence_what_to_do(
    name: str, verdict: Verdict, seen: Seen, found: str
) -> None:
    """B303: services, database, health, snapshot and logs end with a failure, the others with a warning."""
    result = check(name, seen)
    assert result.verdict is verdict
    assert found in result.found
    assert result.advice
    assert ". " not in result.advice
    assert not result.advice.endswith(".")


def test_without_its_database_every_check_of_the_books_is_no_pass() -> None:
    """What could not be seen is never a pass."""
    verdicts = {each.name: each.verdict for each in judge(replace(SEEN, books=UNSEEN))}
    of_books = ("recent trades", "allocations", "active snapshot", "trade linkage", "schedules")
    assert {name: verdicts[name] for name in of_books} == dict.fromkeys(of_books, Verdict.WARN)


@pytest.mark.parametrize(
    ("role", "gone", "verdict"),
    [
        ("all", ("sighook", "reporter"), Verdict.PASS),
        ("both", ("sighook",), Verdict.PASS),
        ("webhook", ("sighook",), Verdict.FAIL),
    ],
)
def test_services_inside_one_process_are_not_missed(role: str, gone: tuple[str, ...], verdict: Verdict) -> None:
    seen = replace(SEEN, health=replace(HEALTH, role=role), services=down(*gone))
    assert check("services", seen).verdict is verdict


def test_a_service_that_holds_its_lease_runs_although_it_has_no_port() -> None:
    assert check("services", replace(SEEN, services=down("reporter"))).verdict is Verdict.PASS
    without = replace(SEEN, services=down("reporter"), books=replace(BOOKS, leases=frozenset()))
    assert check("services", without).verdict is Verdict.FAIL


def test_a_service_that_says_it_is_sick_is_not_up_whatever_it_holds() -> None:
    sick = tuple(
        replace(each, is_up=False, cause="no mail since noon") if each.name == "reporter" else each for each in UP
    )
    result = check("services", replace(SEEN, services=sick))
    assert (result.verdict, "no mail since noon" in result.found) == (Verdict.FAIL, True)


def test_two_hours_of_silence_are_allowed_to_a_task() -> None:
    assert check("schedules", replace(SEEN, services=silent("reporter", 7200))).verdict is Verdict.PASS


def test_where_no_task_is_told_the_lease_tells_that_reports_are_made() -> None:
    untold = tuple(replace(each, tasks=None) for each in UP)
    assert (
        "holds its lease"
        in check("schedules", replace(SEEN, health=replace(HEALTH, tasks=None), services=untold)).found
    )


def test_of_a_bot_that_tells_no_tasks_a_silent_sighook_is_a_warning() -> None:
    """Such a bot calls itself a webhook also when it is all three, and a sighook has no lease to be seen by."""
    older = replace(SEEN, health=replace(HEALTH, tasks=None), services=down("sighook"))
    result = check("services", older)
    assert (result.verdict, "sighook" in result.found) == (Verdict.WARN, True)


def test_a_report_is_not_missed_within_the_hour_or_from_before_the_books() -> None:
    just_due = ReportPeriod.ending(ReportKind.DAILY, NOW - timedelta(minutes=59, seconds=59))
    assert check("schedules", replace(SEEN, due=(just_due,))).verdict is Verdict.PASS
    older = replace(BOOKS, made=frozenset(), opened_at=DAILY.until)
    assert check("schedules", replace(SEEN, books=older)).verdict is Verdict.PASS
    nothing_yet = replace(BOOKS, made=frozenset(), opened_at=None)
    assert check("schedules", replace(SEEN, books=nothing_yet)).verdict is Verdict.PASS


def test_without_trades_of_the_bot_there_is_nothing_to_link() -> None:
    assert check("trade linkage", replace(SEEN, books=replace(BOOKS, linkable_count=0, linked_count=0))).found


def test_the_worst_verdict_counts() -> None:
    passed, warned = SmokeCheck("a", Verdict.PASS, ""), SmokeCheck("b", Verdict.WARN, "", "look")
    failed = SmokeCheck("c", Verdict.FAIL, "", "mend")
    assert overall([]) is Verdict.PASS
    assert overall([passed, warned]) is Verdict.WARN
    assert overall([failed, warned, passed]) is Verdict.FAIL


@pytest.mark.parametrize(("verdict", "advice"), [(Verdict.PASS, "look"), (Verdict.WARN, ""), (Verdict.FAIL, "")])
def test_advice_goes_with_every_verdict_but_pass(verdict: Verdict, advice: str) -> None:
    with pytest.raises(ValueError, match="advice"):
        SmokeCheck("a", verdict, "found", advice)
