"""`bottrader config`: what is set, by whom, what each setting means, and whether the bot would start with it."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bottrader.bootstrap.roles import Role, start_faults
from bottrader.cli.options import ConfigFile
from bottrader.config import Configuration, Settings, load_configuration, variable_name
from bottrader.domain.errors import ConfigInvalid

app = typer.Typer(help="Look at the configuration and check it.", no_args_is_help=True)


@app.command()
def show(config: ConfigFile = None) -> None:
    """Show every setting with its value in force and where that comes from; secrets as stars.

    A setting comes from the environment, else from a file .env in this folder, else from the settings file, else from
    its default. A BOTTRADER_ variable or a key that no setting has is an error.
    """
    _print(load_configuration(file=config))


@app.command()
def check(
    config: ConfigFile = None,
    role: Annotated[
        Role | None, typer.Option(help="Check what `bottrader run` in this role needs as well: key and secret.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every setting and where it comes from.")] = False,
) -> None:
    """Check everything that a start would, and start nothing; exit code 2 and a sentence for each thing that is wrong.

    Names, values, rules that contradict each other, the strategy and its parameters, brackets that cannot pay, the key
    file and the data folder. The exchange and the database are not asked.
    """
    configuration = load_configuration(file=config)
    if verbose:
        _print(configuration)
    settings = configuration.settings
    if faults := start_faults(settings, role):
        raise ConfigInvalid("\n".join(faults))
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"the configuration is fine, hash {settings.config_hash()}")
    if settings.exchange_key_file is None:
        console.print("no API key: enough for `bottrader paper`, not for `bottrader run`")


def _print(configuration: Configuration) -> None:
    table = Table("variable", "value", "from", "meaning", header_style="bold")
    settings, origins = configuration.settings, configuration.origins
    for name, value in settings.shown().items():
        table.add_row(variable_name(name), value, origins[name], Settings.model_fields[name].description)
    console = Console()
    console.print(table)
    console.print(f"configuration hash {settings.config_hash()}")
