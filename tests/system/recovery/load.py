"""What keeps the bot busy while it is killed: a market that rises and falls, and a sender that does not give up."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import aiohttp

from tests.fixtures.processes import PATIENCE_S, signal_body, signature

TICK_S = 0.04
SIGNAL_S = 0.1
RETRY_S = 0.05
REQUEST_TIMEOUT_S = 5.0
BASE = 40_000
# Above the target of 3.5 % after fees of 0.8 % for each way, and below the stop at 5 %.
RISE, FALL = Decimal("1.065"), Decimal("0.945")
FINAL_FALL = Decimal("0.92")


def tides(chance: Random) -> Iterator[Decimal]:
    """Yield factors of a product's price for ever: calm, a rise or a fall that ends a position, calm again."""
    while True:
        for _ in range(chance.randint(3, 8)):
            yield 1 + Decimal(chance.randint(-20, 20)) / 10_000
        far = chance.choice([RISE, RISE, FALL])
        for _ in range(chance.randint(3, 7)):
            yield far


@dataclass
class Market:
    """Moves the prices of an exchange; while that is killed, they stand."""

    control: str
    http: aiohttp.ClientSession
    products: Sequence[str]
    chance: Random
    is_falling: bool = False

    async def run(self) -> None:
        tide = {product: tides(self.chance) for product in self.products}
        while True:
            for product in self.products:
                factor = FINAL_FALL if self.is_falling else next(tide[product])
                body = {"product_id": product, "price": f"{BASE * factor:.2f}"}
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with self.http.post(f"{self.control}/price", json=body) as reply:
                        await reply.read()
                await asyncio.sleep(TICK_S / len(self.products))


@dataclass
class Sender:
    """Sends one buy after the other, each until the webhook has acknowledged it."""

    url: str
    http: aiohttp.ClientSession
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """Answers that nobody may get who sends what is right."""
    unauthorized_count: int = 0
    refusals_in_row: int = 0
    is_ending: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, products: Sequence[str]) -> None:
        self._tasks = [asyncio.create_task(self._run(product)) for product in products]

    async def end(self) -> None:
        """Send no more, and return when the last one is acknowledged."""
        self.is_ending = True
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Give up what is not acknowledged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, product: str) -> None:
        while not self.is_ending:
            body = signal_body("buy", pair=product)
            await self._deliver(body)
            self.acknowledged.append(body)
            await asyncio.sleep(SIGNAL_S)

    async def _deliver(self, body: dict[str, Any]) -> None:
        encoded = json.dumps(body).encode()
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(f"{self.url}/webhook", data=encoded, headers=signature(encoded)) as reply:
                    text = await reply.text()
                    if reply.status == 200:
                        self.refusals_in_row = 0
                        return
                    self.refusals_in_row += 1
                    if reply.status == 401:
                        self.unauthorized_count += 1
                    elif reply.status not in {429, 503}:
                        self.odd.append(f"{reply.status} {text}")
            await asyncio.sleep(RETRY_S)
