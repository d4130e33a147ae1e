"""Notifications that are sent, fail, hang, or are too many; nothing here opens a socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.notify import sender
from bottrader.adapters.notify.sender import QueuedNotifier, Result, Target, targets_of
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.figures import Figure, Reading
from bottrader.ports import Severity


class Phone:
    """A target that takes messages, refuses them, trips over them, or hangs until the test lets it go."""

    def __init__(self, do: Callable[[], object] = lambda: True) -> None:
        self.do = do
        self.taken: list[tuple[str, str, str]] = []
        self.threads: set[str] = set()

    def notify(self, *, title: str, body: str, notify_type: str) -> object:
        self.threads.add(threading.current_thread().name)
        answer = self.do()
        if answer:
            self.taken.append((title, body, notify_type))
        return answer


class Bench:
    def __init__(self, *phones: Target) -> None:
        self.log = RecentEvents()
        self.notifier = QueuedNotifier(phones, ManualClock(), self.log)

    def tell(self, title: str) -> None:
        self.notifier.notify(Severity.INFO, title, "text")

    def counted(self) -> tuple[int, int, int]:
        results = self.notifier.results
        return results[Result.SENT], results[Result.FAILED], results[Result.DROPPED]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.notifier.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_a_message_reaches_every_target_in_another_thread() -> None:
    one, two = Phone(), Phone()
    bench = Bench(one, two)
    async with bench.at_work():
        bench.notifier.notify(Severity.WARNING, "title", "text")
        await bench.notifier.drain()
    assert one.taken == two.taken == [("title", "text", "warning")]
    assert one.threads == {"notifier"}
    assert bench.counted() == (2, 0, 0)
    assert Reading(Figure.NOTIFICATIONS, 2, "sent") in bench.notifier.readings()


@pytest.mark.parametrize("error", [OSError("x"), ValueError("x"), TypeError("x"), KeyError("x"), RuntimeError("x")])
async def test_a_target_that_fails_takes_nothing_from_the_others(error: Exception) -> None:
    """D12: told once per stretch, without what it said."""

    def trip() -> object:
        raise error

    good = Phone()
    bench = Bench(Phone(trip), good)
    async with bench.at_work():
        bench.tell("one")
        await bench.notifier.drain()
    assert [title for title, _, _ in good.taken] == ["one"]
    assert bench.counted() == (1, 1, 0)
    assert [(told.event, told.fields) for told in bench.log.newest] == [("notification_not_sent", {"result": "failed"})]
    assert bench.notifier.faults() == []


async def test_telling_never_waits_and_what_is_too_much_is_dropped() -> None:
    """D12: nobody takes anything from the queue, and the caller does not notice."""
    bench = Bench(Phone())
    for number in range(103):
        bench.tell(str(number))
    assert bench.counted() == (0, 0, 3)
    assert bench.log.counts == {"notification_not_sent": 1}


async def test_without_targets_nothing_is_kept_and_nothing_counted() -> None:
    bench = Bench()
    for number in range(200):
        bench.tell(str(number))
    assert bench.counted() == (0, 0, 0)
    assert bench.log.newest.maxlen
    assert not bench.log.newest


async def test_a_target_that_hangs_is_given_up_and_threads_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """D12: of six messages three hang; the other three are not even begun before one of them ends."""
    monkeypatch.setattr(sender, "SEND_S_MAX", 0.01)
    gate = threading.Event()
    begun: list[int] = []

    def hang() -> bool:
        begun.append(1)
        gate.wait()
        return True

    bench = Bench(Phone(hang))
    try:
        async with bench.at_work():
            for number in range(6):
                bench.tell(str(number))
            await bench.notifier.drain()
            assert bench.counted() == (0, 6, 0)
            assert len(begun) == 3
    finally:
        gate.set()


async def test_the_end_of_the_sending_task_shows_on_the_board() -> None:
    """B305"""
    bench = Bench(Phone())
    async with bench.at_work():
        await asyncio.sleep(0)
        assert bench.notifier.board.faults() == []
    assert bench.notifier.board.faults() == ["the task notifier.send has ended"]


async def test_an_end_does_not_wait_for_what_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "DRAIN_S_MAX", 0.01)
    bench = Bench(Phone())
    bench.tell("nobody sends this")
    await bench.notifier.drain()
    assert bench.counted() == (0, 0, 0)


def test_no_address_is_no_target() -> None:
    assert targets_of([]) == []
