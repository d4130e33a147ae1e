"""Commands that are imported when they are called: a command on files need not load a web server and a database."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_group


class LazyGroup(TyperGroup):
    """A group that knows its commands by where they are: `module` for a group, `module:function` for a command.

    Modules are those of `bottrader.cli`. `--help` of a group loads all of its commands, for their first sentences.
    """

    places: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return the names in the order in which they were written down."""
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's signature
        """Return the command of this name, loaded now; None when there is none."""
        # For a name that there is not, all are loaded: the answer suggests the nearest of them.
        for name in (cmd_name,) if cmd_name in self.places else self.places:
            if name not in self.commands:
                self.add_command(_load(name, self.places[name]), name)
        return self.commands.get(cmd_name)


def _load(name: str, place: str) -> Any:
    module_name, _, function_name = place.partition(":")
    module = import_module(f"bottrader.cli.{module_name}")
    # Alone, a command would become a program and a group would lose its name, so either is taken out of another group.
    around = typer.Typer(rich_markup_mode="rich")
    if function_name:
        around.command(name)(getattr(module, function_name))
    else:
        around.add_typer(module.app, name=name)
    return get_group(around).commands[name]
