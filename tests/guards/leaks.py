"""What a test started, it ends: tasks, threads and sockets that outlive it fail it.

pytest-asyncio cancels what is left on the loop without a word, and an unclosed socket is noticed when the collector
finds it, which is during some later test. So all of it is counted: tasks when their loop is closed, the rest when the
last fixture of the test is gone. An event loop has sockets of its own, so one that is not closed is seen too. Fixtures
of a larger scope exist before the counting begins.
"""

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

DESCRIPTORS = "/proc/self/fd"
IS_TOLD = Path(DESCRIPTORS).is_dir()
KIND = "socket:"
PATIENCE_S = 2.0
POLL_S = 0.005
TURNS = 10
LOST = "Task was destroyed but it is pending"
# A thread of a library's own, one for the process, which takes down name resolvers.
THREADS_OF_LIBRARIES = ("_run_safe_shutdown_loop",)

_close = asyncio.Runner.close
_tasks: list[str] = []
_not_of_tests: set[str] = set()


@dataclass(frozen=True)
class Open:
    """What was there when the test began."""

    descriptors: frozenset[str]
    threads: frozenset[threading.Thread]


BEFORE = pytest.StashKey[Open]()


class _LostTasks(logging.Handler):
    """Notes the tasks that were collected as garbage before they ended; asyncio only writes them to its log."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if LOST in text:
            _tasks.append(" ".join(text.split()))


_lost_tasks = _LostTasks()


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("asyncio").addHandler(_lost_tasks)
    asyncio.Runner.close = _note_and_close  # type: ignore[assignment, method-assign]


def pytest_unconfigure(config: pytest.Config) -> None:
    logging.getLogger("asyncio").removeHandler(_lost_tasks)
    asyncio.Runner.close = _close  # type: ignore[method-assign]


def is_not_of_a_test(descriptor: int) -> None:
    """Leave a socket out of the counting: it belongs to what serves the tests, and is opened while one runs."""
    if IS_TOLD:
        _not_of_tests.add(os.readlink(f"{DESCRIPTORS}/{descriptor}"))  # noqa: PTH115 - as in `_descriptors`


def _note_and_close(runner: asyncio.Runner) -> None:
    loop = getattr(runner, "_loop", None)
    if loop is not None and not loop.is_closed():
        # Held fast: the loop itself does not keep a task alive that waits for what nobody else knows.
        pending = asyncio.all_tasks(loop)
        if pending:
            # One that has been cancelled ends when the loop comes round to it.
            loop.run_until_complete(_turns())
        _tasks.extend(f"task {task.get_name()} of {task.get_coro()}" for task in pending if not task.done())
    _close(runner)


@pytest.fixture(autouse=True)
def _count_what_is_open(request: pytest.FixtureRequest) -> None:
    """Count before the test's own fixtures are set up; autouse ones come first."""
    request.node.stash[BEFORE] = Open(_descriptors(), frozenset(threading.enumerate()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    leaked = [*_tasks]
    _tasks.clear()
    before = item.stash.get(BEFORE, None)
    if before is not None:
        leaked += [*_new_threads(before), *_new_descriptors(before)]
    if leaked:
        pytest.fail(
            f"left behind by the test: {'; '.join(leaked)}; close or await it, or let a fixture do so", pytrace=False
        )


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _new_threads(before: Open) -> list[str]:
    found = []
    for thread in set(threading.enumerate()) - before.threads:
        if any(name in thread.name for name in THREADS_OF_LIBRARIES):
            continue
        # One that has been told to end may need a moment for it.
        thread.join(PATIENCE_S)
        if thread.is_alive():
            found.append(f"thread {thread.name}")
    return found


def _new_descriptors(before: Open) -> list[str]:
    if not _descriptors() - before.descriptors - _not_of_tests:
        return []
    # What nobody holds any more is closed here, and its ResourceWarning belongs to this test.
    gc.collect()
    deadline = time.monotonic() + PATIENCE_S
    while (found := _descriptors() - before.descriptors - _not_of_tests) and time.monotonic() < deadline:
        # Another thread may be about to close it, or to say that it is not of a test.
        threading.Event().wait(POLL_S)
    return sorted(found)


def _descriptors() -> frozenset[str]:
    """Return what names each open socket; nothing on a system that does not tell."""
    found = []
    # Not pathlib: this happens twice in each of thousands of tests.
    for number in os.listdir(DESCRIPTORS) if IS_TOLD else ():  # noqa: PTH208
        try:
            link = os.readlink(f"{DESCRIPTORS}/{number}")  # noqa: PTH115 - as above
        except OSError:
            # The one with which the folder was read.
            continue
        if link.startswith(KIND):
            found.append(link)
    return frozenset(found)
