"""Run every house rule over the repository: `python -m tools.checks [ROOT]`."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks import (
    behaviours,
    components,
    configuration,
    constraints,
    contents,
    documents,
    handlers,
    lengths,
    names,
    promises,
    suppressions,
    waiting,
)
from tools.checks.source import Offence, Source, files

RULES = (lengths, handlers, names, waiting, suppressions)


def offences(root: Path) -> Iterator[Offence]:
    """Yield all offences below `root`, file by file; a file that is not Python is one too."""
    for file in files(root):
        path = file.relative_to(root).as_posix()
        try:
            source = Source.parse(path, file.read_text(encoding="utf-8"))
        except SyntaxError as error:
            yield Offence(PurePosixPath(path), error.lineno or 1, f"this is not Python: {error.msg}")
            continue
        for rule in RULES:
            yield from rule.check(source)
    for whole in (constraints, contents, configuration, documents, behaviours, promises, components):
        yield from whole.check(root)


def main(root: Path) -> int:
    """Print what was found and return the exit code."""
    found = list(offences(root))
    for offence in found:
        print(offence)
    print(f"house rules: {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
