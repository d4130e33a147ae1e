"""What is wrong with a file, all of it: whoever mends it wants to see every line at once, but not ten thousand."""

from pathlib import Path

from bottrader.domain.errors import FileRefused

LISTED_MAX = 50
"""How many problems are listed; the rest is counted."""

_QUOTED_MAX = 60


class Problems:
    """Collects problems of one file in the order of its lines."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._listed: list[str] = []
        self._count = 0

    def add(self, line: int, reason: str) -> None:
        """Take note of what is wrong with a line, counted from 1."""
        self._count += 1
        if len(self._listed) < LISTED_MAX:
            self._listed.append(f"  line {line}: {reason}")

    def refuse_if_any(self) -> None:
        """Raise `FileRefused` with the list when there was a problem."""
        if not self._count:
            return
        noun = "problem" if self._count == 1 else "problems"
        rest = self._count - len(self._listed)
        lines = [
            f"{self._file} cannot be used, nothing was written; {self._count} {noun} to mend:",
            *self._listed,
            *([f"  and {rest} more"] if rest else []),
        ]
        raise FileRefused("\n".join(lines))


def quoted(text: str) -> str:
    """Return the text in quotes, its unprintable characters spelled out, and shortened when it is long."""
    return repr(text if len(text) <= _QUOTED_MAX else f"{text[:_QUOTED_MAX]}…")
