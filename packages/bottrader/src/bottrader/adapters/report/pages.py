"""How a template becomes a page: the one place where the engine is told to escape."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def compiled(name: str, **filters: Callable[..., Any]) -> Template:
    """Return the template `name` of this package with its filters; what it asks for and nobody gives is an error."""
    environment = Environment(
        loader=PackageLoader("bottrader.adapters.report"),
        # Every template is HTML: the default would trust the suffix `.j2`.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)
