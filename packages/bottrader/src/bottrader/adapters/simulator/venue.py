"""One simulated exchange for one paper session: its market, sockets and books, and a state that survives.

The bot talks to it over real loopback sockets like to any venue; only the driver of the session knows that it can be
stepped.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bottrader.domain.errors import ConfigInvalid, StartupRefused
from bottrader.domain.market import ProductId, quote_of
from bottrader.domain.money import ZERO
from bottrader.domain.reconciliation import Books
from coinbase_sim.market import CandleMarket
from coinbase_sim.model import BucketChanged, Event, OrderChanged, ProductSpec
from coinbase_sim.products import product_named
from coinbase_sim.replay import CandlesInvalid, load_bars
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.synthetic import SyntheticMarket
from coinbase_sim.ticks import Market
from coinbase_sim.wire.server import ServerOptions, SimulatorServer

SYNTHETIC_START = datetime(2026, 1, 1, tzinfo=UTC)
STATE_FILE = "simulator.json"
KEY_DIR = "key"


@dataclass(frozen=True, slots=True)
class VenueOptions:
    """The market to simulate: recorded candles of one pair, or a seeded synthetic one of several."""

    product_ids: Sequence[ProductId]
    candles: Path | None = None
    seed: int = 1
    minutes: int | None = None
    """Length of a synthetic market; None never ends."""
    balances: Mapping[str, Decimal] | None = None

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        quote = quote_of(self.product_ids[0])
        return self.balances if self.balances is not None else {quote: Decimal(10_000)}

    @property
    def label(self) -> str:
        """Name the market for people."""
        source = f"a synthetic market, seed {self.seed}" if self.candles is None else self.candles.name
        return f"paper trading of {', '.join(self.product_ids)} on {source}"

    def identity(self) -> str:
        """Return what tells this session's market and account from every other: the same again goes on with it.

        Raises `OSError` when the candles cannot be read.
        """
        digest = hashlib.sha256()
        if self.candles is not None:
            digest.update(self.candles.read_bytes())
        else:
            digest.update(f"synthetic {self.seed} {self.minutes}".encode())
        for part in (*self.product_ids, *(f"{name}={amount}" for name, amount in self.opening_balances.items())):
            digest.update(b"|" + part.encode())
        return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a session trades on, read and checked before anything is started or written for it."""

    market: Market
    products: tuple[ProductSpec, ...]
    balances: Mapping[str, Decimal]
    identity: str


@dataclass(frozen=True, slots=True)
class Step:
    """One tick taken: whose it was, and whether it told more than a price."""

    product_id: str
    at: datetime
    told_more: bool


class SimulatedVenue:
    """A running simulator; made by `open_venue`."""

    def __init__(self, simulator: Simulator, server: SimulatorServer, state_file: Path) -> None:
        self._simulator = simulator
        self._server = server
        self._state_file = state_file
        self._told_more = False
        self._save_is_due = False
        simulator.subscribe(self._hear)

    @property
    def rest_url(self) -> str:
        return self._server.rest_url

    @property
    def ws_url(self) -> str:
        return self._server.ws_url

    @property
    def key_name(self) -> str:
        return self._server.key_name

    @property
    def key_file(self) -> Path:
        return self._server.key_file

    @property
    def has_traded(self) -> bool:
        """Whether any order was ever sent here, earlier runs of the session included."""
        return bool(self._simulator.orders())

    @property
    def now(self) -> datetime:
        return self._simulator.now

    @property
    def ticks_count(self) -> int:
        """How many ticks the market has given so far, earlier runs of the session included."""
        return self._simulator.market.position

    async def step(self) -> Step | None:
        """Advance the market by one tick and hand its messages to the sockets; None when the market has ended."""
        self._told_more = False
        tick = self._simulator.step()
        if tick is None:
            return None
        if self._told_more:
            # A heartbeat follows on the same sockets, so a client that has handled it has handled all before it.
            await self._server.publish_heartbeat()
        await self._server.flush()
        return Step(tick.product_id, tick.at, self._told_more)

    def books(self) -> Books:
        """Return the exchange's own books in the bot's terms."""
        theirs = self._simulator.books()
        quotes = {spec.quote_currency for spec in self._simulator.products.values()}
        cash = {currency: total for currency, total in theirs.totals.items() if currency in quotes}
        holdings = {currency: total for currency, total in theirs.totals.items() if currency not in quotes}
        return Books(cash, {currency: total for currency, total in holdings.items() if total != ZERO}, theirs.fees)

    def save(self) -> None:
        """Write the exchange's state so that the file is always a whole one: the old, or the new."""
        beside = self._state_file.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(self._simulator.snapshot())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._state_file)

    def _save_due(self) -> None:
        self._save_is_due = False
        self.save()

    def _hear(self, event: Event) -> None:
        if isinstance(event, OrderChanged) and not self._save_is_due:
            # Bot and exchange share one event loop, and a callback queued now runs before the bot can read the reply:
            # an exchange must not forget an order it has confirmed, whatever kills the process.
            self._save_is_due = True
            asyncio.get_running_loop().call_soon(self._save_due)
        if isinstance(event, BucketChanged | OrderChanged):
            self._told_more = True


def prepare_ground(options: VenueOptions) -> Ground:
    """Return the market that `options` describe.

    Raises:
        ConfigInvalid: when the candles cannot be used or a pair is not listed; one sentence that says why.
    """
    try:
        products = tuple(product_named(product_id) for product_id in options.product_ids)
        return Ground(_market(options, products), products, options.opening_balances, options.identity())
    except CandlesInvalid as error:
        raise ConfigInvalid(str(error)) from None
    except OSError as error:
        raise ConfigInvalid(f"the candles {options.candles} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigInvalid(f"the paper market cannot be made: {error}") from None


@asynccontextmanager
async def open_venue(ground: Ground, directory: Path) -> AsyncIterator[SimulatedVenue]:
    """Run the exchange of a session while the body lasts; an earlier state in `directory` is taken up again.

    Raises:
        StartupRefused: when the saved state does not fit.
    """
    options = SimulatorOptions(balances=ground.balances, name=ground.identity)
    simulator = Simulator(ground.market, ground.products, options)
    directory.mkdir(parents=True, exist_ok=True)
    state_file = directory / STATE_FILE
    if state_file.exists():
        _restore(simulator, state_file)
    async with SimulatorServer(simulator, ServerOptions(key_dir=directory / KEY_DIR)) as server:
        venue = SimulatedVenue(simulator, server, state_file)
        # At once, so that a session which is killed before its first order can go on too.
        venue.save()
        try:
            yield venue
        finally:
            venue.save()


def _market(options: VenueOptions, products: tuple[ProductSpec, ...]) -> Market:
    if options.candles is None:
        return SyntheticMarket(products, options.seed, SYNTHETIC_START, options.minutes)
    return CandleMarket(products, load_bars(options.candles, options.product_ids[0]))


def has_state(directory: Path) -> bool:
    """Tell whether a session has left the state of its exchange in `directory`."""
    return (directory / STATE_FILE).exists()


def _restore(simulator: Simulator, state_file: Path) -> None:
    try:
        simulator.restore(state_file.read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise StartupRefused(
            f"the saved exchange {state_file} cannot be taken up ({error}); start over with --fresh"
        ) from None
