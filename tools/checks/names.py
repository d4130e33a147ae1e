"""A room is named for what it holds; a drawer for everything has no name."""

from collections.abc import Iterator

from tools.checks.source import Offence, Source

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "shared", "base", "manager", "misc"}


def check(source: Source) -> Iterator[Offence]:
    if not source.is_product:
        return
    for part in source.path.with_suffix("").parts:
        words = set(part.strip("_").split("_"))
        if words & FORBIDDEN:
            yield source.offence(1, f"no module is called {part!r}; name it for what it holds")
