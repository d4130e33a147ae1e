"""Every promise of `docs/promises.md` has a test; those of invariants and security have ids, which their tests carry.

A test carries an id in its docstring: S, E and L bare; P and R after a word, `promise P2` and `invariant R1`, because
the rows of performance and of failures have the same letters. A promise without a test is an offence: whoever makes one
writes its test first, or takes it back.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

PAGE = Path("docs/promises.md")
IDS = (
    *(f"S{number}" for number in range(1, 8)),
    *(f"E{number}" for number in range(1, 8)),
    *(f"L{number}" for number in range(1, 4)),
    *(f"R{number}" for number in range(1, 3)),
    *(f"P{number}" for number in range(1, 13)),
)
HEADS = ("| promise | test |", "| id | promise | kept by |")
ROW = re.compile(r"^\| ([SELRP]\d+) \| [^|]+ \| [^|]+ \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
WORDS = {"P": "promise ", "R": "invariant "}


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence for each promise without a test, each id without a row, and each test without its row's id."""
    page, where = root / PAGE, PurePosixPath(PAGE.as_posix())
    if not page.exists():
        return
    rows: set[str] = set()
    for number, line in _promises_in(page.read_text(encoding="utf-8")):
        named = TEST.findall(line)
        if not named:
            yield Offence(where, number, "a promise without a test: write the test, or take the promise back")
        if (row := ROW.match(line)) is None:
            continue
        if row[1] in rows:
            yield Offence(where, number, f"{row[1]} has two rows")
        rows.add(row[1])
        for file, name in named:
            if not carries(_docstring(root / file, name), row[1]):
                yield Offence(where, number, f"{file}::{name} does not carry {row[1]} in its docstring")
    for identifier in IDS:
        if identifier not in rows:
            yield Offence(where, 1, f"{identifier} has no row")


def _promises_in(page: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each row of the tables of promises; other tables are none of them."""
    is_promise = False
    for number, line in enumerate(page.splitlines(), 1):
        is_head = line in HEADS
        is_promise = is_head or (is_promise and line.startswith("|"))
        if is_promise and not is_head and not line.startswith("|---"):
            yield number, line


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
