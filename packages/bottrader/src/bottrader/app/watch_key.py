"""Asks again and again what the API key may do: rights can be added to a key while the bot runs."""

from datetime import timedelta

from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.tasks import Pulse
from bottrader.app.world import World
from bottrader.domain.errors import AdapterError
from bottrader.ports import KeyPermissions

CHECK_INTERVAL = timedelta(hours=1)
KEY_SOURCE = "key"


def key_fault(permissions: KeyPermissions) -> str | None:
    """Return why a key must not be used, None when it may be."""
    if permissions.can_transfer:
        return (
            "the API key can transfer funds; a stolen bot key must not be able to empty the account: make one that"
            " can only view and trade"
        )
    if not permissions.can_trade:
        return "the API key cannot trade: give it the permission to trade, but not to transfer"
    return None


class KeyWatcher:
    """Holds the kill switch on while the key must not be used; positions may still be left."""

    def __init__(self, world: World, kill_switch: KillSwitchBoard, portfolio_id: str) -> None:
        self._world = world
        self._kill_switch = kill_switch
        self._portfolio_id = portfolio_id

    async def run(self, pulse: Pulse) -> None:
        """Check every hour until cancelled."""
        while True:
            await pulse.sleep(CHECK_INTERVAL.total_seconds())
            await self.check()

    async def check(self) -> None:
        """Ask once; an exchange that does not answer is told, and the next hour asks again."""
        try:
            permissions = await self._world.exchange.permissions()
            fault = key_fault(permissions)
            if fault is None and permissions.portfolio_id != self._portfolio_id:
                fault = "the API key belongs to another portfolio than at the start: start the bot again"
            self._kill_switch.hold(fault, KEY_SOURCE)
        except AdapterError as error:
            self._world.log.alarm("key_not_checked", cause=str(error))
