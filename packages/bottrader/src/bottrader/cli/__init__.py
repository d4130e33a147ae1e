"""The command line: the only place where any error ends, in one sentence and an exit code.

Exit codes: 0 done, 1 the bot stopped because something broke, 2 the input or the configuration must be mended first.
"""

import sys

import typer
from rich.console import Console

from bottrader.cli import (
    adopt_command,
    config_command,
    db_command,
    explain_command,
    kill_command,
    paper_command,
    report_command,
    run_command,
    symbols_command,
)
from bottrader.domain.errors import BotTraderError, StartupRefused

EXIT_BROKEN = 1
EXIT_INPUT = 2

app = typer.Typer(
    name="bottrader",
    help="BotTrader trades crypto on Coinbase Advanced Trade, on paper first: try `bottrader demo`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("demo")(paper_command.demo)
app.command("paper")(paper_command.paper)
app.command("run")(run_command.run)
app.command("explain")(explain_command.explain)
app.command("symbols")(symbols_command.symbols)
app.command("adopt")(adopt_command.adopt)
app.add_typer(report_command.app, name="report")
app.add_typer(db_command.app, name="db")
app.add_typer(kill_command.app, name="kill")
app.add_typer(config_command.app, name="config")


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
