"""Beauty lives in the tail: no long file and no long function in what ships."""

import ast
from collections.abc import Iterator

from tools.checks.source import Offence, Source

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 40


def check(source: Source) -> Iterator[Offence]:
    if not source.is_product:
        return
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield source.offence(1, f"the file has {lines} lines, at most {FILE_LINES_MAX}; give a part its own module")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield source.offence(
                    node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}; name its parts"
                )
