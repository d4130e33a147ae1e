"""The command `coinbase-sim`: a simulated Coinbase Advanced Trade exchange on this machine."""

import asyncio
import errno
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import msgspec
import typer

from coinbase_sim import options
from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.event_log import EventLog
from coinbase_sim.faults import Faults, parse_faults
from coinbase_sim.journal import Journal, save
from coinbase_sim.market import CandleMarket, ManualMarket, Market, SyntheticMarket, SyntheticOptions
from coinbase_sim.model import ProductSpec
from coinbase_sim.pacer import MAX, Pacer
from coinbase_sim.products import product_named
from coinbase_sim.replay import load_bars
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.state import decode_state
from coinbase_sim.ticks import DEFAULT_LADDER
from coinbase_sim.wire.auth import KeyInvalid
from coinbase_sim.wire.limits import RateLimits
from coinbase_sim.wire.server import ServerOptions, SimulatorServer

SYNTHETIC_START = datetime(2026, 1, 1, tzinfo=UTC)

_BALANCE = re.compile(r"([A-Z0-9]{2,10})=(\d{1,15}(?:\.\d{1,18})?)", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,18})?", re.ASCII)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class InputInvalid(ValueError):
    """Something that the user gave cannot be used; the text is one sentence that says what and what to do."""


@dataclass(frozen=True, slots=True)
class MarketChoice:
    """What the exchange trades on; exactly one of the three kinds of market comes of it."""

    names: list[str]
    seed: int
    candles: Path | None
    manual_price: str | None
    levels: int
    """Price levels on each side of the displayed book."""


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """The account as the user spelt it."""

    balances: list[str]
    maker_fee: str
    taker_fee: str
    name: str
    duplicate_ids: DuplicateIds

    def terms(self) -> SimulatorOptions:
        """Return what was spelt; raises `InputInvalid`."""
        return SimulatorOptions(
            balances=_balances(self.balances),
            maker_fee_rate=_rate("--maker-fee", self.maker_fee),
            taker_fee_rate=_rate("--taker-fee", self.taker_fee),
            name=self.name,
            duplicate_ids=self.duplicate_ids,
        )


@dataclass(frozen=True, slots=True)
class Session:
    """How one run of the exchange begins and what it leaves."""

    speed: str | None
    state: Path | None
    is_durable: bool
    warmup: int
    faults: Path | None
    event_log: Path | None


@app.callback()
def _root() -> None:
    """A simulated Coinbase Advanced Trade exchange that speaks the venue's own REST and WebSocket protocol."""


@app.command()
def serve(  # noqa: PLR0913 - each parameter is an option of the command, and Typer reads them from the signature
    *,
    host: options.Host = "127.0.0.1",
    port: options.Port = 0,
    tls_port: options.TlsPort = None,
    seed: options.Seed = 1,
    candles: options.Candles = None,
    manual: options.ManualPrice = None,
    product: options.Products = None,
    balance: options.Balances = None,
    maker_fee: options.MakerFee = "0.004",
    taker_fee: options.TakerFee = "0.008",
    speed: options.Speed = None,
    key_dir: options.KeyDir = None,
    state: options.StateFile = None,
    durable: options.Durable = False,
    warmup: options.Warmup = 0,
    name: options.ExchangeName = "coinbase-sim",
    heartbeat: options.Heartbeat = 1.0,
    auth: options.Auth = True,
    private_limit: options.PrivateLimit = None,
    public_limit: options.PublicLimit = None,
    quiet_close: options.QuietClose = None,
    duplicate_ids: options.DuplicateIdsMeaning = DuplicateIds.EXISTING,
    levels: options.Levels = DEFAULT_LADDER.levels,
    faults: options.FaultScript = None,
    event_log: options.EventLogFile = None,
) -> None:
    """Serve the exchange until SIGTERM or Ctrl-C.

    When ready it prints one line of JSON with the addresses, the API key's name and file, and (with --tls-port) the
    certificate to trust. Everything under /control steps, pauses and disturbs the exchange; see the README.
    """
    limits = _limits(private_limit, public_limit)
    served = ServerOptions(host, port, tls_port, key_dir, auth, heartbeat, limits, quiet_close)
    account = AccountChoice(balance or ["USD=10000"], maker_fee, taker_fee, name, duplicate_ids)
    session = Session(speed, state, durable, warmup, faults, event_log)
    _run(MarketChoice(product or ["BTC-USD"], seed, candles, manual, levels), account, session, served)


def _run(choice: MarketChoice, account: AccountChoice, session: Session, served: ServerOptions) -> None:
    with _refusing(served), _opened(session.event_log) as log:
        pace = _speed(session.speed, choice.manual_price)
        script = Faults(parse_faults(session.faults.read_bytes()) if session.faults is not None else ())
        simulator = _prepared(choice, account.terms(), session, log)
        asyncio.run(_serve(simulator, served, (pace, script)))
    if session.state is not None:
        save(simulator, session.state)


@contextmanager
def _opened(path: Path | None) -> Iterator[EventLog | None]:
    if path is None:
        yield None
        return
    with path.open("wb") as file:
        yield EventLog(file)


def _limits(private_per_s: float | None, public_per_s: float | None) -> RateLimits | None:
    """The limits that were asked for; one alone brings the venue's own figure for the other."""
    if private_per_s is None and public_per_s is None:
        return None
    usual = RateLimits()
    return RateLimits(
        private_per_s=private_per_s if private_per_s is not None else usual.private_per_s,
        public_per_s=public_per_s if public_per_s is not None else usual.public_per_s,
    )


def _products(names: list[str]) -> tuple[ProductSpec, ...]:
    return tuple(product_named(name) for name in dict.fromkeys(names))


def _prepared(choice: MarketChoice, terms: SimulatorOptions, session: Session, log: EventLog | None) -> Simulator:
    """Return the exchange as it is served first: taken up from its state, or new and warmed up."""
    _check_state(session)
    products = _products(choice.names)
    simulator = Simulator(_market(choice, products, session.state), products, terms)
    if session.is_durable and session.state is not None:
        simulator.subscribe(Journal(simulator, session.state))
    if log is not None:
        simulator.subscribe(log, with_book=True)
    if session.state is None or not _restored(simulator, session.state):
        for _ in range(len(products) if choice.manual_price is not None else session.warmup):
            simulator.step()
    return simulator


@contextmanager
def _refusing(served: ServerOptions) -> Iterator[None]:
    """End the command with one sentence and exit code 2 for whatever the user can mend."""
    try:
        yield
    except (ValueError, KeyInvalid) as invalid:
        _refuse(str(invalid))
    except OSError as failed:
        _refuse(_cannot_open(failed, served))


def _refuse(sentence: str) -> NoReturn:
    print(f"coinbase-sim: {sentence}", file=sys.stderr)  # noqa: T201 - this is the command's own voice
    raise typer.Exit(2)


def _cannot_open(failed: OSError, served: ServerOptions) -> str:
    if failed.filename is not None:
        return f"cannot use {failed.filename}: {failed.strerror}"
    if failed.errno not in (errno.EADDRINUSE, errno.EACCES):
        return f"cannot listen on {served.host} ({failed.strerror}): give --host an address of this machine"
    ports = " or ".join(str(number) for number in (served.port, served.tls_port) if number)
    remedy = "choose another with --port or --tls-port, or 0 for a free one"
    return f"cannot listen on port {ports} ({failed.strerror}): {remedy}"


def _check_state(session: Session) -> None:
    state = session.state
    if state is None:
        if session.is_durable:
            raise InputInvalid("--durable needs the file that is to be kept: give --state")
        return
    # Found out only at the end, a path that cannot be written would cost the whole session.
    if not state.absolute().parent.is_dir():
        raise InputInvalid(f"there is no folder {state.absolute().parent} for --state: make it first")


async def _serve(simulator: Simulator, options: ServerOptions, run: tuple[float, Faults]) -> None:
    speed, faults = run
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pacer = Pacer(simulator, speed)
    async with SimulatorServer(simulator, options, faults, pacer) as server:
        print(_ready_line(server), flush=True)  # noqa: T201 - the line that a parent process waits for
        running = asyncio.create_task(pacer.run(server.flush))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            # The market has ended, or the pacer has failed and says why here; a mere end goes on serving.
            running.result()
            await stopping
        running.cancel()
        await asyncio.wait({running})


def _ready_line(server: SimulatorServer) -> str:
    return msgspec.json.encode(
        {
            "rest": server.rest_url,
            "ws": server.ws_url,
            "tls": server.tls_url,
            "control": server.control_url,
            "ca_file": str(server.ca_file) if server.ca_file else None,
            "key_name": server.key_name,
            "key_file": str(server.key_file),
        }
    ).decode()


def _market(choice: MarketChoice, products: tuple[ProductSpec, ...], state: Path | None) -> Market:
    if choice.manual_price is not None:
        if choice.candles is not None:
            raise InputInvalid("--manual and --candles exclude each other: choose one market")
        market = _manual_market(products, state)
        if not _NUMBER.fullmatch(choice.manual_price) or not Decimal(choice.manual_price):
            raise InputInvalid(f"the price must be a positive number, not {choice.manual_price!r}")
        if not market.position:
            for spec in products:
                market.set_price(spec.product_id, Decimal(choice.manual_price))
        return market
    shape = replace(DEFAULT_LADDER, levels=choice.levels)
    if choice.candles is not None:
        if len(products) > 1:
            raise InputInvalid("--candles replays one product: name just one with --product")
        return CandleMarket(products, load_bars(choice.candles, products[0].product_id), shape)
    character = SyntheticOptions(ladder=shape)
    return SyntheticMarket(products, choice.seed, SYNTHETIC_START, options=character)


def _manual_market(products: tuple[ProductSpec, ...], state: Path | None) -> ManualMarket:
    """Return a market that goes on where the state stopped: what was set by hand before cannot be replayed."""
    if state is None or not state.exists():
        return ManualMarket(products)
    try:
        saved = decode_state(state.read_bytes())
    except ValueError as invalid:
        raise _no_state(state, invalid) from None
    return ManualMarket(products, saved.now, saved.position)


def _speed(text: str | None, manual: str | None) -> float:
    if manual is not None:
        if text not in (None, "0"):
            raise InputInvalid("--manual stands still: leave --speed out, or give --speed 0")
        return 0.0
    if text == "max":
        return MAX
    if text is None:
        return 1.0
    if not _NUMBER.fullmatch(text):
        raise InputInvalid(f"--speed must be a number of venue seconds per second, 0, or max; was {text!r}")
    return float(text)


def _rate(option: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text) or Decimal(text) >= 1:
        raise InputInvalid(f"{option} must be a share below 1, such as 0.004 for 0.4 %; was {text!r}")
    return Decimal(text)


def _balances(texts: list[str]) -> dict[str, Decimal]:
    balances: dict[str, Decimal] = {}
    for text in texts:
        match = _BALANCE.fullmatch(text)
        if match is None:
            raise InputInvalid(f"--balance must be CURRENCY=AMOUNT, such as USD=10000; was {text!r}")
        balances[match[1]] = Decimal(match[2])
    return balances


def _restored(simulator: Simulator, path: Path) -> bool:
    if not path.exists():
        return False
    try:
        simulator.restore(path.read_bytes())
    except (ValueError, KeyError, msgspec.DecodeError) as invalid:
        raise _no_state(path, invalid) from None
    return True


def _no_state(path: Path, cause: Exception) -> InputInvalid:
    return InputInvalid(
        f"{path} is not a state of this exchange with these options ({cause}): give the options it was written "
        "with, or delete it to begin anew"
    )


def main() -> None:
    """Entry point of the command."""
    app(prog_name="coinbase-sim")
