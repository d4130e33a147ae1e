"""Accepted signals keep their order and none is left behind, however many an earlier life has left (E4, F36)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app import queue_signals
from bottrader.app.activity import Activity
from bottrader.app.queue_signals import SIGNALS_MAX, SignalQueue
from bottrader.app.tasks import TaskBoard
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.signals import Signal, SignalId
from tests.fixtures.facts import BTC, ETH, at, make_inbound, make_signal, refused

PIECE = 4


class AskedStore(MemoryStore):
    """Remembers what it was asked for; fails while `error` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[list[ProductId], int]] = []
        self.error: StoreUnreachable | None = None
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens between the answer and its arrival."""

    async def signals_without_outcome(self, product_ids: Collection[ProductId], limit: int) -> Sequence[Signal]:
        self.asked.append((list(product_ids), limit))
        if self.error is not None:
            raise self.error
        answer = await super().signals_without_outcome(product_ids, limit)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return answer


class Line:
    """A queue over a store, with somebody who gives each signal of BTC its outcome."""

    def __init__(self) -> None:
        self.store = AskedStore()
        self.log = RecentEvents()
        self.activity = Activity()
        self.queue = SignalQueue([BTC, ETH], self.store, self.log, self.activity)
        self.ended: list[SignalId] = []
        self.failing: set[SignalId] = set()

    async def accept(self, number: int, product_id: ProductId = BTC) -> Signal:
        signal = make_signal(number, product_id)
        await self.store.accept_signal(make_inbound(signal, request=f"{product_id}{number}"))
        return signal

    async def act(self) -> None:
        while True:
            signal = await self.queue.next(BTC)
            has_outcome = signal.signal_id not in self.failing
            if has_outcome:
                await self.store.record_outcome(refused(signal))
                self.ended.append(signal.signal_id)
            self.queue.end(signal, has_outcome=has_outcome)

    async def quiet(self) -> None:
        async with asyncio.timeout(1):
            await self.activity.quiet()


@asynccontextmanager
async def working(line: Line) -> AsyncIterator[None]:
    board = TaskBoard(ManualClock(at(0)))
    tasks = [
        asyncio.create_task(line.act()),
        asyncio.create_task(board.keep("signals", 60, line.queue.fetch_repeatedly)),
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setattr(queue_signals, "FETCHED_MAX", PIECE)
    return Line()


async def test_what_an_earlier_life_left_is_ended_piece_by_piece_oldest_first(line: Line) -> None:
    """Ten in pieces of four: a query at the start and one for each piece but the first; the last finds two."""
    left = [await line.accept(number) for number in range(10)]
    await line.queue.fetch_all()
    async with working(line):
        await line.quiet()
    assert line.ended == [signal.signal_id for signal in left]
    assert line.store.asked == [([BTC, ETH], PIECE), ([BTC], PIECE), ([BTC], PIECE)]


async def test_a_backlog_of_whole_pieces_ends_with_a_query_that_finds_nothing(line: Line) -> None:
    for number in range(2 * PIECE):
        await line.accept(number)
    await line.queue.fetch_all()
    async with working(line):
        await line.quiet()
    assert len(line.ended) == 2 * PIECE
    assert len(line.store.asked) == 3
    assert line.queue.has_room(BTC)


async def test_while_older_ones_wait_in_the_store_no_new_one_is_let_in(line: Line) -> None:
    for number in range(PIECE):
        await line.accept(number)
    await line.queue.fetch_all()
    assert not line.queue.has_room(BTC)
    assert line.queue.has_room(ETH)


async def test_fewer_than_a_piece_leave_room(line: Line) -> None:
    for number in range(PIECE - 1):
        await line.accept(number)
    await line.queue.fetch_all()
    assert line.queue.has_room(BTC)


async def test_so_many_may_wait_in_memory(line: Line) -> None:
    for number in range(SIGNALS_MAX):
        assert line.queue.has_room(BTC)
        line.queue.put(make_signal(number))
    assert not line.queue.has_room(BTC)
    await line.queue.next(BTC)
    assert line.queue.has_room(BTC)


async def test_a_signal_that_waits_already_is_not_taken_up_again(line: Line) -> None:
    """Neither one in the line nor the one that is being acted on."""
    signals = [await line.accept(number) for number in range(2)]
    for signal in signals:
        line.queue.put(signal)
    acted_on = await line.queue.next(BTC)
    await line.queue.fetch_all()
    line.queue.put(acted_on)
    assert await line.queue.next(BTC) == signals[1]
    for signal in signals:
        await line.store.record_outcome(refused(signal))
        line.queue.end(signal, has_outcome=True)
    await line.quiet()


async def test_one_without_an_outcome_is_taken_up_again_by_the_next_look_and_not_before(line: Line) -> None:
    signals = [await line.accept(number) for number in range(2)]
    line.failing = {signals[0].signal_id}
    async with working(line):
        for signal in signals:
            line.queue.put(signal)
        await line.quiet()
        # The line ran empty with an outcome, so the one that failed was asked for once more, and failed again.
        assert line.ended == [signals[1].signal_id]
        queries_count = len(line.store.asked)
        line.failing.clear()
        await line.quiet()
        assert len(line.store.asked) == queries_count
        line.queue.look()
        await line.quiet()
    assert line.ended == [signals[1].signal_id, signals[0].signal_id]
    assert line.queue.has_room(BTC)


async def test_one_that_fails_while_the_store_is_asked_is_not_forgotten(line: Line) -> None:
    """The answer was given before it was accepted."""

    async def fail() -> None:
        line.queue.put(await line.accept(0))
        line.queue.end(await line.queue.next(BTC), has_outcome=False)

    line.store.meanwhile = fail
    await line.queue.fetch_all()
    async with working(line):
        line.queue.look()
        await line.quiet()
    assert line.ended == [make_signal(0).signal_id]


async def test_a_store_that_does_not_answer_is_asked_again_by_the_next_look(line: Line) -> None:
    left = [await line.accept(number) for number in range(PIECE + 2)]
    await line.queue.fetch_all()
    line.store.error = StoreUnreachable("down")
    async with working(line):
        await line.quiet()
        assert len(line.ended) == PIECE
        assert [told.event for told in line.log.newest] == ["signals_not_taken_up"]
        line.store.error = None
        line.queue.look()
        await line.quiet()
    assert line.ended == [signal.signal_id for signal in left]


async def test_a_look_asks_nothing_while_nothing_is_missing(line: Line) -> None:
    await line.accept(0)
    await line.queue.fetch_all()
    async with working(line):
        line.queue.look()
        await line.quiet()
    assert line.store.asked == [([BTC, ETH], PIECE)]
