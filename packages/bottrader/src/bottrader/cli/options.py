"""Options that several commands have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bottrader.domain.errors import StartupRefused
from bottrader.domain.smoke import SERVICES

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file. [default: BOTTRADER_CONFIG, else bottrader.toml in this folder]"),
]
ServiceAddresses = Annotated[
    list[str] | None, typer.Option("--service", help="NAME=URL: where sighook or reporter answers; several times.")
]


def addresses_of(given: Sequence[str] | None) -> dict[str, str]:
    """Return the origins of services by name; raises `StartupRefused` for what is not NAME=URL."""
    addresses = {}
    for each in given or []:
        name, equals, url = each.partition("=")
        if name not in SERVICES or not equals or not url.startswith(("http://", "https://")):
            names = ", ".join(SERVICES)
            raise StartupRefused(f"--service {each} is none; it is NAME=URL with a name of {names}")
        addresses[name] = url
    return addresses
