"""`bottrader lots`: which buy each sell closes."""

import typer

from bottrader.cli import lots_check_command, lots_command

app = typer.Typer(help="Tax lots: which buy each sell closes, and what that earned.", no_args_is_help=True)
app.command("check")(lots_check_command.check)
app.command("rebuild")(lots_command.rebuild)
app.command("versions")(lots_command.versions)
app.command("drop")(lots_command.drop)
