"""What happens to the actors, and how long each time until positions are looked after again."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.fixtures.cutting_proxy import Cut
from tests.system.recovery.actors import Actor
from tests.system.recovery.scene import POLL_S, Scene

MOMENT_S_MAX = 0.4
ORDER_WAIT_S = 3.0
CUT_WAIT_S = 10.0
# So often the next incident comes while the bot still recovers from the last.
AT_ONCE = 0.25


@dataclass
class Incidents:
    """Plays incidents by name, at moments that `chance` draws."""

    scene: Scene
    sighook: Actor
    chance: Random
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _struck_at: float = 0.0

    def _kinds(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "webhook": self._kill_webhook,
            "webhook with an order at the exchange": self._kill_webhook_mid_order,
            "sighook": self._kill_sighook,
            "postgres": self._kill_postgres,
            "exchange": self._kill_exchange,
            "cut before COMMIT": lambda: self._cut(Cut.BEFORE),
            "cut after COMMIT": lambda: self._cut(Cut.AFTER),
        }

    async def play(self, kind: str) -> None:
        """Have one incident, and wait until the bot is well again, or not at all."""
        # The moment itself is drawn, so there is no event to wait for.
        await asyncio.sleep(self.chance.random() * MOMENT_S_MAX)
        await self._kinds()[kind]()
        self.counts[kind] += 1
        if self.chance.random() < AT_ONCE:
            return
        await self.scene.protected()
        self.seconds[kind].append(monotonic() - self._struck_at)

    async def _kill(self, actor: Actor) -> None:
        self._struck_at = monotonic()
        await actor.kill()

    async def _kill_webhook(self) -> None:
        await self._kill(self.scene.webhooks[0])

    async def _kill_sighook(self) -> None:
        await self._kill(self.sighook)

    async def _kill_exchange(self) -> None:
        await self._kill(self.scene.exchange)

    async def _kill_webhook_mid_order(self) -> None:
        """Kill it while an order of it is at the exchange and the answer is on its way."""
        await self.scene.venue_time()
        await self.scene.fault(on="POST /orders", do="delay_reply", seconds=ORDER_WAIT_S)
        before, until = len(self.scene.ledger().orders), monotonic() + ORDER_WAIT_S
        # The ledger is another process's file.
        while monotonic() < until and len(self.scene.ledger().orders) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await self._kill(self.scene.webhooks[0])

    async def _kill_postgres(self) -> None:
        self._struck_at = monotonic()
        await self.scene.server.kill()
        await asyncio.to_thread(self.scene.server.start)

    async def _cut(self, cut: Cut) -> None:
        """Break the wire at the next commit; one that does not come was not cut."""
        before, until = self.scene.proxy.cuts_count, monotonic() + CUT_WAIT_S
        self.scene.proxy.arm(cut)
        while self.scene.proxy.cuts_count == before:
            assert monotonic() < until, "nothing was committed"
            await asyncio.sleep(POLL_S)
        self._struck_at = monotonic()
