"""`bottrader run`: a role as a long-running process."""

import asyncio
from typing import Annotated

import typer

from bottrader.bootstrap.roles import Role, run_role
from bottrader.cli.options import ConfigFile
from bottrader.cli.stopping import run_until_stopped
from bottrader.config import load_settings


def run(
    role: Annotated[Role, typer.Option(help="What this process does.")] = Role.ALL,
    config: ConfigFile = None,
) -> None:
    """Run the bot until Ctrl-C, at the exchange that the settings name.

    [bold]webhook[/bold] accepts signals on port 5003, places orders, watches positions; only one acts at a time, and
    a second one waits. [bold]sighook[/bold] watches the market and sends signals. [bold]reporter[/bold] writes the
    report every hour. [bold]all[/bold] is the three in one process, [bold]both[/bold] the first two.

    Needs BOTTRADER_EXCHANGE_KEY_FILE; BOTTRADER_MODE=live trades real money. Log lines are JSON, on standard error.
    """
    settings = load_settings(file=config)

    async def work(stop: asyncio.Event) -> None:
        await run_role(settings, role, stop)

    run_until_stopped(work)
