"""Ctrl-C and SIGTERM as an event: the first asks for an orderly stop, a second one ends at once."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

import typer
import uvloop

Result = TypeVar("Result")

# What a shell reports for a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130


def run_until_stopped(work: Callable[[asyncio.Event], Coroutine[object, object, Result]]) -> Result:
    """Run `work` with an event that Ctrl-C or SIGTERM sets, and return what it returns."""

    async def supervised() -> Result:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def ask() -> None:
            if stop.is_set():
                task.cancel()
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ask)
        return await work(stop)

    try:
        return uvloop.run(supervised())
    except asyncio.CancelledError:
        raise typer.Exit(EXIT_INTERRUPTED) from None
