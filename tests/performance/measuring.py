"""How this layer measures: CPU seconds of this process, the best or the median of several runs, and always one thing
against another of the same run, so that a slow or a busy machine changes both."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from statistics import median
from time import process_time
from urllib.parse import parse_qs, urlsplit, urlunsplit

RUNS = 5
CHUNK_BYTES = 65_536


def cpu_s(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the CPU seconds of `work`, the smallest of `runs`: noise only ever adds."""
    taken = []
    for _ in range(runs):
        with _without_collector():
            started = process_time()
            work()
            taken.append(process_time() - started)
    return min(taken)


async def cpu_s_of(work: Callable[[], Coroutine[object, object, object]], runs: int = RUNS) -> float:
    """Return the CPU seconds of awaiting `work`, the smallest of `runs`."""
    taken = []
    for _ in range(runs):
        with _without_collector():
            started = process_time()
            await work()
            taken.append(process_time() - started)
    return min(taken)


async def cpu_s_in_turns(
    *works: Callable[[], Coroutine[object, object, object]], runs: int
) -> tuple[Sequence[float], ...]:
    """Return each work's CPU seconds, run by run; all take turns within a run, so that what else the machine does
    meets all of them alike. The first turn, which fills caches and opens connections, is not counted."""
    taken: tuple[list[float], ...] = tuple([] for _ in works)
    with _without_collector():
        for run in range(runs + 1):
            for seconds, work in zip(taken, works, strict=True):
                started = process_time()
                await work()
                if run:
                    seconds.append(process_time() - started)
    return taken


def median_ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios run by run: a run that was disturbed counts like any other, not by its size."""
    return median(one / other for one, other in zip(ours, others, strict=True))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector out, as `timeit` does: when it runs depends on everything that ran before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


RATIOS: dict[str, float] = {}
"""What this run found, by the name of its line; kept by `history` at the end."""


def tell(what: str, figures: str, *, ratio: float | None = None) -> None:
    """Print one line of the benchmark; a ratio or a count is also kept for the trend."""
    if ratio is not None:
        RATIOS[what.rstrip(":")] = float(ratio)
    print(f"\n  {what:<46} {figures}", end="")  # noqa: T201 - these lines are what the layer is run for


@dataclass
class Wire:
    """Counts the round trips of one connection's conversation with the database."""

    url: str
    round_trips: int = 0
    _client_spoke_last: bool = False

    def client_said(self) -> None:
        if not self._client_spoke_last:
            self.round_trips += 1
        self._client_spoke_last = True

    def server_said(self) -> None:
        self._client_spoke_last = False

    async def count(self, work: Coroutine[object, object, object]) -> int:
        """Await `work` and return how often it waited for the database."""
        before = self.round_trips
        await work
        return self.round_trips - before


@asynccontextmanager
async def counted(database_url: str) -> AsyncIterator[Wire]:
    """Yield a URL of the same database that leads through a proxy, which counts what passes: nothing is assumed about
    the driver, its cache of statements or its pool."""
    wire = Wire("")
    streams: list[asyncio.StreamWriter] = []

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await _connect(database_url)
        streams.extend((to_client, to_server))
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(_pump(from_client, to_server, wire.client_said))
            pumps.create_task(_pump(from_server, to_client, wire.server_said))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(database_url)
        credentials = parts.netloc.rpartition("@")[0]
        wire.url = urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}", query=""))
        yield wire
        for stream in streams:
            stream.close()


async def _connect(database_url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(database_url)
    folder = parse_qs(parts.query).get("host")
    if folder:
        return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{parts.port or 5432}")
    return await asyncio.open_connection(parts.hostname, parts.port or 5432)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, told: Callable[[], None]) -> None:
    while chunk := await source.read(CHUNK_BYTES):
        told()
        target.write(chunk)
        await target.drain()
    target.close()
