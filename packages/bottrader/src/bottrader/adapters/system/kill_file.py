"""The kill switch as a file in the data folder: `touch KILL` stops entries, `rm KILL` allows them again."""

from pathlib import Path

REASON_LENGTH_MAX = 200


class KillFileOnDisk:
    """Looks at the file each time; one `stat` costs less than an order sent in spite of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reason(self) -> str | None:
        try:
            text = self._path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"the file {self._path} cannot be read: {error.strerror}"
        return " ".join(text.split())[:REASON_LENGTH_MAX] or f"the file {self._path} is there"
