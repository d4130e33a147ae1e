"""Catch what is expected: a broad handler outside `cli` hides the bug, and a swallowed cancellation hangs the stop."""

import ast
from collections.abc import Iterator

from tools.checks.source import Offence, Source

BROAD = {"Exception", "BaseException"}


def check(source: Source) -> Iterator[Offence]:
    if not source.is_product:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        names = _names(node.type)
        if source.room != "cli" and (node.type is None or names & BROAD):
            yield source.offence(node.lineno, "a broad except stands in cli only; catch what you expect")
        if "CancelledError" in names and not _raises(node):
            yield source.offence(node.lineno, "CancelledError is swallowed; re-raise it")


def _names(caught: ast.expr | None) -> set[str]:
    """Return the last parts of the caught names: `asyncio.CancelledError` gives `CancelledError`."""
    if isinstance(caught, ast.Tuple):
        return set().union(*(_names(part) for part in caught.elts))
    if isinstance(caught, ast.Attribute):
        return {caught.attr}
    return {caught.id} if isinstance(caught, ast.Name) else set()


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for statement in handler.body for node in ast.walk(statement))
