"""`bottrader config`: what is set, and what each setting means."""

import typer
from rich.console import Console
from rich.table import Table

from bottrader.config import Settings, load_settings, variable_name

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `config` a group of commands while it has only one."""


@app.command()
def show() -> None:
    """Show every setting with its value in force; secrets as stars.

    A setting comes from the environment, else from a file .env in this folder, else from its default. A BOTTRADER_
    variable that no setting reads is an error.
    """
    settings = load_settings()
    table = Table("variable", "value", "meaning", header_style="bold")
    for name, value in settings.shown().items():
        table.add_row(variable_name(name), value, Settings.model_fields[name].description)
    console = Console()
    console.print(table)
    console.print(f"configuration hash {settings.config_hash()}")
