"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file. [default: BOTTRADER_CONFIG, else bottrader.toml in this folder]"),
]
