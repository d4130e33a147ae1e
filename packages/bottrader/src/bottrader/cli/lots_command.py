"""`bottrader lots rebuild`, `versions` and `drop`: the allocations in the database, as a whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.allocate_lots import rebuild_lots
from bottrader.bootstrap.database import open_database
from bottrader.cli.options import ConfigFile
from bottrader.config import load_settings
from bottrader.domain.lots import LotMethod
from bottrader.ports import VersionSummary

Answer = TypeVar("Answer")


class Method(StrEnum):
    """The methods that need no further instruction."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


def rebuild(
    method: Annotated[
        Method | None,
        typer.Option(help="Lots a sell takes: oldest, newest or dearest first. [default: as in the active version]"),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Match all executions anew into a new version, and make it the active one.

    Reports show the version before until the new one is complete; a running bot goes on meanwhile.
    """
    chosen = None if method is None else LotMethod(method)
    result = asyncio.run(_on_store(lambda store: rebuild_lots(store, SystemClock(), RecentEvents(), chosen), config))
    _say(
        f"version {result.version.number} ({result.version.method}) is active: {result.executions_count:,} executions,"
        f" {result.allocations_count:,} allocations, {result.unmatched_count:,} without a buy, P&L {result.pnl:f}"
    )


def versions(config: ConfigFile = None) -> None:
    """List all versions of the allocations; reports show the active one."""
    Console(highlight=False).print(
        versions_table(asyncio.run(_on_store(lambda store: store.allocation_versions(), config)))
    )


def drop(
    version: Annotated[int, typer.Argument(help="Number of a version that is not the active one.")],
    config: ConfigFile = None,
) -> None:
    """Delete the rows of a version. Facts stay, so a rebuild by its method gives the same rows again."""
    rows = asyncio.run(_on_store(lambda store: store.drop_version(version), config))
    _say(f"version {version} is dropped: {rows:,} allocations")


def versions_table(summaries: Sequence[VersionSummary]) -> Table:
    """Return one row a version, oldest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("Version", "Method", "Status", "Made"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Allocations", "Without a buy", "P&L"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in summaries:
        table.add_row(
            str(each.version.number),
            each.version.method.value,
            "active" if each.is_active else each.status.value,
            f"{each.created_at:%Y-%m-%d %H:%M} UTC",
            f"{each.allocations_count:,}",
            f"{each.unmatched_count:,}",
            f"{each.pnl:f}",
        )
    return table


async def _on_store(ask: Callable[[PostgresStore], Awaitable[Answer]], config: Path | None) -> Answer:
    async with open_database(load_settings(file=config)) as dsn, open_store(dsn) as store:
        return await ask(store)


def _say(sentence: str) -> None:
    Console(highlight=False, soft_wrap=True).print(sentence)
