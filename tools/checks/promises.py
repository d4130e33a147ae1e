"""Every invariant and security promise has a row in `docs/promises.md`, and a test of the row carries its id.

A test carries an id in its docstring: S, E and L bare; P and R after a word, `promise P2` and `invariant R1`, because
the rows of performance and of failures have the same letters. A row without a test says `not kept yet:` and why.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

PAGE = Path("docs/promises.md")
HEADING = "## Invariants and security promises"
IDS = (
    *(f"S{number}" for number in range(1, 8)),
    *(f"E{number}" for number in range(1, 8)),
    *(f"L{number}" for number in range(1, 4)),
    *(f"R{number}" for number in range(1, 3)),
    *(f"P{number}" for number in range(1, 13)),
)
ROW = re.compile(r"^\| ([SELRP]\d+) \| [^|]+ \| ([^|]+) \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
NOT_KEPT = "not kept yet: "
WORDS = {"P": "promise ", "R": "invariant "}


def tests_of(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return for each row the tests it names, as file and name; empty for what is not kept yet."""
    return {row[1]: TEST.findall(row[2]) for line in page.splitlines() if (row := ROW.match(line))}


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence for each id without a row, and each row whose tests do not carry its id."""
    page, where = root / PAGE, PurePosixPath(PAGE.as_posix())
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    if HEADING not in text:
        return
    rows = set()
    for number, line in enumerate(text.splitlines(), 1):
        if (row := ROW.match(line)) is None:
            continue
        identifier, proof = row[1], row[2]
        if identifier in rows:
            yield Offence(where, number, f"{identifier} has two rows")
        rows.add(identifier)
        named = TEST.findall(proof)
        if not named and not proof.startswith(NOT_KEPT):
            yield Offence(where, number, f"{identifier} names no test and does not say `{NOT_KEPT.strip()}`")
        for file, name in named:
            if not carries(_docstring(root / file, name), identifier):
                yield Offence(where, number, f"{file}::{name} does not carry {identifier} in its docstring")
    for identifier in IDS:
        if identifier not in rows:
            yield Offence(where, 1, f"{identifier} has no row")


def carries(docstring: str, identifier: str) -> bool:
    """Return whether a docstring names the id, as its letter asks."""
    return re.search(rf"\b{WORDS.get(identifier[0], '')}{identifier}\b", docstring, re.IGNORECASE) is not None


def _docstring(file: Path, name: str) -> str:
    body = ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else []
    *groups, test = name.split("::")
    for group in groups:
        body = next((node.body for node in body if isinstance(node, ast.ClassDef) and node.name == group), [])
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == test:
            return ast.get_docstring(node) or ""
    return ""
