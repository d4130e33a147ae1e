"""Rebuild all lots of a database and print what it took, as JSON: a process of its own, so that its memory is its own.

Wall seconds of each phase; rows are made while the server stores, so `store` is what is left. What is
not in a phase (the log, the switch, the commits) is in `total` only. `loading` is what the compiled code takes to come
from the disk, before. `plain` as second argument takes the plain route.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from bottrader.adapters.postgres import version_store
from bottrader.adapters.postgres.bulk import compiled
from bottrader.adapters.postgres.store import open_store
from bottrader.domain.lots import LotMethod
from tests.fixtures.copy_streams import rows_by_kernel
from tests.fixtures.trade_generator import TradeGenerator

seconds = {"load": 0.0, "match": 0.0, "encode": 0.0, "write": 0.0}


def main() -> None:
    url, route = sys.argv[1:]
    if route == "plain":
        version_store.COMPILED_FROM = 2**31 - 1
    else:
        version_store.COMPILED_FROM = 1
        _watch()
    sys.stdout.write(json.dumps(asyncio.run(_rebuild(url))))


async def _rebuild(url: str) -> dict[str, float]:
    started = perf_counter()
    assert rows_by_kernel(TradeGenerator().executions(10)) is not None
    seconds["loading"] = perf_counter() - started
    async with open_store(url) as store:
        await store.ping()
        started = perf_counter()
        result = await store.rebuild_allocations(LotMethod.FIFO, datetime.now(UTC))
        total = perf_counter() - started
    seconds["store"] = seconds.pop("write") - seconds["match"] - seconds["encode"]
    rows = {"rows": result.allocations_count, "unmatched": result.unmatched_count, "version": result.version.number}
    return {**seconds, "total": total, "peak_mb": _peak_mb(), **rows}


def _peak_mb() -> float:
    """Return the most memory this program ever had; `getrusage` would count that of the process that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def _watch() -> None:
    """Measure the phases where they begin and end."""
    module: Any = compiled
    load, write_stream, encoded = module.load, module.write_stream, module.Stream.encoded

    async def timed_load(*args: Any) -> Any:
        started = perf_counter()
        try:
            return await load(*args)
        finally:
            seconds["load"] += perf_counter() - started

    async def timed_write(*args: Any) -> None:
        started = perf_counter()
        await write_stream(*args)
        seconds["write"] += perf_counter() - started

    def timed(function: Any) -> Any:
        def work(*args: Any) -> Any:
            started = perf_counter()
            try:
                return function(*args)
            finally:
                seconds["match"] += perf_counter() - started

        return work

    def timed_encoded(self: Any) -> Iterator[bytes]:
        pieces = encoded(self)
        while True:
            started = perf_counter()
            piece = next(pieces, None)
            seconds["encode"] += perf_counter() - started
            if piece is None:
                return
            yield piece

    for name in ("fit", "match"):
        setattr(module, name, timed(getattr(module, name)))
    module.load, module.write_stream, module.Stream.encoded = timed_load, timed_write, timed_encoded


if __name__ == "__main__":
    main()
