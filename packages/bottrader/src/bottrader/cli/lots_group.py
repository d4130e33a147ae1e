"""`bottrader lots`: which buy each sell closes. Each command is loaded alone, since those on files need no database."""

from typing import ClassVar

import typer

from bottrader.cli.lazy import LazyGroup


class _Commands(LazyGroup):
    places: ClassVar = {
        "compute": "lots_files_command:compute",
        "export": "lots_files_command:export",
    }


app = typer.Typer(
    cls=_Commands, help="Tax lots: which buy each sell closes, and what that earned.", no_args_is_help=True
)


@app.callback()
def _lots() -> None:
    """Make this a group, whatever it holds."""
