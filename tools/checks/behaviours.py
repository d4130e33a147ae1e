"""Every behaviour that `docs/behaviours.md` promises has a test, and the page names it.

A test says which rows it proves by their ids in its docstring, `B45, R17: ...`, a run of them as `B79-B87`, or in the
name of a case. The page's last column is made from those, so a promise whose last test is deleted is found here and
not by a user.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

PAGE = Path("docs/behaviours.md")
REMEDY = "run `python -m tools.behaviours_page`"
ROW = re.compile(r"^\| ([BR]\d+) \| (.+) \|([^|]*)\|$")
# A run stands on one line: the names of cases are judged one by one, and "-2" may be the figure after one.
# An invariant has a letter of these tables and is none of their rows.
IDS = re.compile(r"(?<![Ii]nvariant )\b([BR])(\d{1,3})(?: ?[-\u2013] ?\1?(\d{1,3}))?\b")
# The most tests a row names: a reader wants one to open, not all of them.
NAMED_MAX = 3

Proofs = Mapping[str, Sequence[str]]


def proofs(root: Path) -> Proofs:
    """Return for each id the tests whose docstring names it, as `path::name`, in the order of the files."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted((root / "tests").rglob("*.py")):
        path = file.relative_to(root).as_posix()
        for name, docstring in _tests_in(ast.parse(file.read_text(encoding="utf-8"))):
            for each in sorted(ids_in(docstring)):
                found[each].append(f"{path}::{name}")
    return found


def ids_in(text: str) -> set[str]:
    """Return the ids a text names, runs spelt out."""
    ids: set[str] = set()
    for letter, first, last in IDS.findall(text):
        ids |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    return ids


def render_row(identifier: str, sentence: str, tests: Sequence[str]) -> str:
    """Return the row as it stands in the page."""
    shown = ", ".join(f"`{test}`" for test in tests[:NAMED_MAX])
    more = f" and {len(tests) - NAMED_MAX} more" if len(tests) > NAMED_MAX else ""
    return f"| {identifier} | {sentence} | {shown}{more} |"


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence for each row without a test, each stale row, and each id that a test proves but no row has."""
    page, where = root / PAGE, PurePosixPath(PAGE.as_posix())
    if not page.exists():
        return
    tests, rows = proofs(root), set()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if (row := ROW.match(line)) is None:
            continue
        identifier, sentence = row[1], row[2]
        if identifier in rows:
            yield Offence(where, number, f"{identifier} has two rows")
        rows.add(identifier)
        if not tests.get(identifier):
            yield Offence(where, number, f"no test names {identifier} in its docstring")
        elif line != render_row(identifier, sentence, tests[identifier]):
            yield Offence(where, number, f"the tests of {identifier} have changed; {REMEDY}")
    for identifier in sorted(tests.keys() - rows):
        yield Offence(where, 1, f"{tests[identifier][0]} proves {identifier}, which has no row")


def _tests_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each test's name with what it says of itself: its docstring, and the names of its cases."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}::{name}", text) for name, text in _tests_in(ast.Module(node.body, [])))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            parts = (part for decorator in node.decorator_list for part in ast.walk(decorator))
            cases = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            yield node.name, "\n".join([ast.get_docstring(node) or "", *cases])
