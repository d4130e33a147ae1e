"""Which long-lived tasks of a process are alive, so that one that ended or hangs is seen at once (R54).

A task is on the board by name. It beats while it works and rests while it waits for work that may never come; one that
works for longer than it may without a beat is silent, and so is one that should have begun and did not. asyncio wakes
whoever waits, so a rest cannot hang: what waits for work is alive until it ends.
"""

from collections.abc import Awaitable, Callable

from bottrader.app.figures import Figure, Reading
from bottrader.ports import Clock

# A task that has nothing to do for long is seen to live this often.
NAP_S_MAX = 5.0


class Pulse:
    """The sign of life of one task; `beat` and `rest` cost next to nothing, so they may be called for every message."""

    __slots__ = ("_beaten_s", "_clock", "_is_resting", "has_ended", "silence_s_max")

    def __init__(self, clock: Clock, silence_s_max: float) -> None:
        self._clock = clock
        self.silence_s_max = silence_s_max
        self.has_ended = False
        self._is_resting = False
        self._beaten_s = clock.monotonic_s()

    @property
    def age_s(self) -> float:
        """Seconds since the last beat; none while the task waits for work."""
        return 0.0 if self._is_resting else self._clock.monotonic_s() - self._beaten_s

    def beat(self) -> None:
        """Tell that the task is at work and has come as far as here."""
        self._is_resting = False
        self._beaten_s = self._clock.monotonic_s()

    def rest(self) -> None:
        """Tell that the task has done its work and waits for more."""
        self._is_resting = True

    def end(self) -> None:
        """Tell that the task will do nothing any more."""
        self.beat()
        self.has_ended = True

    async def sleep(self, seconds: float) -> None:
        """Wait in real time, beating meanwhile."""
        left_s = seconds
        self.beat()
        while left_s > 0:
            nap_s = min(left_s, NAP_S_MAX)
            await self._clock.sleep(nap_s)
            left_s -= nap_s
            self.beat()


class TaskBoard:
    """The long-lived tasks of one role, by name; names begin with the role, such as `webhook.lease`."""

    def __init__(self, clock: Clock, role: str = "") -> None:
        self._clock = clock
        self._role = role
        self._pulses: dict[str, Pulse] = {}

    def register(self, name: str, silence_s_max: float) -> Pulse:
        """Put a task on the board, due to beat from now on; one that begins anew takes its own place again."""
        pulse = Pulse(self._clock, silence_s_max)
        self._pulses[f"{self._role}.{name}" if self._role else name] = pulse
        return pulse

    async def keep(self, name: str, silence_s_max: float, work: Callable[[Pulse], Awaitable[None]]) -> None:
        """Do `work` as a task of the board; however it ends, the board knows."""
        pulse = self.register(name, silence_s_max)
        try:
            await work(pulse)
        finally:
            pulse.end()

    def ages_s(self) -> dict[str, float]:
        """Return seconds since the last beat of each task."""
        return {name: pulse.age_s for name, pulse in self._pulses.items()}

    def readings(self) -> list[Reading]:
        """Return beat age and longest allowed silence of each task."""
        return [
            reading
            for name, pulse in self._pulses.items()
            for reading in (
                Reading(Figure.TASK_BEAT_AGE_S, pulse.age_s, name),
                Reading(Figure.TASK_SILENCE_MAX_S, pulse.silence_s_max, name),
            )
        ]

    def faults(self) -> list[str]:
        """Return one sentence for each task that ended or fell silent."""
        faults = []
        for name, pulse in self._pulses.items():
            if pulse.has_ended:
                faults.append(f"the task {name} has ended")
            elif pulse.age_s > pulse.silence_s_max:
                faults.append(f"the task {name} has been silent for more than {pulse.silence_s_max:g} s")
        return faults
