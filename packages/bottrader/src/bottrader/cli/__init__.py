"""The command line: the only place where any error ends, in one sentence and an exit code.

Exit codes: 0 done, 1 the bot stopped because something broke, 2 the input or the configuration must be mended first.
"""

import sys
from typing import ClassVar

import typer
from rich.console import Console

from bottrader.cli.lazy import LazyGroup
from bottrader.domain.errors import BotTraderError, StartupRefused

EXIT_BROKEN = 1
EXIT_INPUT = 2


class _Commands(LazyGroup):
    places: ClassVar = {
        "demo": "paper_command:demo",
        "paper": "paper_command:paper",
        "run": "run_command:run",
        "report": "report_command",
        "explain": "explain_command:explain",
        "symbols": "symbols_command:symbols",
        "adopt": "adopt_command:adopt",
        "reconcile": "reconcile_command:reconcile",
        "lots": "lots_group",
        "cash": "cash_command",
        "db": "db_command",
        "kill": "kill_command",
        "order": "order_command:order",
        "status": "status_command:status",
        "smoke": "smoke_command:smoke",
        "halt": "halt_command:halt",
        "resume": "halt_command:resume",
        "flatten": "halt_command:flatten",
        "config": "config_command",
    }


app = typer.Typer(
    cls=_Commands,
    name="bottrader",
    help="BotTrader trades crypto on Coinbase Advanced Trade, on paper first: try `bottrader demo`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _bottrader() -> None:
    """Make this a group, whatever it holds."""


def main() -> None:
    """Run the command line and exit."""
    try:
        app()
    except StartupRefused as error:
        _say(error)
        sys.exit(EXIT_INPUT)
    except BotTraderError as error:
        _say(error)
        sys.exit(EXIT_BROKEN)


def _say(error: BotTraderError) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(f"bottrader: {error}")
