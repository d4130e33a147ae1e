"""A unit test does not wait in real time: `time.sleep` is refused, and `asyncio.sleep` beyond a turn of the loop."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guards.layers import layer_of

SLEEP_S_MAX = 0.05
_sleep, _async_sleep = time.sleep, asyncio.sleep
_guarded: list[pytest.Item] = []


def pytest_configure(config: pytest.Config) -> None:
    # Before the code under test is imported, so that `from time import sleep` gets the guarded one too.
    time.sleep = _refuse  # type: ignore[assignment]  # the parameter has no name in the library
    asyncio.sleep = asyncio.tasks.sleep = _refuse_long


def pytest_unconfigure(config: pytest.Config) -> None:
    time.sleep = _sleep
    asyncio.sleep = asyncio.tasks.sleep = _async_sleep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if layer_of(item.path) == "unit":
        _guarded.append(item)
    try:
        return (yield)
    finally:
        _guarded.clear()


def _refuse(seconds: float) -> None:
    if _guarded:
        pytest.fail(f"a unit test slept {seconds} s for real; wait on a fake clock", pytrace=False)
    _sleep(seconds)


async def _refuse_long(delay: float, result: Any = None) -> Any:
    if _guarded and delay > SLEEP_S_MAX:
        pytest.fail(
            f"a unit test slept {delay} s on the event loop; wait on a fake clock or for an event", pytrace=False
        )
    return await _async_sleep(delay, result)
