"""`asyncio.wait_for` loses a cancellation that arrives with the result on Python 3.11; `asyncio.timeout` does not.

The linter's list of banned calls covers `domain` and `app`; this one holds everywhere, tests included.
"""

import ast
from collections.abc import Iterator

from tools.checks.source import Offence, Source

MESSAGE = "asyncio.wait_for loses cancellations on Python 3.11; use asyncio.timeout"


def check(source: Source) -> Iterator[Offence]:
    modules = {"asyncio"}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.name == "asyncio" and alias.asname}
    for node in ast.walk(source.tree):
        match node:
            case ast.ImportFrom(module="asyncio" | "asyncio.tasks", names=names) if any(
                alias.name == "wait_for" for alias in names
            ):
                yield source.offence(node.lineno, MESSAGE)
            case ast.Attribute(attr="wait_for", value=ast.Name(id=name)) if name in modules:
                yield source.offence(node.lineno, MESSAGE)
