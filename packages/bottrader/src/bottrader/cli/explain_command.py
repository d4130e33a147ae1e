"""`bottrader explain`: why a signal was given and what became of it."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.postgres.store import open_store
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.cli.explanation import components_table, history_table
from bottrader.cli.options import ConfigFile
from bottrader.cli.report_command import DEFAULT_DATABASE
from bottrader.config import Settings, load_settings
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.signals import SignalId
from bottrader.ports import SignalHistory


def explain(
    signal_id: Annotated[str, typer.Argument(metavar="SIGNAL-ID", help="The id, as the log and the database show it.")],
    config: ConfigFile = None,
) -> None:
    """Print why a signal was given, indicator by indicator, and what became of it: refused, expired or ordered.

    Reads DATABASE_URL; without it the newest paper session of the data folder, else the embedded database of
    `bottrader run`.
    """
    history = asyncio.run(_history(load_settings(file=config), SignalId(signal_id)))
    console = Console(highlight=False)
    console.print(history_table(history))
    breakdown = history.signal.breakdown
    if breakdown is None or not breakdown.components:
        console.print("Its strategy keeps no components; the figures above are what it decided by.", soft_wrap=True)
    else:
        console.print(components_table(breakdown))


async def _history(settings: Settings, signal_id: SignalId) -> SignalHistory:
    name = last_session(settings.data_dir) or DEFAULT_DATABASE
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        history = await store.signal_history(signal_id)
    if history is None:
        raise ConfigInvalid(
            f"there is no signal {signal_id!r} in the books of {name}; ids stand in the log and database"
        )
    return history
