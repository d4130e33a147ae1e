"""`bottrader lots`: which buy each sell closes."""

import typer

from bottrader.cli import lots_check_command

app = typer.Typer(help="Tax lots: which buy each sell closes, and what that earned.", no_args_is_help=True)
app.command("check")(lots_check_command.check)
