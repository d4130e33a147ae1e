"""What a rule reads and what it says: one parsed file in, offences out."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Where Python of ours lives; a folder that is not listed is not checked, so `test_every_python_file_is_checked` looks.
ROOTS = ("packages", "tests", "tools", "noxfile.py")


@dataclass(frozen=True, slots=True)
class Offence:
    """One place that breaks a rule, with what to do about it."""

    path: PurePosixPath
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file; `path` is relative to the root of the repository."""

    path: PurePosixPath
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, path: str, text: str) -> "Source":
        """Raises `SyntaxError` for text that is not Python."""
        return cls(PurePosixPath(path), text, ast.parse(text, filename=path))

    @property
    def is_product(self) -> bool:
        """Tell whether this ships to users, as opposed to tests and tools."""
        return "src" in self.path.parts

    @property
    def room(self) -> str:
        """Return the folder or module below the package, for example `domain` or `cli`; empty outside packages."""
        parts = self.path.with_suffix("").parts
        return parts[parts.index("src") + 2] if self.is_product and len(parts) > parts.index("src") + 2 else ""

    def offence(self, line: int, message: str) -> Offence:
        return Offence(self.path, line, message)


def files(root: Path) -> Iterator[Path]:
    """Yield every Python file of ours below `root`, in a stable order."""
    for name in ROOTS:
        start = root / name
        yield from [start] if start.is_file() else sorted(start.rglob("*.py"))
