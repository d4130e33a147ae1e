"""Show somebody outside, once a minute, that the bot is healthy; silence is the alarm (D12).

Only an alarm that sounds when nothing comes can tell of a process, a host or a network that is gone. Nothing waits for
it: a heartbeat that is not taken is told in the log and has no other effect.
"""

from collections.abc import Callable

from bottrader.app.tasks import Pulse
from bottrader.ports import EventLog, Pinger

INTERVAL_S = 60.0
SILENCE_S_MAX = 120.0


class HeartbeatSender:
    """Pings while `is_healthy`, and says so when that fails or works again."""

    def __init__(self, pinger: Pinger, is_healthy: Callable[[], bool], log: EventLog) -> None:
        self._pinger = pinger
        self._is_healthy = is_healthy
        self._log = log
        self._is_failing = False

    async def run(self, pulse: Pulse) -> None:
        """Send until cancelled."""
        while True:
            await self.beat()
            await pulse.sleep(INTERVAL_S)

    async def beat(self) -> None:
        """Send one heartbeat if everything is well."""
        if not self._is_healthy():
            return
        is_taken = await self._pinger.ping()
        if is_taken and self._is_failing:
            self._log.info("heartbeat_taken_again")
        elif not is_taken and not self._is_failing:
            # Told once per stretch: an alarm every minute is an alarm nobody reads.
            self._log.alarm("heartbeat_not_taken")
        self._is_failing = not is_taken
