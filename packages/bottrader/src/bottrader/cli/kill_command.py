"""`bottrader kill`: stop every entry, at once and across restarts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.kill_file import KillFileOnDisk
from bottrader.bootstrap.database import open_database
from bottrader.cli.options import ConfigFile
from bottrader.config import load_settings
from bottrader.domain.risk import KillSwitch
from bottrader.ports import Store
from bottrader.ports.kill_file import KILL_FILE_NAME

SOURCE = "cli"

app = typer.Typer(
    help="Stop every entry, at once and across restarts; positions may still be left. A file named KILL in the data"
    " folder does the same, as does a signed POST to /kill of the webhook.",
    no_args_is_help=True,
)

Reason = Annotated[str, typer.Option(help="Why, for whoever finds it thrown.")]


@app.command("on")
def turn_on(
    reason: Reason = "by hand",
    flatten: Annotated[bool, typer.Option("--flatten", help="Sell every position at the market as well.")] = False,
    config: ConfigFile = None,
) -> None:
    """Stop every entry; a running bot sells everything too with --flatten."""
    _throw(KillSwitch(True, reason, SOURCE, datetime.now(UTC), flatten), config)


@app.command("off")
def turn_off(reason: Reason = "by hand", config: ConfigFile = None) -> None:
    """Allow entries again; a KILL file has to be removed by hand."""
    _throw(KillSwitch(False, reason, SOURCE, datetime.now(UTC)), config)


@app.command()
def status(config: ConfigFile = None) -> None:
    """Tell whether the switch is on, since when and why."""
    _tell(None, config)


def _throw(switch: KillSwitch, config: Path | None) -> None:
    async def record(store: Store) -> None:
        await store.record_kill_switch(switch)

    _tell(record, config)


def _tell(act: Callable[[Store], Awaitable[None]] | None, config: Path | None) -> None:
    """Do `act` to the store of `bottrader run` and say how the switch stands."""
    settings = load_settings(file=config)

    async def run() -> KillSwitch | None:
        async with open_database(settings) as dsn, open_store(dsn) as store:
            if act is not None:
                await act(store)
            return await store.kill_switch()

    switch = asyncio.run(run())
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if switch is None:
        console.print("kill switch: off, never thrown")
    else:
        flatten = ", sells everything" if switch.flattens else ""
        state = "on" if switch.is_on else "off"
        console.print(f"kill switch: {state} since {switch.at.isoformat()} ({switch.source}){flatten}: {switch.reason}")
    file = settings.data_dir / KILL_FILE_NAME
    in_file = KillFileOnDisk(file).reason()
    if in_file is not None:
        console.print(f"kill file {file}: on: {in_file}")
