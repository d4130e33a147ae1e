"""The kill switch: a row in the database or a file in the data folder, and nothing is bought while either says so.

Rows are read again before every entry, so it does not matter which process threw the switch. What was read last is
kept for those who must not wait: the health page, and the sale of everything where the switch asks for it.
"""

from bottrader.app.world import World
from bottrader.domain.risk import KillSwitch
from bottrader.ports import KillFile

FILE_SOURCE = "file"


class KillSwitchBoard:
    """Throws the switch, reads it, and remembers what it read."""

    def __init__(self, world: World, file: KillFile) -> None:
        self._store = world.store
        self._clock = world.clock
        self._log = world.log
        self._file = file
        self._thrown: KillSwitch | None = None
        self._in_file: KillSwitch | None = None
        self._held: KillSwitch | None = None

    @property
    def last(self) -> KillSwitch | None:
        """The switch that was on when it was read last, None when none was."""
        if self._thrown is not None and self._thrown.is_on:
            return self._thrown
        return self._in_file or self._held

    async def read(self) -> KillSwitch | None:
        """Return the switch that is on now, or None. Raises `StoreUnreachable`: who does not know must not buy."""
        before = self.last
        self._in_file = self._look()
        self._thrown = await self._store.kill_switch()
        self._tell(before)
        return self.last

    async def throw(self, switch: KillSwitch, request_digest: str | None = None) -> bool:
        """Make a throw durable; False when the request that asked for it was answered before."""
        if not await self._store.record_kill_switch(switch, request_digest):
            return False
        before, self._thrown = self.last, switch
        self._tell(before)
        return True

    def hold(self, reason: str | None, source: str) -> None:
        """Keep this process from buying for as long as there is a reason; None ends it. A start judges anew."""
        before = self.last
        self._held = None if reason is None else KillSwitch(True, reason, source, self._clock.wall())
        if (before is None) != (self.last is None):
            self._tell(before)

    def _look(self) -> KillSwitch | None:
        reason = self._file.reason()
        if reason is None or self._in_file is not None:
            return None if reason is None else self._in_file
        return KillSwitch(True, reason, FILE_SOURCE, self._clock.wall())

    def _tell(self, before: KillSwitch | None) -> None:
        now = self.last
        if now is not None and now != before:
            self._log.alarm("kill_switch_on", reason=now.reason, source=now.source, flattens=now.flattens)
        elif now is None and before is not None:
            self._log.info("kill_switch_off", reason="" if self._thrown is None else self._thrown.reason)
