"""A `Notifier` over Apprise that trading never notices.

`notify` puts into a bounded queue, and a full queue drops. One task takes from it and has each message sent by a daemon
thread of its own: Apprise blocks while it talks, and a thread of asyncio's pool that hangs would hold up name lookups
of the exchange, and the end of the process. A send that takes too long is given up; so many hang at most, after which
nothing is sent before one of them ends.
"""

import asyncio
import logging
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bottrader.app.figures import Figure, Reading
from bottrader.app.tasks import Pulse, TaskBoard
from bottrader.domain.errors import ConfigInvalid
from bottrader.ports import Clock, EventLog, Severity

WAITING_MAX = 100
SEND_S_MAX = 30.0
HANGING_MAX = 3
# How long an end waits for what was said last.
DRAIN_S_MAX = 5.0


class Result(StrEnum):
    """What became of a notification, at one address each."""

    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class Target(Protocol):
    """One address; blocks while it sends."""

    def notify(self, *, title: str, body: str, notify_type: str) -> object:
        """Return something true when it was taken."""
        ...


@dataclass(frozen=True, slots=True)
class _Message:
    severity: Severity
    title: str
    text: str


def targets_of(urls: Sequence[str]) -> list[Target]:
    """Return the addresses; raises `ConfigInvalid` naming one that Apprise does not know by its place, not its text."""
    if not urls:
        return []
    # Loading its hundred services takes a second, which only those pay who use it.
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - see above

    # It would write addresses, which are secrets, to standard error.
    logging.getLogger("apprise").disabled = True
    # A service that is taken over cannot send messages on to anywhere else.
    asset = AppriseAsset(http_redirects=False)
    targets: list[Target] = []
    for number, url in enumerate(urls, start=1):
        with warnings.catch_warnings():
            # Some of its services load what Python will not have any more; they are none that we ask for.
            warnings.simplefilter("ignore", DeprecationWarning)
            target = Apprise.instantiate(url, asset=asset)
        if target is None:
            raise ConfigInvalid(
                f"BOTTRADER_NOTIFY_URLS: address number {number} is none that Apprise knows; they are written as"
                " in tgram://TOKEN/CHAT or mailtos://USER:PASSWORD@HOST, a comma within one as %2C"
            )
        targets.append(target)
    return targets


class QueuedNotifier:
    """Sends one message after the other to every target; `run` is its task, `drain` its end."""

    def __init__(self, targets: Sequence[Target], clock: Clock, log: EventLog) -> None:
        """Without targets nothing is sent. `log` must not lead back here, or a failure would make the next one."""
        self._targets = targets
        self._log = log
        self._queue: asyncio.Queue[_Message] = asyncio.Queue(WAITING_MAX)
        self._hanging: set[threading.Thread] = set()
        self._is_failing = False
        self.results = dict.fromkeys(Result, 0)
        self.board = TaskBoard(clock, "notifier")

    def notify(self, severity: Severity, title: str, text: str) -> None:
        if not self._targets:
            return
        try:
            self._queue.put_nowait(_Message(severity, title, text))
        except asyncio.QueueFull:
            self._count(Result.DROPPED)

    async def run(self) -> None:
        """Send until cancelled."""
        await self.board.keep("send", 2 * SEND_S_MAX * max(len(self._targets), 1), self._send_repeatedly)

    async def drain(self) -> None:
        """Return once everything is sent, or after some seconds; `run` goes on meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S_MAX):
                await self._queue.join()

    def is_ready(self) -> bool:
        return True

    def faults(self) -> list[str]:
        """Nothing: a service of other people that is down is no reason to call a bot that trades degraded."""
        return []

    def readings(self) -> list[Reading]:
        return [Reading(Figure.NOTIFICATIONS, count, result) for result, count in self.results.items()]

    async def _send_repeatedly(self, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            message = await self._queue.get()
            for target in self._targets:
                pulse.beat()
                is_sent = await self._send(target, message)
                self._count(Result.SENT if is_sent else Result.FAILED)
            self._queue.task_done()

    async def _send(self, target: Target, message: _Message) -> bool:
        self._hanging = {thread for thread in self._hanging if thread.is_alive()}
        if len(self._hanging) >= HANGING_MAX:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        thread = threading.Thread(target=_send_blocking, args=(target, message, answer), daemon=True, name="notifier")
        thread.start()
        try:
            async with asyncio.timeout(SEND_S_MAX):
                return await answer
        except TimeoutError:
            self._hanging.add(thread)
            return False

    def _count(self, result: Result) -> None:
        self.results[result] += 1
        is_failing = result is not Result.SENT
        if is_failing and not self._is_failing:
            # Once per stretch, and without the address.
            self._log.alarm("notification_not_sent", result=result)
        self._is_failing = is_failing


def _send_blocking(target: Target, message: _Message, answer: "asyncio.Future[bool]") -> None:
    """Send in a thread, and answer in the loop; what a service's own code trips over is a failure like any other."""
    is_sent = False
    try:
        with suppress(OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError):
            is_sent = bool(target.notify(title=message.title, body=message.text, notify_type=message.severity.value))
    finally:
        # The loop may be closed by now, and nobody waits any more.
        with suppress(RuntimeError):
            answer.get_loop().call_soon_threadsafe(_answer, answer, is_sent)


def _answer(answer: "asyncio.Future[bool]", is_sent: bool) -> None:
    if not answer.done():
        answer.set_result(is_sent)
