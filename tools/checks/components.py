"""Every component has a test in every layer, and `docs/testing.md` names one: the matrix is made from the markers.

A test says what it checks by `@pytest.mark.component("fifo_engine")`, on itself, its class or its module. A marker is a
claim of its author, as a name is; whether the test is a good one is for the reviewer.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

PAGE = Path("docs/testing.md")
REMEDY = "run `python -m tools.matrix_page`"
BEGIN, END = "<!-- matrix: made by tools.matrix_page -->", "<!-- end of matrix -->"
COMPONENTS = {
    "fifo_engine": "FIFO engine",
    "position_monitor": "Position monitor",
    "order_manager": "Order manager",
    "signal_manager": "Signal manager",
    "trade_recorder": "Trade recorder",
    "websocket_handler": "WebSocket handler",
    "report_generator": "Report generator",
    "config_manager": "Config manager",
    "logger": "Logger",
}
LAYERS = {"unit": "tests/unit", "integration": "tests/integration", "e2e": "tests/end_to_end"}

Cells = Mapping[tuple[str, str], Sequence[str]]


def tests_by_cell(root: Path) -> Cells:
    """Return for each component and layer the marked tests, as `path::name`, in the order of the files."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for layer, folder in LAYERS.items():
        for file in sorted((root / folder).rglob("test_*.py")):
            path = file.relative_to(root).as_posix()
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for name, components in _marked(tree.body, _of_block(tree.body)):
                for component in sorted(components):
                    found[component, layer].append(f"{path}::{name}")
    return found


def render(text: str, cells: Cells) -> str:
    """Return the page with the matrix made anew, between its two signs."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = ["| component | " + " | ".join(LAYERS) + " |", "|---" * (len(LAYERS) + 1) + "|"]
    for component, title in COMPONENTS.items():
        shown = [_cell(cells.get((component, layer), ())) for layer in LAYERS]
        rows.append(f"| {title} | " + " | ".join(shown) + " |")
    return f"{before}{BEGIN}\n\n" + "\n".join(rows) + f"\n\n{END}{after}"


def check(root: Path, *, is_page_judged: bool = True) -> Iterator[Offence]:
    """Yield an offence for each empty cell, each unknown component and, where judged, a page that is out of date."""
    page, where = root / PAGE, PurePosixPath(PAGE.as_posix())
    if not page.exists():
        return
    cells = tests_by_cell(root)
    for component, layer in sorted(cells.keys()):
        if component not in COMPONENTS:
            yield Offence(where, 1, f"{cells[component, layer][0]} is marked with {component}, which is no component")
    for component, title in COMPONENTS.items():
        for layer in LAYERS:
            if not cells.get((component, layer)):
                yield Offence(where, 1, f"no {layer} test is marked with {component} ({title})")
    text = page.read_text(encoding="utf-8")
    if is_page_judged and text != render(text, cells):
        yield Offence(where, 1, f"the matrix of components is out of date; {REMEDY}")


def _cell(tests: Sequence[str]) -> str:
    # One to open. Their number would make the page old with each test that is written.
    return f"`{tests[0]}`" if tests else "none"


def _marked(body: Sequence[ast.stmt], inherited: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each test that is marked, with its components; a class whose tests are all inherited counts as one."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            outer = inherited | _of_decorators(node.decorator_list) | _of_block(node.body)
            inner = list(_marked(node.body, outer))
            yield from ((f"{node.name}::{name}", components) for name, components in inner)
            if outer and not inner:
                yield node.name, outer
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            components = inherited | _of_decorators(node.decorator_list)
            yield from [(node.name, components)] if components else []


def _of_block(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Return what the `pytestmark` of a module or class names."""
    return _of_decorators(
        [
            mark
            for node in body
            if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets)
            for mark in (node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value])
        ]
    )


def _of_decorators(marks: Sequence[ast.expr]) -> frozenset[str]:
    return frozenset(
        argument.value
        for mark in marks
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.component"
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )
