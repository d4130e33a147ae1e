"""Running until told to stop, and failing as what went wrong."""

import asyncio
from pathlib import Path

import pytest

from bottrader.bootstrap.roles import Role, first_cause, run_role, run_until, start_faults
from bottrader.config import load_settings
from bottrader.domain.errors import InvariantBroken, StartupRefused


async def test_work_that_ends_ends_the_run() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("worked")

    await run_until(work(), asyncio.Event())
    assert done == ["worked"]


async def test_a_stop_lets_the_work_clean_up() -> None:
    stop, done = asyncio.Event(), []

    async def work() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("cleaned up")

    await run_until(work(), stop)
    assert done == ["cleaned up"]


async def test_a_failure_deep_inside_is_raised_as_itself() -> None:
    async def fail() -> None:
        raise InvariantBroken("the books contradict themselves")

    async def work() -> None:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(asyncio.Event().wait())
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail())

    with pytest.raises(InvariantBroken, match="contradict"):
        await run_until(work(), asyncio.Event())


async def test_a_run_that_is_cancelled_cancels_its_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    run = asyncio.create_task(run_until(work(), asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended.is_set()


def test_the_first_cause_lies_within_groups_of_groups() -> None:
    inner = ValueError("x")
    assert first_cause(ExceptionGroup("o", [ExceptionGroup("i", [inner]), KeyError("later")])) is inner


@pytest.mark.parametrize("role", list(Role))
async def test_a_start_is_refused_for_everything_at_once_and_leaves_no_trace(role: Role, tmp_path: Path) -> None:
    """B283, R31: the path is on a volume that is not there, and nothing was opened before that was said."""
    (tmp_path / "volume").touch()
    settings = load_settings({"data_dir": tmp_path / "volume" / "data", "strategy": "moonshot"}, None)
    with pytest.raises(StartupRefused) as refused:
        await run_role(settings, role, asyncio.Event())
    told = str(refused.value)
    assert f"the data folder {tmp_path}/volume/data cannot be written" in told
    assert "'moonshot'" in told
    assert told.splitlines() == start_faults(settings, role)
    assert [file.name for file in tmp_path.iterdir()] == ["volume"]


def test_a_folder_that_is_not_there_yet_is_no_fault_and_is_not_made(tmp_path: Path) -> None:
    settings = load_settings({"data_dir": tmp_path / "deep" / "down"}, None)
    assert start_faults(settings, None) == []
    assert list(tmp_path.iterdir()) == []
